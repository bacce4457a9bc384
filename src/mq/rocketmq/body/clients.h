// Who is connected, what they have locked, are assigned and do. source: remoting/protocol/body/
#pragma once

#include "mq/rocketmq/body/heartbeat.h"

namespace chorus::mq::rocketmq {

/// Answer to 38.
struct ConsumerIdList {
  std::vector<std::string> ids;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("consumerIdList", self.ids);
  }
  friend bool operator==(const ConsumerIdList&, const ConsumerIdList&) = default;
};

/// Body of 41 and 42.
struct LockBatch {
  std::string client_id;
  std::string consumer_group;
  std::vector<MessageQueue> queues;
  bool only_this_broker = false;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("clientId", self.client_id);
    member("consumerGroup", self.consumer_group);
    member("mqSet", self.queues);
    member("onlyThisBroker", self.only_this_broker);
  }
  friend bool operator==(const LockBatch&, const LockBatch&) = default;
};

/// Answer to 41.
struct LockBatchAnswer {
  std::vector<MessageQueue> locked;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("lockOKMQSet", self.locked);
  }
  friend bool operator==(const LockBatchAnswer&, const LockBatchAnswer&) = default;
};

struct Connection {
  std::string client_address;
  std::string client_id;
  std::string language = "JAVA";
  std::int32_t version = 0;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("clientAddr", self.client_address);
    member("clientId", self.client_id);
    member("language", self.language);
    member("version", self.version);
  }
  friend bool operator==(const Connection&, const Connection&) = default;
};

/// Answer to 203.
struct ConsumerConnections {
  std::vector<Connection> connections;
  ConsumeFromWhere consume_from_where = ConsumeFromWhere::last_offset;
  ConsumeType consume_type = ConsumeType::passively;
  MessageModel message_model = MessageModel::clustering;
  std::map<std::string, SubscriptionData> subscriptions;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("connectionSet", self.connections);
    member("consumeFromWhere", self.consume_from_where);
    member("consumeType", self.consume_type);
    member("messageModel", self.message_model);
    member("subscriptionTable", self.subscriptions);
  }
  friend bool operator==(const ConsumerConnections&, const ConsumerConnections&) = default;
};

/// Answer to 204.
struct ProducerConnections {
  std::vector<Connection> connections;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("connectionSet", self.connections);
  }
  friend bool operator==(const ProducerConnections&, const ProducerConnections&) = default;
};

struct ProducerInfo {
  std::string client_id;
  std::string language = "JAVA";
  std::int64_t last_update_ms = 0;
  std::string remote_address;
  std::int32_t version = 0;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("clientId", self.client_id);
    member("language", self.language);
    member("lastUpdateTimestamp", self.last_update_ms);
    member("remoteIP", self.remote_address);
    member("version", self.version);
  }
  friend bool operator==(const ProducerInfo&, const ProducerInfo&) = default;
};

/// Answer to 328.
struct ProducerTable {
  std::map<std::string, std::vector<ProducerInfo>> groups;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("data", self.groups);
  }
  friend bool operator==(const ProducerTable&, const ProducerTable&) = default;
};

/// Body of 400.
struct QueryAssignment {
  std::string client_id;
  std::string consumer_group;
  MessageModel message_model = MessageModel::clustering;
  std::string strategy_name;
  std::string topic;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("clientId", self.client_id);
    member("consumerGroup", self.consumer_group);
    member("messageModel", self.message_model);
    member("strategyName", self.strategy_name);
    member("topic", self.topic);
  }
  friend bool operator==(const QueryAssignment&, const QueryAssignment&) = default;
};

enum class RequestMode { pull, pop };
inline std::span<const std::string_view> names_of(RequestMode) {
  static constexpr std::array<std::string_view, 2> names{"PULL", "POP"};
  return names;
}

/// Answer to 400.
struct QueryAssignmentAnswer {
  struct Assignment {
    std::optional<std::map<std::string, std::string>> attachments;
    MessageQueue queue;
    RequestMode mode = RequestMode::pull;

