// Entries of the log that POP consumption writes. Payloads, big-endian, a text as u16 length and octets:
//
//   popped          of · i64 next, i64 pop time, i64 invisible, i64 start · n times u32 offset from the start on
//   pop_ended       n times i64 id
//   pop_changed     i64 id, i64 pop time, i64 invisible
//   order_popped    of · text attempt · i64 pop time, i64 invisible, i64 start · n times u32 offset from the start on
//   order_acked     of · i64 pop time · n times i64 offset
//   order_changed   of · i64 pop time, i64 offset, i64 visible again
//   order_cleared   of
//   request_mode    text group, text topic · u8 1: POP, i32 queues shared
//   group_removed   text group
//
// `of` is text group, text topic, i32 queue.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mq/broker/pop_handles.h"
#include "mq/broker/pop_orders.h"

namespace chorus::mq {

/// Messages of a queue were given to a group, which goes on at `next`.
struct PoppedEntry {
  GroupQueue of;
  Offset next = 0;
  std::int64_t pop_time_ms = 0;
  std::int64_t invisible_ms = 0;
  Offset start = 0;
  std::vector<Offset> offsets;  // from the start on
  friend bool operator==(const PoppedEntry&, const PoppedEntry&) = default;
};
struct PopChangedEntry {
  Position id = 0;
  std::int64_t pop_time_ms = 0;
  std::int64_t invisible_ms = 0;
  friend bool operator==(const PopChangedEntry&, const PopChangedEntry&) = default;
};
struct OrderPoppedEntry {
  GroupQueue of;
  std::string attempt_id;
  std::int64_t pop_time_ms = 0;
  std::int64_t invisible_ms = 0;
  Offset start = 0;
  std::vector<Offset> offsets;
  friend bool operator==(const OrderPoppedEntry&, const OrderPoppedEntry&) = default;
};
struct OrderAckedEntry {
  GroupQueue of;
  std::int64_t pop_time_ms = 0;
  std::vector<Offset> offsets;
  friend bool operator==(const OrderAckedEntry&, const OrderAckedEntry&) = default;
};
struct OrderChangedEntry {
  GroupQueue of;
  std::int64_t pop_time_ms = 0;
  Offset offset = 0;
  std::int64_t visible_ms = 0;
  friend bool operator==(const OrderChangedEntry&, const OrderChangedEntry&) = default;
};
/// How consumers of a group get at a topic, where they leave that to the broker. source: MessageRequestModeManager.java
struct RequestMode {
  bool pop = false;
  std::int32_t share_queues = 0;  // popShareQueueNum
  friend bool operator==(const RequestMode&, const RequestMode&) = default;
};
struct RequestModeEntry {
  std::string group;
  std::string topic;
  RequestMode mode;
  friend bool operator==(const RequestModeEntry&, const RequestModeEntry&) = default;
};

std::string encode_entry(const PoppedEntry& entry);
std::string encode_entry(const PopChangedEntry& entry);
std::string encode_entry(const OrderPoppedEntry& entry);
std::string encode_entry(const OrderAckedEntry& entry);
std::string encode_entry(const OrderChangedEntry& entry);
std::string encode_entry(const RequestModeEntry& entry);
std::string encode_entry(const GroupQueue& of);

/// Empty: it is no such entry.
std::optional<PoppedEntry> decode_popped(std::string_view payload);
std::optional<PopChangedEntry> decode_pop_changed(std::string_view payload);
std::optional<OrderPoppedEntry> decode_order_popped(std::string_view payload);
std::optional<OrderAckedEntry> decode_order_acked(std::string_view payload);
std::optional<OrderChangedEntry> decode_order_changed(std::string_view payload);
std::optional<RequestModeEntry> decode_request_mode(std::string_view payload);
std::optional<GroupQueue> decode_group_queue(std::string_view payload);

}  // namespace chorus::mq
