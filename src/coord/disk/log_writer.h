// Group commit: hands groups of transactions to the disk thread in order; whatever waits when that gets to them shares one sync.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/summary.h"
#include "coord/disk/txn_log.h"
#include "world/world.h"

namespace chorus::coord::disk {

/// Entries framed but for their checksums (txn_log.h), at least one.
struct LogGroup {
  std::string octets;
  std::int64_t first_zxid;
  std::int64_t last_zxid;
  std::int64_t txns = 0;
};

/// Of transactions on their way to the disk, in milliseconds. source: SyncRequestProcessor
struct LogStatistics {
  std::int64_t txns = 0;
  base::Summary waiting;                  // transactions that are not durable yet, as more come
  base::Summary batch;                    // transactions that shared a sync
  base::QuantileSummary queue_time;       // until the disk thread was free for it
  base::Summary process_time;             // from then until it was durable
  base::QuantileSummary flush_time;       // of each sync, with the writing before it
  base::QuantileSummary time_to_durable;  // all together
};

/// Lives on one reactor. Nothing is called back once it is destroyed; what the disk thread has begun it finishes.
class LogWriter {
 public:
  struct Callbacks {
    /// Some groups shared a sync, which took this long from when the disk thread was free for it.
    std::function<void(world::Duration)> on_synced;
    /// Then for each of them, in order, as it was handed in.
    std::function<void(LogGroup)> on_durable;
    /// The disk is full: everything from the first group that did not fit waits, and is tried again every second.
    std::function<void(const LogError&)> on_no_space;
    /// Nothing can be written any more.
    std::function<void(const LogError&)> on_failed;
  };
  /// statistics: added to, unless null; outlives this.
  LogWriter(world::World& world, std::shared_ptr<TxnLog> log, Callbacks callbacks, LogStatistics* statistics = nullptr);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  void append(LogGroup group);
  /// The next group begins a new file.
  void roll_before_next() { roll_ = true; }
  /// Whether nothing is on its way to the disk.
  bool is_idle() const { return octets_ == 0; }
  /// Of the groups on their way.
  std::size_t octets() const { return octets_; }

 private:
  struct Queue;
  void submit();
  void finished(struct LogBatch& batch);
  void count(const struct LogBatch& batch, world::Instant began, world::Instant now);

  world::World& world_;
  const Callbacks callbacks_;
  std::shared_ptr<Queue> queue_;
  LogStatistics* const statistics_;
  std::size_t octets_ = 0;
  std::int64_t txns_ = 0;  // of the groups on their way
  bool roll_ = false;
  world::Instant free_since_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::coord::disk
