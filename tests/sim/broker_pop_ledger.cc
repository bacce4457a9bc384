#include "broker_pop_ledger.h"

#include <fmt/format.h>

#include <algorithm>

namespace chorus::mq_sim {

std::set<std::string> pop_retry_topics(const std::string& group, const std::string& topic) {
  return {fmt::format("%RETRY%{}_{}", group, topic), fmt::format("%RETRY%{}+{}", group, topic)};
}

PopLedger::PopLedger(Ledger& ledger, std::vector<PopGroup> groups, bool retention)
    : ledger_(ledger), groups_(std::move(groups)), retention_(retention) {
  for (const PopGroup& group : groups_) seen_[group.name].config = group;
}

template <class... Args>
void PopLedger::fault(const GroupSeen& group, Id id, const char* text, const Args&... args) {
  ledger_.fault(fmt::format("group {}, message {}: {}", group.config.name, id, fmt::format(fmt::runtime(text), args...)));
}

void PopLedger::clock(std::int64_t now_ms) { latest_ms_ = std::max(latest_ms_, now_ms); }

void PopLedger::given(const std::string& name, const std::vector<Given>& messages) {
  GroupSeen& group = of(name);
  clock(messages.front().pop_time_ms);
  for (const Given& message : messages) {
    ++given_count_;
    given_again_count_ += message.reconsume_times > 0 || message.count > 0 ? 1 : 0;
    ledger_.checked(3);
    if (group.messages[message.id].done)
      fault(group, message.id, "was acknowledged, and comes again, from {} at {}", to_string(message.queue), message.offset);
    if (!group.config.in_order) given_to_any(group, message);
  }
  if (group.config.in_order) given_in_order(group, messages);
  for (const Given& message : messages) {
    Seen& seen = group.messages[message.id];
    seen.last = message;
    seen.is_held = true;
  }
}

void PopLedger::given_to_any(GroupSeen& group, const Given& message) {
  const Seen& seen = group.messages[message.id];
  const std::string& topic = ledger_.message(message.id).queue.topic;
  const bool is_copy = message.queue.topic != topic;
  if (is_copy && !pop_retry_topics(group.config.name, topic).contains(message.queue.topic))
    fault(group, message.id, "is of {} and comes by {}", topic, to_string(message.queue));
  if (is_copy != (message.reconsume_times > 0) || message.reconsume_times > group.config.retry_max)
    fault(group, message.id, "comes by {} as failed {} times, and may {}", to_string(message.queue), message.reconsume_times,
          group.config.retry_max);
  if (seen.is_held && seen.last->until_ms() > latest_ms_)
    fault(group, message.id, "is held until {} and given at {}", seen.last->until_ms(), message.pop_time_ms);
  if (seen.last && message.reconsume_times < seen.last->reconsume_times)
    fault(group, message.id, "had failed {} times, and comes as failed {} times", seen.last->reconsume_times, message.reconsume_times);
  const auto [place, is_new] = group.given_at.try_emplace({message.queue, message.offset}, period_);
  if (!is_new && place->second == period_)
    fault(group, message.id, "is given twice from {} at {}", to_string(message.queue), message.offset);
  place->second = period_;
}

void PopLedger::given_in_order(GroupSeen& group, const std::vector<Given>& messages) {
  const Queue& queue = messages.front().queue;
  GroupSeen::Taken& before = group.taken.try_emplace(queue, GroupSeen::Taken{.messages = {}, .is_sure = !group.lost_some}).first->second;
  for (const auto& [offset, held] : before.messages) {
    const Seen& seen = group.messages[held.id];
    if (seen.may_be_done() || !seen.is_held || seen.last->until_ms() <= latest_ms_) continue;
    fault(group, held.id, "is held until {} at {} of {}, and {} is given at {}", seen.last->until_ms(), offset, to_string(queue),
          messages.front().offset, messages.front().pop_time_ms);
  }
  for (const Given& message : messages) {
    if (message.queue.topic != ledger_.message(message.id).queue.topic || message.reconsume_times != 0)
      fault(group, message.id, "comes by {} as failed {} times, in order", to_string(message.queue), message.reconsume_times);
    const auto same = before.messages.find(message.offset);
    const std::int32_t want = same == before.messages.end() ? 0 : same->second.count + 1;
    if (before.is_sure && message.count != want) fault(group, message.id, "was given {} times before, it says {}", want, message.count);
  }
  expect_nothing_before(group, queue, messages);
  before = {};
  for (const Given& message : messages) before.messages.emplace(message.offset, message);
}

void PopLedger::expect_nothing_before(GroupSeen& group, const Queue& queue, const std::vector<Given>& messages) {
  auto& order = group.order[queue];
  for (const Given& message : messages) order[message.offset] = message.id;
  if (retention_) return;
  std::int64_t& passed = group.passed[queue];
  const auto is_sure = [&](std::int64_t offset) {
    const auto found = order.find(offset);
    return found != order.end() && (group.messages[found->second].done || group.messages[found->second].maybe);
  };
  while (is_sure(passed)) ++passed;
  std::set<std::int64_t> together;
  for (const Given& message : messages) together.insert(message.offset);
  for (std::int64_t offset = passed; offset < messages.back().offset; ++offset) {
    ledger_.checked();
    if (together.contains(offset)) continue;
    const auto found = order.find(offset);
    if (found == order.end()) {
      fault(group, messages.back().id, "{} gives {} before {}, which was never given", to_string(queue), messages.back().offset, offset);
    } else if (!group.messages[found->second].may_be_done()) {
      fault(group, found->second, "at {} of {} is not acknowledged, and {} is given", offset, to_string(queue), messages.back().offset);
    }
  }
}

void PopLedger::pop_unanswered(const std::string& name) {
  GroupSeen& group = of(name);
  group.lost_some = true;
  for (auto& [queue, taken] : group.taken) taken.is_sure = false;
}

void PopLedger::ack_asked(const std::string& name, const Given& message) { ++of(name).messages[message.id].acks_on_way; }

bool PopLedger::is_last(const Seen& seen, const Given& message) {
  // A copy may be given in the same millisecond as what it is a copy of.
  return seen.last && seen.last->queue == message.queue && seen.last->offset == message.offset &&
         seen.last->pop_time_ms == message.pop_time_ms;
}

bool PopLedger::is_in_time(const Seen& seen, const Given& message) const {
  return seen.is_held && is_last(seen, message) && seen.last->until_ms() > latest_ms_;
}

void PopLedger::acked(const std::string& name, const Given& message, Outcome outcome) {
  GroupSeen& group = of(name);
  Seen& seen = group.messages[message.id];
  ledger_.checked();
  // Its on-way count is gone where the broker died meanwhile, and then nobody is told.
  --seen.acks_on_way;
  if (outcome == Outcome::unknown) seen.maybe = true;
  if (outcome == Outcome::refused && is_in_time(seen, message) && !seen.may_be_done())
    fault(group, message.id, "is held until {}, and its acknowledgement is refused at {}", seen.last->until_ms(), latest_ms_);
  if (outcome != Outcome::success) return;
  if (!seen.done) ++acked_count_;
  seen.done = true;
}

void PopLedger::change_asked(const std::string& name, const Given& message) {
  // Which time counts is not known until it is told.
  Seen& seen = of(name).messages[message.id];
  if (!is_last(seen, message)) return;
  seen.was_held = seen.is_held;
  seen.is_held = false;
}

void PopLedger::changed(const std::string& name, const Given& message, Outcome outcome, const Given& now) {
  GroupSeen& group = of(name);
  Seen& seen = group.messages[message.id];
  ledger_.checked();
  if (outcome == Outcome::unknown || seen.may_be_done()) return;
  const bool was_last = is_last(seen, message);
  if (outcome == Outcome::refused) {
    if (was_last && seen.was_held && seen.last->until_ms() > latest_ms_)
      fault(group, message.id, "is held until {}, and a change is refused at {}", seen.last->until_ms(), latest_ms_);
    return;
  }
  if (!was_last) {
    // In order the name stays, so whoever has it by another name had it given after this was over.
    return fault(group, message.id, "was given anew at {}, and then its time of {} is changed", seen.last ? seen.last->pop_time_ms : 0,
                 message.pop_time_ms);
  }
  seen.last = now;
  seen.is_held = true;
}

void PopLedger::died(bool lost) {
  if (lost) ++period_;
  for (auto& [name, group] : seen_) {
    pop_unanswered(name);
    for (auto& [id, seen] : group.messages) {
      if (seen.acks_on_way > 0) seen.maybe = true;
      seen.acks_on_way = 0;
      // In order it is on the disk before it is given.
      if (lost && !group.config.in_order) seen.is_held = seen.was_held = false;
    }
  }
}

void PopLedger::judge_message(GroupSeen& group, Id id) {
  ledger_.checked();
  const Queue& home = ledger_.message(id).queue;
  const Seen& seen = group.messages[id];
  const auto retries = pop_retry_topics(group.config.name, home.topic);
  bool is_there = false;
  std::vector<std::int32_t> failures;
  std::vector<std::int32_t> dead;
  for (const Ledger::Place& place : ledger_.places(id)) {
    if (place.queue == home) is_there = true;
    if (retries.contains(place.queue.topic)) failures.push_back(place.reconsume_times);
    if (place.queue.topic == "%DLQ%" + group.config.name) dead.push_back(place.reconsume_times);
  }
  dead_count_ += dead.size();
  if (group.config.in_order && !(failures.empty() && dead.empty()))
    return fault(group, id, "is popped in order, and has {} copies", failures.size() + dead.size());
  std::ranges::sort(failures);
  for (std::size_t i = 0; i < failures.size() && !retention_; ++i) {
    if (failures[i] == static_cast<std::int32_t>(i) + 1) continue;
    fault(group, id, "has {} copies, and that of failure {} is missing, or there twice", failures.size(), i + 1);
    break;
  }
  if (dead.size() > 1) fault(group, id, "is a dead letter {} times", dead.size());
  if (!dead.empty() && seen.done) fault(group, id, "was acknowledged, and is a dead letter");
  if (!dead.empty() && dead.front() != group.config.retry_max)
    fault(group, id, "is a dead letter after {} failures, and may fail {} times", dead.front(), group.config.retry_max);
  const auto most = static_cast<std::size_t>(group.config.retry_max);
  if (failures.size() > most || (!dead.empty() && failures.size() != most && !retention_))
    fault(group, id, "has {} copies and {} dead letters, and may fail {} times", failures.size(), dead.size(), group.config.retry_max);
  if (is_there && !retention_ && dead.empty() && !seen.done && !seen.maybe)
    fault(group, id, "is in {}, and was neither acknowledged nor put aside: {}", to_string(home),
          seen.last ? "it was given" : "never given");
}

void PopLedger::judge() {
  for (auto& [name, group] : seen_) {
    for (Id id = 1; id <= ledger_.size(); ++id) judge_message(group, id);
  }
}

}  // namespace chorus::mq_sim
