// A server's directories: which snapshot and which transactions make its state, what may be thrown away, and the small files beside them.
// source: FileTxnSnapLog, PurgeTxnLog, QuorumPeer, QuorumPeerConfig
//
//   dataDir/myid                              the server's number
//   dataDir/version-2/snapshot.<zxid>         see snapshot.h
//   dataDir/version-2/{currentEpoch,acceptedEpoch}
//   dataLogDir/version-2/log.<zxid>           see txn_log.h; dataLogDir is dataDir unless set
//   dataLogDir/initialize                     this member may begin empty
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coord/disk/snapshot.h"
#include "coord/disk/txn_log.h"

namespace chorus::coord::disk {

enum class RecoverErrc {
  refused,  // the files contradict one another or are damaged: a person has to decide
  no_space,
  failed,  // the disk
};
using RecoverError = base::Error<RecoverErrc>;
template <class T>
using RecoverResult = base::Result<T, RecoverError>;

struct SnapshotFile {
  std::string path;
  std::int64_t zxid = 0;
};
/// Newest first.
RecoverResult<std::vector<SnapshotFile>> list_snapshots(world::Files& files, const std::string& directory);

struct RecoverOptions {
  std::string data_dir;
  std::string data_log_dir;  // empty: data_dir
  /// The directory is taken from data_log_dir.
  TxnLogOptions log;
  /// zookeeper.snapshot.trust.empty: transactions without a snapshot are taken for all there ever were.
  bool trust_empty = false;
};
struct Recovered {
  std::string snapshot_directory;
  std::unique_ptr<TxnLog> log;
  /// Of the snapshot that was loaded. Empty: none, as in a new directory; the caller writes snapshot.0 before it serves.
  std::optional<std::int64_t> snapshot_zxid;
  std::int64_t last_zxid = 0;  // of the last transaction, or of the snapshot
  std::uint64_t replayed = 0;  // transactions
  /// What a person should know of: torn tails cut off, invalid snapshots passed over, unfinished ones removed.
  std::vector<std::string> warnings;
};
/// A transaction to be applied again: the tree may have it already, since a snapshot is written while the tree changes. Empty: done, else
/// why it cannot be.
using Replay = std::function<std::string(std::int64_t zxid, std::string_view txn)>;

/// Loads the newest sound snapshot into `sink` and replays every later transaction. Makes the directories when they are missing.
/// Refuses, rather than to go on with a part, when log entries are missing between the snapshot and the end.
RecoverResult<Recovered> recover(world::Files& files, const RecoverOptions& options, SnapshotSink& sink, const Replay& replay);

struct Purged {
  std::vector<std::string> removed;         // paths
  std::optional<std::int64_t> oldest_kept;  // zxid of the oldest snapshot kept: TxnLog::remove_before() may have it
};
/// Removes all but the newest `keep` snapshots (autopurge.snapRetainCount, at least 3).
RecoverResult<Purged> purge_snapshots(world::Files& files, const std::string& snapshot_directory, std::size_t keep);

/// currentEpoch and acceptedEpoch below a version-2 directory: decimal; empty when there is no such file.
RecoverResult<std::optional<std::int64_t>> read_epoch(world::Files& files, const std::string& path);
RecoverResult<void> write_epoch(world::Files& files, const std::string& path, std::int64_t epoch);
/// dataDir/myid; empty when there is no such file.
RecoverResult<std::optional<std::int64_t>> read_my_id(world::Files& files, const std::string& data_dir);
/// Whether the marker was there; it is removed, for it counts once.
RecoverResult<bool> take_initialize_marker(world::Files& files, const std::string& data_log_dir);

}  // namespace chorus::coord::disk
