#include "mq/broker/pop_state.h"

#include <algorithm>

#include "base/bytes.h"

namespace chorus::mq {

bool PopState::popped(Position at, std::string_view payload, Offsets& offsets) {
  const auto entry = decode_popped(payload);
  if (!entry) return false;
  Position id = at;
  for (const Offset offset : entry->offsets) {
    handles_.put(entry->of, {.id = id++, .offset = offset, .pop_time_ms = entry->pop_time_ms, .invisible_ms = entry->invisible_ms});
  }
  offsets.commit(entry->of.group, entry->of.queue, entry->next);
  return true;
}

bool PopState::ended(std::string_view payload) {
  base::Reader in(payload);
  while (in.remaining() >= 8) handles_.end(in.i64());
  return in.ok() && in.remaining() == 0;
}

bool PopState::changed(std::string_view payload) {
  const auto entry = decode_pop_changed(payload);
  if (!entry) return false;
  handles_.change(entry->id, entry->pop_time_ms, entry->invisible_ms);
  return true;
}

bool PopState::order_popped(std::string_view payload, Offsets& offsets) {
  auto entry = decode_order_popped(payload);
  if (!entry) return false;
  OrderedPop taken{.attempt_id = std::move(entry->attempt_id), .pop_time_ms = entry->pop_time_ms, .invisible_ms = entry->invisible_ms};
  taken.offsets = std::move(entry->offsets);
  orders_.pop(entry->of, std::move(taken));
  offsets.commit(entry->of.group, entry->of.queue, entry->start);
  return true;
}

bool PopState::order_acked(std::string_view payload, Offsets& offsets) {
  const auto entry = decode_order_acked(payload);
  if (!entry) return false;
  std::optional<Offset> next;
  for (const Offset offset : entry->offsets) {
    if (const auto moved = orders_.ack(entry->of, entry->pop_time_ms, offset)) next = moved;
  }
  if (next) offsets.commit(entry->of.group, entry->of.queue, *next);
  return true;
}

bool PopState::order_changed(std::string_view payload) {
  const auto entry = decode_order_changed(payload);
  if (!entry) return false;
  orders_.change(entry->of, entry->pop_time_ms, entry->offset, entry->visible_ms);
  return true;
}

bool PopState::order_cleared(std::string_view payload) {
  const auto of = decode_group_queue(payload);
  if (!of) return false;
  orders_.clear(*of);
  return true;
}

bool PopState::request_mode(std::string_view payload) {
  const auto entry = decode_request_mode(payload);
  if (!entry) return false;
  modes_[{entry->topic, entry->group}] = entry->mode;
  return true;
}

void PopState::remove_topic(std::string_view topic) {
  handles_.remove_topic(topic);
  orders_.remove_topic(topic);
  std::erase_if(modes_, [topic](const auto& mode) { return mode.first.first == topic; });
}

void PopState::remove_group(std::string_view group) {
  handles_.remove_group(group);
  orders_.remove_group(group);
  std::erase_if(modes_, [group](const auto& mode) { return mode.first.second == group; });
}

std::optional<RequestMode> PopState::mode(std::string_view topic, std::string_view group) const {
  const auto found = modes_.find({std::string(topic), std::string(group)});
  if (found == modes_.end()) return std::nullopt;
  return found->second;
}

bool PopState::has_group(std::string_view group) const {
  return handles_.has_group(group) || orders_.has_group(group) ||
         std::ranges::any_of(modes_, [group](const auto& mode) { return mode.first.second == group; });
}

void PopState::write(base::Writer& out) const {
  handles_.write(out);
  orders_.write(out);
  out.u32(static_cast<std::uint32_t>(modes_.size()));
  for (const auto& [key, mode] : modes_) {
    const std::string entry = encode_entry(RequestModeEntry{.group = key.second, .topic = key.first, .mode = mode});
    out.u32(static_cast<std::uint32_t>(entry.size()));
    out.octets(entry);
  }
}

bool PopState::read(base::Reader& in) {
  modes_.clear();
  if (!handles_.read(in) || !orders_.read(in)) return false;
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) {
    if (!request_mode(in.octets(in.u32()))) return false;
  }
  return in.ok();
}

}  // namespace chorus::mq
