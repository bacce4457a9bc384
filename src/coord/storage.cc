#include "coord/storage.h"

#include <fmt/format.h>

#include "base/ensure.h"

namespace chorus::coord {
namespace {

constexpr std::size_t snapshot_chunk_octets = 256 << 10;

NodeErrc code_of(disk::RecoverErrc code) {
  switch (code) {
    case disk::RecoverErrc::refused:
      return NodeErrc::refused;
    case disk::RecoverErrc::no_space:
      return NodeErrc::no_space;
    case disk::RecoverErrc::failed:
      return NodeErrc::directory;
  }
  return NodeErrc::refused;
}

NodeErrc code_of(world::FileErrc code) { return code == world::FileErrc::no_space ? NodeErrc::no_space : NodeErrc::directory; }

// Puts a snapshot into a database.
class Loader final : public disk::SnapshotSink {
 public:
  explicit Loader(Database& database) : database_(database) {}

  void begin() override {
    database_.tree.clear();
    database_.sessions.clear();
    digest_.reset();
    loaded_ = true;
  }
  void session(const disk::SnapshotSession& session) override { database_.sessions[session.id] = session.timeout_ms; }
  void acl(const disk::SnapshotAcl& acl) override { database_.tree.acls().load(acl.id, acl.acl); }
  std::string node(const disk::SnapshotNode& node) override {
    if (database_.tree.load(node.path, node.data, node.acl_id, node.stat)) return {};
    return fmt::format("node '{}' has no parent, is there twice, or names access list {}, which is missing", node.path, node.acl_id);
  }
  void digest(const disk::SnapshotDigest& digest) override { digest_ = digest; }

  bool loaded() const { return loaded_; }
  /// The snapshot is whole: the log goes on from here.
  void finish(std::int64_t zxid) {
    if (finished_) return;
    finished_ = true;
    database_.tree.acls().purge_unused();
    database_.last_zxid = zxid;
    if (digest_ && digest_->version == 2) {
      database_.expect_digest(digest_->zxid, static_cast<std::uint64_t>(digest_->tree_digest));
    }
  }

 private:
  Database& database_;
  std::optional<disk::SnapshotDigest> digest_;
  bool loaded_ = false;
  bool finished_ = false;
};

disk::SnapshotResult<std::string> write_end(disk::SnapshotWriter& writer, std::int64_t zxid, std::uint64_t digest, bool with_digest) {
  if (auto done = writer.end_nodes(); !done) return std::unexpected(done.error());
  if (with_digest) {
    const disk::SnapshotDigest record{.zxid = zxid, .version = 2, .tree_digest = static_cast<std::int64_t>(digest)};
    if (auto done = writer.digest(record); !done) return std::unexpected(done.error());
  }
  if (auto done = writer.last_zxid(zxid); !done) return std::unexpected(done.error());
  return writer.finish();
}

}  // namespace

struct Storage::Disk {
  world::Files& files;
  Options options;
  disk::Compression compression = disk::Compression::none;
  std::vector<std::unique_ptr<world::DirectoryLock>> locks{};
  std::shared_ptr<disk::TxnLog> log{};  // the disk thread's, once serving
  std::string snapshot_directory{};
  std::string log_directory{};
  bool had_log_directory = true;
  std::unique_ptr<disk::SnapshotWriter> writer{};  // the background thread's, once serving
  std::int64_t snapshot_zxid = 0;
  std::uint64_t snapshot_digest = 0;
  std::vector<std::string> remarks{};  // of load()

  base::Result<void, NodeError> lock() {
    const std::string log_dir = options.data_log_dir.empty() ? options.data_dir : options.data_log_dir;
    snapshot_directory = options.data_dir + "/version-2";
    log_directory = log_dir + "/version-2";
    had_log_directory = files.exists(log_directory);
    for (const std::string& directory : {options.data_dir, log_dir}) {
      if (!locks.empty() && directory == options.data_dir) break;
      if (auto made = world::make_durable_directories(files, directory); !made)
        return base::error(code_of(made.error().code), made.error().message);
      auto lock = files.lock(directory);
      if (!lock) return base::error(code_of(lock.error().code), lock.error().message);
      locks.push_back(std::move(*lock));
    }
    return {};
  }

