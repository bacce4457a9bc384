#include "mq/broker/config_json.h"

#include <nlohmann/json.hpp>

namespace chorus::mq {
namespace {

using nlohmann::json;

bool has_text(const json& value, const char* name) { return value.is_object() && value.contains(name) && value[name].is_string(); }

/// Null when it is no object with a name.
std::optional<json> parse(std::string_view text) {
  json value = json::parse(text, nullptr, false);
  if (!has_text(value, "name")) return std::nullopt;
  return value;
}

template <class T>
void take(const json& from, const char* name, T& to) {
  const auto found = from.find(name);
  if (found == from.end()) return;
  if constexpr (std::is_same_v<T, bool>) {
    if (found->is_boolean()) to = found->get<bool>();
  } else if constexpr (std::is_integral_v<T>) {
    if (found->is_number_integer()) to = found->get<T>();
  }
}

void take(const json& from, std::map<std::string, std::string>& to) {
  const auto found = from.find("attributes");
  if (found == from.end() || !found->is_object()) return;
  for (const auto& [name, value] : found->items()) {
    if (value.is_string()) to[name] = value.get<std::string>();
  }
}

json object_of(const TopicConfig& topic) {
  return {{"name", topic.name},   {"readQueueNums", topic.read_queues}, {"writeQueueNums", topic.write_queues},
          {"perm", topic.perm},   {"multiTag", topic.multi_tags},       {"topicSysFlag", topic.sys_flag},
          {"order", topic.order}, {"attributes", topic.attributes}};
}

/// Of an object with a name.
TopicConfig topic_of(const json& value) {
  TopicConfig topic{.name = value["name"].get<std::string>()};
  take(value, "readQueueNums", topic.read_queues);
  take(value, "writeQueueNums", topic.write_queues);
  take(value, "perm", topic.perm);
  take(value, "multiTag", topic.multi_tags);
  take(value, "topicSysFlag", topic.sys_flag);
  take(value, "order", topic.order);
  take(value, topic.attributes);
  return topic;
}

}  // namespace

std::string to_json(const TopicConfig& topic) { return object_of(topic).dump(); }

std::optional<TopicConfig> topic_from_json(std::string_view text) {
  const auto value = parse(text);
  if (!value) return std::nullopt;
  return topic_of(*value);
}

std::string to_json(const Announcement& announcement) {
  json topics = json::array();
  for (const TopicConfig& topic : announcement.system_topics) topics.push_back(object_of(topic));
  return json{{"address", announcement.address},
              {"id", announcement.id},
              {"permission", announcement.permission},
              {"systemTopics", std::move(topics)}}
      .dump();
}

std::optional<Announcement> announcement_from_json(std::string_view text) {
  const json value = json::parse(text, nullptr, false);
  if (!has_text(value, "address")) return std::nullopt;
  Announcement announcement{.address = value["address"].get<std::string>(), .system_topics = {}};
  take(value, "id", announcement.id);
  take(value, "permission", announcement.permission);
  if (const auto topics = value.find("systemTopics"); topics != value.end() && topics->is_array()) {
    for (const json& one : *topics) {
      if (has_text(one, "name")) announcement.system_topics.push_back(topic_of(one));
    }
  }
  return announcement;
}

std::string to_json(const GroupConfig& group) {
  json value{{"name", group.name},
             {"consumeEnable", group.consume_enable},
             {"consumeFromMinEnable", group.consume_from_min_enable},
             {"consumeBroadcastEnable", group.consume_broadcast_enable},
             {"consumeMessageOrderly", group.consume_message_orderly},
             {"retryQueueNums", group.retry_queues},
             {"retryMaxTimes", group.retry_max_times},
             {"brokerId", group.broker_id},
             {"whichBrokerWhenConsumeSlowly", group.which_broker_when_slow},
             {"notifyConsumerIdsChangedEnable", group.notify_consumer_ids_changed_enable},
             {"groupSysFlag", group.sys_flag},
             {"consumeTimeoutMinute", group.consume_timeout_minutes},
             {"attributes", group.attributes},
             {"forbiddenTopics", group.forbidden_topics}};
  if (group.retry_policy) {
    const RetryPolicy& policy = *group.retry_policy;
    value["groupRetryPolicy"] = {{"exponential", policy.type == RetryPolicy::Type::exponential},
                                 {"next", policy.next_ms},
                                 {"initial", policy.initial_ms},
                                 {"max", policy.max_ms},
                                 {"multiplier", policy.multiplier}};
  }
  return value.dump();
}

std::optional<GroupConfig> group_from_json(std::string_view text) {
  const auto value = parse(text);
  if (!value) return std::nullopt;
  GroupConfig group{.name = (*value)["name"].get<std::string>()};
  take(*value, "consumeEnable", group.consume_enable);
  take(*value, "consumeFromMinEnable", group.consume_from_min_enable);
  take(*value, "consumeBroadcastEnable", group.consume_broadcast_enable);
  take(*value, "consumeMessageOrderly", group.consume_message_orderly);
  take(*value, "retryQueueNums", group.retry_queues);
  take(*value, "retryMaxTimes", group.retry_max_times);
  take(*value, "brokerId", group.broker_id);
  take(*value, "whichBrokerWhenConsumeSlowly", group.which_broker_when_slow);
  take(*value, "notifyConsumerIdsChangedEnable", group.notify_consumer_ids_changed_enable);
  take(*value, "groupSysFlag", group.sys_flag);
  take(*value, "consumeTimeoutMinute", group.consume_timeout_minutes);
  take(*value, group.attributes);
  if (const auto topics = value->find("forbiddenTopics"); topics != value->end() && topics->is_array()) {
    for (const json& one : *topics) {
      if (one.is_string()) group.forbidden_topics.insert(one.get<std::string>());
    }
  }
  if (const auto policy = value->find("groupRetryPolicy"); policy != value->end() && policy->is_object()) {
    RetryPolicy& to = group.retry_policy.emplace();
    bool exponential = false;
    take(*policy, "exponential", exponential);
    to.type = exponential ? RetryPolicy::Type::exponential : RetryPolicy::Type::customized;
    take(*policy, "initial", to.initial_ms);
    take(*policy, "max", to.max_ms);
    take(*policy, "multiplier", to.multiplier);
    if (const auto next = policy->find("next"); next != policy->end() && next->is_array()) {
      for (const json& one : *next) {
        if (one.is_number_integer()) to.next_ms.push_back(one.get<std::int64_t>());
      }
    }
  }
  return group;
}

}  // namespace chorus::mq
