// How far each group has consumed each queue.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mq/log/store.h"

namespace chorus::mq {

/// Pure. What changed is taken from it as octets to be stored and gives the same state when read again; in any order of groups and queues,
/// but of those of one queue the last counts. Octets of one record of the journal: see offsets.cc.
class Offsets {
 public:
  std::optional<Offset> committed(std::string_view group, const QueueKey& queue) const;
  /// A negative offset says nothing, as clients send one before their first pull (source: reference, traps). Backwards is allowed.
  void commit(std::string_view group, const QueueKey& queue, Offset offset);

  /// Holds for the next pull and until then over every commit: what an operator set. source: ConsumerOffsetManager, resetOffsetTable
  void reset(std::string_view group, const QueueKey& queue, Offset offset);
  std::optional<Offset> pending_reset(std::string_view group, const QueueKey& queue) const;
  /// The reader has been told: the offset is the group's from now on.
  std::optional<Offset> take_reset(std::string_view group, const QueueKey& queue);

  void remove_group(std::string_view group);
  void remove_topic(std::string_view topic);
  /// Of one topic, or of all when empty. The receiver's own offsets there are replaced.
  void copy(std::string_view from_group, std::string_view to_group, std::string_view topic);

  struct Of {
    QueueKey queue;
    Offset offset = 0;
  };
  /// Of a group, sorted; only one topic's unless empty.
  std::vector<Of> of_group(std::string_view group, std::string_view topic = {}) const;
  /// Sorted.
  std::vector<std::string> groups_of(std::string_view topic) const;
  std::vector<std::string> topics_of(std::string_view group) const;

  /// While something is on its way to the log that will move this offset, no record says what it was before: a record behind it would
  /// count.
  void hold(std::string_view group, const QueueKey& queue);
  void release(std::string_view group, const QueueKey& queue);

  struct Held {
    std::string group;
    QueueKey queue;
    friend bool operator==(const Held&, const Held&) = default;
  };
  /// What changed, and may not be taken yet.
  std::vector<Held> held_changes() const;
  /// Something may be taken.
  bool is_dirty() const { return dirty_.size() > held_changes().size(); }
  /// What changed since the last call, in records of at most about `octets_max`.
  std::vector<std::string> take_changes(std::size_t octets_max = 1 << 20);
  /// A record that was taken did not get to where it is stored: its queues are among the changes again.
  void mark_dirty(std::string_view record);
  /// Everything, likewise, for a checkpoint.
  std::vector<std::string> all(std::size_t octets_max = 1 << 20) const;
  /// False: not such a record; what stands before the fault is applied.
  bool apply(std::string_view record);

 private:
  struct Key {
    std::string group;
    QueueKey queue;
    friend bool operator==(const Key&, const Key&) = default;
    friend auto operator<=>(const Key&, const Key&) = default;
    template <class H>
    friend H AbslHashValue(H h, const Key& key) {
      return H::combine(std::move(h), key.group, key.queue);
    }
  };
  using Queues = absl::flat_hash_map<QueueKey, Offset>;
  static constexpr Offset removed = -1;

  void put(std::string_view group, const QueueKey& queue, Offset offset);
  std::vector<std::string> encode(std::vector<Key> keys, std::size_t octets_max) const;

  std::map<std::string, Queues, std::less<>> groups_;
  absl::flat_hash_map<Key, Offset> resets_;
  absl::flat_hash_set<Key> dirty_;
  absl::flat_hash_map<Key, std::size_t> held_;  // how often
};

}  // namespace chorus::mq
