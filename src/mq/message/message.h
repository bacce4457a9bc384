// A message as it is stored and as pull answers carry it: RocketMQ's layout, version 1 and 2 (a topic longer than 127 octets).
//
//   at   field               octets   at  field                 octets
//    0   total size          4        48  born host             8, or 20 (sys flag 16: IPv6)
//    4   magic               4            store time            8
//    8   CRC-32 of the body  4            store host            8, or 20 (sys flag 32)
//   12   queue id            4            reconsume times       4
//   16   flag (the user's)   4            prepared transaction  8
//   20   queue offset        8            body                  4 + n
//   28   physical offset     8            topic                 1 + n; version 2: 2 + n
//   36   sys flag            4            properties            2 + n
//   40   born time           8        all big-endian. source: store/MessageExtEncoder.java, common/message/MessageDecoder.java
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mq/message/ids.h"
#include "mq/message/properties.h"

namespace chorus::mq {

inline constexpr std::uint32_t message_magic_v1 = 0xdaa320a7;
inline constexpr std::uint32_t message_magic_v2 = 0xdaa320ab;
inline constexpr std::size_t topic_octets_v1_max = 127;
inline constexpr std::size_t topic_octets_v2_max = 32767;

/// All of a message; texts and body are borrowed.
struct MessageView {
  std::uint32_t size = 0;      // octets of the whole; set by decoding
  std::uint32_t body_crc = 0;  // set by decoding
  std::int32_t queue_id = 0;
  std::int32_t flag = 0;
  std::int64_t queue_offset = 0;
  std::int64_t position = 0;  // physical offset
  std::int32_t sys_flag = 0;
  std::int64_t born_time_ms = 0;
  Host born_host;
  std::int64_t store_time_ms = 0;
  Host store_host;
  std::int32_t reconsume_times = 0;
  std::int64_t prepared_offset = 0;
  std::string_view body;
  std::string_view topic;
  std::string_view properties_text;

  Properties properties() const { return Properties(properties_text); }
  std::string offset_id() const { return to_string(OffsetId{store_host, position}); }
};

enum class MessageErrc {
  truncated,  // more octets are announced than there are
  damaged,    // it cannot be a message: magic, lengths
};

/// Octets that encoding will take.
std::size_t encoded_size(const MessageView& message);
/// Appends the message. The bits of the sys flag that tell of IPv6 are put right; the CRC is computed; `size` and `body_crc` are not read.
/// Topic and properties must be short enough to be written (topic_octets_v2_max, properties_octets_max), the body under 2 GiB.
void encode_message(const MessageView& message, std::string& out);
std::string encode_message(const MessageView& message);

/// The message that the octets begin with; there may be more after its `size`.
base::Result<MessageView, MessageErrc> decode_message(std::string_view octets);
/// Whether the body is the one that the CRC was made of.
bool has_intact_body(const MessageView& message);
/// CRC-32 without its highest bit, as Java keeps it in an int.
std::uint32_t body_crc(std::string_view body);

/// Overwrites what only the store knows. The octets must be an encoded message.
void patch_queue_id(std::span<char> message, std::int32_t queue_id);
void patch_queue_offset(std::span<char> message, std::int64_t queue_offset);
void patch_position(std::span<char> message, std::int64_t position);
void patch_store_time(std::span<char> message, std::int64_t store_time_ms);
/// The host must be of the family that the message was encoded with.
void patch_store_host(std::span<char> message, const Host& host);

/// One message of the body of a batch (code 320); borrowed.
struct BatchItem {
  std::int32_t flag = 0;
  std::string_view body;
  std::string_view properties_text;
  friend bool operator==(const BatchItem&, const BatchItem&) = default;
};
/// The messages of a batch's body, at least one, else `damaged` or `truncated`.
base::Result<std::vector<BatchItem>, MessageErrc> decode_batch(std::string_view body);
void append_batch_item(std::string& body, const BatchItem& item);

}  // namespace chorus::mq
