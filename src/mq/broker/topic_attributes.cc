#include "mq/broker/topic_attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

#include "base/text.h"

namespace chorus::mq {
namespace {

constexpr std::string_view mixed = "MIXED";
constexpr std::array<std::string_view, 8> message_types{"UNSPECIFIED", mixed, "TRANSACTION", "PRIORITY", "FIFO", "DELAY", "LITE", "NORMAL"};
constexpr std::array<std::string_view, 2> queue_types{"SimpleCQ", "BatchCQ"}, cleanup_policies{"DELETE", "COMPACTION"},
    flush_types{attribute::sync_flush, attribute::async_flush};
// What RocketMQ's broker does with them is not done here.
constexpr std::array<std::string_view, 3> message_types_unsupported{mixed, "PRIORITY", "LITE"};
constexpr std::array<std::string_view, 1> queue_types_unsupported{"BatchCQ"}, cleanup_policies_unsupported{"COMPACTION"};

struct Known {
  std::string_view name;
  bool changeable;                                 // once the topic is there
  std::span<const std::string_view> values = {};   // empty: a number from -1 to `max`
  std::span<const std::string_view> without = {};  // of these, what is not done
  std::int64_t max = 0;
  std::string_view what = {};  // for the words
};
// The numbers have no effect where there is no tiered storage and where a topic is not lite, at RocketMQ as little as here.
constexpr Known known[] = {
    {attribute::cleanup_policy, false, cleanup_policies, cleanup_policies_unsupported, 0, "cleanup policy"},
    {attribute::flush_disk_type, true, flush_types},
    {attribute::lite_topic_expiration, true, {}, {}, std::int64_t{30} * 24 * 60},
    {attribute::message_type, true, message_types, message_types_unsupported, 0, "message type"},
    {attribute::queue_type, false, queue_types, queue_types_unsupported, 0, "queue type"},
    {attribute::reserve_time, true, {}, {}, std::numeric_limits<std::int64_t>::max()},
};

/// What is wrong with a value; empty: nothing.
std::string check_value(const Known& attribute, std::string_view value) {
  if (!attribute.values.empty()) {
    if (std::ranges::find(attribute.values, value) != attribute.values.end()) return {};
    return fmt::format("value is not in set: [{}]", fmt::join(attribute.values, ", "));
  }
  const auto number = base::parse_int(value);
  if (!number) return fmt::format("For input string: \"{}\"", value);
  if (*number < -1 || *number > attribute.max) return fmt::format("value is not in range(-1, {})", attribute.max);
  return {};
}

struct Change {
  std::string_view key;                   // with its sign
  std::optional<std::string_view> value;  // empty: it goes
};

TopicResult<std::map<std::string_view, Change>> parse(std::string_view changes) {
  std::map<std::string_view, Change> all;  // by name
  while (changes.ends_with(',')) changes.remove_suffix(1);
  if (changes.empty()) return all;
  const auto wrong = [](std::string words) { return base::error(TopicErrc::invalid, std::move(words)); };
  for (const std::string_view part : base::split(changes, ',')) {
    const std::size_t equals = part.find('=');
    Change change{.key = part.substr(0, equals), .value = {}};
    if (equals != std::string_view::npos) {
      if (change.key.find('+') == std::string_view::npos) return wrong(fmt::format("add/alter attribute format is wrong: {}", change.key));
      const std::string_view rest = part.substr(equals + 1);
      change.value = rest.substr(0, rest.find('='));
      if (change.value->empty()) return wrong(fmt::format("add/alter attribute format is wrong: {}", part));
    } else if (change.key.find('-') == std::string_view::npos) {
      return wrong(fmt::format("delete attribute format is wrong: {}", change.key));
    }
    const std::string_view name = change.key.substr(1);
    if (name.empty() || name.find_first_of("+-") != std::string_view::npos) return wrong("kv string format wrong.");
    const auto [before, is_new] = all.emplace(name, change);
    if (!is_new && before->second.key == change.key) return wrong(fmt::format("key duplication: {}", change.key));
    if (!is_new) return wrong(fmt::format("alter duplication key. key: {}", name));
  }
  return all;
}

}  // namespace

TopicResult<TopicAttributeMap> changed_attributes(const std::optional<TopicAttributeMap>& before, std::string_view changes) {
  const auto parsed = parse(changes);
  if (!parsed) return std::unexpected(parsed.error());
  const auto wrong = [](std::string words) { return base::error(TopicErrc::invalid, std::move(words)); };
  for (const auto& [name, change] : *parsed) {
    if (!before && !change.key.starts_with('+')) {
      return wrong(fmt::format("only add attribute is supported while creating topic. key: {}", name));
    }
    if (!change.key.starts_with('+') && !change.key.starts_with('-')) return wrong(fmt::format("wrong format key: {}", name));
    if (!change.value && !before->contains(std::string(name))) return wrong(fmt::format("attempt to delete a nonexistent key: {}", name));
  }
  TopicAttributeMap after = before.value_or(TopicAttributeMap{});
  for (const auto& [name, change] : *parsed) {
    const auto* const attribute = std::ranges::find(known, name, &Known::name);
    if (attribute == std::end(known)) return wrong(fmt::format("unsupported key: {}", name));
    if (before && !attribute->changeable) return wrong(fmt::format("attempt to update an unchangeable attribute. key: {}", name));
    if (!change.value) {
      after.erase(std::string(name));
      continue;
    }
    if (std::string why = check_value(*attribute, *change.value); !why.empty()) return wrong(std::move(why));
    after[std::string(name)] = *change.value;
  }
  return after;
}

std::string refuse_unsupported(const std::optional<TopicAttributeMap>& before, std::string_view changes) {
  const auto parsed = parse(changes);
  if (!parsed) return {};  // that is the trouble
  const auto asked = parsed->find(attribute::message_type);
  const bool is_mixed = asked != parsed->end() && asked->second.value == mixed;
  if (!is_mixed && !changed_attributes(before, changes)) return {};
  for (const auto& [name, change] : *parsed) {
    if (is_mixed && name != attribute::message_type) continue;
    const auto* const attribute = std::ranges::find(known, name, &Known::name);
    if (change.value && std::ranges::find(attribute->without, *change.value) != attribute->without.end()) {
      return fmt::format("{} {} is not supported.", *change.value, attribute->what);
    }
  }
  return {};
}

std::optional<Flush> flush_of(const TopicConfig& topic) {
  const auto found = topic.attributes.find(std::string(attribute::flush_disk_type));
  if (found == topic.attributes.end()) return std::nullopt;
  if (found->second == attribute::async_flush) return Flush::async;
  // Anything else that stands there is of another release: the safe one.
  return Flush::sync;
}

std::optional<Flush> flush_of(const TopicTable& topics, std::string_view topic) {
  const TopicConfig* config = topics.find(topic);
  return config ? flush_of(*config) : std::nullopt;
}

}  // namespace chorus::mq
