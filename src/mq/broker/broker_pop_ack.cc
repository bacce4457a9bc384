// What consumers say of messages that they popped. source: broker/processor/AckMessageProcessor.java, ChangeInvisibleTimeProcessor.java
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mq/broker/broker.h"
#include "mq/broker/pop_work.h"

namespace chorus::mq {
namespace {

constexpr std::int64_t invisible_ms_max = std::int64_t{1} << 50;

NewEntry own_entry(EntryType type, std::string payload) {
  return {.kind = Kind::own, .payload = std::move(payload), .type = static_cast<std::uint8_t>(type)};
}

BrokerError not_held(const GroupQueue& of, Offset offset) {
  return {BrokerErrc::not_found,
          fmt::format("message {} of {}@{} is not held by that handle of group {}: it was or will be given to another", offset,
                      of.queue.topic, of.queue.queue, of.group)};
}

}  // namespace

void Broker::ack(std::vector<PopAck> acks, Done done) {
  std::optional<BrokerError> refusal;  // of some: the others are acknowledged all the same
  std::vector<NewEntry> entries;
  std::vector<Position> ids;
  std::vector<PopAck> in_order, unordered;  // that are acknowledged by this
  for (PopAck& ack : acks) {
    const auto committed = state_->offsets.committed(ack.of.group, ack.of.queue);
    const OrderedPop* taken = ack.in_order ? state_->pops().orders().find(ack.of) : nullptr;
    PopAck held{.of = ack.of, .offsets = {}, .pop_time_ms = ack.pop_time_ms, .in_order = true};
    PopAck ended{.of = ack.of, .offsets = {}, .pop_time_ms = ack.pop_time_ms};
    for (const Offset offset : ack.offsets) {
      if (ack.in_order) {
        if (committed && offset < *committed) continue;  // acknowledged before
        if (taken == nullptr || taken->pop_time_ms != ack.pop_time_ms || pop_locks_.contains(ack.of)) {
          refusal = not_held(ack.of, offset);
        } else if (std::ranges::find(taken->offsets, offset) == taken->offsets.end()) {
          refusal = BrokerError{BrokerErrc::illegal_message, fmt::format("offset is illegal, key:{}@{}@{}, commit:{}", ack.of.queue.topic,
                                                                         ack.of.group, ack.of.queue.queue, offset)};
        } else {
          held.offsets.push_back(offset);
        }
        continue;
      }
      const PopHandle* handle = state_->pops().handles().find(ack.of, offset);
      if (handle != nullptr && handle->pop_time_ms == ack.pop_time_ms && !pops_reviving_.contains(handle->id)) {
        ids.push_back(handle->id);
        ended.offsets.push_back(offset);
      } else if (handle != nullptr || !pop_work_->recent_acks.contains(ack.of, offset, ack.pop_time_ms)) {
        // Not held any more, and not known to be acknowledged by this handle: it was given again, or may have been.
        refusal = not_held(ack.of, offset);
      }
    }
    if (!ended.offsets.empty()) unordered.push_back(std::move(ended));
    if (held.offsets.empty()) continue;
    entries.push_back(own_entry(EntryType::order_acked,
                                encode_entry(OrderAckedEntry{.of = held.of, .pop_time_ms = held.pop_time_ms, .offsets = held.offsets})));
    in_order.push_back(std::move(held));
  }
  if (!ids.empty()) entries.push_back(own_entry(EntryType::pop_ended, encode_positions(ids)));
  const auto told = [](std::optional<BrokerError> why) -> BrokerResult<void> {
    if (why) return std::unexpected(std::move(*why));
    return {};
  };
  if (entries.empty()) {
    return later([done = std::move(done), told, refusal = std::move(refusal)]() mutable { done(told(std::move(refusal))); });
  }
  for (const Position id : ids) ++pops_busy_[id];
  for (const PopAck& ack : in_order) {
    state_->offsets.hold(ack.of.group, ack.of.queue);
    keep_order(ack.of);
  }
  store_->append_all(std::move(entries),
                     guarded([this, unordered = std::move(unordered), ids = std::move(ids), in_order = std::move(in_order), told,
                              refusal = std::move(refusal), done = std::move(done)](StoreResult<std::vector<Appended>> appended) mutable {
                       for (const Position id : ids) {
                         if (--pops_busy_[id] == 0) pops_busy_.erase(id);
                       }
                       for (const PopAck& ack : in_order) {
                         release_offset(ack.of);
                         release_order(ack.of);
                       }
                       arm_revive();
                       arm_free();
                       if (!appended) return done(base::error(BrokerErrc::unavailable, appended.error().message));
                       counters_.pop_acked += ids.size();
                       for (const PopAck& ack : in_order) counters_.pop_acked += ack.offsets.size();
                       // Groups that held as much as they may go on.
                       const PopHandles& handles = state_->pops().handles();
                       for (const PopAck& ack : unordered) {
                         for (const Offset offset : ack.offsets) pop_work_->recent_acks.add(ack.of, offset, ack.pop_time_ms);
                         const bool was_full = handles.size() + ids.size() >= options_.pop_in_flight_max ||
                                               handles.size(ack.of) + ack.offsets.size() >= options_.pop_in_flight_per_queue_max;
                         if (was_full) wake_pops(ack.of);
                       }
                       done(told(std::move(refusal)));
                     }));
}

void Broker::change_invisible(PopChange change, std::move_only_function<void(BrokerResult<PopChanged>)> done) {
  const auto answer = [&](BrokerResult<PopChanged> result) {
    later([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
  };
  const std::int64_t now = now_ms();
  const std::int64_t invisible_ms = std::clamp<std::int64_t>(change.invisible_ms, 0, invisible_ms_max);
  if (change.in_order) {
    const OrderedPop* taken = state_->pops().orders().find(change.of);
    if (taken == nullptr || taken->pop_time_ms != change.pop_time_ms ||
        std::ranges::find(taken->offsets, change.offset) == taken->offsets.end() || pop_locks_.contains(change.of)) {
      return answer(std::unexpected(not_held(change.of, change.offset)));
    }
    const OrderChangedEntry entry{
        .of = change.of, .pop_time_ms = change.pop_time_ms, .offset = change.offset, .visible_ms = now + invisible_ms};
    keep_order(entry.of);
    return store_->append(own_entry(EntryType::order_changed, encode_entry(entry)),
                          guarded([this, entry, done = std::move(done)](StoreResult<Appended> appended) mutable {
                            release_order(entry.of);
                            arm_free();
                            if (!appended) return done(base::error(BrokerErrc::unavailable, appended.error().message));
                            // It keeps its name, and so the time from that on is told.
                            done(PopChanged{.pop_time_ms = entry.pop_time_ms, .invisible_ms = entry.visible_ms - entry.pop_time_ms});
                          }));
  }
  const PopHandle* handle = state_->pops().handles().find(change.of, change.offset);
  if (handle == nullptr || handle->pop_time_ms != change.pop_time_ms || pops_reviving_.contains(handle->id)) {
    return answer(std::unexpected(not_held(change.of, change.offset)));
  }
  // The old handle is none any more, also where both are of one millisecond.
  const PopChangedEntry entry{.id = handle->id, .pop_time_ms = std::max(now, handle->pop_time_ms + 1), .invisible_ms = invisible_ms};
  ++pops_busy_[entry.id];
  store_->append(own_entry(EntryType::pop_changed, encode_entry(entry)),
                 guarded([this, entry, done = std::move(done)](StoreResult<Appended> appended) mutable {
                   if (--pops_busy_[entry.id] == 0) pops_busy_.erase(entry.id);
                   arm_revive();
                   if (!appended) return done(base::error(BrokerErrc::unavailable, appended.error().message));
                   done(PopChanged{.pop_time_ms = entry.pop_time_ms, .invisible_ms = entry.invisible_ms});
                 }));
}

void Broker::set_request_mode(const std::string& topic, const std::string& group, RequestMode mode, Done done) {
  store_->append(own_entry(EntryType::request_mode, encode_entry(RequestModeEntry{.group = group, .topic = topic, .mode = mode})),
                 guarded([done = std::move(done)](StoreResult<Appended> appended) mutable {
                   if (!appended) return done(base::error(BrokerErrc::unavailable, appended.error().message));
                   done({});
                 }));
}

}  // namespace chorus::mq