  /// clock: of the reactor, which alone may read it; empty: nothing is measured.
  base::Result<Loaded, NodeError> load(const std::function<world::Instant()>& clock = {}) {
    const auto now = [&] { return clock ? clock() : world::Instant(); };
    const world::Instant began = now();
    std::optional<world::Instant> replay_began;
    Loaded out{.database = std::make_unique<Database>(options.extended_types_enabled)};
    Loader loader(*out.database);
    const disk::RecoverOptions recover_options{
        .data_dir = options.data_dir,
        .data_log_dir = options.data_log_dir,
        .log = {.pre_alloc_octets = static_cast<std::uint64_t>(options.pre_alloc_size_kb) * 1024,
                .size_limit_octets = static_cast<std::uint64_t>(options.txn_log_size_limit_kb) * 1024,
                .force_sync = options.force_sync},
        .trust_empty = options.snapshot_trust_empty,
    };
    const auto recent_max = static_cast<std::size_t>(options.ensemble.is_distributed() ? options.ensemble.commit_log_count : 0);
    bool replaying = false;
    const auto replay = [&](std::int64_t zxid, std::string_view txn) -> std::string {
      if (!replay_began) replay_began = now();
      if (!std::exchange(replaying, true) && loader.loaded()) loader.finish(zxid - 1);
      const auto outcome = out.database->apply(txn, nullptr, true);
      if (!outcome)
        return outcome.error() == TxnFault::unknown_type ? "it is of a type that this version does not know" : "its record cannot be read";
      if (recent_max > 0) out.recent.push_back({zxid, std::make_shared<const std::string>(txn)});
      if (out.recent.size() > recent_max) out.recent.pop_front();
      return {};
    };
    auto recovered = disk::recover(files, recover_options, loader, replay);
    if (!recovered) return base::error(code_of(recovered.error().code), recovered.error().message);
    if (loader.loaded()) loader.finish(recovered->snapshot_zxid.value_or(0));
    if (out.database->tree.find("/") == nullptr)
      return base::error(NodeErrc::refused, "the snapshot in " + recovered->snapshot_directory + " has no root node");
    out.database->last_zxid = std::max(out.database->last_zxid, recovered->last_zxid);
    out.is_new = !recovered->snapshot_zxid.has_value();
    out.had_log_directory = had_log_directory;
    out.txns = static_cast<std::int64_t>(recovered->replayed);
    out.took = now() - began;
    out.txns_took = replay_began ? now() - *replay_began : world::Duration();
    out.snapshot_took = out.took - out.txns_took;
    log = std::move(recovered->log);
    // Power failed before that could be done of a snapshot that came from another server. Without a log an older snapshot is as bad: should
    // the newest be damaged later, what is logged from now on would be taken to go on from that.
    const std::int64_t newest = recovered->snapshot_zxid.value_or(0);
    if (options.ensemble.is_distributed() && newest > 0 && (log->empty() || log->last_zxid() < newest)) {
      if (auto done = forget_before(newest); !done) return std::unexpected(done.error());
    }
    remarks = std::move(recovered->warnings);
    if (out.database->digest_mismatches > 0) {
      remarks.push_back(fmt::format("tree digest differs from the log's first_zxid=0x{:x} transactions={}",
                                    out.database->first_mismatch_zxid, out.database->digest_mismatches));
    }
    recovered_text = fmt::format("snapshot_zxid={} transactions={} last_zxid=0x{:x} nodes={} sessions={}",
                                 recovered->snapshot_zxid ? fmt::format("0x{:x}", *recovered->snapshot_zxid) : "none", recovered->replayed,
                                 out.database->last_zxid, out.database->tree.size(), out.database->sessions.size());
    return out;
  }
  std::string recovered_text{};

