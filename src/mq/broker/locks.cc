#include "mq/broker/locks.h"

#include <algorithm>

namespace chorus::mq {

std::vector<QueueKey> QueueLocks::lock(const std::string& group, const std::string& client, const std::vector<QueueKey>& queues,
                                       world::Instant now) {
  std::vector<QueueKey> granted;
  auto& held = groups_[group];
  for (const QueueKey& queue : queues) {
    Held& lock = held[queue];
    if (!lock.client.empty() && lock.client != client && now < lock.until) continue;
    lock = {.client = client, .until = now + lease_};
    granted.push_back(queue);
  }
  return granted;
}

void QueueLocks::unlock(const std::string& group, const std::string& client, const std::vector<QueueKey>& queues) {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return;
  for (const QueueKey& queue : queues) {
    const auto lock = found->second.find(queue);
    if (lock != found->second.end() && lock->second.client == client) found->second.erase(lock);
  }
  if (found->second.empty()) groups_.erase(found);
}

bool QueueLocks::is_held(const std::string& group, std::string_view topic, world::Instant now) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return false;
  return std::ranges::any_of(found->second,
                             [&](const auto& lock) { return now < lock.second.until && (topic.empty() || lock.first.topic == topic); });
}

void QueueLocks::expire(world::Instant now) {
  absl::erase_if(groups_, [now](auto& group) {
    absl::erase_if(group.second, [now](const auto& lock) { return lock.second.until <= now; });
    return group.second.empty();
  });
}

}  // namespace chorus::mq
