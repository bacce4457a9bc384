// What clients say of themselves: heartbeats (34) and the check of a subscription (46). source: remoting/protocol/heartbeat/
#pragma once

#include <array>
#include <vector>

#include "mq/rocketmq/body/body.h"

namespace chorus::mq::rocketmq {

enum class ConsumeType { actively, passively, pop };
inline std::span<const std::string_view> names_of(ConsumeType) {
  static constexpr std::array<std::string_view, 3> names{"CONSUME_ACTIVELY", "CONSUME_PASSIVELY", "CONSUME_POP"};
  return names;
}
enum class MessageModel { broadcasting, clustering };
inline std::span<const std::string_view> names_of(MessageModel) {
  static constexpr std::array<std::string_view, 2> names{"BROADCASTING", "CLUSTERING"};
  return names;
}
enum class ConsumeFromWhere { last_offset, last_offset_and_from_min, min_offset, max_offset, first_offset, timestamp };
inline std::span<const std::string_view> names_of(ConsumeFromWhere) {
  static constexpr std::array<std::string_view, 6> names{
      "CONSUME_FROM_LAST_OFFSET",  "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST",
      "CONSUME_FROM_MIN_OFFSET",   "CONSUME_FROM_MAX_OFFSET",
      "CONSUME_FROM_FIRST_OFFSET", "CONSUME_FROM_TIMESTAMP"};
  return names;
}

struct SubscriptionData {
  std::string topic;
  std::string sub_string = "*";
  std::string expression_type = "TAG";  // or SQL92
  std::vector<std::string> tags_set;
  std::vector<std::int32_t> code_set;  // Java's hashes of the tags
  std::int64_t sub_version = 0;        // milliseconds
  bool class_filter_mode = false;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("classFilterMode", self.class_filter_mode);
    member("codeSet", self.code_set);
    member("expressionType", self.expression_type);
    member("subString", self.sub_string);
    member("subVersion", self.sub_version);
    member("tagsSet", self.tags_set);
    member("topic", self.topic);
  }
  friend bool operator==(const SubscriptionData&, const SubscriptionData&) = default;
};

struct ConsumerData {
  std::string group_name;
  ConsumeType consume_type = ConsumeType::passively;
  MessageModel message_model = MessageModel::clustering;
  ConsumeFromWhere consume_from_where = ConsumeFromWhere::last_offset;
  std::vector<SubscriptionData> subscriptions;
  bool unit_mode = false;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("consumeFromWhere", self.consume_from_where);
    member("consumeType", self.consume_type);
    member("groupName", self.group_name);
    member("messageModel", self.message_model);
    member("subscriptionDataSet", self.subscriptions);
    member("unitMode", self.unit_mode);
  }
  friend bool operator==(const ConsumerData&, const ConsumerData&) = default;
};

struct ProducerData {
  std::string group_name;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("groupName", self.group_name);
  }
  friend bool operator==(const ProducerData&, const ProducerData&) = default;
};

struct HeartbeatData {
  std::string client_id;
  std::vector<ConsumerData> consumers;
  std::vector<ProducerData> producers;
  std::int32_t fingerprint = 0;
  bool without_sub = false;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("clientID", self.client_id);
    member("consumerDataSet", self.consumers);
    member("heartbeatFingerprint", self.fingerprint);
    member("producerDataSet", self.producers);
    member("withoutSub", self.without_sub, "isWithoutSub");
  }
  friend bool operator==(const HeartbeatData&, const HeartbeatData&) = default;
};

struct CheckClientRequest {
  std::string client_id;
  std::string group;
  SubscriptionData subscription;
  std::optional<std::string> name_space;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("clientId", self.client_id);
    member("group", self.group);
    member("namespace", self.name_space);
    member("subscriptionData", self.subscription);
  }
  friend bool operator==(const CheckClientRequest&, const CheckClientRequest&) = default;
};

}  // namespace chorus::mq::rocketmq