  void report(spdlog::logger& logger) {
    for (const std::string& remark : remarks) logger.warn("{}", remark);
    remarks.clear();
    logger.info("recovered {}", recovered_text);
  }

  base::Result<void, NodeError> cut_log(std::int64_t zxid) {
    if (auto done = log->truncate_after(zxid); !done) return base::error(NodeErrc::directory, done.error().message);
    return {};
  }

  base::Result<void, NodeError> discard_after(std::int64_t zxid) {
    if (auto done = cut_log(zxid); !done) return done;
    auto snapshots = disk::list_snapshots(files, snapshot_directory);
    if (!snapshots) return base::error(code_of(snapshots.error().code), snapshots.error().message);
    bool removed = false;
    for (const disk::SnapshotFile& snapshot : *snapshots) {
      if (snapshot.zxid <= zxid) break;
      if (auto done = files.remove(snapshot.path); !done) return base::error(code_of(done.error().code), done.error().message);
      removed = true;
    }
    if (!removed) return {};
    if (auto done = files.sync_directory(snapshot_directory); !done) return base::error(code_of(done.error().code), done.error().message);
    return {};
  }
  /// Between the log and a snapshot that came from another server there is a hole, and what lies before it may have been given up by the
  /// others: no history for anybody, and nothing to start from again.
  base::Result<void, NodeError> forget_before(std::int64_t zxid) {
    if (auto done = log->truncate_after(0); !done) return base::error(NodeErrc::directory, done.error().message);
    auto snapshots = disk::list_snapshots(files, snapshot_directory);
    if (!snapshots) return base::error(code_of(snapshots.error().code), snapshots.error().message);
    for (const disk::SnapshotFile& snapshot : *snapshots) {
      if (snapshot.zxid >= zxid) continue;
      if (auto done = files.remove(snapshot.path); !done) return base::error(code_of(done.error().code), done.error().message);
    }
    if (auto done = files.sync_directory(snapshot_directory); !done) return base::error(code_of(done.error().code), done.error().message);
    return {};
  }
  base::Result<Loaded, NodeError> truncate(std::int64_t zxid) {
    auto snapshots = disk::list_snapshots(files, snapshot_directory);
    if (!snapshots) return base::error(code_of(snapshots.error().code), snapshots.error().message);
    if (snapshots->empty() || snapshots->back().zxid > zxid) {
      return base::error(NodeErrc::refused,
                         fmt::format("the leader wants everything after 0x{:x} undone, but every snapshot in {} is newer. Let this member "
                                     "fetch all data from the others by moving the directory away",
                                     zxid, snapshot_directory));
    }
    if (auto done = discard_after(zxid); !done) return std::unexpected(done.error());
    log.reset();
    return load();
  }

  History read_history(std::int64_t after, std::int64_t until, std::size_t octets) {
    if (log->empty() || log->files().front() > after) return std::nullopt;
    std::vector<zab::Txn> txns;
    std::size_t taken = 0;
    disk::Cursor cursor = log->read_after(after - 1);
    bool reaches_back = false;
    std::int64_t before = after;
    const disk::TxnFormat format;
    while (taken < octets) {
      auto next = cursor.next();
      if (!next) return std::nullopt;  // damaged: a snapshot will have to do
      if (!*next || (*next)->id >= until) break;
      if ((*next)->id == after) {
        reaches_back = true;
        continue;
      }
      // A crash may have left what was there before a snapshot from another server came: that does not lead up to it.
      if (!reaches_back || !format.follows(before, (*next)->id)) return std::nullopt;
      before = (*next)->id;
      txns.push_back({(*next)->id, std::make_shared<const std::string>((*next)->payload)});
      taken += (*next)->payload.size();
    }
    if (!reaches_back) return std::nullopt;
    return txns;
  }

