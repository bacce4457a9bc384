// What a server keeps on its disks: locked directories, the database as recovered from them, the transaction log, snapshots, a member's
// epochs.
#pragma once

#include <spdlog/logger.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "coord/database_snapshot.h"
#include "coord/disk/data_dir.h"
#include "coord/disk/log_writer.h"
#include "coord/node_error.h"
#include "coord/options.h"
#include "coord/server.h"
#include "world/world.h"

namespace chorus::coord {

/// Lives on one reactor. Nothing is called back once it is destroyed; what the disk has begun it finishes.
class Storage {
 public:
  /// What the disks had.
  struct Loaded {
    bool had_log_directory = true;  // before it was opened
    std::unique_ptr<Database> database;
    /// The newest transactions of the log, at most commit_log_count, ascending.
    std::deque<zab::Txn> recent;
    bool is_new = false;  // no snapshot yet
    // At start: how long that took, of it the snapshot and the log's transactions after it, and their number.
    world::Duration took{}, snapshot_took{}, txns_took{};
    std::int64_t txns = 0;
  };
  /// Of the log: see LogWriter. on_stopped: nothing can be written any more, for the reason given.
  struct Callbacks {
    std::function<void(disk::LogGroup)> on_durable;
    std::function<void(world::Duration)> on_synced;
    std::function<void(const std::string&)> on_failed;
  };
  /// Blocks while it reads the directories, and while it writes the first snapshot of new ones.
  static base::Result<std::unique_ptr<Storage>, NodeError> open(world::World& world, const Options& options, spdlog::logger& logger,
                                                                Callbacks callbacks, Loaded& loaded);
  ~Storage();

  disk::LogWriter& log() { return *log_writer_; }
  const disk::LogStatistics& log_statistics() const { return log_statistics_; }
  const std::string& snapshot_directory() const;
  const std::string& log_directory() const;

  using Written = std::function<void(const disk::SnapshotResult<std::string>&)>;
  /// A snapshot written beside everything else. `done`: it may go on; after the last chunk with the path. After a failure nothing is left.
  void write_snapshot(SnapshotBegin begin, Written done);
  void write_snapshot(SnapshotChunk chunk, Written done);
  /// A whole one; the database may change meanwhile, and is borrowed until `done`. The log goes on in a new file after it.
  void write_snapshot(Database& database, Written done);
  /// Removes old snapshots and the log files that none of those kept needs. source: DatadirCleanupManager, PurgeTxnLog
  void purge();

  /// Removes every transaction after `zxid`, and snapshots that have such, then loads what is left. The log must be idle.
  void truncate(std::int64_t zxid, std::function<void(base::Result<Loaded, NodeError>)> done);
  /// Removes every transaction after `zxid`, before a snapshot at `zxid` takes the place of everything. Not undone by a crash in between:
  /// what goes was never agreed on.
  void cut_log(std::int64_t zxid, std::function<void(const base::Result<void, NodeError>&)> done);
  /// The same, and snapshots after `zxid`, of which there is a durable one.
  void discard_after(std::int64_t zxid, std::function<void(const base::Result<void, NodeError>&)> done);
  /// Removes the log and the snapshots before `zxid`, of which there is a durable snapshot that came from another server. The log must be
  /// idle.
  void forget_before(std::int64_t zxid, std::function<void(const base::Result<void, NodeError>&)> done);
  /// Transactions with zxids after `after` and before `until`, at most about `octets`; empty when the log does not reach back to `after`.
  using History = std::optional<std::vector<zab::Txn>>;
  void read_history(std::int64_t after, std::int64_t until, std::size_t octets, std::function<void(History)> done);

  enum class Epoch { accepted, current };
  base::Result<std::optional<std::int64_t>, NodeError> read_epoch(Epoch which) const;
  /// At once: for the time before anything is served.
  base::Result<void, NodeError> keep_epoch(Epoch which, std::int64_t epoch);
  /// Whether the log's directory has the file `initialize`, by which a person lets a member begin empty. It counts once: it goes, and one
  /// that `begins` has an epoch file from then on.
  base::Result<bool, NodeError> take_initialize_marker(bool begins);
  void write_epoch(Epoch which, std::int64_t epoch, std::function<void(const disk::RecoverResult<void>&)> done);

  /// Calls back when what was given to the disk before is done. The log is then sealed, unless it had `failed`.
  void close(bool failed, world::Callback done);

 private:
  struct Disk;
  struct SnapshotPump;
  Storage(world::World& world, spdlog::logger& logger, Callbacks callbacks, std::shared_ptr<Disk> disk);
  void start_log();
  void pump();

  world::World& world_;
  spdlog::logger& log_;
  const Callbacks callbacks_;
  std::shared_ptr<Disk> disk_;  // outlives this while the disk works
  disk::LogStatistics log_statistics_;
  std::unique_ptr<disk::LogWriter> log_writer_;
  std::unique_ptr<SnapshotPump> pump_;  // borrows from a database, which has to outlive this
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::coord
