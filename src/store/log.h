// An append-only log in segment files: groups of records appended and synced, recovered, read forwards, cut and purged.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/segment.h"

namespace chorus::store {

struct LogOptions {
  /// Must exist.
  std::string directory;
  /// Segments grow by this much ahead of the records; 0: only as they are written. Growing holds an append up for about 2 ms a MiB.
  std::uint64_t allocate_octets = 4 << 20;
  /// A segment of at least this size is followed by a new one; 0: no limit.
  std::uint64_t segment_octets_max = 0;
  /// What open() does about damage in the last segment that no crash explains. False: refuse. True: leave the segment as it is, sealed,
  /// with its records from first() on up to the damage and maybe more behind (see damage()); the next append begins another one.
  bool isolate_damage = false;
};

/// What recovery cut off: the remains of a write that a crash interrupted before it was synced.
struct TornTail {
  std::string path;
  std::uint64_t offset = 0;
  std::uint64_t octets = 0;
  std::string why{};
};
/// "log.1: cut off 812 octets at offset 4096: the last write was cut short (never acknowledged)"
std::string to_string(const TornTail& torn);

/// Octets of the last segment, from the first that makes no sense to the last that is not zero.
struct Damage {
  std::string path;
  std::uint64_t offset = 0;
  std::uint64_t octets = 0;
  std::string why{};
};

/// Goes over records of a log in order. Sees what was there when it was made; the log may be appended to meanwhile, by the same thread.
class Cursor {
 public:
  /// The next record; empty at the end. The view is good until the next call.
  LogResult<std::optional<Record>> next();
  /// Of the file that the last record came from.
  const std::string& path() const { return paths_[segment_]; }
  /// Torn ends of older segments that were passed over: another program's, see docs/decisions.
  const std::vector<TornTail>& torn() const { return torn_; }

 private:
  friend class Log;
  Cursor(world::Files& files, const Format& format, std::vector<std::string> paths, std::vector<Id> firsts, std::uint64_t last_size,
         Id from)
      : files_(&files), format_(&format), paths_(std::move(paths)), firsts_(std::move(firsts)), last_size_(last_size), from_(from) {}
  LogResult<void> end_segment(const Scan& stop);

  world::Files* files_;
  const Format* format_;
  std::vector<std::string> paths_;
  std::vector<Id> firsts_;
  std::uint64_t last_size_;  // of the last segment: its records' end
  Id from_;
  Id last_ = 0;
  std::size_t segment_ = 0;
  std::optional<SegmentReader> reader_;
  std::vector<TornTail> torn_;
};

/// All calls block. Used by one thread at a time.
class Log {
 public:
  /// Recovers the log: finds the end of its last segment, cuts off a torn tail (see torn()) and makes durable what is left of it.
  ///   errors   corrupt: damage that no crash explains, with file, offset and what to do · no_space, failed: the disk's
  static LogResult<std::unique_ptr<Log>> open(world::Files& files, const Format& format, LogOptions options);
  ~Log();

  /// Ids of the first and last record; empty() has none.
  bool empty() const { return last_ == none; }
  Id first() const { return segments_.empty() ? none : segments_.front(); }
  Id last() const { return last_; }
  const std::vector<TornTail>& torn() const { return torn_; }
  /// What was left as it is (LogOptions::isolate_damage). What is there is durable.
  const std::optional<Damage>& damage() const { return damage_; }
  /// First ids of the segments, oldest first.
  const std::vector<Id>& segments() const { return segments_; }
  /// Octets in the last segment.
  std::uint64_t segment_octets() const { return end_; }

  /// Writes whole records, with ids from `first` to `last`, behind the present end, by one write. Not durable before sync().
  ///   group    as Format::scan() reads it; borrowed, the same on return
  ///   errors   no_space: nothing of it is there, append again later · failed: nothing can be appended any more
  LogResult<void> append(std::string& group, Id first, Id last);
  /// Everything appended is durable.
  ///   errors   failed: what was appended since the last success may be lost, and nothing can be appended any more
  LogResult<void> sync();
  /// Seals the last segment; the next append begins a new one.
  LogResult<void> roll();
  /// Removes all records after `last`, durably.
  LogResult<void> truncate_after(Id last);
  /// Removes segments that hold only records before `first`; the last segment stays.
  LogResult<void> remove_before(Id first);
  /// The same, but leaves it to the caller to remove the files, oldest first: removing a large one takes its time. A file that stays, the
  /// next open() finds again.
  std::vector<std::string> release_before(Id first);

  /// From the first record with an id of at least `from` on, as far as it is synced or appended by now.
  Cursor read_from(Id from) const;

 private:
  static constexpr Id none = -1;
  Log(world::Files& files, const Format& format, LogOptions options);
  std::string path_of(Id segment) const { return options_.directory + "/" + format_->name_of(segment); }
  LogResult<void> recover();
  LogResult<bool> recover_last();
  LogResult<void> settle(SegmentReader& reader, bool torn);
  LogResult<void> isolate(SegmentReader& reader, const Tail& tail);
  LogResult<void> write_again(SegmentReader& reader, std::uint64_t from, std::uint64_t to);
  LogResult<void> begin_segment(Id first);
  LogResult<void> drop_last_segment();
  LogResult<void> grow_for(std::size_t octets);
  LogResult<void> undo_append(const world::FileError& why);
  LogResult<void> seal();
  std::unexpected<LogError> poison(std::string why);

  world::Files* files_;
  const Format* format_;
  LogOptions options_;
  std::vector<Id> segments_;
  std::unique_ptr<world::File> file_;  // the last segment; null: the next append begins one
  std::uint64_t end_ = 0;              // of its records
  std::uint64_t synced_ = 0;           // of those that are durable
  std::uint64_t allocated_ = 0;        // size of the file
  Id last_ = none;
  std::string poisoned_;  // why nothing can be appended
  std::vector<TornTail> torn_;
  std::optional<Damage> damage_;
};

}  // namespace chorus::store
