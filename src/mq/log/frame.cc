#include "mq/log/frame.h"

#include <fmt/format.h>

#include <cstring>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/text.h"

namespace chorus::mq::log {
namespace {

constexpr std::string_view segment_magic = "CHORUSMQ";
constexpr std::uint32_t segment_version = 1;
constexpr std::size_t crc_offset = 0;
constexpr std::size_t length_offset = 8;
constexpr std::size_t position_offset = 16;

enum Flags : std::uint8_t { has_count = 1, has_due = 2, all_flags = 3 };

constexpr std::uint64_t padded(std::uint64_t octets) { return (octets + entry_alignment - 1) / entry_alignment * entry_alignment; }

void put_u32(std::string& out, std::size_t at, std::uint32_t value) { base::Writer(out).patch_u32(at, value); }
void put_i64(std::string& out, std::size_t at, std::int64_t value) {
  put_u32(out, at, static_cast<std::uint32_t>(static_cast<std::uint64_t>(value) >> 32));
  put_u32(out, at + 4, static_cast<std::uint32_t>(value));
}

// RocketMQ's message. source: MessageExtEncoder
constexpr std::size_t message_queue_offset = 20;
constexpr std::size_t message_physical_offset = 28;
constexpr std::size_t message_sys_flag = 36;
constexpr std::size_t message_store_time = 56;  // with an IPv4 born host
constexpr std::uint32_t born_host_is_ipv6 = 16;
// Kafka's batch. source: DefaultRecordBatch
constexpr std::size_t batch_leader_epoch = 12;
constexpr std::size_t batch_crc = 17;
constexpr std::size_t batch_attributes = 21;
constexpr std::size_t batch_max_timestamp = 35;
constexpr std::size_t batch_header = 61;
constexpr std::uint16_t batch_append_time = 8;

std::size_t store_time_at(std::string_view message) {
  const std::uint32_t sys_flag = base::Reader(message.substr(message_sys_flag)).u32();
  return message_store_time + ((sys_flag & born_host_is_ipv6) != 0 ? 12 : 0);
}

void fill_in(Kind kind, const Stamp& stamp, std::string& out, std::size_t at) {
  const auto payload = [&] { return std::string_view(out).substr(at); };
  if (kind == Kind::message) {
    put_i64(out, at + message_queue_offset, stamp.offset);
    put_i64(out, at + message_physical_offset, stamp.position);
    put_i64(out, at + store_time_at(payload()), stamp.store_time_ms);
  } else if (kind == Kind::batch) {
    put_i64(out, at, stamp.offset);
    put_u32(out, at + batch_leader_epoch, stamp.epoch);
    if ((base::Reader(payload().substr(batch_attributes)).u16() & batch_append_time) != 0) {
      put_i64(out, at + batch_max_timestamp, stamp.store_time_ms);
      put_u32(out, at + batch_crc, base::crc32c(payload().substr(batch_attributes)));
    }
  }
}

}  // namespace

std::string log_name(Position base) { return fmt::format("{:020}.log", base); }
std::string index_name(Position base) { return fmt::format("{:020}.index", base); }

std::optional<Position> position_in_name(std::string_view name, std::string_view extension) {
  constexpr std::size_t digits = 20;
  if (name.size() != digits + extension.size() || !name.ends_with(extension)) return std::nullopt;
  if (name.find_first_not_of("0123456789") != digits) return std::nullopt;
  return base::parse_int(name.substr(0, digits));
}

std::string EntryFormat::name_of(store::Id first) const { return log_name(first - static_cast<Position>(segment_header_octets)); }
std::optional<store::Id> EntryFormat::first_of(std::string_view name) const {
  const auto base = position_in_name(name, ".log");
  if (!base || *base % entry_alignment != 0) return std::nullopt;
  return *base + static_cast<Position>(segment_header_octets);
}

std::string EntryFormat::header(store::Id first) const {
  std::string out(segment_magic);
  base::Writer writer(out);
  writer.u32(segment_version);
  writer.u32(0);
  writer.i64(first - static_cast<Position>(segment_header_octets));
  out.resize(segment_header_octets - 4);
  writer.u32(base::crc32c(out));
  return out;
}

std::string EntryFormat::refuse_header(std::string_view header) const {
  base::Reader in(header);
  if (in.octets(segment_magic.size()) != segment_magic) return "it does not begin as a message log (CHORUSMQ)";
  const std::uint32_t version = in.u32();
  if (header.size() < segment_header_octets ||
      base::Reader(header.substr(segment_header_octets - 4)).u32() != base::crc32c(header.substr(0, segment_header_octets - 4)))
    return "the checksum of its header is wrong";
  if (version != segment_version)
    return fmt::format("it is a message log of version {}, only version {} is known", version, segment_version);
  return {};
}

store::Scan EntryFormat::scan(std::string_view octets) const {
  using Kind = store::Scan::Kind;
  base::Reader in(octets);
  const std::uint32_t crc = in.u32();
  in.u32();
  const std::uint32_t length = in.u32();
  const std::uint16_t head = in.u16();
  in.u16();
  const Position position = in.i64();
  in.i64();
  if (!in.ok()) return {.kind = Kind::more, .length = frame_octets};
  if (length == 0) return {.kind = Kind::end};
  if (length > entry_octets_limit) return {.kind = Kind::bad, .length = frame_octets, .why = "an entry has an impossible length"};
  const std::uint64_t whole = padded(frame_octets + length);
  if (octets.size() < whole) return {.kind = Kind::more, .length = whole};
  if (crc != base::crc32c(octets.substr(4, whole - 4)))
    return {.kind = Kind::bad, .length = whole, .why = "the checksum of an entry is wrong"};
  if (head == 0 || head > length || position <= 0 || !decode_head(octets))
    return {.kind = Kind::bad, .length = whole, .why = "the frame of an entry makes no sense"};
  return {.kind = Kind::complete, .length = whole, .id = position, .payload = octets.substr(frame_octets, length)};
}

std::uint64_t hash64(std::string_view octets) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, then murmur3's finish
  for (const char c : octets) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

std::uint64_t hash64(std::string_view topic, std::int32_t queue) {
  std::uint64_t hash = hash64(topic) + static_cast<std::uint64_t>(static_cast<std::uint32_t>(queue)) * 0x9e3779b97f4a7c15;
  hash = (hash ^ (hash >> 32)) * 0xff51afd7ed558ccd;
  return hash ^ (hash >> 29);
}

std::size_t head_octets(const NewEntry& entry) {
  if (entry.kind == Kind::own) return 1;
  return 1 + 4 + 8 + 4 + (entry.count != 1 ? 4 : 0) + (entry.due_ms != 0 ? 8 : 0) + 1 + entry.queue.topic.size() + 1 +
         8 * std::min(entry.keys.size(), keys_max);
}

std::uint64_t framed_octets(std::uint64_t head, std::uint64_t payload) { return padded(frame_octets + head + payload); }
std::uint64_t framed_octets(const NewEntry& entry) { return framed_octets(head_octets(entry), entry.payload.size()); }

bool is_patchable(const NewEntry& entry) {
  switch (entry.kind) {
    case Kind::message:
      return entry.payload.size() > message_store_time && entry.payload.size() >= store_time_at(entry.payload) + 8;
    case Kind::batch:
      return entry.payload.size() >= batch_header;
    case Kind::own:
      return true;
  }
  return false;
}

void encode_entry(const NewEntry& entry, const Stamp& stamp, std::string& group) {
  const std::size_t start = group.size();
  const std::size_t head = head_octets(entry);
  const auto length = static_cast<std::uint32_t>(head + entry.payload.size());
  const auto flags =
      static_cast<std::uint8_t>(entry.kind == Kind::own ? 0 : (entry.count != 1 ? has_count : 0) | (entry.due_ms != 0 ? has_due : 0));
  base::Writer out(group);
  out.u32(0);
  out.u32(stamp.epoch);
  out.u32(length);
  out.u16(static_cast<std::uint16_t>(head));
  out.u8(static_cast<std::uint8_t>(entry.kind));
  out.u8(flags);
  out.i64(stamp.position);
  out.i64(stamp.store_time_ms);
  out.u8(entry.type);
  if (entry.kind != Kind::own) {
    out.i32(entry.queue.queue);
    out.i64(stamp.offset);
    out.i32(entry.tag_hash);
    if ((flags & has_count) != 0) out.u32(entry.count);
    if ((flags & has_due) != 0) out.i64(entry.due_ms);
    out.u8(static_cast<std::uint8_t>(entry.queue.topic.size()));
    out.octets(entry.queue.topic);
    const std::size_t keys = std::min(entry.keys.size(), keys_max);
    out.u8(static_cast<std::uint8_t>(keys));
    for (std::size_t i = 0; i < keys; ++i) out.u64(entry.keys[i]);
  }
  const std::size_t payload = group.size();
  out.octets(entry.payload);
  fill_in(entry.kind, stamp, group, payload);
  group.resize(start + padded(group.size() - start), '\0');
}

void fill_checksums(std::string& group) {
  for (std::size_t at = 0; at + frame_octets <= group.size();) {
    const std::uint64_t whole = framed_octets(std::string_view(group).substr(at));
    put_u32(group, at + crc_offset, base::crc32c(std::string_view(group).substr(at + 4, whole - 4)));
    at += whole;
  }
}

std::uint64_t framed_octets(std::string_view frame) {
  if (frame.size() < frame_octets) return 0;
  const std::uint32_t length = base::Reader(frame.substr(length_offset)).u32();
  return length == 0 || length > entry_octets_limit ? 0 : padded(frame_octets + length);
}

std::optional<EntryView> decode_head(std::string_view frame) {
  EntryView view;
  base::Reader in(frame);
  in.u32();
  view.epoch = in.u32();
  const std::uint32_t length = in.u32();
  const std::uint16_t head_size = in.u16();
  const std::uint8_t kind = in.u8();
  const std::uint8_t flags = in.u8();
  view.index.position = in.i64();
  view.index.store_time_ms = in.i64();
  view.head = head_size;
  base::Reader head(in.octets(head_size));
  if (!in.ok() || length < head_size || kind < 1 || kind > 3 || (flags & ~all_flags) != 0) return std::nullopt;
  view.kind = view.index.kind = static_cast<Kind>(kind);
  view.index.size = length - head_size;
  view.type = head.u8();
  if (view.kind != Kind::own) {
    view.queue = head.i32();
    view.index.offset = head.i64();
    view.index.tag_hash = head.i32();
    if ((flags & has_count) != 0) view.index.count = head.u32();
    if ((flags & has_due) != 0) view.due_ms = head.i64();
    view.topic = head.octets(head.u8());
    view.key_hashes = head.octets(std::size_t{head.u8()} * 8);
    if (view.index.count == 0 || view.index.offset < 0) return std::nullopt;
  } else {
    view.index.count = 0;
  }
  if (!head.ok() || head.remaining() != 0) return std::nullopt;
  return view;
}

std::optional<EntryView> decode_entry(std::string_view frame) {
  auto view = decode_head(frame);
  if (!view || frame.size() - frame_octets - view->head < view->index.size) return std::nullopt;
  view->payload = frame.substr(frame_octets + view->head, view->index.size);
  return view;
}

std::optional<EntryView> check_entry(std::string_view octets, Position position) {
  if (octets.size() < frame_octets || base::Reader(octets.substr(position_offset)).i64() != position) return std::nullopt;
  const store::Scan scan = entry_format.scan(octets);
  if (scan.kind != store::Scan::Kind::complete) return std::nullopt;
  return decode_entry(octets.substr(0, scan.length));
}

Entry to_entry(const EntryView& view) {
  return {.queue = {std::string(view.topic), view.queue},
          .index = view.index,
          .type = view.type,
          .epoch = view.epoch,
          .due_ms = view.due_ms,
          .payload = std::string(view.payload)};
}

}  // namespace chorus::mq::log

std::uint64_t chorus::mq::key_hash(std::string_view key) { return log::hash64(key); }
