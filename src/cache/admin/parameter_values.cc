#include "cache/admin/parameter_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "cache/resp/number.h"

namespace chorus::cache {
namespace {

constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();

std::string out_of_bounds(std::int64_t least, std::int64_t most) {
  return fmt::format("argument must be between {} and {} inclusive", least, most);
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words = base::split(text, ' ');
  std::erase(words, "");
  return words;
}

}  // namespace

std::string parse_number(std::string_view text, std::int64_t least, std::int64_t most, std::int64_t& value) {
  const auto number = parse_integer(text);
  if (!number) return "argument couldn't be parsed into an integer";
  if (*number < least || *number > most) return out_of_bounds(least, most);
  value = *number;
  return {};
}

std::string parse_octets(std::string_view text, std::int64_t least, std::int64_t most, std::int64_t& value) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string unit = base::lower(text.substr(digits));
  constexpr std::pair<std::string_view, std::int64_t> units[] = {{"", 1},        {"b", 1},        {"k", 1000},          {"kb", 1 << 10},
                                                                 {"m", 1000000}, {"mb", 1 << 20}, {"g", 1'000'000'000}, {"gb", 1 << 30}};
  const auto* factor = std::find_if(std::begin(units), std::end(units), [&](const auto& each) { return each.first == unit; });
  if (factor == std::end(units)) return "argument must be a memory value";
  // No digits are 0, and zeros may lead, as Redis has it.
  std::int64_t number = 0, octets = 0;
  bool is_large = false;
  for (const char digit : text.substr(0, digits)) {
    is_large = is_large || __builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, digit - '0', &number);
  }
  if (is_large || __builtin_mul_overflow(number, factor->second, &octets) || octets < least || octets > most)
    return out_of_bounds(least, most);
  value = octets;
  return {};
}

std::string read_flag(std::string_view text, bool& to) {
  const std::string word = base::lower(text);
  if (word != "yes" && word != "no") return "argument must be 'yes' or 'no'";
  to = word == "yes";
  return {};
}

std::string read_octets_or_percent(std::string_view text, std::int64_t& to) {
  constexpr std::string_view wrong = "argument must be a memory or percent value";
  if (text.ends_with('%')) {
    const auto percent = parse_integer(text.substr(0, text.size() - 1));
    if (!percent || *percent < 0) return std::string(wrong);
    if (*percent > 100) return "percentage argument must be less or equal to 100";
    to = -*percent;
    return {};
  }
  std::int64_t octets = 0;
  if (!parse_octets(text, 0, any, octets).empty()) return std::string(wrong);
  to = octets;
  return {};
}

std::string read_policy(std::string_view text, EvictionPolicy& to) {
  if (const auto policy = parse_eviction_policy(text)) {
    to = *policy;
    return {};
  }
  std::string names;
  for (auto policy = EvictionPolicy::volatile_lru;; policy = static_cast<EvictionPolicy>(static_cast<int>(policy) + 1)) {
    names += (names.empty() ? "" : ", ") + std::string(name_of(policy));
    if (policy == EvictionPolicy::noeviction) break;
  }
  return "argument(s) must be one of the following: " + names;
}

std::string read_output_limits(std::string_view text, ServerOptions& to) {
  const auto words = words_of(text);
  if (words.empty() || words.size() % 4 != 0) return "Wrong number of arguments in buffer limit configuration.";
  ServerOptions changed = to;
  for (std::size_t i = 0; i < words.size(); i += 4) {
    const std::string name = base::lower(words[i]);
    OutputLimit* limit = name == "normal"                       ? &changed.normal_output
                         : name == "slave" || name == "replica" ? &changed.replica_output
                         : name == "pubsub"                     ? &changed.pubsub_output
                                                                : nullptr;
    if (limit == nullptr) return "Invalid client class specified in buffer limit configuration.";
    std::int64_t hard = 0, soft = 0;
    const auto seconds = parse_integer(words[i + 3]);
    if (!parse_octets(words[i + 1], 0, any, hard).empty() || !parse_octets(words[i + 2], 0, any, soft).empty() || !seconds ||
        *seconds < 0) {
      return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
    }
    *limit = {.hard = static_cast<std::size_t>(hard), .soft = static_cast<std::size_t>(soft), .soft_seconds = *seconds};
  }
  to = std::move(changed);
  return {};
}

std::string show_output_limits(const ServerOptions& options) {
  const auto show = [](std::string_view name, const OutputLimit& limit) {
    return fmt::format("{} {} {} {}", name, limit.hard, limit.soft, limit.soft_seconds);
  };
  return show("normal", options.normal_output) + " " + show("slave", options.replica_output) + " " + show("pubsub", options.pubsub_output);
}

std::string read_percentiles(std::string_view text, std::vector<double>& to) {
  std::vector<double> percentiles;
  for (const std::string_view word : words_of(text)) {
    const auto value = parse_double(word);
    if (!value) return "Invalid latency-tracking-info-percentiles parameters";
    if (*value < 0 || *value > 100) return "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
    percentiles.push_back(*value);
  }
  to = std::move(percentiles);
  return {};
}

std::string show_percentiles(const std::vector<double>& percentiles) {
  std::string out;
  for (const double each : percentiles) out += (out.empty() ? "" : " ") + double_text(each);
  return out;
}

namespace {

/// In the order of cluster::Preferred.
constexpr std::string_view preferences[] = {"ip", "hostname", "unknown-endpoint"};

}  // namespace

std::string read_sync_policy(std::string_view text, SyncPolicy& to) {
  const std::string word = base::lower(text);
  for (const SyncPolicy policy : {SyncPolicy::everysec, SyncPolicy::always, SyncPolicy::no}) {
    if (word != name_of(policy)) continue;
    to = policy;
    return {};
  }
  return "argument(s) must be one of the following: everysec, always, no";
}
std::string_view name_of(SyncPolicy policy) {
  return policy == SyncPolicy::always ? "always" : policy == SyncPolicy::everysec ? "everysec" : "no";
}
std::string read_preferred(std::string_view text, cluster::Preferred& to) {
  const auto* found = std::find(std::begin(preferences), std::end(preferences), base::lower(text));
  if (found == std::end(preferences)) return "argument(s) must be one of the following: ip, hostname, unknown-endpoint";
  to = static_cast<cluster::Preferred>(found - std::begin(preferences));
  return {};
}

std::string_view name_of(cluster::Preferred preferred) { return preferences[static_cast<std::size_t>(preferred)]; }

std::string_view name_of(ProtectedAccess access) {
  return access == ProtectedAccess::yes ? "yes" : access == ProtectedAccess::local ? "local" : "no";
}

}  // namespace chorus::cache
