// CONFIG.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include "base/text.h"
#include "cache/admin/handlers.h"
#include "cache/call.h"
#include "cache/connection/help.h"
#include "cache/resp/glob.h"
#include "cache/value/listpack.h"

namespace chorus::cache {
namespace {

struct Parameter {
  std::string_view name;
  std::string (*get)(const ServerOptions& options);
  /// Empty: done. Null where it is immutable.
  std::string (*set)(ServerOptions& options, std::string_view text) = nullptr;
};

template <class T>
std::string set_number(T& to, std::string_view text, std::int64_t least, std::int64_t most) {
  const auto value = parse_integer(text);
  if (!value) return "argument couldn't be parsed into an integer";
  if (*value < least || *value > most) return fmt::format("argument must be between {} and {} inclusive", least, most);
  to = static_cast<T>(*value);
  return {};
}

/// Longer ones would not fit into an element of a list.
constexpr std::int64_t bulk_octets_most = Listpack::octets_max - (1 << 20);

/// With a unit, in any case: b, k (1000), kb (1024), m, mb, g, gb.
std::string set_octets(std::size_t& to, std::string_view text, std::int64_t least, std::int64_t most) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string unit = base::lower(text.substr(digits));
  constexpr std::pair<std::string_view, std::int64_t> units[] = {{"", 1},        {"b", 1},        {"k", 1000},          {"kb", 1 << 10},
                                                                 {"m", 1000000}, {"mb", 1 << 20}, {"g", 1'000'000'000}, {"gb", 1 << 30}};
  const auto* factor = std::find_if(std::begin(units), std::end(units), [&](const auto& each) { return each.first == unit; });
  const auto number = parse_integer(text.substr(0, digits));
  if (factor == std::end(units) || !number) return "argument must be a memory value";
  std::int64_t value = 0;
  if (__builtin_mul_overflow(*number, factor->second, &value) || value < least || value > most) {
    return fmt::format("argument must be between {} and {} inclusive", least, most);
  }
  to = static_cast<std::size_t>(value);
  return {};
}

constexpr std::int64_t any = std::numeric_limits<std::int32_t>::max();

template <auto Field>
constexpr Parameter threshold(std::string_view name) {
  return {.name = name,
          .get = [](const ServerOptions& options) { return std::to_string(options.thresholds.*Field); },
          .set = [](ServerOptions& options, std::string_view text) { return set_number(options.thresholds.*Field, text, 0, any); }};
}

std::string set_list_size(ServerOptions& options, std::string_view text) {
  return set_number(options.thresholds.list_listpack_size, text, -5, any);
}
std::string get_list_size(const ServerOptions& options) { return std::to_string(options.thresholds.list_listpack_size); }

constexpr auto parameters = std::to_array<Parameter>({
    {"appendonly", [](const ServerOptions&) { return std::string("no"); }},
    {"databases", [](const ServerOptions& options) { return std::to_string(options.databases); }},
    threshold<&Thresholds::hash_listpack_entries>("hash-max-listpack-entries"),
    threshold<&Thresholds::hash_listpack_value>("hash-max-listpack-value"),
    threshold<&Thresholds::hash_listpack_entries>("hash-max-ziplist-entries"),
    threshold<&Thresholds::hash_listpack_value>("hash-max-ziplist-value"),
    {"list-max-listpack-size", get_list_size, set_list_size},
    {"list-max-ziplist-size", get_list_size, set_list_size},
    {"maxclients", [](const ServerOptions& options) { return std::to_string(options.clients_max); },
     [](ServerOptions& options, std::string_view text) { return set_number(options.clients_max, text, 1, any); }},
    {"notify-keyspace-events", [](const ServerOptions& options) { return options.notify.letters(); },
     [](ServerOptions& options, std::string_view text) {
       const auto settings = NotifySettings::parse(text);
       if (settings) options.notify = *settings;
       return settings ? std::string() : "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
     }},
    {"port", [](const ServerOptions& options) { return std::to_string(options.port); }},
    {"proto-max-bulk-len", [](const ServerOptions& options) { return std::to_string(options.bulk_octets_max); },
     [](ServerOptions& options, std::string_view text) { return set_octets(options.bulk_octets_max, text, 1 << 20, bulk_octets_most); }},
    {"requirepass", [](const ServerOptions& options) { return options.password; },
     [](ServerOptions& options, std::string_view text) {
       options.password = text;
       return std::string();
     }},
    {"save", [](const ServerOptions&) { return std::string(); }},
    threshold<&Thresholds::set_intset_entries>("set-max-intset-entries"),
    threshold<&Thresholds::set_listpack_entries>("set-max-listpack-entries"),
    threshold<&Thresholds::set_listpack_value>("set-max-listpack-value"),
    {"stream-node-max-bytes", [](const ServerOptions& options) { return std::to_string(options.thresholds.stream_node_octets); },
     [](ServerOptions& options, std::string_view text) { return set_octets(options.thresholds.stream_node_octets, text, 0, any); }},
    threshold<&Thresholds::stream_node_entries>("stream-node-max-entries"),
    threshold<&Thresholds::zset_listpack_entries>("zset-max-listpack-entries"),
    threshold<&Thresholds::zset_listpack_value>("zset-max-listpack-value"),
    threshold<&Thresholds::zset_listpack_entries>("zset-max-ziplist-entries"),
    threshold<&Thresholds::zset_listpack_value>("zset-max-ziplist-value"),
});

const Parameter* find(std::string_view name) {
  const std::string lower = base::lower(name);
  const auto* found = std::find_if(parameters.begin(), parameters.end(), [&](const Parameter& each) { return each.name == lower; });
  return found == parameters.end() ? nullptr : found;
}

}  // namespace

void config_get(Call& call) {
  std::vector<const Parameter*> chosen;
  for (const Parameter& parameter : parameters) {
    const bool wanted = std::any_of(call.arguments().begin() + 2, call.arguments().end(),
                                    [&](std::string_view pattern) { return glob_matches(pattern, parameter.name, true); });
    if (wanted) chosen.push_back(&parameter);
  }
  call.reply.map(chosen.size());
  for (const Parameter* parameter : chosen) {
    call.reply.bulk(parameter->name);
    call.reply.bulk(parameter->get(call.options()));
  }
}

void config_set(Call& call) {
  if (call.size() % 2 != 0) return call.error(errors::syntax);
  std::set<const Parameter*> seen;
  const auto failed = [&](std::string_view name, std::string_view why) {
    call.error(fmt::format("ERR CONFIG SET failed (possibly related to argument '{}') - {}", name, why));
  };
  for (std::size_t i = 2; i < call.size(); i += 2) {
    const Parameter* parameter = find(call[i]);
    if (parameter == nullptr) {
      return call.error(fmt::format("ERR Unknown option or number of arguments for CONFIG SET - '{}'", call[i]));
    }
    if (parameter->set == nullptr) return failed(call[i], "can't set immutable config");
    if (!seen.insert(parameter).second) return failed(call[i], "duplicate parameter");
  }
  // All or none.
  ServerOptions changed = call.options();
  for (std::size_t i = 2; i < call.size(); i += 2) {
    if (const std::string wrong = find(call[i])->set(changed, call[i + 1]); !wrong.empty()) return failed(call[i], wrong);
  }
  call.server().change_options() = std::move(changed);
  for (Client* client : call.server().all_clients()) client->parser.limits.bulk_octets_max = call.options().bulk_octets_max;
  call.reply.ok();
}

void config_resetstat(Call& call) {
  call.server().reset_statistics();
  call.reply.ok();
}

void config_help(Call& call) {
  reply_help(call,
             {"GET <pattern>", "    Return parameters matching the glob-like <pattern> and their values.", "SET <directive> <value>",
              "    Set the configuration <directive> to <value>.", "RESETSTAT", "    Reset statistics reported by the INFO command."});
}

}  // namespace chorus::cache
