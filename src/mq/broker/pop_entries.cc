#include "mq/broker/pop_entries.h"

#include "base/bytes.h"

namespace chorus::mq {
namespace {

void write_text(base::Writer& out, std::string_view text) {
  out.u16(static_cast<std::uint16_t>(text.size()));
  out.octets(text);
}

void write_of(base::Writer& out, const GroupQueue& of) {
  write_text(out, of.group);
  write_text(out, of.queue.topic);
  out.i32(of.queue.queue);
}

GroupQueue read_of(base::Reader& in) {
  GroupQueue of;
  of.group = in.octets(in.u16());
  of.queue.topic = in.octets(in.u16());
  of.queue.queue = in.i32();
  return of;
}

void write_offsets(base::Writer& out, Offset start, const std::vector<Offset>& offsets) {
  out.i64(start);
  for (const Offset offset : offsets) out.u32(static_cast<std::uint32_t>(offset - start));
}

void read_offsets(base::Reader& in, Offset& start, std::vector<Offset>& offsets) {
  start = in.i64();
  while (in.ok() && in.remaining() >= 4) offsets.push_back(start + in.u32());
}

template <class T>
std::optional<T> whole(const base::Reader& in, T entry) {
  if (!in.ok() || in.remaining() > 0) return std::nullopt;
  return entry;
}

}  // namespace

std::string encode_entry(const PoppedEntry& entry) {
  std::string octets;
  base::Writer out(octets);
  write_of(out, entry.of);
  out.i64(entry.next);
  out.i64(entry.pop_time_ms);
  out.i64(entry.invisible_ms);
  write_offsets(out, entry.start, entry.offsets);
  return octets;
}

std::optional<PoppedEntry> decode_popped(std::string_view payload) {
  base::Reader in(payload);
  PoppedEntry entry{.of = read_of(in)};
  entry.next = in.i64();
  entry.pop_time_ms = in.i64();
  entry.invisible_ms = in.i64();
  read_offsets(in, entry.start, entry.offsets);
  return whole(in, std::move(entry));
}

std::string encode_entry(const PopChangedEntry& entry) {
  std::string octets;
  base::Writer out(octets);
  out.i64(entry.id);
  out.i64(entry.pop_time_ms);
  out.i64(entry.invisible_ms);
  return octets;
}

std::optional<PopChangedEntry> decode_pop_changed(std::string_view payload) {
  base::Reader in(payload);
  PopChangedEntry entry{.id = in.i64()};
  entry.pop_time_ms = in.i64();
  entry.invisible_ms = in.i64();
  return whole(in, entry);
}

std::string encode_entry(const OrderPoppedEntry& entry) {
  std::string octets;
  base::Writer out(octets);
  write_of(out, entry.of);
  write_text(out, entry.attempt_id);
  out.i64(entry.pop_time_ms);
  out.i64(entry.invisible_ms);
  write_offsets(out, entry.start, entry.offsets);
  return octets;
}

std::optional<OrderPoppedEntry> decode_order_popped(std::string_view payload) {
  base::Reader in(payload);
  OrderPoppedEntry entry{.of = read_of(in)};
  entry.attempt_id = in.octets(in.u16());
  entry.pop_time_ms = in.i64();
  entry.invisible_ms = in.i64();
  read_offsets(in, entry.start, entry.offsets);
  if (entry.offsets.size() > PopOrders::offsets_max) return std::nullopt;
  return whole(in, std::move(entry));
}

std::string encode_entry(const OrderAckedEntry& entry) {
  std::string octets;
  base::Writer out(octets);
  write_of(out, entry.of);
  out.i64(entry.pop_time_ms);
  for (const Offset offset : entry.offsets) out.i64(offset);
  return octets;
}

std::optional<OrderAckedEntry> decode_order_acked(std::string_view payload) {
  base::Reader in(payload);
  OrderAckedEntry entry{.of = read_of(in)};
  entry.pop_time_ms = in.i64();
  while (in.ok() && in.remaining() >= 8) entry.offsets.push_back(in.i64());
  return whole(in, std::move(entry));
}

std::string encode_entry(const OrderChangedEntry& entry) {
  std::string octets;
  base::Writer out(octets);
  write_of(out, entry.of);
  out.i64(entry.pop_time_ms);
  out.i64(entry.offset);
  out.i64(entry.visible_ms);
  return octets;
}

std::optional<OrderChangedEntry> decode_order_changed(std::string_view payload) {
  base::Reader in(payload);
  OrderChangedEntry entry{.of = read_of(in)};
  entry.pop_time_ms = in.i64();
  entry.offset = in.i64();
  entry.visible_ms = in.i64();
  return whole(in, std::move(entry));
}

std::string encode_entry(const RequestModeEntry& entry) {
  std::string octets;
  base::Writer out(octets);
  write_text(out, entry.group);
  write_text(out, entry.topic);
  out.u8(entry.mode.pop ? 1 : 0);
  out.i32(entry.mode.share_queues);
  return octets;
}

std::optional<RequestModeEntry> decode_request_mode(std::string_view payload) {
  base::Reader in(payload);
  RequestModeEntry entry{.group = std::string(in.octets(in.u16()))};
  entry.topic = in.octets(in.u16());
  entry.mode.pop = in.u8() == 1;
  entry.mode.share_queues = in.i32();
  return whole(in, std::move(entry));
}

std::string encode_entry(const GroupQueue& of) {
  std::string octets;
  base::Writer out(octets);
  write_of(out, of);
  return octets;
}

std::optional<GroupQueue> decode_group_queue(std::string_view payload) {
  base::Reader in(payload);
  return whole(in, read_of(in));
}

}  // namespace chorus::mq
