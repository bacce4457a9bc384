// Messages that groups have popped and not acknowledged yet: they are invisible to their group until their time is over.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "mq/log/store.h"

namespace chorus::mq {

/// A queue as one group consumes it.
struct GroupQueue {
  std::string group;
  QueueKey queue;
  friend bool operator==(const GroupQueue&, const GroupQueue&) = default;
  friend auto operator<=>(const GroupQueue&, const GroupQueue&) = default;
  template <class H>
  friend H AbslHashValue(H h, const GroupQueue& of) {
    return H::combine(std::move(h), of.group, of.queue);
  }
};

/// A message that a group holds. The id of the n-th (from 0) of those popped by one entry is that entry's position and n: the entry is
/// longer than n octets, so that no other begins there.
struct PopHandle {
  Position id = 0;
  Offset offset = 0;
  std::int64_t pop_time_ms = 0;  // the name that clients know it by: popped again, it has another
  std::int64_t invisible_ms = 0;

  std::int64_t due_ms() const { return pop_time_ms + invisible_ms; }
  friend bool operator==(const PopHandle&, const PopHandle&) = default;
};

/// Pure: made by entries of the log, one after the other.
class PopHandles {
 public:
  PopHandles() = default;
  PopHandles(PopHandles&&) = default;
  PopHandles& operator=(PopHandles&&) = default;

  /// Another handle of the same message is no longer one: the group popped it anew.
  void put(const GroupQueue& of, const PopHandle& handle);
  /// Acknowledged, given again, or gone. Fine for one that has ended.
  void end(Position id);
  /// It is invisible from `pop_time_ms` on for that long, and known by that time. Fine for one that has ended.
  void change(Position id, std::int64_t pop_time_ms, std::int64_t invisible_ms);
  void remove_group(std::string_view group);
  void remove_topic(std::string_view topic);

  const PopHandle* find(const GroupQueue& of, Offset offset) const;
  bool contains(Position id) const { return by_id_.contains(id); }
  std::size_t size() const { return by_id_.size(); }
  std::size_t size(const GroupQueue& of) const;
  bool has_group(std::string_view group) const;

  struct Held {
    GroupQueue of;
    PopHandle handle;
  };
  /// At most `max` of those whose time is over at `now_ms`, the longest over first, but for those that `skip` says.
  std::vector<Held> due(std::int64_t now_ms, std::size_t max, const std::function<bool(Position id)>& skip) const;
  std::optional<std::int64_t> next_due_ms() const;

  /// All of them, for a checkpoint.
  void write(base::Writer& out) const;
  /// False: the octets are not what write() gave.
  bool read(base::Reader& in);

 private:
  struct Queue {
    GroupQueue of;
    absl::btree_map<Offset, PopHandle> handles;
  };
  struct Place {
    Queue* queue = nullptr;
    Offset offset = 0;
  };
  void drop(const Queue& queue);

  std::map<GroupQueue, Queue> queues_;  // its nodes stay where they are
  absl::flat_hash_map<Position, Place> by_id_;
  absl::btree_set<std::pair<std::int64_t, Position>> by_due_;
};

}  // namespace chorus::mq
