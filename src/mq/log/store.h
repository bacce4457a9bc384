// The message store: entries of many queues appended to one log, made durable in groups, found again by queue and offset, key, time,
// position.
#pragma once

#include <absl/container/inlined_vector.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "world/world.h"

namespace chorus::mq {

/// Octets before an entry in the log, over all segments (RocketMQ's physical offset). Never 0: a segment has a header.
using Position = std::int64_t;
/// Number of a record in its queue, from 0.
using Offset = std::int64_t;
/// Of a leader of this log, from 1.
using Epoch = std::uint32_t;

struct QueueKey {
  std::string topic;  // at most 255 octets
  std::int32_t queue = 0;
  friend bool operator==(const QueueKey&, const QueueKey&) = default;
  friend auto operator<=>(const QueueKey&, const QueueKey&) = default;
  template <class H>
  friend H AbslHashValue(H h, const QueueKey& key) {
    return H::combine(std::move(h), key.topic, key.queue);
  }
};

enum class StoreErrc {
  no_space,   // the disk is full, or fuller than allowed: the same call may go through later
  busy,       // more waits for the disk than may: the same call may go through soon
  failed,     // the disk failed: nothing can be appended until the store is opened anew
  too_large,  // an entry over the limit, or too short for what the store has to fill in
  not_found,  // nothing has that position
  damaged,    // what was stored there cannot be read any more
  closing,
};
using StoreError = base::Error<StoreErrc>;
template <class T>
using StoreResult = base::Result<T, StoreError>;

enum class Flush { sync, async };
enum class Kind : std::uint8_t { message = 1, batch = 2, own = 3 };

struct StoreOptions {
  std::string directory;
  std::uint64_t segment_octets = 256 << 20;  // with the largest entry, less than 4 GiB
  std::uint64_t entry_octets_max = 16 << 20;
  Flush flush = Flush::sync;
  std::chrono::milliseconds flush_interval{500};  // async: not later than this after the append
  /// Entries that wait for the disk; above this appends are refused (busy).
  std::uint64_t pending_octets_max = 64 << 20;
  /// Retention: a sealed segment goes once its newest entry is this old, or while all segments together are larger than retain_octets (0:
  /// any), or the disk is fuller than disk_used_ratio_clean. Above disk_used_ratio_refuse appends are refused (no_space).
  std::chrono::milliseconds retain{std::chrono::hours(72)};
  std::uint64_t retain_octets = 0;
  double disk_used_ratio_clean = 0.75;
  double disk_used_ratio_refuse = 0.90;
  std::chrono::milliseconds retain_check_interval{10'000};
  /// Newest entries kept in memory, for consumers that follow.
  std::uint64_t tail_octets = 32 << 20;
  /// Of index files of sealed segments, kept in memory once read.
  std::uint64_t index_cache_octets = 16 << 20;
};

/// What the index holds of an entry.
struct IndexEntry {
  Position position = 0;
  std::uint32_t size = 0;          // octets of the payload
  std::uint32_t count = 1;         // records: offsets it takes
  Offset offset = 0;               // of its first record
  std::int32_t tag_hash = 0;       // Java's String.hashCode of the tag; 0: none
  std::int64_t store_time_ms = 0;  // never goes back along the log
  Kind kind = Kind::message;
  friend bool operator==(const IndexEntry&, const IndexEntry&) = default;
};

/// Something to append. The store fills in what only it knows:
///   message  queue offset, physical offset, store time (RocketMQ's layout, with IPv4 or IPv6 born host)
///   batch    base offset, leader epoch; with timestamp type "append" also the largest timestamp, and the CRC-32C anew
/// What is kept of a key that find_key() may be asked for.
std::uint64_t key_hash(std::string_view key);

struct NewEntry {
  Kind kind = Kind::message;
  QueueKey queue{};  // own: unused
  std::string payload;
  std::uint32_t count = 1;
  std::int32_t tag_hash = 0;
  absl::InlinedVector<std::uint64_t, 2> keys{};  // key_hash() of what find_key() is asked for; more than 255 are not indexed
  /// When it is to be delivered, for find_due(); 0: not a delayed one.
  std::int64_t due_ms = 0;
  /// own: what kind of state it changes. message, batch: when not 0, the State is shown it as well.
  std::uint8_t type = 0;
  std::optional<Flush> flush = std::nullopt;  // of the topic, where it differs from the store's
};
struct Appended {
  Position position = 0;
  Offset offset = 0;  // of the first record
  std::int64_t store_time_ms = 0;
};

/// A whole entry, borrowed.
struct EntryView {
  Kind kind = Kind::message;
  std::uint8_t type = 0;
  Epoch epoch = 0;
  std::string_view topic{};  // own: empty
  std::int32_t queue = 0;
  IndexEntry index{};
  std::int64_t due_ms = 0;
  std::string_view key_hashes{};  // 8 octets each
  std::uint16_t head = 0;         // octets between frame and payload
  std::string_view payload{};
};
struct Entry {
  QueueKey queue;
  IndexEntry index;
  std::uint8_t type = 0;
  Epoch epoch = 0;
  std::int64_t due_ms = 0;
  std::string payload;
};

/// State that entries make: consumer offsets, transactions, timers, producers. It comes back by the newest checkpoint, then every entry
/// behind it that carries a type, in the order of the log. The same calls are made while the store runs, once an entry is readable and
/// before its append is completed, so that live, recovered and following state are made by the same code.
class State {
 public:
  virtual ~State() = default;
  /// Begin anew from what checkpoint() gave; empty: from nothing.
  virtual void restore(std::string_view checkpoint) = 0;
  /// An entry with kind own or a type that is not 0.
  virtual void apply(const EntryView& entry) = 0;
  /// All that was applied so far. Asked for when a segment is sealed; at most 1 GiB.
  virtual std::string checkpoint() = 0;
};

struct ReadLimits {
  std::uint32_t entries_max = 32;
  std::uint64_t octets_max = 256 << 10;  // one entry is always given
};
struct Batch {
  enum class Status {
    found,
    none_wanted,    // there are entries from there up to `next`, none of them wanted
    at_end,         // nothing yet
    beyond_end,     // from > max
    before_begin,   // from < min
    unknown_queue,  // never written to
    empty_queue,    // nothing is left of it
    lost,           // damaged on the disk from there up to `next`: go on with `next`
  };
  Status status = Status::found;
  Offset next = 0;  // to read from next time
  Offset min = 0;
  Offset max = 0;  // the next record to be written and readable
  std::vector<IndexEntry> entries;
  std::string payloads;  // of the entries, back to back
};

/// A delayed entry's due time and place: also the place in the list of them all to go on from.
struct Due {
  std::int64_t due_ms = 0;
  Position position = 0;
  friend auto operator<=>(const Due&, const Due&) = default;
};

using Append = std::move_only_function<void(StoreResult<Appended>)>;
using AppendAll = std::move_only_function<void(StoreResult<std::vector<Appended>>)>;
using ReadDone = std::move_only_function<void(StoreResult<Batch>)>;
using EntryDone = std::move_only_function<void(StoreResult<Entry>)>;
/// Told by index entry, without reading it. Called on any thread: owns what it uses.
using Wanted = std::function<bool(const IndexEntry&)>;

struct StoreStatistics {
  Position begin = 0;  // of the oldest segment
  Position end = 0;    // of what is readable
  std::uint64_t segments = 0;
  std::uint64_t octets = 0;  // of all log segments
  std::uint64_t queues = 0;
  std::uint64_t appended = 0;  // entries, since the start
  std::uint64_t refused = 0;
  std::uint64_t pending_octets = 0;
  std::uint64_t groups = 0;      // written
  std::uint64_t tail_reads = 0;  // answered from memory
  std::uint64_t disk_reads = 0;
  std::uint64_t damaged = 0;  // entries found damaged when read, since the start
  std::uint64_t segments_deleted = 0;
};

/// Lives on one reactor. Completions never come from within the call, and none comes once it is destroyed. Readers see what is durable
/// (flush sync) or written (async).
class Store {
 public:
  virtual ~Store() = default;

