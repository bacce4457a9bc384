// The message store: entries of many queues appended to one log, made durable in groups, found again by queue and offset, key, time, position.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "world/world.h"

namespace chorus::mq {

/// Octets before an entry in the log, over all segments (RocketMQ's physical offset).
using Position = std::int64_t;
/// Number of a record in its queue, from 0.
using Offset = std::int64_t;
/// Of a leader of this log, from 1.
using Epoch = std::uint32_t;

struct QueueKey {
  std::string topic;
  std::int32_t queue = 0;
  friend bool operator==(const QueueKey&, const QueueKey&) = default;
  friend auto operator<=>(const QueueKey&, const QueueKey&) = default;
};

enum class StoreErrc {
  no_space,     // the disk is full, or fuller than allowed: the same call may go through later
  failed,       // the disk failed: nothing can be appended until the store is opened anew
  too_large,    // an entry over the limit
  not_found,    // nothing has that position
  damaged,      // what was stored there cannot be read any more
  closing,
};
using StoreError = base::Error<StoreErrc>;
template <class T>
using StoreResult = base::Result<T, StoreError>;

enum class Flush { sync, async };
enum class Kind : std::uint8_t { message = 1, batch = 2, own = 3 };

struct StoreOptions {
  std::string directory;
  std::uint64_t segment_octets = 256 << 20;
  std::uint64_t entry_octets_max = 16 << 20;
  Flush flush = Flush::sync;
  std::chrono::milliseconds flush_interval{500};  // async: not later than this after the append
  /// Retention: a sealed segment goes once its newest entry is this old, or while all segments together are larger than retain_octets (0:
  /// any), or the disk is fuller than disk_used_ratio_clean. Above disk_used_ratio_refuse appends are refused (no_space).
  std::chrono::milliseconds retain{std::chrono::hours(72)};
  std::uint64_t retain_octets = 0;
  double disk_used_ratio_clean = 0.75;
  double disk_used_ratio_refuse = 0.90;
  /// Newest entries kept in memory, for consumers that follow.
  std::uint64_t tail_octets = 32 << 20;
};

/// What the index holds of an entry.
struct IndexEntry {
  Position position = 0;
  std::uint32_t size = 0;          // octets of the payload
  std::uint32_t count = 1;         // records: offsets it takes
  Offset offset = 0;               // of its first record
  std::int64_t tag_hash = 0;       // Java's String.hashCode of the tag; 0: none
  std::int64_t store_time_ms = 0;  // never goes back along the log
};

/// Something to append. The store fills in what only it knows: message: queue offset, physical offset, store time (layout: RocketMQ's, see
/// message/message.h); batch: base offset, leader epoch.
struct NewEntry {
  Kind kind = Kind::message;
  QueueKey queue;
  std::string payload;
  std::uint32_t count = 1;
  std::int64_t tag_hash = 0;
  std::vector<std::string> keys;             // as looked up by find_key()
  std::optional<Flush> flush = std::nullopt;  // of the topic, where it differs from the store's
};
struct Appended {
  Position position = 0;
  Offset offset = 0;  // of the first record
  std::int64_t store_time_ms = 0;
};

struct ReadLimits {
  std::uint32_t entries_max = 32;
  std::uint64_t octets_max = 256 << 10;  // one entry is always given
};
struct Batch {
  enum class Status { found, none_wanted, at_end, beyond_end, before_begin, unknown_queue, empty_queue };
  Status status = Status::found;
  Offset next = 0;  // to read from next time
  Offset min = 0;
  Offset max = 0;   // the next record to be written and readable
  std::vector<IndexEntry> entries;
  std::string payloads;  // of the entries, back to back
};

using Append = std::move_only_function<void(StoreResult<Appended>)>;
using ReadDone = std::move_only_function<void(StoreResult<Batch>)>;
/// Told by index entry, without reading it.
using Wanted = std::function<bool(const IndexEntry&)>;

/// Lives on one reactor. Completions never come from within the call. Readers see what is durable (flush sync) or written (async).
class Store {
 public:
  virtual ~Store() = default;

  /// Positions and offsets are given at once, in the order of the calls; `done` when it is as durable as its flush policy says.
  virtual void append(NewEntry entry, Append done) = 0;
  /// The same for several, all or none of them after a crash only if they are of one queue.
  virtual void read(const QueueKey& queue, Offset from, const ReadLimits& limits, Wanted wanted, ReadDone done) = 0;
  /// The entry that begins at or before `position` and reaches over it.
  virtual void read_at(Position position, std::move_only_function<void(StoreResult<std::pair<IndexEntry, std::string>>)> done) = 0;

  /// First and next offset that readers may ask for; empty: no such queue.
  struct Bounds {
    Offset min = 0;
    Offset max = 0;
  };
  virtual std::optional<Bounds> bounds(const QueueKey& queue) const = 0;
  /// First offset whose store time is at least `time_ms`; bounds().max when none.
  virtual void find_time(const QueueKey& queue, std::int64_t time_ms, std::move_only_function<void(StoreResult<Offset>)> done) = 0;
  /// Newest first, at most `max`, of entries appended with this key in that time.
  virtual void find_key(std::string key, std::int64_t from_ms, std::int64_t to_ms, std::uint32_t max,
                        std::move_only_function<void(StoreResult<std::vector<IndexEntry>>)> done) = 0;

  /// Called with each queue that has new readable records, once a turn however many they are.
  virtual void on_arrival(std::function<void(const QueueKey&, const IndexEntry& newest)> listener) = 0;
};

}  // namespace chorus::mq
