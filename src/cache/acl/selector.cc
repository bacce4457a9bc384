#include <algorithm>

#include "base/text.h"
#include "cache/acl/user.h"
#include "cache/command/key_specs.h"
#include "cache/resp/glob.h"

namespace chorus::cache::acl {
namespace {

constexpr auto bits(KeyUse use) { return static_cast<std::uint16_t>(use); }

/// "+get" is repeated by "+get" and "-get"; "+config|get" also by "+config".
bool is_repeated(std::string_view rule, std::string_view fresh) {
  return rule.starts_with(fresh) && (rule.size() == fresh.size() || rule[fresh.size()] == '|');
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

}  // namespace

const std::vector<std::string_view>& categories() {
  static const std::vector<std::string_view> all = {
      "keyspace", "read",   "write", "set",  "sortedset", "list",     "hash",      "string",     "bitmap",      "hyperloglog", "geo",
      "stream",   "pubsub", "admin", "fast", "slow",      "blocking", "dangerous", "connection", "transaction", "scripting"};
  return all;
}

void Selector::note(std::string_view rule, bool allows) {
  std::erase_if(rules_, [&](const std::string& each) { return is_repeated(std::string_view(each).substr(1), rule); });
  rules_.push_back((allows ? "+" : "-") + std::string(rule));
}

void Selector::allow(const Command& command, bool allows) {
  const auto one = [&](const Command& each) {
    allows ? (void)allowed_.insert(&each) : (void)allowed_.erase(&each);
    first_arguments_.erase(&each);
  };
  one(command);
  for (const Command& sub : command.subcommands) one(sub);
}

void Selector::allow_all(bool allows) {
  allowed_.clear();
  first_arguments_.clear();
  rules_.clear();
  all_commands_ = allows;
  if (!allows) return;
  for (const Command& command : CommandTable::all().commands()) allow(command, true);
}

std::string_view Selector::change_command(std::string_view rule, bool allows) {
  const std::string name = base::lower(rule);
  const CommandTable& table = CommandTable::all();
  const std::size_t bar = name.find('|');
  const Command* command = table.find(std::string_view(name).substr(0, bar));
  if (command == nullptr) return wrong::unknown;
  if (bar == std::string::npos) {
    allow(*command, allows);
    note(name, allows);
    return {};
  }
  const std::string_view rest = std::string_view(name).substr(bar + 1);
  if (rest.empty()) return wrong::syntax;
  if (!command->subcommands.empty()) {
    if (rest.contains('|')) return wrong::nested;
    const Command* sub = table.find_subcommand(*command, rest);
    if (sub == nullptr) return wrong::unknown;
    allow(*sub, allows);
    note(name, allows);
    return {};
  }
  // A command without subcommands, with that first argument only.
  if (!allows) return wrong::unknown;
  if (rest.contains('|')) return wrong::syntax;
  auto& arguments = first_arguments_[command];
  if (std::find(arguments.begin(), arguments.end(), rest) == arguments.end()) arguments.emplace_back(rest);
  note(name, true);
  return {};
}

std::string_view Selector::change_category(std::string_view rule, bool allows) {
  const std::string name = base::lower(rule);
  if (name == "@all") {
    allow_all(allows);
    return {};
  }
  const auto& known = categories();
  if (std::find(known.begin(), known.end(), std::string_view(name).substr(1)) == known.end()) return wrong::unknown;
  const auto change = [&](const Command& command) {
    const auto has = category_names(command);
    if (std::find(has.begin(), has.end(), name) == has.end()) return;
    allows ? (void)allowed_.insert(&command) : (void)allowed_.erase(&command);
    first_arguments_.erase(&command);
  };
  for (const Command& command : CommandTable::all().commands()) {
    change(command);
    for (const Command& sub : command.subcommands) change(sub);
  }
  note(name, allows);
  return {};
}

std::string_view Selector::add_key_pattern(std::string_view rule) {
  if (all_keys_) return wrong::after_all_keys;
  Pattern pattern{.text = {}, .read = true, .write = true};
  if (rule.starts_with('%')) {
    pattern.read = pattern.write = false;
    const std::size_t tilde = rule.find('~');
    if (tilde == std::string_view::npos || tilde == 1) return wrong::syntax;
    for (const char c : rule.substr(1, tilde - 1)) {
      bool& permission = c == 'R' || c == 'r' ? pattern.read : pattern.write;
      if ((c != 'R' && c != 'r' && c != 'W' && c != 'w') || permission) return wrong::syntax;
      permission = true;
    }
    rule.remove_prefix(tilde);
  }
  if (rule.find_first_of(std::string_view(" \t\r\n\0", 5)) != std::string_view::npos) return wrong::syntax;
  pattern.text = rule.substr(1);
  for (Pattern& known : keys_) {
    if (known.text != pattern.text) continue;
    known.read = known.read || pattern.read;
    known.write = known.write || pattern.write;
    return {};
  }
  keys_.push_back(std::move(pattern));
  return {};
}

std::string_view Selector::add_channel(std::string_view pattern) {
  if (all_channels_) return wrong::after_all_channels;
  if (pattern.find_first_of(std::string_view(" \t\r\n\0", 5)) != std::string_view::npos) return wrong::syntax;
  if (std::find(channels_.begin(), channels_.end(), pattern) == channels_.end()) channels_.emplace_back(pattern);
  return {};
}

std::string_view Selector::apply(std::string_view rule) {
  const std::string word = base::lower(rule);
  if (word == "allkeys" || word == "~*" || word == "resetkeys") {
    all_keys_ = word != "resetkeys";
    keys_.clear();
  } else if (word == "allchannels" || word == "&*" || word == "resetchannels") {
    all_channels_ = word != "resetchannels";
    channels_.clear();
  } else if (word == "allcommands" || word == "nocommands") {
    allow_all(word == "allcommands");
  } else if (rule.starts_with('~') || rule.starts_with('%')) {
    return add_key_pattern(rule);
  } else if (rule.starts_with('&')) {
    return add_channel(rule.substr(1));
  } else if (rule.starts_with("+@") || rule.starts_with("-@")) {
    return change_category(rule.substr(1), rule[0] == '+');
  } else if (rule.size() > 1 && (rule[0] == '+' || rule[0] == '-')) {
    return change_command(rule.substr(1), rule[0] == '+');
  } else {
    return wrong::syntax;
  }
  return {};
}

bool Selector::allows(const Command& command, Arguments arguments) const {
  if (command.flags.has(Flag::no_auth) || allowed_.contains(&command)) return true;
  const auto found = first_arguments_.find(&command);
  if (found == first_arguments_.end() || arguments.size() < 2) return false;
  const std::string first = base::lower(arguments[1]);
  return std::find(found->second.begin(), found->second.end(), first) != found->second.end();
}

bool Selector::allows_key(std::string_view key, std::uint16_t flags) const {
  const bool reads = (flags & bits(KeyUse::access)) != 0;
  const bool writes = (flags & (bits(KeyUse::update) | bits(KeyUse::insert) | bits(KeyUse::remove))) != 0;
  return std::any_of(keys_.begin(), keys_.end(), [&](const Pattern& each) {
    return (!reads || each.read) && (!writes || each.write) && glob_matches(each.text, key, false);
  });
}

bool Selector::may_listen(std::string_view channel, bool is_pattern) const {
  // A pattern is allowed where it is one of those given, letter by letter: what it matches cannot be told.
  return all_channels_ || std::any_of(channels_.begin(), channels_.end(), [&](const std::string& each) {
           return is_pattern ? each == channel : glob_matches(each, channel, false);
         });
}

Verdict Selector::check(const Command& command, Arguments arguments) const {
  if (!allows(command, arguments)) return {.denied = Denied::command};
  if (!all_keys_) {
    std::vector<FoundKey> keys;
    if (find_keys_and_flags(command, arguments, keys)) {
      for (const FoundKey& key : keys) {
        if (!allows_key(arguments[key.at], key.flags)) return {.denied = Denied::key, .at = key.at};
      }
    }
  }
  if (!all_channels_ && command.group == Group::pubsub && command.container == nullptr) {
    const bool publishes = command.name == "publish" || command.name == "spublish";
    const bool listens = command.name == "subscribe" || command.name == "ssubscribe" || command.name == "psubscribe";
    const std::size_t end = publishes ? std::min<std::size_t>(2, arguments.size()) : listens ? arguments.size() : 1;
    for (std::size_t i = 1; i < end; ++i) {
      if (!may_listen(arguments[i], command.name == "psubscribe")) return {.denied = Denied::channel, .at = i};
    }
  }
  return {};
}

std::string Selector::commands() const { return (all_commands_ ? "+@all" : "-@all") + (rules_.empty() ? "" : " " + joined(rules_)); }

std::string Selector::keys() const {
  if (all_keys_) return "~*";
  std::string out;
  for (const Pattern& each : keys_) {
    out += out.empty() ? "" : " ";
    if (!each.read || !each.write) out += each.read ? "%R" : "%W";
    out += "~" + each.text;
  }
  return out;
}

std::string Selector::channels() const {
  if (all_channels_) return "&*";
  std::string out;
  for (const std::string& each : channels_) out += (out.empty() ? "&" : " &") + each;
  return out;
}

std::string Selector::describe() const {
  std::string out = keys();
  if (!out.empty()) out += " ";
  if (!all_channels_) out += "resetchannels ";
  if (const std::string listed = channels(); !listed.empty()) out += listed + " ";
  return out + commands();
}

}  // namespace chorus::cache::acl
