// Consumer groups as a broker keeps them. source: remoting/protocol/subscription/
#pragma once

#include <array>

#include "mq/rocketmq/body/heartbeat.h"
#include "mq/rocketmq/body/topic_config.h"

namespace chorus::mq::rocketmq {

enum class RetryPolicyType { exponential, customized };
inline std::span<const std::string_view> names_of(RetryPolicyType) {
  static constexpr std::array<std::string_view, 2> names{"EXPONENTIAL", "CUSTOMIZED"};
  return names;
}

struct ExponentialRetryPolicy {
  std::int64_t initial_ms = 5000;
  std::int64_t max_ms = 7'200'000;
  std::int64_t multiplier = 2;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("initial", self.initial_ms);
    member("max", self.max_ms);
    member("multiplier", self.multiplier);
  }
  friend bool operator==(const ExponentialRetryPolicy&, const ExponentialRetryPolicy&) = default;
};

struct CustomizedRetryPolicy {
  std::vector<std::int64_t> next_ms;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("next", self.next_ms);
  }
  friend bool operator==(const CustomizedRetryPolicy&, const CustomizedRetryPolicy&) = default;
};

struct GroupRetryPolicy {
  RetryPolicyType type = RetryPolicyType::customized;
  std::optional<ExponentialRetryPolicy> exponential;
  std::optional<CustomizedRetryPolicy> customized;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("customizedRetryPolicy", self.customized);
    member("exponentialRetryPolicy", self.exponential);
    member("type", self.type);
  }
  friend bool operator==(const GroupRetryPolicy&, const GroupRetryPolicy&) = default;
};

struct SimpleSubscriptionData {
  std::string topic;
  std::string expression_type;
  std::string expression;
  std::int64_t version = 0;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("expression", self.expression);
    member("expressionType", self.expression_type);
    member("topic", self.topic);
    member("version", self.version);
  }
  friend bool operator==(const SimpleSubscriptionData&, const SimpleSubscriptionData&) = default;
};

/// Body of 200, answer to 352.
struct SubscriptionGroupConfig {
  std::string name;
  bool consume_enable = true;
  bool consume_from_min_enable = true;
  bool consume_broadcast_enable = true;
  bool consume_message_orderly = false;
  std::int32_t retry_queues = 1;
  std::int32_t retry_times_max = 16;
  GroupRetryPolicy retry_policy;
  std::int64_t broker_id = 0;
  std::int64_t which_broker_when_slow = 1;
  bool notify_consumer_ids_changed_enable = true;
  std::int32_t sys_flag = 0;
  std::int32_t consume_timeout_minutes = 15;
  std::optional<std::vector<SimpleSubscriptionData>> subscriptions;
  std::map<std::string, std::string> attributes;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("attributes", self.attributes);
    member("brokerId", self.broker_id);
    member("consumeBroadcastEnable", self.consume_broadcast_enable);
    member("consumeEnable", self.consume_enable);
    member("consumeFromMinEnable", self.consume_from_min_enable);
    member("consumeMessageOrderly", self.consume_message_orderly);
    member("consumeTimeoutMinute", self.consume_timeout_minutes);
    member("groupName", self.name);
    member("groupRetryPolicy", self.retry_policy);
    member("groupSysFlag", self.sys_flag);
    member("notifyConsumerIdsChangedEnable", self.notify_consumer_ids_changed_enable);
    member("retryMaxTimes", self.retry_times_max);
    member("retryQueueNums", self.retry_queues);
    member("subscriptionDataSet", self.subscriptions);
    member("whichBrokerWhenConsumeSlowly", self.which_broker_when_slow);
  }
  friend bool operator==(const SubscriptionGroupConfig&, const SubscriptionGroupConfig&) = default;
};

/// Answer to 201.
struct SubscriptionGroupTable {
  DataVersion version;
  std::map<std::string, std::map<std::string, std::int32_t>> forbidden;  // group, topic: bits
  std::map<std::string, SubscriptionGroupConfig> groups;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("dataVersion", self.version);
    member("forbiddenTable", self.forbidden);
    member("subscriptionGroupTable", self.groups);
  }
  friend bool operator==(const SubscriptionGroupTable&, const SubscriptionGroupTable&) = default;
};

/// Body of 225.
struct SubscriptionGroupList {
  std::vector<SubscriptionGroupConfig> groups;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("groupConfigList", self.groups);
  }
  friend bool operator==(const SubscriptionGroupList&, const SubscriptionGroupList&) = default;
};

/// Answer to 353.
struct GroupForbidden {
  std::string group;
  std::string topic;
  std::optional<bool> readable;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("group", self.group);
    member("readable", self.readable);
    member("topic", self.topic);
  }
  friend bool operator==(const GroupForbidden&, const GroupForbidden&) = default;
};

/// Answer to 345.
struct QuerySubscriptionAnswer {
  std::string group;
  std::string topic;
  std::optional<SubscriptionData> subscription;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("group", self.group);
    member("subscriptionData", self.subscription);
    member("topic", self.topic);
  }
  friend bool operator==(const QuerySubscriptionAnswer&, const QuerySubscriptionAnswer&) = default;
};

}  // namespace chorus::mq::rocketmq
