// The index of one segment while it lies in memory: the open one, and sealed ones until their index files are written.
#pragma once

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "mq/log/store.h"

namespace chorus::mq::log {

/// A queue of the store. Lives as long as the store, at one place.
struct Queue {
  QueueKey key;
  std::uint64_t hash = 0;
  Offset next = 0;      // to be given to the next record
  Offset readable = 0;  // first one that readers may not see
  Offset min = 0;
  struct Run* run = nullptr;  // in the open segment
  bool arrived = false;       // since listeners were told
  IndexEntry newest{};        // to tell with it
  Position segment = -1;      // in which the next record will be, and what its offsets count from there
  Offset segment_base = 0;
};

/// An index entry, 28 octets.
struct Packed {
  std::uint32_t place = 0;   // in the segment: position - base
  std::uint32_t size = 0;    // of the payload
  std::uint32_t offset = 0;  // from the run's base on
  std::uint32_t count = 1;
  std::int32_t tag_hash = 0;
  std::uint32_t time = 0;  // from the segment's first time on
  std::uint16_t head = 0;  // octets of the head, between frame and payload
  Kind kind = Kind::message;
  std::uint8_t spare = 0;
};
static_assert(sizeof(Packed) == 28);

/// The entries of one queue in one segment.
struct Run {
  Offset base = 0;  // what the offsets count from: the first one in the segment
  std::deque<Packed> entries;
};

/// What may not be told by a Packed: a segment ends before it comes to that.
inline constexpr std::int64_t run_offsets_max = 0xffff'0000;
inline constexpr std::int64_t segment_time_ms_max = 0xffff'0000;

/// Where a frame begins, every so many octets, for finding an entry by a position inside of it.
inline constexpr std::uint32_t mark_distance = 64 << 10;

class MemoryIndex {
 public:
  MemoryIndex(Position base, std::uint64_t segment_octets);

  /// The next entry. `queue`: null for own entries.
  void add(const EntryView& entry, std::uint64_t framed, Queue* queue);
  /// Part of the segment that was found damaged.
  void add_hole(std::uint32_t from, std::uint32_t to) { holes.emplace_back(from, to); }

  IndexEntry unpack(const Run& run, const Packed& packed) const;
  const Run* run(const Queue& queue) const;
  /// First entry that reaches over `offset`, else the first behind it.
  static std::size_t find(const Run& run, Offset offset);
  /// First entry stored at that time or later.
  std::size_t find_time(const Run& run, std::int64_t time_ms) const;
  /// Places and times of entries with that key, newest first, until `visit` is false.
  template <class Visit>
  void for_each_with_key(std::uint64_t hash, Visit visit) const {
    for (std::uint32_t at = buckets_[hash & (buckets_.size() - 1)]; at != none; at = keys[at].before) {
      if (keys[at].hash == hash && !visit(keys[at].place, first_time_ms + keys[at].time)) return;
    }
  }
  /// Where some frame begins at or before `place`, at most about `mark_distance` and one entry before it.
  std::uint32_t mark_before(std::uint32_t place) const;

  struct Key {
    std::uint64_t hash;
    std::uint32_t place;
    std::uint32_t time;    // from the segment's first time on
    std::uint32_t before;  // in its bucket
  };
  Position base;
  Position end;                    // behind the last entry
  std::int64_t first_time_ms = 0;  // 0: no entry
  std::int64_t last_time_ms = 0;
  std::uint64_t entries = 0;
  absl::flat_hash_map<const Queue*, std::unique_ptr<Run>> runs;
  std::vector<Key> keys;
  absl::btree_set<std::pair<std::int64_t, std::uint32_t>> dues;  // due time, place
  std::vector<std::uint32_t> marks;
  std::vector<std::pair<Epoch, Position>> epochs;  // that begin here
  std::vector<std::pair<std::uint32_t, std::uint32_t>> holes;
  Epoch last_epoch = 0;

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  std::vector<std::uint32_t> buckets_;  // newest key of each; a power of two
};

}  // namespace chorus::mq::log