  /// Positions and offsets are given at once, in the order of the calls; `done` when it is as durable as its flush policy says. After an
  /// error nothing of it is in the log; but after `failed` it may come back when the store is opened anew.
  virtual void append(NewEntry entry, Append done) = 0;
  /// The same for several that stand side by side in the log; after a crash before `done` some first part of them may be there.
  virtual void append_all(std::vector<NewEntry> entries, AppendAll done) = 0;
  virtual void read(const QueueKey& queue, Offset from, const ReadLimits& limits, Wanted wanted, ReadDone done) = 0;
  /// The entry that begins at or before `position` and reaches over it.
  virtual void read_at(Position position, EntryDone done) = 0;

  /// First and next offset that readers may ask for; empty: no such queue.
  struct Bounds {
    Offset min = 0;
    Offset max = 0;
  };
  virtual std::optional<Bounds> bounds(const QueueKey& queue) const = 0;
  /// Every queue that was ever written to.
  virtual void for_each_queue(const std::function<void(const QueueKey&, const Bounds&)>& visit) const = 0;
  /// First offset whose store time is at least `time_ms`; bounds().max when none. not_found: no such queue.
  virtual void find_time(const QueueKey& queue, std::int64_t time_ms, std::move_only_function<void(StoreResult<Offset>)> done) = 0;
  /// Newest first, at most `max`, of entries appended with this key in that time (both included).
  virtual void find_key(std::string key, std::int64_t from_ms, std::int64_t to_ms, std::uint32_t max,
                        std::move_only_function<void(StoreResult<std::vector<IndexEntry>>)> done) = 0;
  /// Delayed entries behind `after` that are due by `to_ms`, in order, at most `max`. To go on, pass the last one. An entry appended with
  /// a due time that was passed already is not met any more: see to it that due times lie ahead.
  virtual void find_due(Due after, std::int64_t to_ms, std::uint32_t max,
                        std::move_only_function<void(StoreResult<std::vector<Due>>)> done) = 0;

