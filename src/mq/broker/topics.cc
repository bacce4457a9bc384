#include "mq/broker/topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "mq/broker/topic_attributes.h"

namespace chorus::mq {

namespace perm {
std::string to_string(std::int32_t bits) {
  std::string text = "---";
  if (bits & read) text[0] = 'R';
  if (bits & write) text[1] = 'W';
  if (bits & inherit) text[2] = 'X';
  return text;
}
}  // namespace perm

namespace topic {
namespace {
constexpr std::array system_names{auto_create, schedule, timer, trace, half, op_half, check_max, self_test, benchmark, offset_moved};
constexpr std::array read_only_names{schedule, half, op_half, check_max, self_test, offset_moved};

bool is_allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '%' || c == '|';
}
}  // namespace

std::string retry_of(std::string_view group) { return fmt::format("{}{}", retry_prefix, group); }
std::string dead_letter_of(std::string_view group) { return fmt::format("{}{}", dead_letter_prefix, group); }
std::string pop_retry_of(std::string_view group, std::string_view topic, bool v2) {
  return fmt::format("{}{}{}{}", retry_prefix, group, v2 ? '+' : '_', topic);
}
bool is_retry(std::string_view topic) { return topic.starts_with(retry_prefix); }
bool is_dead_letter(std::string_view topic) { return topic.starts_with(dead_letter_prefix); }
std::string_view group_of(std::string_view topic) {
  if (is_retry(topic)) return topic.substr(retry_prefix.size());
  if (is_dead_letter(topic)) return topic.substr(dead_letter_prefix.size());
  return {};
}

std::string refuse_name(std::string_view topic) {
  if (base::trim(topic).empty()) return "The specified topic is blank.";
  if (!std::ranges::all_of(topic, is_allowed))
    return fmt::format("The specified topic: {}, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$", topic);
  const std::size_t limit = group_of(topic).empty() ? octets_max : octets_internal_max;
  if (topic.size() > limit) return fmt::format("The specified topic is longer than topic max length {}.", limit);
  if (topic.starts_with("%K%")) return "Topics that begin with %K% are shown from Kafka's clients and cannot be made here.";
  return {};
}

bool is_read_only(std::string_view topic) { return (std::ranges::find(read_only_names, topic) != read_only_names.end()); }
}  // namespace topic

TopicTable::TopicTable(TopicDefaults defaults, std::int64_t now_ms) : defaults_(std::move(defaults)) {
  const auto add = [this](std::string_view name, std::int32_t queues, std::int32_t bits = perm::read | perm::write) {
    put({.name = std::string(name), .read_queues = queues, .write_queues = queues, .perm = bits});
  };
  // source: TopicConfigManager.init()
  add(topic::self_test, 1);
  if (defaults_.auto_create) add(topic::auto_create, defaults_.queues, perm::read | perm::write | perm::inherit);
  add(topic::benchmark, 1024);
  add(defaults_.cluster, 16, perm::read | perm::write | perm::inherit);
  add(defaults_.broker, 1, perm::read | perm::write | perm::inherit);
  add(topic::offset_moved, 1);
  add(topic::schedule, 18);
  if (defaults_.trace_topic) add(topic::trace, 1);
  add(defaults_.cluster + "_REPLY_TOPIC", 1);
  add(topic::half, 1);
  add(topic::op_half, 1);
  add(topic::check_max, 1);
  add(topic::timer, 1);
  version_ = {.state_version = 0, .timestamp_ms = now_ms, .counter = 1};
}

const TopicConfig* TopicTable::find(std::string_view topic) const {
  const auto found = by_name_.find(absl::string_view(topic.data(), topic.size()));
  return found == by_name_.end() ? nullptr : found->second;
}

bool TopicTable::is_system(std::string_view topic) const {
  return (std::ranges::find(topic::system_names, topic) != topic::system_names.end()) || topic.starts_with(topic::system_prefix) ||
         topic == defaults_.cluster || topic == defaults_.broker || topic == defaults_.cluster + "_REPLY_TOPIC";
}

std::vector<std::string> TopicTable::system_topics() const {
  std::vector<std::string> names;
  for (const auto& [name, config] : topics_) {
    if (is_system(name)) names.push_back(name);
  }
  return names;
}

