// What POP consumers and brokers tell one another of messages taken. source: remoting/protocol/header/ExtraInfoUtil.java,
// body/BatchAck.java
#pragma once

#include "mq/rocketmq/body/body.h"

namespace chorus::mq::rocketmq {

/// Which topic a popped message came from: the one asked for, or the retry topic of the group, of the old kind (`%RETRY%group_topic`) or
/// the new (`%RETRY%group+topic`). Written as 0, 1 and 2.
enum class PopSource { normal, retry_v1, retry_v2 };
PopSource pop_source_of(std::string_view topic);
std::string pop_topic(PopSource source, std::string_view topic, std::string_view group);

/// The revive queue of messages popped in order.
inline constexpr std::int32_t ordered_revive_queue = 999;

/// Property POP_CK and header field extraInfo: `start popTime invisible reviveQid source broker queueId [offset]`.
struct PopCheckPoint {
  std::int64_t start_offset = 0;
  std::int64_t pop_time_ms = 0;
  std::int64_t invisible_ms = 0;
  std::int32_t revive_queue = 0;
  PopSource source = PopSource::normal;
  std::string broker_name;
  std::int32_t queue_id = 0;
  std::optional<std::int64_t> offset;

  friend bool operator==(const PopCheckPoint&, const PopCheckPoint&) = default;
};
std::string to_string(const PopCheckPoint& check_point);
std::optional<PopCheckPoint> parse_pop_check_point(std::string_view text);

/// Answer to 200050, header fields startOffsetInfo and orderCountInfo: `source queueId number`, joined by `;`.
struct PopQueueNumber {
  PopSource source = PopSource::normal;
  std::string queue;  // the id; in orderCountInfo also `qo<id>%<offset>`
  std::int64_t number = 0;
  friend bool operator==(const PopQueueNumber&, const PopQueueNumber&) = default;
};
void append_start_offset(std::string& info, PopSource source, std::int32_t queue_id, std::int64_t start_offset);
void append_order_count(std::string& info, PopSource source, std::int32_t queue_id, std::int32_t count);
void append_order_count(std::string& info, PopSource source, std::int32_t queue_id, std::int64_t offset, std::int32_t count);
std::optional<std::vector<PopQueueNumber>> parse_queue_numbers(std::string_view info);

/// Header field msgOffsetInfo: `source queueId offset,offset…`, joined by `;`.
struct PopQueueOffsets {
  PopSource source = PopSource::normal;
  std::int32_t queue_id = 0;
  std::vector<std::int64_t> offsets;
  friend bool operator==(const PopQueueOffsets&, const PopQueueOffsets&) = default;
};
void append_message_offsets(std::string& info, PopSource source, std::int32_t queue_id, std::span<const std::int64_t> offsets);
std::optional<std::vector<PopQueueOffsets>> parse_message_offsets(std::string_view info);

/// Which messages of a check point: the n-th bit stands for its n-th message. base64 of java.util.BitSet's octets; some clients write an
/// array of numbers.
struct AckBits {
  std::vector<std::uint32_t> set;  // rising
  friend bool operator==(const AckBits&, const AckBits&) = default;
};
/// More bits than a pop could ever ask for are no set of acks: fails.
inline constexpr std::size_t ack_bits_max = 1 << 16;
void read(JsonReader& in, AckBits& bits);
void write(JsonWriter& out, const AckBits& bits);

/// Body of 200151.
struct BatchAck {
  struct Ack {
    AckBits bits;
    std::string consumer_group;
    std::int64_t invisible_ms = 0;
    std::int64_t pop_time_ms = 0;
    std::int32_t queue_id = 0;
    std::string retry;  // a source: 0, 1, 2
    std::int32_t revive_queue = 0;
    std::int64_t start_offset = 0;
    std::string topic;

    template <class Self, class F>
    static void describe(Self& self, F&& member) {
      member("b", self.bits, "bitSet");
      member("c", self.consumer_group, "consumerGroup");
      member("it", self.invisible_ms, "invisibleTime");
      member("pt", self.pop_time_ms, "popTime");
      member("q", self.queue_id, "queueId");
      member("r", self.retry, "retry");
      member("rq", self.revive_queue, "reviveQueueId");
      member("so", self.start_offset, "startOffset");
      member("t", self.topic, "topic");
    }
    friend bool operator==(const Ack&, const Ack&) = default;
  };
  std::vector<Ack> acks;
  std::string broker_name;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("acks", self.acks);
    member("brokerName", self.broker_name);
  }
  friend bool operator==(const BatchAck&, const BatchAck&) = default;
};

/// What a producer of a timed message gets, to recall it with (370): base64url of `v1 topic broker deliverTime uniqueKey`.
/// source: common/producer/RecallMessageHandle.java
struct RecallHandle {
  std::string topic;
  std::string broker_name;
  std::int64_t deliver_time_ms = 0;
  std::string unique_key;
  friend bool operator==(const RecallHandle&, const RecallHandle&) = default;
};
std::string to_string(const RecallHandle& handle);
std::optional<RecallHandle> parse_recall_handle(std::string_view text);

}  // namespace chorus::mq::rocketmq
