#include "mq/message/message.h"

#include <bit>
#include <cstring>

#include "base/checksum.h"
#include "base/ensure.h"
#include "mq/message/names.h"

namespace chorus::mq {
namespace {

constexpr std::size_t queue_id_at = 12, queue_offset_at = 20, position_at = 28, sys_flag_at = 36, born_host_at = 48;
constexpr std::size_t size_min = 4 + 4 + 4 + 4 + 4 + 8 + 8 + 4 + 8 + 8 + 8 + 8 + 4 + 8 + 4 + 1 + 2;

template <class T>
void put(std::span<char> message, std::size_t at, T value) {
  ENSURE(message.size() >= at + sizeof value && message.size() >= size_min, message.size(), at);
  if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
  std::memcpy(message.data() + at, &value, sizeof value);
}

std::int32_t sys_flag_of(std::span<const char> message) {
  ENSURE(message.size() >= size_min, message.size());
  base::Reader in({message.data() + sys_flag_at, 4});
  return in.i32();
}

std::size_t store_time_at(std::span<const char> message) { return born_host_at + (sys_flag_of(message) & sys_flag::born_host_v6 ? 20 : 8); }

}  // namespace

std::size_t encoded_size(const MessageView& message) {
  return size_min - 8 - 8 + message.born_host.size() + message.store_host.size() + message.body.size() + message.topic.size() +
         (message.topic.size() > topic_octets_v1_max ? 1 : 0) + message.properties_text.size();
}

void encode_message(const MessageView& message, std::string& out) {
  ENSURE(message.topic.size() <= topic_octets_v2_max, message.topic.size());
  ENSURE(message.properties_text.size() <= properties_octets_max, message.properties_text.size());
  ENSURE(message.body.size() < 0x7fff0000, message.body.size());
  const bool v2 = message.topic.size() > topic_octets_v1_max;
  const std::size_t size = encoded_size(message);
  std::int32_t flag = message.sys_flag & ~(sys_flag::born_host_v6 | sys_flag::store_host_v6);
  if (message.born_host.v6) flag |= sys_flag::born_host_v6;
  if (message.store_host.v6) flag |= sys_flag::store_host_v6;
  if (out.capacity() < out.size() + size) out.reserve(std::max(out.size() + size, 2 * out.capacity()));
  base::Writer writer(out);
  writer.u32(static_cast<std::uint32_t>(size));
  writer.u32(v2 ? message_magic_v2 : message_magic_v1);
  writer.u32(body_crc(message.body));
  writer.i32(message.queue_id);
  writer.i32(message.flag);
  writer.i64(message.queue_offset);
  writer.i64(message.position);
  writer.i32(flag);
  writer.i64(message.born_time_ms);
  write_host(writer, message.born_host);
  writer.i64(message.store_time_ms);
  write_host(writer, message.store_host);
  writer.i32(message.reconsume_times);
  writer.i64(message.prepared_offset);
  writer.u32(static_cast<std::uint32_t>(message.body.size()));
  writer.octets(message.body);
  if (v2)
    writer.u16(static_cast<std::uint16_t>(message.topic.size()));
  else
    writer.u8(static_cast<std::uint8_t>(message.topic.size()));
  writer.octets(message.topic);
  writer.u16(static_cast<std::uint16_t>(message.properties_text.size()));
  writer.octets(message.properties_text);
}

std::string encode_message(const MessageView& message) {
  std::string out;
  encode_message(message, out);
  return out;
}

base::Result<MessageView, MessageErrc> decode_message(std::string_view octets) {
  if (octets.size() < 4) return std::unexpected(MessageErrc::truncated);
  base::Reader head(octets);
  const std::uint32_t size = head.u32();
  if (size < size_min || size > 0x7fffffff) return std::unexpected(MessageErrc::damaged);
  if (size > octets.size()) return std::unexpected(MessageErrc::truncated);

  base::Reader in(octets.substr(0, size));
  MessageView message;
  message.size = in.u32();
  const std::uint32_t magic = in.u32();
  if (magic != message_magic_v1 && magic != message_magic_v2) return std::unexpected(MessageErrc::damaged);
  message.body_crc = in.u32();
  message.queue_id = in.i32();
  message.flag = in.i32();
  message.queue_offset = in.i64();
  message.position = in.i64();
  message.sys_flag = in.i32();
  message.born_time_ms = in.i64();
  message.born_host = read_host(in, message.sys_flag & sys_flag::born_host_v6);
  message.store_time_ms = in.i64();
  message.store_host = read_host(in, message.sys_flag & sys_flag::store_host_v6);
  message.reconsume_times = in.i32();
  message.prepared_offset = in.i64();
  message.body = in.octets(in.u32());
  const std::uint32_t topic_size = magic == message_magic_v2 ? in.u16() : in.u8();
  if (topic_size > (magic == message_magic_v2 ? topic_octets_v2_max : topic_octets_v1_max)) in.fail();
  message.topic = in.octets(topic_size);
  const std::uint32_t properties_size = in.u16();
  if (properties_size > properties_octets_max) in.fail();
  message.properties_text = in.octets(properties_size);
  if (!in.ok() || in.remaining() != 0) return std::unexpected(MessageErrc::damaged);
  return message;
}

std::uint32_t body_crc(std::string_view body) { return base::crc32(body) & 0x7fffffff; }
bool has_intact_body(const MessageView& message) { return body_crc(message.body) == message.body_crc; }

void patch_queue_id(std::span<char> message, std::int32_t queue_id) { put(message, queue_id_at, queue_id); }
void patch_queue_offset(std::span<char> message, std::int64_t queue_offset) { put(message, queue_offset_at, queue_offset); }
void patch_position(std::span<char> message, std::int64_t position) { put(message, position_at, position); }
void patch_store_time(std::span<char> message, std::int64_t store_time_ms) { put(message, store_time_at(message), store_time_ms); }
void patch_store_host(std::span<char> message, const Host& host) {
  ENSURE(host.v6 == ((sys_flag_of(message) & sys_flag::store_host_v6) != 0));
  const std::size_t at = store_time_at(message) + 8;
  ENSURE(message.size() >= at + host.size(), message.size());
  std::memcpy(message.data() + at, host.octets().data(), host.octets().size());
  put(message, at + host.octets().size(), host.port);
}

base::Result<std::vector<BatchItem>, MessageErrc> decode_batch(std::string_view body) {
  std::vector<BatchItem> items;
  base::Reader in(body);
  while (in.remaining() > 0) {
    in.u32();  // total size, magic and CRC are not filled in by all clients, and not read by a broker
    in.u32();
    in.u32();
    BatchItem item{.flag = in.i32()};
    item.body = in.octets(in.u32());
    const std::uint32_t properties_size = in.u16();
    if (properties_size > properties_octets_max) return std::unexpected(MessageErrc::damaged);
    item.properties_text = in.octets(properties_size);
    if (!in.ok()) return std::unexpected(MessageErrc::truncated);
    items.push_back(item);
  }
  if (items.empty()) return std::unexpected(MessageErrc::damaged);
  return items;
}

void append_batch_item(std::string& body, const BatchItem& item) {
  ENSURE(item.properties_text.size() <= properties_octets_max, item.properties_text.size());
  base::Writer out(body);
  out.u32(static_cast<std::uint32_t>(4 + 4 + 4 + 4 + 4 + item.body.size() + 2 + item.properties_text.size()));
  out.u32(0);
  out.u32(0);
  out.i32(item.flag);
  out.u32(static_cast<std::uint32_t>(item.body.size()));
  out.octets(item.body);
  out.u16(static_cast<std::uint16_t>(item.properties_text.size()));
  out.octets(item.properties_text);
}

}  // namespace chorus::mq
