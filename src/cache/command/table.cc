#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/ensure.h"
#include "base/text.h"
#include "cache/command/command.h"
#include "cache/command/rows.h"
#include "cache/resp/number.h"

namespace chorus::cache {
namespace {

constexpr std::size_t name_octets_max = 64;

/// Names are short: lower case without memory of its own.
struct LowerName {
  char octets[name_octets_max];
  std::size_t size;
  explicit LowerName(std::string_view name) : size(std::min(name.size(), name_octets_max)) {
    for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<char>(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
  }
  std::string_view view() const { return {octets, size}; }
};

}  // namespace

struct CommandTable::Index {
  absl::flat_hash_map<std::string_view, const Command*> by_name;
};

std::string Command::full_name() const {
  return container == nullptr ? std::string(name) : std::string(container->name) + "|" + std::string(name);
}

const CommandTable& CommandTable::all() {
  static const CommandTable table;
  return table;
}

CommandTable::CommandTable() : index_(new Index) {
  for (const auto& rows : {string_rows(), generic_rows(), hash_rows(), list_rows(), set_rows(), zset_rows(), bitmap_rows(),
                           hyperloglog_rows(), persistence_rows(), pubsub_rows(), stream_rows(), geo_rows(), scripting_rows(),
                           connection_rows(), server_rows(), transaction_rows(), cluster_rows(), replication_rows()}) {
    commands_.insert(commands_.end(), rows.begin(), rows.end());
  }
  for (Command& command : commands_) {
    ENSURE(command.name.size() <= name_octets_max && index_->by_name.emplace(command.name, &command).second, command.name);
    auto& own = subcommands_.emplace_back(command.subcommands.begin(), command.subcommands.end());
    for (Command& sub : own) sub.container = &command;
    command.subcommands = own;
  }
}

const Command* CommandTable::find(std::string_view name) const {
  if (name.size() > name_octets_max) return nullptr;
  const auto found = index_->by_name.find(LowerName(name).view());
  return found == index_->by_name.end() ? nullptr : found->second;
}

const Command* CommandTable::find_subcommand(const Command& container, std::string_view name) const {
  if (name.size() > name_octets_max) return nullptr;
  const LowerName lower(name);
  const auto found = std::find_if(container.subcommands.begin(), container.subcommands.end(),
                                  [&](const Command& sub) { return sub.name == lower.view(); });
  return found == container.subcommands.end() ? nullptr : &*found;
}

bool find_keys(const Command& command, Arguments arguments, std::vector<std::size_t>& at) {
  at.clear();
  if (command.find_keys != nullptr) return command.find_keys(arguments, at);
  if (command.keys.first == 0) return true;
  const auto count = static_cast<int>(arguments.size());
  const int last = command.keys.last < 0 ? count + command.keys.last : command.keys.last;
  for (int i = command.keys.first; i <= last; i += command.keys.step) {
    if (i >= count) return false;
    at.push_back(static_cast<std::size_t>(i));
  }
  return true;
}

std::string_view name_of(Group group) {
  constexpr std::string_view names[] = {"generic",    "string", "list",      "set",         "sorted-set", "hash", "pubsub", "transactions",
                                        "connection", "server", "scripting", "hyperloglog", "cluster",    "geo",  "stream", "bitmap"};
  return names[static_cast<std::size_t>(group)];
}

std::vector<std::string_view> flag_names(const Command& command) {
  // In the order in which Redis names them.
  constexpr std::array<std::pair<Flag, std::string_view>, 19> names = {{{Flag::write, "write"},
                                                                        {Flag::readonly, "readonly"},
                                                                        {Flag::denyoom, "denyoom"},
                                                                        {Flag::admin, "admin"},
                                                                        {Flag::pubsub, "pubsub"},
                                                                        {Flag::noscript, "noscript"},
                                                                        {Flag::blocking, "blocking"},
                                                                        {Flag::loading, "loading"},
                                                                        {Flag::stale, "stale"},
                                                                        {Flag::skip_monitor, "skip_monitor"},
                                                                        {Flag::skip_slowlog, "skip_slowlog"},
                                                                        {Flag::asking, "asking"},
                                                                        {Flag::fast, "fast"},
                                                                        {Flag::no_auth, "no_auth"},
                                                                        {Flag::no_mandatory_keys, "no_mandatory_keys"},
                                                                        {Flag::no_async_loading, "no_async_loading"},
                                                                        {Flag::no_multi, "no_multi"},
                                                                        {Flag::allow_busy, "allow_busy"},
                                                                        {Flag::movablekeys, "movablekeys"}}};
  std::vector<std::string_view> out;
  for (const auto& [flag, name] : names) {
    if (command.flags.has(flag)) out.push_back(name);
  }
  return out;
}

std::vector<std::string> category_names(const Command& command) {
  constexpr std::array<std::string_view, 21> order = {
      "keyspace", "read",   "write", "set",  "sortedset", "list",     "hash",      "string",     "bitmap",      "hyperloglog", "geo",
      "stream",   "pubsub", "admin", "fast", "slow",      "blocking", "dangerous", "connection", "transaction", "scripting"};
  std::vector<std::string_view> has;
  switch (command.group) {
    case Group::generic:
      // WAIT and WAITAOF are of that group, but look at no key.
      if (!command.name.starts_with("wait")) has.push_back("keyspace");
      break;
    case Group::sorted_set:
      has.push_back("sortedset");
      break;
    case Group::transactions:
      has.push_back("transaction");
      break;
    case Group::server:
    case Group::cluster:
      break;
    default:
      has.push_back(name_of(command.group));
  }
  const auto add_if = [&](Flag flag, std::string_view category) {
    if (command.flags.has(flag)) has.push_back(category);
  };
  if (!command.flags.has(Flag::write) || command.flags.has(Flag::readonly)) add_if(Flag::readonly, "read");
  add_if(Flag::write, "write");
  add_if(Flag::admin, "admin");
  add_if(Flag::admin, "dangerous");
  add_if(Flag::pubsub, "pubsub");
  add_if(Flag::blocking, "blocking");
  has.push_back(command.flags.has(Flag::fast) ? "fast" : "slow");
  if (!command.categories.empty()) {
    for (const std::string_view extra : base::split(command.categories, ' ')) has.push_back(extra);
  }
  std::vector<std::string> out;
  for (const std::string_view category : order) {
    if (std::find(has.begin(), has.end(), category) != has.end()) out.push_back("@" + std::string(category));
  }
  return out;
}

}  // namespace chorus::cache
