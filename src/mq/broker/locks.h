// Locks of queues, by which the one consumer of a group that consumes a queue in order is known. source: RebalanceLockManager
#pragma once

#include <absl/container/flat_hash_map.h>

#include <chrono>
#include <string>
#include <vector>

#include "mq/log/store.h"
#include "world/world.h"

namespace chorus::mq {

/// Pure. Locks do not outlive the process: clients renew theirs every 20 s and take one that is gone for lost.
class QueueLocks {
 public:
  explicit QueueLocks(std::chrono::milliseconds lease = std::chrono::seconds(60)) : lease_(lease) {}

  /// Those of `queues` that this client now holds: free ones, its own, and such as were not renewed for the time of the lease.
  std::vector<QueueKey> lock(const std::string& group, const std::string& client, const std::vector<QueueKey>& queues, world::Instant now);
  void unlock(const std::string& group, const std::string& client, const std::vector<QueueKey>& queues);
  /// Whether any queue of this topic is held (empty topic: of any).
  bool is_held(const std::string& group, std::string_view topic, world::Instant now) const;
  /// Forgets what ran out, so that groups that went leave nothing behind.
  void expire(world::Instant now);

 private:
  struct Held {
    std::string client;
    world::Instant until;
  };
  std::chrono::milliseconds lease_;
  absl::flat_hash_map<std::string, absl::flat_hash_map<QueueKey, Held>> groups_;
};

}  // namespace chorus::mq
