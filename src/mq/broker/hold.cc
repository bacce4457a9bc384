#include "mq/broker/hold.h"

#include <algorithm>
#include <set>

namespace chorus::mq {

std::optional<WaitId> Hold::add(Wait wait) {
  if (waits_.size() >= waits_max_) return std::nullopt;
  const WaitId id(++last_);
  by_queue_[wait.queue].push_back(id);
  for (const QueueKey& queue : wait.also) by_queue_[queue].push_back(id);
  by_connection_[wait.connection].push_back(id);
  deadlines_.emplace(wait.deadline, id);
  waits_.emplace(id, std::move(wait));
  return id;
}

void Hold::forget(WaitId id) {
  const auto found = waits_.find(id);
  if (found == waits_.end()) return;
  const Wait& wait = found->second;
  const auto drop = [id](auto& map, const auto& key) {
    const auto at = map.find(key);
    if (at == map.end()) return;
    std::erase(at->second, id);
    if (at->second.empty()) map.erase(at);
  };
  drop(by_queue_, wait.queue);
  for (const QueueKey& queue : wait.also) drop(by_queue_, queue);
  drop(by_connection_, wait.connection);
  deadlines_.erase({wait.deadline, id});
  waits_.erase(found);
}

void Hold::cancel(WaitId id) { forget(id); }

void Hold::cancel_all(ConnectionId connection) {
  const auto found = by_connection_.find(connection);
  if (found == by_connection_.end()) return;
  for (const WaitId id : std::vector<WaitId>(found->second)) forget(id);
}

void Hold::wake_at(const QueueKey& queue, std::vector<WaitId>& woken) {
  const auto found = by_queue_.find(queue);
  if (found == by_queue_.end()) return;
  std::vector<WaitId> going;
  std::set<std::string_view> turns;  // of waits, which stay until all are gathered
  for (const WaitId id : found->second) {
    const std::string& turn = waits_.at(id).turn;
    if (turn.empty() || turns.insert(turn).second) going.push_back(id);
  }
  const bool all = going.size() == found->second.size();
  if (all) by_queue_.erase(found);  // not one by one: there may be many
  for (const WaitId id : going) forget(id);
  woken.insert(woken.end(), going.begin(), going.end());
}

void Hold::wake_turn(const QueueKey& queue, std::string_view turn, std::vector<WaitId>& woken) {
  const auto found = by_queue_.find(queue);
  if (found == by_queue_.end()) return;
  const auto first = std::ranges::find_if(found->second, [&](WaitId id) { return waits_.at(id).turn == turn; });
  if (first == found->second.end()) return;
  woken.push_back(*first);
  forget(woken.back());
}

void Hold::arrived(const QueueKey& queue, std::vector<WaitId>& woken) {
  const auto before = static_cast<std::ptrdiff_t>(woken.size());
  wake_at(queue, woken);
  wake_at({queue.topic, -1}, woken);
  std::sort(woken.begin() + before, woken.end());
}

void Hold::wake_topic(std::string_view topic, std::vector<WaitId>& woken) {
  std::vector<WaitId> going;
  for (const auto& [id, wait] : waits_) {
    if (wait.queue.topic == topic) going.push_back(id);
  }
  std::sort(going.begin(), going.end());
  for (const WaitId id : going) forget(id);
  woken.insert(woken.end(), going.begin(), going.end());
}

void Hold::expire(world::Instant now, std::vector<WaitId>& woken) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const WaitId id = deadlines_.begin()->second;
    woken.push_back(id);
    forget(id);
  }
}

std::optional<world::Instant> Hold::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

std::size_t Hold::size(const QueueKey& queue, std::string_view turn) const {
  const auto found = by_queue_.find(queue);
  if (found == by_queue_.end()) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(found->second, [&](WaitId id) { return waits_.at(id).turn == turn; }));
}

std::size_t Hold::size(const QueueKey& queue) const {
  const auto found = by_queue_.find(queue);
  return found == by_queue_.end() ? 0 : found->second.size();
}

}  // namespace chorus::mq
