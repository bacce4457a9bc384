// Looks things up in sealed segments whose index lies on the disk. Memory does not grow with segments or queues, but for some octets a
// segment; what index files have is read by blocks.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mq/log/catalogue.h"
#include "mq/log/cold_files.h"
#include "mq/log/index_file.h"
#include "mq/log/store.h"

namespace chorus::mq::log {

/// Sealed segments with index files, oldest first. Immutable.
using ColdSegments = std::shared_ptr<const std::vector<Segment>>;

/// Belongs to the background thread. A damaged index file is made again from its log.
class Cold {
 public:
  Cold(world::Files& files, const StoreOptions& options)
      : files_(files),
        options_(options),
        segments_(files, options.directory, 64),
        indexes_(files, options.directory, options.index_cache_octets) {}

  struct Read {
    QueueKey queue;
    Offset from;
    ReadLimits limits;
    Wanted wanted;
    Offset memory_base;  // from which on it is not ours
  };
  /// Fills in all but min and max.
  StoreResult<void> read(const ColdSegments& segments, const Read& what, Batch& batch);
  /// Entries of one segment by their places, see read_places().
  StoreResult<void> read_places(Position base, const std::vector<Place>& places, Batch& batch);
  /// The entry that reaches over `position`, in the segment at `base`. `mark`: where an entry begins before it, in the segment; empty: its
  /// index file knows.
  StoreResult<Entry> read_at(const ColdSegments& segments, Position base, Position end, std::optional<std::uint32_t> mark,
                             Position position);
  /// Whole entries from that one on, see FrameStore.
  StoreResult<std::string> read_frames(Position base, Position end, Position from, std::uint64_t octets_max);
  /// Of an entry known to begin there; empty: not readable.
  StoreResult<std::optional<IndexEntry>> head(Position base, Position position);
  StoreResult<std::optional<Offset>> find_time(const ColdSegments& segments, const QueueKey& queue, std::int64_t time_ms);
  /// Places of entries, newest first, until `visit` is false.
  StoreResult<void> find_key(const ColdSegments& segments, std::uint64_t hash, std::int64_t from_ms, std::int64_t to_ms,
                             const std::function<bool(Position base, Position)>& visit);
  StoreResult<void> find_due(const ColdSegments& segments, Due after, std::int64_t to_ms, std::size_t max, std::vector<Due>& out);
  StoreResult<void> for_each_queue(const ColdSegments& segments, std::size_t segment, const std::function<void(const IndexQueue&)>& visit);

  /// Of a segment whose files were made or removed.
  void forget(Position base);
  void clear();
  std::uint64_t damaged() const { return damaged_; }
  std::uint64_t rebuilt() const { return rebuilt_; }

 private:
  template <class Look>
  auto with_index(const ColdSegments& segments, std::size_t segment, Look look) -> decltype(look());
  StoreResult<std::optional<IndexQueue>> queue_in(const ColdSegments& segments, std::size_t segment, const QueueKey& key,
                                                  std::uint64_t hash);
  StoreResult<void> read_segment(Position base, const IndexQueue& queue, const Read& what, Batch& batch);

  world::Files& files_;
  const StoreOptions options_;
  OpenFiles segments_;
  IndexFiles indexes_;
  struct DueHint {
    Due after;
    std::int64_t next_ms;  // of the first entry behind it
  };
  absl::flat_hash_map<Position, DueHint> due_hints_;
  std::uint64_t damaged_ = 0;
  std::uint64_t rebuilt_ = 0;
};

}  // namespace chorus::mq::log
