// Readers that wait for something to arrive: one place for every face, woken by arrival, never by polling.
#pragma once

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strong.h"
#include "mq/log/store.h"
#include "world/world.h"

namespace chorus::mq {

using ConnectionId = base::Strong<std::uint64_t, struct ConnectionIdTag>;
using WaitId = base::Strong<std::uint64_t, struct WaitIdTag>;

/// Waits for a queue, or with queue -1 for any queue of the topic.
struct Wait {
  QueueKey queue;
  ConnectionId connection;
  world::Instant deadline;
  /// Of those who wait for the same in one turn, an arrival wakes the first only. Empty: it wakes each.
  std::string turn{};
  std::vector<QueueKey> also{};  // woken by arrivals there too
};

/// Pure: time and arrivals come from outside, and what was woken is given back. An idle waiter costs its memory only.
class Hold {
 public:
  explicit Hold(std::size_t waits_max = 100'000) : waits_max_(waits_max) {}

  /// Empty when as many wait as may.
  std::optional<WaitId> add(Wait wait);
  /// Fine for one that is gone.
  void cancel(WaitId id);
  void cancel_all(ConnectionId connection);

  /// Takes out those whom something new in the queue wakes, in the order in which they came.
  void arrived(const QueueKey& queue, std::vector<WaitId>& woken);
  /// Takes out all who wait for a queue of the topic (it was deleted, or its configuration changed).
  void wake_topic(std::string_view topic, std::vector<WaitId>& woken);
  /// Takes out the first who waits for this queue (as it stands in its Wait) in this turn.
  void wake_turn(const QueueKey& queue, std::string_view turn, std::vector<WaitId>& woken);
  /// Takes out those whose deadline is `now` or earlier.
  void expire(world::Instant now, std::vector<WaitId>& woken);
  std::optional<world::Instant> next_deadline() const;

  std::size_t size() const { return waits_.size(); }
  /// Who waits for this queue and no other.
  std::size_t size(const QueueKey& queue) const;
  std::size_t size(const QueueKey& queue, std::string_view turn) const;

 private:
  void wake_at(const QueueKey& queue, std::vector<WaitId>& woken);
  void forget(WaitId id);

  const std::size_t waits_max_;
  std::uint64_t last_ = 0;
  absl::flat_hash_map<WaitId, Wait> waits_;
  absl::flat_hash_map<QueueKey, std::vector<WaitId>> by_queue_;
  absl::flat_hash_map<ConnectionId, std::vector<WaitId>> by_connection_;
  absl::btree_set<std::pair<world::Instant, WaitId>> deadlines_;
};

}  // namespace chorus::mq