  disk::SnapshotResult<void> begin_snapshot(const SnapshotBegin& begin) {
    writer.reset();  // of a snapshot that nobody goes on with: it would take this one's temporary file along
    auto opened = disk::SnapshotWriter::open(files, snapshot_directory, begin.zxid, compression);
    if (!opened) return std::unexpected(opened.error());
    writer = std::move(*opened);
    snapshot_zxid = begin.zxid;
    snapshot_digest = begin.digest;
    return writer->write(begin.octets);
  }
  /// Empty while it goes on, the path when it is finished.
  disk::SnapshotResult<std::string> go_on(const SnapshotChunk& chunk) {
    if (auto done = writer->write(chunk.octets); !done) return std::unexpected(done.error());
    if (!chunk.end) return std::string();
    auto path = write_end(*writer, snapshot_zxid, snapshot_digest, options.digest_enabled);
    writer.reset();
    return path;
  }
  disk::SnapshotResult<std::string> write_whole(Database& database) {
    DatabaseSnapshot snapshot(database);
    if (auto done = begin_snapshot({snapshot.zxid(), snapshot.digest(), snapshot.take_head()}); !done) return std::unexpected(done.error());
    for (;;) {
      SnapshotChunk chunk;
      chunk.end = !snapshot.next(snapshot_chunk_octets, chunk.octets);
      auto path = go_on(chunk);
      if (!path || chunk.end) return path;
    }
  }
};

struct Storage::SnapshotPump {
  DatabaseSnapshot snapshot;
  Written done;
};

base::Result<std::unique_ptr<Storage>, NodeError> Storage::open(world::World& world, const Options& options, spdlog::logger& logger,
                                                                Callbacks callbacks, Loaded& loaded) {
  const auto compression = disk::parse_compression(options.snapshot_compression);
  if (!compression) {
    return base::error(NodeErrc::configuration,
                       "snapshot compression '" + options.snapshot_compression + "' is not one of gz, snappy, none");
  }
  auto disk = std::make_shared<Disk>(Disk{.files = world.files(), .options = options, .compression = *compression});
  if (auto locked = disk->lock(); !locked) return std::unexpected(locked.error());
  auto read = disk->load([&world] { return world.now(); });
  if (!read) return std::unexpected(read.error());
  loaded = std::move(*read);
  disk->report(logger);
  // A log is only believed beside a snapshot, so there is one before the first write. source: FileTxnSnapLog.restore
  if (loaded.is_new) {
    auto path = disk->write_whole(*loaded.database);
    if (!path) {
      return base::error(path.error().code == disk::SnapshotErrc::no_space ? NodeErrc::no_space : NodeErrc::directory,
                         path.error().message);
    }
  }
  return std::unique_ptr<Storage>(new Storage(world, logger, std::move(callbacks), std::move(disk)));
}

Storage::Storage(world::World& world, spdlog::logger& logger, Callbacks callbacks, std::shared_ptr<Disk> disk)
    : world_(world), log_(logger), callbacks_(std::move(callbacks)), disk_(std::move(disk)) {
  start_log();
}

Storage::~Storage() { *alive_ = false; }

void Storage::start_log() {
  log_writer_ = std::make_unique<disk::LogWriter>(
      world_, disk_->log,
      disk::LogWriter::Callbacks{
          .on_synced = callbacks_.on_synced,
          .on_durable = callbacks_.on_durable,
          .on_no_space = [this](const disk::LogError& why) { log_.error("writes wait for room on the disk reason={}", why.message); },
          .on_failed = [this](const disk::LogError& why) { callbacks_.on_failed(why.message); },
      },
      &log_statistics_);
}

const std::string& Storage::snapshot_directory() const { return disk_->snapshot_directory; }
const std::string& Storage::log_directory() const { return disk_->log_directory; }

void Storage::write_snapshot(SnapshotBegin begin, Written done) {
  log_writer_->roll_before_next();
  auto what = std::make_shared<SnapshotBegin>(std::move(begin));
  auto result = std::make_shared<disk::SnapshotResult<void>>();
  world_.run_in_background(
      [disk = disk_, what, result] {
        *result = disk->begin_snapshot(*what);
        if (!*result) disk->writer.reset();
      },
      [alive = alive_, result, done = std::move(done)] {
        if (!*alive) return;
        done(*result ? disk::SnapshotResult<std::string>() : std::unexpected(result->error()));
      });
}

void Storage::write_snapshot(SnapshotChunk chunk, Written done) {
  auto what = std::make_shared<SnapshotChunk>(std::move(chunk));
  auto result = std::make_shared<disk::SnapshotResult<std::string>>();
  world_.run_in_background(
      [disk = disk_, what, result] {
        *result = disk->go_on(*what);
        if (!*result) disk->writer.reset();
      },
      [alive = alive_, result, done = std::move(done)] {
        if (*alive) done(*result);
      });
}

void Storage::write_snapshot(Database& database, Written done) {
  pump_.reset(new SnapshotPump{.snapshot = DatabaseSnapshot(database), .done = std::move(done)});
  DatabaseSnapshot& snapshot = pump_->snapshot;
  write_snapshot(SnapshotBegin{snapshot.zxid(), snapshot.digest(), snapshot.take_head()},
                 [this](const disk::SnapshotResult<std::string>& begun) {
                   if (!begun) return std::exchange(pump_, nullptr)->done(begun);
                   pump();
                 });
}

void Storage::pump() {
  SnapshotChunk chunk;
  chunk.end = !pump_->snapshot.next(snapshot_chunk_octets, chunk.octets);
  const bool end = chunk.end;
  write_snapshot(std::move(chunk), [this, end](const disk::SnapshotResult<std::string>& written) {
    if (!written || end) return std::exchange(pump_, nullptr)->done(written);
    pump();
  });
}

void Storage::purge() {
  auto result = std::make_shared<disk::RecoverResult<disk::Purged>>();
  const auto keep = static_cast<std::size_t>(std::max(3, disk_->options.autopurge_snap_retain_count));
  world_.run_in_background([disk = disk_, result, keep] { *result = disk::purge_snapshots(disk->files, disk->snapshot_directory, keep); },
                           [this, alive = alive_, result] {
                             if (!*alive) return;
                             if (!*result) return log_.error("old snapshots were not removed reason={}", result->error().message);
                             for (const std::string& path : (*result)->removed) log_.info("removed path={}", path);
                             if (!(*result)->oldest_kept) return;
                             auto removed = std::make_shared<disk::LogResult<void>>();
                             world_.run_on_disk(
                                 [disk = disk_, removed, zxid = *(*result)->oldest_kept] { *removed = disk->log->remove_before(zxid); },
                                 [this, alive, removed] {
                                   if (*alive && !*removed)
                                     log_.error("old log files were not removed reason={}", removed->error().message);
                                 });
                           });
}

void Storage::truncate(std::int64_t zxid, std::function<void(base::Result<Loaded, NodeError>)> done) {
  ENSURE(log_writer_->is_idle());
  log_writer_.reset();
  auto result = std::make_shared<base::Result<Loaded, NodeError>>();
  world_.run_on_disk([disk = disk_, zxid, result] { *result = disk->truncate(zxid); },
                     [this, alive = alive_, result, done = std::move(done)] {
                       if (!*alive) return;
                       if (*result) {
                         disk_->report(log_);
                         start_log();
                       }
                       done(std::move(*result));
                     });
}

void Storage::cut_log(std::int64_t zxid, std::function<void(const base::Result<void, NodeError>&)> done) {
  ENSURE(log_writer_->is_idle());
  auto result = std::make_shared<base::Result<void, NodeError>>();
  world_.run_on_disk([disk = disk_, zxid, result] { *result = disk->cut_log(zxid); },
                     [alive = alive_, result, done = std::move(done)] {
                       if (*alive) done(*result);
                     });
}

void Storage::discard_after(std::int64_t zxid, std::function<void(const base::Result<void, NodeError>&)> done) {
  ENSURE(log_writer_->is_idle());
  auto result = std::make_shared<base::Result<void, NodeError>>();
  world_.run_on_disk([disk = disk_, zxid, result] { *result = disk->discard_after(zxid); },
                     [alive = alive_, result, done = std::move(done)] {
                       if (*alive) done(*result);
                     });
}

void Storage::forget_before(std::int64_t zxid, std::function<void(const base::Result<void, NodeError>&)> done) {
  ENSURE(log_writer_->is_idle());
  auto result = std::make_shared<base::Result<void, NodeError>>();
  world_.run_on_disk([disk = disk_, zxid, result] { *result = disk->forget_before(zxid); },
                     [alive = alive_, result, done = std::move(done)] {
                       if (*alive) done(*result);
                     });
}

void Storage::read_history(std::int64_t after, std::int64_t until, std::size_t octets, std::function<void(History)> done) {
  auto result = std::make_shared<History>();
  world_.run_on_disk([disk = disk_, after, until, octets, result] { *result = disk->read_history(after, until, octets); },
                     [alive = alive_, result, done = std::move(done)] {
                       if (*alive) done(std::move(*result));
                     });
}

base::Result<std::optional<std::int64_t>, NodeError> Storage::read_epoch(Epoch which) const {
  auto epoch = disk::read_epoch(disk_->files, disk_->snapshot_directory + (which == Epoch::accepted ? "/acceptedEpoch" : "/currentEpoch"));
  if (!epoch) return base::error(code_of(epoch.error().code), epoch.error().message);
  return *epoch;
}

base::Result<void, NodeError> Storage::keep_epoch(Epoch which, std::int64_t epoch) {
  const std::string path = disk_->snapshot_directory + (which == Epoch::accepted ? "/acceptedEpoch" : "/currentEpoch");
  if (auto done = disk::write_epoch(disk_->files, path, epoch); !done) return base::error(code_of(done.error().code), done.error().message);
  return {};
}

base::Result<bool, NodeError> Storage::take_initialize_marker(bool begins) {
  const Options& options = disk_->options;
  const std::string directory = options.data_log_dir.empty() ? options.data_dir : options.data_log_dir;
  if (!disk_->files.exists(directory + "/initialize")) return false;
  if (begins) {
    if (auto kept = keep_epoch(Epoch::current, 0); !kept) return std::unexpected(kept.error());
  }
  auto taken = disk::take_initialize_marker(disk_->files, directory);
  if (!taken) return base::error(code_of(taken.error().code), taken.error().message);
  return true;
}

void Storage::write_epoch(Epoch which, std::int64_t epoch, std::function<void(const disk::RecoverResult<void>&)> done) {
  auto result = std::make_shared<disk::RecoverResult<void>>();
  world_.run_on_disk(
      [disk = disk_, epoch, result, name = which == Epoch::accepted ? "/acceptedEpoch" : "/currentEpoch"] {
        *result = disk::write_epoch(disk->files, disk->snapshot_directory + name, epoch);
      },
      [alive = alive_, result, done = std::move(done)] {
        if (*alive) done(*result);
      });
}

void Storage::close(bool failed, world::Callback done) {
  auto result = std::make_shared<disk::LogResult<void>>();
  world_.run_on_disk(
      [disk = disk_, failed, result] {
        if (!failed) *result = disk->log->roll();
      },
      [this, alive = alive_, result, done = std::make_shared<world::Callback>(std::move(done))] {
        if (*alive && !*result) log_.error("the log was not closed in good order reason={}", result->error().message);
        (*done)();
      });
}

}  // namespace chorus::coord