  /// Called with each queue that has new readable records, once a turn however many they are.
  virtual void on_arrival(std::function<void(const QueueKey&, const IndexEntry& newest)> listener) = 0;

  /// Segments that hold this position or later ones stay, whatever retention says; empty: none has to.
  virtual void keep_from(std::optional<Position> position) = 0;

  /// Looks at once for what retention lets go.
  virtual void retain_now() = 0;

  /// Entries appended from now on are of this epoch, which is at least the present one.
  virtual void begin_epoch(Epoch epoch) = 0;
  /// Epochs and where each begins, oldest first.
  virtual std::vector<std::pair<Epoch, Position>> epochs() const = 0;
  /// The log ends before `position`, durably: entries that begin at or behind it are gone, the State is restored and replayed. What was
  /// appended before is written first; from then on to `done` appends are refused (closing). Holds the reactor up while the segment that
  /// becomes the last one is read.
  virtual void truncate(Position position, std::move_only_function<void(StoreResult<void>)> done) = 0;

  virtual StoreStatistics statistics() const = 0;
  /// Appends are refused from now on; `done` once everything before is durable and the last segment is closed in order.
  virtual void close(std::move_only_function<void(StoreResult<void>)> done) = 0;
};

/// What opening found and did. docs/formats.md has the files.
struct RecoveryReport {
  struct Damage {
    std::string path;
    std::uint64_t offset = 0;
    std::uint64_t octets = 0;
  };
  std::vector<std::string> torn;     // ends of writes that were never acknowledged, cut off
  std::vector<Damage> damage;        // lost, and passed over by readers
  std::vector<std::string> rebuilt;  // index files made again from the log
  std::vector<std::string> unusable_checkpoints;
  std::vector<std::pair<Position, Position>> missing;  // segments that are not there
  std::uint64_t replayed = 0;                          // entries shown to the State
};
/// One line each, for a log.
std::vector<std::string> to_lines(const RecoveryReport& report);

struct OpenedStore {
  std::unique_ptr<Store> store;
  RecoveryReport report;
};
/// Blocks until the log is recovered: at start-up. `state` (may be null) outlives the store; it is restored before this returns.
///   errors   no_space, failed: the disk's · damaged: files of another version or kind, told with what to do
StoreResult<OpenedStore> open_store(world::World& world, StoreOptions options, State* state);

}  // namespace chorus::mq
