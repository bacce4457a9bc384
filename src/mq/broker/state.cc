#include "mq/broker/state.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "mq/message/message.h"
#include "mq/message/names.h"

namespace chorus::mq {
namespace {

constexpr std::uint32_t checkpoint_version = 2;  // 1 knew nothing of POP

bool decode_dues(base::Reader& in, std::vector<Due>& dues) {
  while (in.ok() && in.remaining() >= 16) {
    const std::int64_t due_ms = in.i64();
    dues.push_back({.due_ms = due_ms, .position = in.i64()});
  }
  return in.ok() && in.remaining() == 0;
}

}  // namespace

std::string encode_positions(const std::vector<Position>& positions) {
  std::string octets;
  base::Writer out(octets);
  for (const Position position : positions) out.i64(position);
  return octets;
}

std::string encode_dues(const std::vector<Due>& dues) {
  std::string octets;
  base::Writer out(octets);
  for (const Due& due : dues) {
    out.i64(due.due_ms);
    out.i64(due.position);
  }
  return octets;
}

std::uint32_t BrokerState::incarnation(std::string_view topic) const {
  const auto found = incarnations_.find(topic);
  return found == incarnations_.end() ? 0 : found->second;
}

void BrokerState::close_one(Position position) {
  std::erase_if(open_delivery_, [position](const Due& due) { return due.position == position; });
  recalled_.erase(position);
}

void BrokerState::apply(const EntryView& entry) {
  base::Reader in(entry.payload);
  bool ok = true;
  switch (static_cast<EntryType>(entry.type)) {
    case EntryType::none:
      break;
    case EntryType::offsets:
      if (!live_) ok = offsets.apply(entry.payload);
      break;
    case EntryType::half: {
      const auto message = decode_message(entry.payload);
      ok = message.has_value();
      if (!ok) break;
      const auto immunity = message->properties().get_int(property::check_immunity_seconds);
      halves_[entry.index.position] = {.queue_offset = entry.index.offset,
                                       .store_time_ms = entry.index.store_time_ms,
                                       .immunity_ms = immunity && *immunity >= 0 ? std::min<std::int64_t>(*immunity, 1 << 30) * 1000 : -1};
      break;
    }
    case EntryType::transaction_copy: {
      const auto message = decode_message(entry.payload);
      ok = message.has_value();
      if (ok) halves_.erase(message->prepared_offset);
      break;
    }
    case EntryType::rollback:
      halves_.erase(in.i64());
      break;
    case EntryType::half_checked:
      while (in.remaining() >= 8) {
        if (const auto half = halves_.find(in.i64()); half != halves_.end()) ++half->second.checks;
      }
      break;
    case EntryType::delivery: {
      std::vector<Due> dues;
      ok = decode_dues(in, dues);
      if (!dues.empty()) delivered_to_ = std::max(delivered_to_, *std::ranges::max_element(dues));
      open_delivery_.insert(open_delivery_.end(), dues.begin(), dues.end());
      break;
    }
    case EntryType::delivered: {
      const auto message = decode_message(entry.payload);
      ok = message.has_value();
      if (ok) close_one(message->prepared_offset);
      break;
    }
    case EntryType::skipped:
      while (in.remaining() >= 8) close_one(in.i64());
      break;
    case EntryType::recalled:
      recalled_.insert(in.i64());
      break;
    case EntryType::topic_removed:
      ++incarnations_[std::string(entry.payload)];
      // What was popped before it, and is in the log only now, is of the old one.
      offsets.remove_topic(entry.payload);
      pops_.remove_topic(entry.payload);
      break;
    default:
      ok = apply_pop(static_cast<EntryType>(entry.type), entry);
  }
  if (ok && in.ok()) return;
  complaints_.push_back(fmt::format("entry at {} of type {} cannot be understood: it was passed over", entry.index.position, entry.type));
}

bool BrokerState::apply_pop(EntryType type, const EntryView& entry) {
  switch (type) {
    case EntryType::popped:
      return pops_.popped(entry.index.position, entry.payload, offsets);
    case EntryType::pop_ended:
      return pops_.ended(entry.payload);
    case EntryType::pop_changed:
      return pops_.changed(entry.payload);
    case EntryType::revived: {
      const auto message = decode_message(entry.payload);
      if (message) pops_.ended(message->prepared_offset);
      return message.has_value();
    }
    case EntryType::order_popped:
      return pops_.order_popped(entry.payload, offsets);
    case EntryType::order_acked:
      return pops_.order_acked(entry.payload, offsets);
    case EntryType::order_changed:
      return pops_.order_changed(entry.payload);
    case EntryType::order_cleared:
      return pops_.order_cleared(entry.payload);
    case EntryType::request_mode:
      return pops_.request_mode(entry.payload);
    case EntryType::group_removed:
      pops_.remove_group(entry.payload);
      return true;
    default:
      return false;
  }
}

std::string BrokerState::checkpoint() {
  std::string octets;
  base::Writer out(octets);
  out.u32(checkpoint_version);
  const std::vector<std::string> records = offsets.all();
  out.u32(static_cast<std::uint32_t>(records.size()));
  for (const std::string& record : records) {
    out.u32(static_cast<std::uint32_t>(record.size()));
    out.octets(record);
  }
  out.u32(static_cast<std::uint32_t>(halves_.size()));
  for (const auto& [position, half] : halves_) {
    out.i64(position);
    out.i64(half.queue_offset);
    out.i64(half.store_time_ms);
    out.i64(half.immunity_ms);
    out.i32(half.checks);
  }
  out.i64(delivered_to_.due_ms);
  out.i64(delivered_to_.position);
  out.u32(static_cast<std::uint32_t>(open_delivery_.size()));
  out.octets(encode_dues(open_delivery_));
  out.u32(static_cast<std::uint32_t>(recalled_.size()));
  for (const Position position : recalled_) out.i64(position);
  out.u32(static_cast<std::uint32_t>(incarnations_.size()));
  for (const auto& [topic, count] : incarnations_) {
    out.u16(static_cast<std::uint16_t>(topic.size()));
    out.octets(topic);
    out.u32(count);
  }
  pops_.write(out);
  return octets;
}

void BrokerState::restore(std::string_view checkpoint) {
  offsets = {};
  halves_.clear();
  delivered_to_ = {};
  open_delivery_.clear();
  recalled_.clear();
  incarnations_.clear();
  pops_ = {};
  if (checkpoint.empty()) return;

  base::Reader in(checkpoint);
  const std::uint32_t version = in.u32();
  if (version < 1 || version > checkpoint_version) {
    complaints_.push_back("the checkpoint is of another version: open it with the release that wrote it");
    return;
  }
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) {
    const std::string_view record = in.octets(in.u32());
    offsets.apply(record);
    // Some may be in no entry of the log, and a checkpoint may go with the power: to be kept, they have to get there.
    offsets.mark_dirty(record);
  }
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) {
    const Position position = in.i64();
    Half half{.queue_offset = in.i64(), .store_time_ms = in.i64(), .immunity_ms = in.i64(), .checks = in.i32()};
    halves_[position] = half;
  }
  delivered_to_.due_ms = in.i64();
  delivered_to_.position = in.i64();
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) {
    const std::int64_t due_ms = in.i64();
    open_delivery_.push_back({.due_ms = due_ms, .position = in.i64()});
  }
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) recalled_.insert(in.i64());
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) {
    const std::string topic(in.octets(in.u16()));
    incarnations_[topic] = in.u32();
  }
  const bool pops_read = version < 2 || pops_.read(in);
  if (!pops_read || !in.ok() || in.remaining() > 0) complaints_.push_back("the checkpoint is shorter or longer than it says");
}

}  // namespace chorus::mq
