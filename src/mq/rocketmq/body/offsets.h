// Offsets of queues, in tables whose keys are queues. source: remoting/protocol/admin/, body/ResetOffsetBody.java and others
#pragma once

#include "mq/rocketmq/body/body.h"
#include "mq/rocketmq/body/heartbeat.h"
#include "mq/rocketmq/body/topic_config.h"

namespace chorus::mq::rocketmq {

using OffsetTable = std::map<MessageQueue, std::int64_t>;

/// Answer to 222, body of 220.
struct ResetOffset {
  OffsetTable offsets;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("offsetTable", self.offsets);
  }
  friend bool operator==(const ResetOffset&, const ResetOffset&) = default;
};

/// Body of 220 for a client in C++.
struct ResetOffsetForC {
  struct Entry {
    std::string broker_name;
    std::int64_t offset = 0;
    std::int32_t queue_id = 0;
    std::string topic;

    template <class Self, class F>
    static void describe(Self& self, F&& member) {
      member("brokerName", self.broker_name);
      member("offset", self.offset);
      member("queueId", self.queue_id);
      member("topic", self.topic);
    }
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::vector<Entry> offsets;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("offsetTable", self.offsets);
  }
  friend bool operator==(const ResetOffsetForC&, const ResetOffsetForC&) = default;
};

/// Answer to 221 (messageQueueTable) and 223 (consumerTable, by client id).
struct ConsumerStatus {
  std::map<std::string, OffsetTable> by_client;
  OffsetTable offsets;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("consumerTable", self.by_client);
    member("messageQueueTable", self.offsets);
  }
  friend bool operator==(const ConsumerStatus&, const ConsumerStatus&) = default;
};

struct ConsumeOffsets {
  std::int64_t broker_offset = 0;
  std::int64_t consumer_offset = 0;
  std::int64_t last_time_ms = 0;
  std::int64_t pull_offset = 0;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("brokerOffset", self.broker_offset);
    member("consumerOffset", self.consumer_offset);
    member("lastTimestamp", self.last_time_ms);
    member("pullOffset", self.pull_offset);
  }
  friend bool operator==(const ConsumeOffsets&, const ConsumeOffsets&) = default;
};

/// Answer to 208.
struct ConsumeStats {
  double consume_tps = 0;
  std::map<MessageQueue, ConsumeOffsets> offsets;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("consumeTps", self.consume_tps);
    member("offsetTable", self.offsets);
  }
  friend bool operator==(const ConsumeStats&, const ConsumeStats&) = default;
};

/// Answer to 317.
struct ConsumeStatsList {
  std::string broker_address;
  std::vector<std::map<std::string, std::vector<ConsumeStats>>> stats;  // by group
  std::int64_t total_diff = 0;
  std::int64_t total_inflight_diff = 0;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("brokerAddr", self.broker_address);
    member("consumeStatsList", self.stats);
    member("totalDiff", self.total_diff);
    member("totalInflightDiff", self.total_inflight_diff);
  }
  friend bool operator==(const ConsumeStatsList&, const ConsumeStatsList&) = default;
};

struct TopicOffset {
  std::int64_t last_update_ms = 0;
  std::int64_t max_offset = 0;
  std::int64_t min_offset = 0;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("lastUpdateTimestamp", self.last_update_ms);
    member("maxOffset", self.max_offset);
    member("minOffset", self.min_offset);
  }
  friend bool operator==(const TopicOffset&, const TopicOffset&) = default;
};

/// Answer to 202.
struct TopicStats {
  std::map<MessageQueue, TopicOffset> offsets;
  double topic_put_tps = 0;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("offsetTable", self.offsets);
    member("topicPutTps", self.topic_put_tps);
  }
  friend bool operator==(const TopicStats&, const TopicStats&) = default;
};

/// Answer to 303.
struct ConsumeTimeSpans {
  struct Span {
    std::int64_t consume_time_ms = 0;
    std::int64_t delay_ms = 0;
    std::int64_t max_time_ms = 0;
    MessageQueue queue;
    std::int64_t min_time_ms = 0;

    template <class Self, class F>
    static void describe(Self& self, F&& member) {
      member("consumeTimeStamp", self.consume_time_ms);
      member("delayTime", self.delay_ms);
      member("maxTimeStamp", self.max_time_ms);
      member("messageQueue", self.queue);
      member("minTimeStamp", self.min_time_ms);
    }
    friend bool operator==(const Span&, const Span&) = default;
  };
  std::vector<Span> spans;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("consumeTimeSpanSet", self.spans);
  }
  friend bool operator==(const ConsumeTimeSpans&, const ConsumeTimeSpans&) = default;
};

/// Answer to 43.
struct ConsumerOffsetTable {
  DataVersion version;
  std::map<std::string, std::map<std::int32_t, std::int64_t>> offsets;  // "topic@group", queue id

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("dataVersion", self.version);
    member("offsetTable", self.offsets);
  }
  friend bool operator==(const ConsumerOffsetTable&, const ConsumerOffsetTable&) = default;
};

/// Answer to 308.
struct CorrectionOffsets {
  std::map<std::int32_t, std::int64_t> offsets;  // by queue id

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("correctionOffsets", self.offsets);
  }
  friend bool operator==(const CorrectionOffsets&, const CorrectionOffsets&) = default;
};

/// Answer to 321.
struct ConsumeQueue {
  struct Entry {
    std::int64_t position = 0;
    std::int32_t size = 0;
    std::int64_t tag_code = 0;
    bool matches = false;
    std::optional<std::string> extend_data;
    std::optional<std::string> bit_map;
    std::optional<std::string> message;

    template <class Self, class F>
    static void describe(Self& self, F&& member) {
      member("bitMap", self.bit_map);
      member("eval", self.matches);
      member("extendDataJson", self.extend_data);
      member("msg", self.message);
      member("physicOffset", self.position);
      member("physicSize", self.size);
      member("tagsCode", self.tag_code);
    }
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::optional<std::string> filter_data;
  std::int64_t max_offset = 0;
  std::int64_t min_offset = 0;
  std::vector<Entry> entries;
  std::optional<SubscriptionData> subscription;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("filterData", self.filter_data);
    member("maxQueueIndex", self.max_offset);
    member("minQueueIndex", self.min_offset);
    member("queueData", self.entries);
    member("subscriptionData", self.subscription);
  }
  friend bool operator==(const ConsumeQueue&, const ConsumeQueue&) = default;
};

}  // namespace chorus::mq::rocketmq