const TopicConfig& TopicTable::change(TopicConfig config, std::int64_t now_ms) {
  changed_.push_back(config.name);
  version_.timestamp_ms = now_ms;
  ++version_.counter;
  return place(std::move(config));
}

const TopicConfig& TopicTable::place(TopicConfig config) {
  const auto at = topics_.try_emplace(config.name).first;
  at->second = std::move(config);
  by_name_[absl::string_view(at->first)] = &at->second;
  return at->second;
}

TopicResult<const TopicConfig*> TopicTable::find_or_create(std::string_view name, std::string_view like, std::int32_t queues,
                                                           std::int64_t now_ms) {
  if (const TopicConfig* config = find(name)) return config;
  if (std::string why = topic::refuse_name(name); !why.empty()) return base::error(TopicErrc::illegal_name, std::move(why));
  const TopicConfig* model = find(like);
  if (model == nullptr || !(model->perm & perm::inherit) || (like == topic::auto_create && !defaults_.auto_create)) {
    return base::error(TopicErrc::unknown, fmt::format("topic[{}] not exist, apply first please!", name));
  }
  const std::int32_t count = std::max(0, std::min(queues, model->write_queues));
  return &change({.name = std::string(name), .read_queues = count, .write_queues = count, .perm = model->perm & ~perm::inherit}, now_ms);
}

const TopicConfig& TopicTable::ensure(std::string_view name, std::int32_t queues, std::int32_t bits, std::int64_t now_ms) {
  if (const TopicConfig* config = find(name)) return *config;
  return change({.name = std::string(name), .read_queues = queues, .write_queues = queues, .perm = bits}, now_ms);
}

TopicResult<const TopicConfig*> TopicTable::update(TopicConfig config, std::string_view attributes, std::int64_t now_ms) {
  if (std::string why = topic::refuse_name(config.name); !why.empty()) return base::error(TopicErrc::illegal_name, std::move(why));
  if (is_system(config.name)) {
    return base::error(TopicErrc::system, fmt::format("The topic[{}] is conflict with system topic.", config.name));
  }
  if (config.read_queues < 0 || config.write_queues < 0 || config.read_queues > 65535 || config.write_queues > 65535) {
    return base::error(TopicErrc::invalid, fmt::format("a topic has 0 to 65535 queues, not {} to read and {} to write", config.read_queues,
                                                       config.write_queues));
  }
  const TopicConfig* before = find(config.name);
  auto changed = changed_attributes(before ? std::optional(before->attributes) : std::nullopt, attributes);
  if (!changed) return std::unexpected(std::move(changed.error()));
  config.attributes = std::move(*changed);
  if (before && *before == config) return before;
  return &change(std::move(config), now_ms);
}

TopicResult<void> TopicTable::remove(std::string_view name, std::int64_t now_ms) {
  if (is_system(name)) return base::error(TopicErrc::system, fmt::format("The topic[{}] is conflict with system topic.", name));
  const auto found = topics_.find(name);
  if (found == topics_.end()) return base::error(TopicErrc::unknown, fmt::format("topic[{}] not exist", name));
  changed_.emplace_back(name);
  by_name_.erase(absl::string_view(found->first));
  topics_.erase(found);
  version_.timestamp_ms = now_ms;
  ++version_.counter;
  return {};
}

void TopicTable::put(TopicConfig config) {
  place(std::move(config));
  ++version_.counter;
}

void TopicTable::take_out(std::string_view name) {
  const auto found = topics_.find(name);
  if (found == topics_.end()) return;
  by_name_.erase(absl::string_view(found->first));
  topics_.erase(found);
  ++version_.counter;
}

void TopicTable::change_defaults(bool auto_create, std::int32_t queues) {
  defaults_.auto_create = auto_create;
  defaults_.queues = queues;
  // The template of all topics is there only while topics are made from it. source: TopicConfigManager.init()
  if (!auto_create) {
    take_out(topic::auto_create);
  } else if (const TopicConfig* model = find(topic::auto_create); model == nullptr || model->write_queues != queues) {
    put({.name = std::string(topic::auto_create),
         .read_queues = queues,
         .write_queues = queues,
         .perm = perm::read | perm::write | perm::inherit});
  }
}

std::vector<std::string> TopicTable::take_changes() { return std::exchange(changed_, {}); }

}  // namespace chorus::mq