    template <class Self, class F>
    static void describe(Self& self, F&& member) {
      member("attachments", self.attachments);
      member("messageQueue", self.queue);
      member("mode", self.mode);
    }
    friend bool operator==(const Assignment&, const Assignment&) = default;
  };
  std::vector<Assignment> assignments;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("messageQueueAssignments", self.assignments);
  }
  friend bool operator==(const QueryAssignmentAnswer&, const QueryAssignmentAnswer&) = default;
};

/// Body of 401.
struct SetRequestMode {
  std::string consumer_group;
  RequestMode mode = RequestMode::pull;
  std::int32_t pop_share_queues = 0;
  std::string topic;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("consumerGroup", self.consumer_group);
    member("mode", self.mode);
    member("popShareQueueNum", self.pop_share_queues);
    member("topic", self.topic);
  }
  friend bool operator==(const SetRequestMode&, const SetRequestMode&) = default;
};

/// Answer to 402.
struct RequestModes {
  std::map<std::string, std::map<std::string, SetRequestMode>> modes;  // topic, group

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("messageRequestModeMap", self.modes);
  }
  friend bool operator==(const RequestModes&, const RequestModes&) = default;
};

/// A client's answer to 307. A broker relays its octets; this is for tools. What is told of queues and topics is left as it is.
struct ConsumerRunningInfo {
  std::optional<std::string> jstack;
  std::map<MessageQueue, RawJson> pop_queues;
  std::map<MessageQueue, RawJson> queues;
  std::map<std::string, std::string> properties;
  std::map<std::string, RawJson> topics;
  std::vector<SubscriptionData> subscriptions;
  std::optional<std::map<std::string, std::string>> user_info;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("jstack", self.jstack);
    member("mqPopTable", self.pop_queues);
    member("mqTable", self.queues);
    member("properties", self.properties);
    member("statusTable", self.topics);
    member("subscriptionSet", self.subscriptions);
    member("userConsumerInfo", self.user_info);
  }
  friend bool operator==(const ConsumerRunningInfo&, const ConsumerRunningInfo&) = default;
};

/// Of one topic, over the last minute; failures also over the last hour. Times are milliseconds, means of calls.
struct ConsumeStatus {
  std::int64_t failed_messages_in_hour = 0;
  double failed_per_second = 0, ok_per_second = 0, consume_time = 0, pull_time = 0, pulled_per_second = 0;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("consumeFailedMsgs", self.failed_messages_in_hour);
    member("consumeFailedTPS", self.failed_per_second);
    member("consumeOKTPS", self.ok_per_second);
    member("consumeRT", self.consume_time);
    member("pullRT", self.pull_time);
    member("pullTPS", self.pulled_per_second);
  }
  friend bool operator==(const ConsumeStatus&, const ConsumeStatus&) = default;
};

/// Of a client's answer to 307 what it tells of its consuming.
struct ConsumerStatusTable {
  std::map<std::string, ConsumeStatus> topics;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("statusTable", self.topics);
  }
  friend bool operator==(const ConsumerStatusTable&, const ConsumerStatusTable&) = default;
};

/// A client's answer to 309.
struct ConsumeDirectlyResult {
  bool auto_commit = true;
  std::optional<std::string> result;  // CR_SUCCESS, CR_LATER, CR_ROLLBACK, CR_COMMIT, CR_THROW_EXCEPTION, CR_RETURN_NULL
  bool order = false;
  std::optional<std::string> remark;
  std::int64_t spent_ms = 0;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("autoCommit", self.auto_commit);
    member("consumeResult", self.result);
    member("order", self.order);
    member("remark", self.remark);
    member("spentTimeMills", self.spent_ms);
  }
  friend bool operator==(const ConsumeDirectlyResult&, const ConsumeDirectlyResult&) = default;
};

}  // namespace chorus::mq::rocketmq
