// What was popped and not acknowledged in time is given again: by a copy in the group's retry topic, whose being in the log ends the
// handle, so that no crash comes between the two. source: broker/processor/PopReviveService.java
#include <algorithm>
#include <utility>

#include "mq/broker/broker.h"
#include "mq/broker/topic_attributes.h"

namespace chorus::mq {
namespace {

constexpr std::size_t at_a_time = 64;
constexpr std::uint64_t octets_at_a_time = 1 << 20;
constexpr milliseconds look_ahead{60'000};
constexpr milliseconds pause_min{1'000}, pause_max{60'000};
constexpr std::int32_t most_times = 1 << 30;

}  // namespace

/// One round of copies.
struct Broker::Revival {
  std::vector<PopHandles::Held> due;
  std::size_t at = 0;
  std::vector<NewEntry> copies{};
  std::vector<Position> ids{};   // of the copies
  std::vector<Position> gone{};  // whose message is no longer to be had
  std::uint64_t octets = 0;
  std::vector<std::pair<std::string, std::size_t>> sent{};  // topic and octets of each copy
  std::size_t dead = 0;
  bool failed = false;
};

void Broker::arm_revive() {
  const auto next = state_->pops().handles().next_due_ms();
  if (!next || reviving_ || stopping_ || (revive_armed_ms_ && *revive_armed_ms_ <= *next)) return;
  revive_armed_ms_ = next;
  const std::uint64_t timer = ++revive_timer_;
  const milliseconds wait = std::clamp(milliseconds(*next - now_ms()), milliseconds(0), look_ahead);
  world_.after(std::max(wait, revive_pause_), guarded([this, timer] {
                 if (timer != revive_timer_) return;
                 revive_armed_ms_.reset();
                 revive_due();
               }));
}

void Broker::revive_due() {
  if (reviving_ || stopping_) return;
  const auto is_busy = [this](Position id) { return pops_busy_.contains(id); };
  auto due = state_->pops().handles().due(now_ms(), at_a_time, is_busy);
  if (due.empty()) {
    // It is not time yet, or what is due is acknowledged just now: that arms again.
    const auto next = state_->pops().handles().next_due_ms();
    if (next && *next > now_ms()) arm_revive();
    return;
  }
  reviving_ = true;
  revive_next(std::make_shared<Revival>(Revival{.due = std::move(due)}));
}

void Broker::revive_next(const std::shared_ptr<Revival>& revival) {
  if (revival->at == revival->due.size() || revival->octets >= octets_at_a_time || revival->failed) return end_revival(revival);
  const PopHandles::Held& held = revival->due[revival->at++];
  store_->read(stored_key(held.of.queue), held.handle.offset, {.entries_max = 1, .octets_max = 1}, nullptr,
               guarded([this, revival, held](StoreResult<Batch> batch) {
                 const Position id = held.handle.id;
                 const PopHandle* now = state_->pops().handles().find(held.of, held.handle.offset);
                 // An acknowledgement that came meanwhile counts.
                 const bool still = now != nullptr && *now == held.handle && !pops_busy_.contains(id);
                 if (!batch) {
                   log_.error("a popped message cannot be read to be given again: {}", batch.error().message);
                   revival->failed = true;
                 } else if (still) {
                   const bool found = !batch->entries.empty() && batch->entries.front().offset == held.handle.offset;
                   const auto message = found ? decode_message(batch->payloads) : std::unexpected(MessageErrc::damaged);
                   if (message) {
                     Prepared copy = revived_copy(held.of, held.handle, *message);
                     revival->dead += topic::is_dead_letter(copy.entry.queue.topic) ? 1 : 0;
                     revival->octets += copy.entry.payload.size();
                     revival->sent.emplace_back(copy.entry.queue.topic, copy.entry.payload.size());
                     revival->copies.push_back(std::move(copy.entry));
                     revival->ids.push_back(id);
                   } else {
                     revival->gone.push_back(id);
                   }
                   pops_reviving_.insert(id);
                 }
                 revive_next(revival);
               }));
}

Broker::Prepared Broker::revived_copy(const GroupQueue& of, const PopHandle& handle, const MessageView& message) {
  NewMessage copy{.flag = message.flag,
                  .sys_flag = message.sys_flag,
                  .born_time_ms = message.born_time_ms,
                  .born_host = message.born_host,
                  .reconsume_times = std::min(message.reconsume_times, most_times) + 1,
                  .prepared_offset = handle.id,
                  .body = message.body,
                  .properties = std::string(message.properties_text)};
  const bool was_retry = topic::is_retry(of.queue.topic);
  const auto set = [&](std::string_view name, std::string_view value) {
    std::string more = copy.properties;
    set_property(more, name, value);
    if (more.size() <= properties_octets_max) copy.properties = std::move(more);  // else it goes without
  };
  if (message.reconsume_times == 0 || !message.properties().has(property::first_pop_time)) {
    set(property::first_pop_time, std::to_string(handle.pop_time_ms));
  }
  const std::string retry = was_retry ? of.queue.topic : topic::pop_retry_of(of.group, of.queue.topic, options_.pop_retry_topic_v2);
  // Names at their very longest have no room for what tells a topic from the one of that name before it.
  const bool fits = stored_key({.topic = retry, .queue = 0}).topic.size() <= topic::octets_internal_max;
  // Without a configuration it is as one that was never told otherwise: a crash may have kept it from the catalogue.
  const GroupConfig* group = groups_.find(of.group);
  if (!fits || message.reconsume_times >= (group != nullptr ? group->retry_max_times : GroupConfig{}.retry_max_times)) {
    const std::string name = topic::dead_letter_of(of.group);
    topics_.ensure(name, 1, perm::read | perm::write, now_ms());
    std::string origin(of.queue.topic);
    for (const bool v2 : {false, true}) {
      const std::string prefix = topic::pop_retry_of(of.group, {}, v2);
      if (was_retry && origin.starts_with(prefix)) origin.erase(0, prefix.size());
    }
    set(property::dlq_origin_topic, origin);
    set(property::dlq_origin_message_id, message.offset_id());
    copy.reconsume_times = message.reconsume_times;
    return encode(copy, name, 0, EntryType::revived, 0, flush_of(topics_, name));
  }
  topics_.ensure(retry, 1, perm::read | perm::write, now_ms());
  return encode(copy, retry, 0, EntryType::revived, 0, flush_of(topics_, retry));
}

void Broker::end_revival(const std::shared_ptr<Revival>& revival) {
  std::vector<NewEntry> entries = std::move(revival->copies);
  if (!revival->gone.empty()) {
    log_.warn("popped messages are no longer there to be given again count={}", revival->gone.size());
    entries.push_back(
        {.kind = Kind::own, .payload = encode_positions(revival->gone), .type = static_cast<std::uint8_t>(EntryType::pop_ended)});
  }
  const auto ended = [this](bool well) {
    reviving_ = false;
    // What cannot be written is tried again, less and less often.
    revive_pause_ = well ? milliseconds(0) : std::clamp(revive_pause_ * 2, pause_min, pause_max);
    if (well) return revive_due();
    arm_revive();
  };
  publish_changes({});
  // Busy ones are met again once they are not.
  if (entries.empty()) return later([ended, well = !revival->failed] { ended(well); });
  store_->append_all(std::move(entries), guarded([this, revival, ended](StoreResult<std::vector<Appended>> appended) {
                       for (const Position id : revival->ids) pops_reviving_.erase(id);
                       for (const Position id : revival->gone) pops_reviving_.erase(id);
                       if (appended) {
                         counters_.pop_revived += revival->ids.size();
                         for (const auto& [topic, octets] : revival->sent) count_in(topic, 1, octets);
                         counters_.dead_letters += revival->dead;
                       } else {
                         log_.warn("popped messages wait to be given again: {}", appended.error().message);
                       }
                       ended(appended.has_value() && !revival->failed);
                     }));
}

void Broker::arm_free() {
  const auto next = state_->pops().orders().next_free_ms(freed_to_ms_);
  if (!next || stopping_ || (free_armed_ms_ && *free_armed_ms_ <= *next)) return;
  free_armed_ms_ = next;
  world_.after(std::clamp(milliseconds(*next - now_ms()), milliseconds(0), look_ahead), guarded([this, next = *next] {
                 if (free_armed_ms_ != next) return;
                 free_armed_ms_.reset();
                 const std::int64_t now = now_ms();
                 for (const GroupQueue& of : state_->pops().orders().freed(freed_to_ms_, now)) wake_pops(of);
                 freed_to_ms_ = std::max(freed_to_ms_, now);
                 arm_free();
               }));
}

}  // namespace chorus::mq
