#include "mq/broker/hold.h"

#include <algorithm>

namespace chorus::mq {

std::optional<WaitId> Hold::add(Wait wait) {
  if (waits_.size() >= waits_max_) return std::nullopt;
  const WaitId id(++last_);
  by_queue_[wait.queue].push_back(id);
  by_connection_[wait.connection].push_back(id);
  deadlines_.emplace(wait.deadline, id);
  waits_.emplace(id, std::move(wait));
  return id;
}

void Hold::forget(WaitId id, bool in_queue) {
  const auto found = waits_.find(id);
  if (found == waits_.end()) return;
  const Wait& wait = found->second;
  const auto drop = [id](auto& map, const auto& key) {
    const auto at = map.find(key);
    if (at == map.end()) return;
    std::erase(at->second, id);
    if (at->second.empty()) map.erase(at);
  };
  if (in_queue) drop(by_queue_, wait.queue);
  drop(by_connection_, wait.connection);
  deadlines_.erase({wait.deadline, id});
  waits_.erase(found);
}

void Hold::cancel(WaitId id) { forget(id, true); }

void Hold::cancel_all(ConnectionId connection) {
  const auto found = by_connection_.find(connection);
  if (found == by_connection_.end()) return;
  for (const WaitId id : std::vector<WaitId>(found->second)) forget(id, true);
}

void Hold::wake_at(const QueueKey& queue, std::vector<WaitId>& woken) {
  const auto found = by_queue_.find(queue);
  if (found == by_queue_.end()) return;
  const std::vector<WaitId> going = std::move(found->second);
  by_queue_.erase(found);
  for (const WaitId id : going) forget(id, false);
  woken.insert(woken.end(), going.begin(), going.end());
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
  for (const WaitId id : going) forget(id, true);
  woken.insert(woken.end(), going.begin(), going.end());
}

void Hold::expire(world::Instant now, std::vector<WaitId>& woken) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const WaitId id = deadlines_.begin()->second;
    woken.push_back(id);
    forget(id, true);
  }
}

std::optional<world::Instant> Hold::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

std::size_t Hold::size(const QueueKey& queue) const {
  const auto found = by_queue_.find(queue);
  return found == by_queue_.end() ? 0 : found->second.size();
}

}  // namespace chorus::mq
