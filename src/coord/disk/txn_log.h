// ZooKeeper's transaction log: files log.<zxid in hex> that ZooKeeper reads and we read of ZooKeeper. source: FileTxnLog, FilePadding
//
//   file header   int 0x5a4b4c47 "ZKLG", int version 2, long dbid 0
//   entry         long Adler-32 of the transaction, int its length, transaction (TxnHeader, record, maybe TxnDigest), octet 'B'
//   then zeros up to the preallocated end; an entry of length 0 is the end
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "store/log.h"

namespace chorus::coord::disk {

using store::Cursor;
using store::LogErrc;
using store::LogError;
using store::LogResult;

class TxnFormat final : public store::Format {
 public:
  std::string name_of(store::Id first) const override;
  std::optional<store::Id> first_of(std::string_view name) const override;
  std::string header(store::Id first) const override;
  std::string refuse_header(std::string_view header) const override;
  /// payload: the transaction's octets, TxnHeader first; id: its zxid
  store::Scan scan(std::string_view octets) const override;
  std::size_t frame_size() const override { return 12; }
  std::size_t zero_prefix() const override { return 4; }
  /// The next in the same epoch, or the first of a later one.
  bool follows(store::Id before, store::Id after) const override;
};

inline constexpr std::uint64_t growth_octets_max = 4 << 20;

struct TxnLogOptions {
  /// dataLogDir/version-2; must exist.
  std::string directory;
  /// preAllocSize: a file grows by this much ahead of its entries, though not by more than `growth_octets_max` at a time, since the zeros
  /// are written and an append waits for them. 0: only as entries are written.
  std::uint64_t pre_alloc_octets = 64 << 20;
  std::uint64_t size_limit_octets = 0;  // a file is full at this size; 0: no limit
  /// forceSync: without it sync() returns at once, and what was acknowledged may be lost with the power.
  bool force_sync = true;
};

/// Serving writes: the reactor serialises transactions into a group in place, the disk thread appends and syncs it.
///   const std::size_t mark = TxnLog::begin_entry(group);  jute::encode(header, group); ...  TxnLog::end_entry(group, mark);
class TxnLog {
 public:
  /// Leaves room for an entry's framing at the end of `group`.
  static std::size_t begin_entry(std::string& group);
  /// Closes the entry whose transaction was appended to `group` since begin_entry() returned `mark`. Its checksum is left to append().
  static void end_entry(std::string& group, std::size_t mark);

  /// Recovers: see store::Log::open().
  static LogResult<std::unique_ptr<TxnLog>> open(world::Files& files, const TxnLogOptions& options);

  /// Writes a group of entries, of the zxids from `first` to `last`, by one write; fills in their checksums. Not durable before sync().
  ///   errors   no_space: nothing of it is there, append again later · failed: nothing can be appended any more
  LogResult<void> append(std::string& group, std::int64_t first, std::int64_t last);
  LogResult<void> sync();
  /// The next append begins a new file, as ZooKeeper does when a snapshot starts. Also for an orderly shutdown: leaves the log sealed.
  LogResult<void> roll() { return log_->roll(); }
  /// Removes every transaction after `zxid`, durably.
  LogResult<void> truncate_after(std::int64_t zxid) { return log_->truncate_after(zxid); }
  /// Removes files that hold only transactions before `zxid`.
  LogResult<void> remove_before(std::int64_t zxid) { return log_->remove_before(zxid); }

  bool empty() const { return log_->empty(); }
  /// -1 when empty.
  std::int64_t last_zxid() const { return log_->last(); }
  /// What recovery cut off, to be reported.
  const std::vector<store::TornTail>& torn() const { return log_->torn(); }
  /// Octets in the newest file.
  std::uint64_t file_octets() const { return log_->segment_octets(); }
  /// First zxids of the files, oldest first.
  const std::vector<store::Id>& files() const { return log_->segments(); }
  /// The transactions with a zxid above `zxid`. Record: id = zxid, payload = the transaction.
  Cursor read_after(std::int64_t zxid) const { return log_->read_from(zxid + 1); }

 private:
  TxnLog(std::unique_ptr<store::Log> log, bool force_sync) : log_(std::move(log)), force_sync_(force_sync) {}

  std::unique_ptr<store::Log> log_;
  bool force_sync_;
};

}  // namespace chorus::coord::disk
