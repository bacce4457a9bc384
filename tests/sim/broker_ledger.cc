#include "broker_ledger.h"

#include <fmt/format.h>

#include <algorithm>

namespace chorus::mq_sim {
namespace {

const std::string put_aside = "TRANS_CHECK_MAX_TIME_TOPIC";

}  // namespace

std::string to_string(const Queue& queue) { return fmt::format("{}[{}]", queue.topic, queue.number); }

Id Ledger::ask(Message message) {
  const auto found = acknowledged_.find(message.queue);
  message.floor = found == acknowledged_.end() ? -1 : found->second;
  messages_.push_back(std::move(message));
  return messages_.size();
}

void Ledger::stored(Id id, std::int64_t offset, std::int64_t position, std::int64_t now_us) {
  Message& its = message(id);
  its.fate = Fate::stored;
  its.position = position;
  its.acknowledged_us = now_us;
  if (its.delayed || its.decision != Decision::none) return;
  its.offset = offset;
  ++checks_;
  if (offset <= its.floor) {
    fault(fmt::format("message {} was acknowledged at offset {} of {}, behind which {} had been acknowledged before it was sent", id,
                      offset, to_string(its.queue), its.floor));
  }
  std::int64_t& highest = acknowledged_.try_emplace(its.queue, -1).first->second;
  highest = std::max(highest, offset);
}

void Ledger::log_found(std::int64_t end, std::optional<std::int64_t> since_us) {
  for (Id id = 1; id <= messages_.size(); ++id) {
    Message& its = message(id);
    if (its.fate != Fate::stored) continue;
    // Its end may be lost without it; it is asked about again.
    if (its.flushed_later && since_us) its.end_acknowledged = false;
    if (its.position < end) continue;
    ++checks_;
    if (!its.flushed_later || !since_us || its.acknowledged_us < *since_us) {
      fault(fmt::format("message {} to {} was acknowledged at position {}, and the log ends at {} after {}", id, to_string(its.queue),
                        its.position, end,
                        !its.flushed_later ? "a start"
                        : since_us         ? fmt::format("a power failure {} ms later", (*since_us - its.acknowledged_us) / 1000)
                                           : std::string("a kill")));
    }
    its.fate = Fate::unknown;
    its.offset = -1;
  }
}

void Ledger::end_found(const Queue& queue, std::int64_t max, bool power_failed) {
  auto& records = seen_[queue];
  const auto lost = records.lower_bound(max);
  if (lost != records.end() && !power_failed) {
    fault(
        fmt::format("{} ends at {} after a start without a power failure, and a reader was shown {}", to_string(queue), max, lost->first));
  }
  for (auto one = lost; one != records.end(); ++one) {
    std::erase(places_[one->second.id], std::pair(queue, one->first));
  }
  records.erase(lost, records.end());
  if (const auto highest = acknowledged_.find(queue); highest != acknowledged_.end()) highest->second = std::min(highest->second, max - 1);
}

void Ledger::refused(Id id) { message(id).fate = Fate::refused; }
void Ledger::unknown(Id id) { message(id).fate = Fate::unknown; }

void Ledger::seen(const Queue& queue, std::int64_t offset, Seen what) {
  ++checks_;
  if (what.id == 0 || what.id > messages_.size())
    return fault(fmt::format("{} has a message at {} that nobody sent", to_string(queue), offset));
  const auto [place, is_new] = seen_[queue].try_emplace(offset, what);
  if (is_new) {
    places_[what.id].emplace_back(queue, offset);
  } else if (place->second.id != what.id || place->second.store_time_ms != what.store_time_ms ||
             place->second.reconsume_times != what.reconsume_times) {
    fault(fmt::format("{} had message {} at offset {}, and later message {}", to_string(queue), place->second.id, offset, what.id));
  }
}

std::vector<Ledger::Place> Ledger::places(Id id) const {
  std::vector<Place> all;
  const auto found = places_.find(id);
  if (found == places_.end()) return all;
  for (const auto& [queue, offset] : found->second) {
    all.push_back({.queue = queue, .offset = offset, .reconsume_times = seen_.at(queue).at(offset).reconsume_times});
  }
  return all;
}

void Ledger::bounds(const Queue& queue, std::int64_t min, std::int64_t max) { bounds_[queue] = {min, max}; }

void Ledger::commit_asked(const std::string& group, const Queue& queue, std::int64_t offset) { asked_commits_[{group, queue}] = offset; }

void Ledger::commits_acknowledged(const std::map<std::pair<std::string, Queue>, std::int64_t>& offsets) {
  for (const auto& [key, offset] : offsets) {
    std::int64_t& safe = safe_commits_.try_emplace(key, offset).first->second;
    safe = std::max(safe, offset);
  }
}

void Ledger::commit_found(const std::string& group, const Queue& queue, std::optional<std::int64_t> offset) {
  ++checks_;
  const std::pair key{group, queue};
  const auto safe = safe_commits_.find(key);
  if (safe != safe_commits_.end() && offset.value_or(-1) < safe->second) {
    fault(fmt::format("group {} had committed {} of {}, durably; after a start it is {}", group, safe->second, to_string(queue),
                      offset.value_or(-1)));
  }
  const auto asked = asked_commits_.find(key);
  if (offset && (asked == asked_commits_.end() || *offset > asked->second))
    fault(fmt::format("group {} never committed {} of {}", group, *offset, to_string(queue)));
  // What was asked for and is not there was lost, as it may be: it is not acknowledged with what is asked for later.
  if (offset) {
    asked_commits_[key] = *offset;
  } else {
    asked_commits_.erase(key);
  }
}

void Ledger::judge_queue(const Queue& queue) {
  const auto bounds = bounds_.find(queue);
  if (bounds == bounds_.end()) return fault(fmt::format("{} was not read at the end", to_string(queue)));
  const auto [min, max] = bounds->second;
  const auto& records = seen_[queue];
  for (std::int64_t offset = min; offset < max; ++offset) {
    ++checks_;
    if (!records.contains(offset))
      fault(fmt::format("{} has a hole at offset {}: it begins at {} and ends at {}", to_string(queue), offset, min, max));
  }
  if (!records.empty() && records.rbegin()->first >= max) {
    fault(fmt::format("{} ends at {}, but a reader was given offset {}", to_string(queue), max, records.rbegin()->first));
  }
}

void Ledger::judge_message(Id id, bool retention) {
  ++checks_;
  const Message& its = message(id);
  std::vector<std::int64_t> there;
  bool aside = false;
  std::map<std::string, int> again;  // by group
  for (const auto& [queue, offset] : places_[id]) {
    if (queue == its.queue) {
      there.push_back(offset);
    } else if (queue.topic == put_aside) {
      aside = true;
    } else if (elsewhere_.contains(queue.topic)) {
      continue;
    } else if (queue.topic.starts_with("%RETRY%")) {
      ++again[queue.topic.substr(7)];
    } else if (queue.topic.starts_with("%DLQ%")) {
      ++again[queue.topic.substr(5)];
    } else {
      fault(fmt::format("message {} was sent to {} and is in {}", id, to_string(its.queue), to_string(queue)));
    }
  }
  const auto bounds = bounds_.find(its.queue);
  const std::int64_t min = bounds == bounds_.end() ? 0 : bounds->second.first;
  const std::string name = fmt::format("message {} to {}", id, to_string(its.queue));
  if (there.size() > 1) fault(fmt::format("{} is there {} times, first at {} and {}", name, there.size(), there[0], there[1]));
  const bool is_there = !there.empty();
  const bool may_be_gone = retention && min > 0;

  if (its.decision == Decision::none) {
    if (is_there && its.fate == Fate::refused) fault(fmt::format("{} was refused, and is there", name));
    if (its.fate == Fate::stored && !its.delayed) {
      if (its.offset >= min && (!is_there || there.front() != its.offset))
        fault(
            fmt::format("{} was acknowledged at {}, and is {}", name, its.offset, is_there ? fmt::format("at {}", there.front()) : "lost"));
    }
    if (its.fate == Fate::stored && its.delayed && !is_there && !may_be_gone) fault(fmt::format("{}, delayed, did not come", name));
    if (is_there && its.delayed) {
      const std::int64_t came = seen_[its.queue][there.front()].store_time_ms;
      if (came < its.due_ms) fault(fmt::format("{} came {} ms early", name, its.due_ms - came));
    }
  } else {
    if (is_there && its.decision != Decision::commit) fault(fmt::format("{}: its transaction was not committed, and it is there", name));
    if (is_there && its.fate == Fate::refused) fault(fmt::format("{}: its half was refused, and it is there", name));
    if (is_there && aside) fault(fmt::format("{}: its transaction was given up, and it is there", name));
    if (its.decision == Decision::commit && its.fate == Fate::stored && !is_there && !may_be_gone) {
      if (its.end_acknowledged) fault(fmt::format("{}: its commit was acknowledged, and it is lost", name));
      if (!aside && !retention) fault(fmt::format("{}: neither committed nor given up in the end", name));
    }
  }
  for (const auto& [group, counts] : its.sent_back) {
    const int copies = again[group];
    if (copies > counts.second)
      fault(fmt::format("{} was sent back by {} {} times, and came again {} times", name, group, counts.second, copies));
    if (copies < counts.first && !retention)
      fault(fmt::format("{} was sent back by {} {} times, acknowledged, and came again {} times", name, group, counts.first, copies));
    again.erase(group);
  }
  for (const auto& [group, copies] : again) fault(fmt::format("{} is in a retry topic of {}, which never sent it back", name, group));
}

void Ledger::judge(bool retention) {
  for (const auto& [queue, records] : seen_) judge_queue(queue);
  for (Id id = 1; id <= messages_.size(); ++id) judge_message(id, retention);
}

}  // namespace chorus::mq_sim
