#include "coord/disk/data_dir.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "coord/disk/names.h"

namespace chorus::coord::disk {
namespace {

using world::FileErrc;

constexpr std::size_t snapshots_tried_max = 100;

std::unexpected<RecoverError> refuse(std::string why) { return base::error(RecoverErrc::refused, std::move(why)); }
std::unexpected<RecoverError> failure(const world::FileError& error) {
  return base::error(error.code == FileErrc::no_space ? RecoverErrc::no_space : RecoverErrc::failed, error.message);
}
std::unexpected<RecoverError> failure(const LogError& error) {
  return base::error(error.code == LogErrc::corrupt    ? RecoverErrc::refused
                     : error.code == LogErrc::no_space ? RecoverErrc::no_space
                                                       : RecoverErrc::failed,
                     error.message);
}
std::unexpected<RecoverError> failure(const SnapshotError& error) {
  return base::error(error.code == SnapshotErrc::invalid    ? RecoverErrc::refused
                     : error.code == SnapshotErrc::no_space ? RecoverErrc::no_space
                                                            : RecoverErrc::failed,
                     error.message);
}

std::optional<std::int64_t> zxid_of_snapshot(std::string_view name) {
  name.remove_suffix(extension_of(compression_of(name)).size());
  return number_of("snapshot", name);
}

/// What ZooKeeper looks at before it takes a file for a snapshot at all: one that it was still writing when it ended does not count.
RecoverResult<bool> looks_finished(world::Files& files, const std::string& path) {
  auto file = files.open(path, world::OpenMode::read);
  if (!file) return failure(file.error());
  auto size = (*file)->size();
  if (!size) return failure(size.error());
  if (compression_of(path) != Compression::none) return *size >= 10;
  constexpr std::string_view seal_end("\0\0\0\1/", 5);
  char end[5];
  if (*size < 10) return false;
  auto count = (*file)->read_at(*size - 5, end, 5);
  if (!count) return failure(count.error());
  return std::string_view(end, *count) == seal_end;
}

/// source: FileTxnSnapLog.checkLogDir, checkSnapDir
RecoverResult<void> check_separate(world::Files& files, const std::string& log_directory, const std::string& snapshot_directory) {
  if (log_directory == snapshot_directory) return {};
  for (const auto& [directory, prefix, belongs] :
       {std::tuple(log_directory, "snapshot", snapshot_directory), std::tuple(snapshot_directory, "log", log_directory)}) {
    auto entries = files.list(directory);
    if (!entries) return failure(entries.error());
    for (const world::Entry& entry : *entries) {
      const bool misplaced =
          prefix == std::string_view("log") ? number_of("log", entry.name).has_value() : zxid_of_snapshot(entry.name).has_value();
      if (misplaced) {
        return refuse(
            fmt::format("{}/{} does not belong there: logs and snapshots have directories of their own, so move it to {} (or check "
                        "dataDir and dataLogDir, which may have changed)",
                        directory, entry.name, belongs));
      }
    }
  }
  return {};
}

/// The path of the newest snapshot that was passed over because it was never finished; empty: none was.
RecoverResult<std::string> load_snapshot(world::Files& files, SnapshotSink& sink, Recovered& out) {
  auto snapshots = list_snapshots(files, out.snapshot_directory);
  if (!snapshots) return std::unexpected(snapshots.error());
  std::size_t tried = 0;
  std::string newest_problem, unfinished;
  for (const SnapshotFile& snapshot : *snapshots) {
    auto finished = looks_finished(files, snapshot.path);
    if (!finished) return std::unexpected(finished.error());
    if (!*finished) {
      if (unfinished.empty() && snapshot.zxid > 0) unfinished = snapshot.path;
      out.warnings.push_back(fmt::format("{} was passed over: it was never finished", snapshot.path));
      continue;
    }
    if (tried++ == snapshots_tried_max) break;
    auto done = read_snapshot(files, snapshot.path, sink);
    if (done) {
      out.snapshot_zxid = snapshot.zxid;
      return unfinished;
    }
    if (done.error().code != SnapshotErrc::invalid) return failure(done.error());
    if (newest_problem.empty()) newest_problem = done.error().message;
    out.warnings.push_back(fmt::format("{} was passed over: {}", snapshot.path, done.error().message));
  }
  if (tried == 0) return unfinished;
  return refuse(
      fmt::format("none of the {} snapshots in {} is sound; the newest: {}. Bring a snapshot back from a copy, or let this member "
                  "fetch its data from another one by moving the whole directory away",
                  tried, out.snapshot_directory, newest_problem));
}

RecoverResult<void> replay_log(const Replay& replay, Recovered& out) {
  const TxnFormat format;
  const std::int64_t from = out.snapshot_zxid.value_or(0);
  std::int64_t before = from;
  Cursor cursor = out.log->read_after(from);
  for (;;) {
    auto next = cursor.next();
    if (!next) return failure(next.error());
    if (!*next) break;
    const store::Record& record = **next;
    // A log that does not begin at our snapshot, where there is none: its beginning is anybody's guess.
    const bool is_first_of_all = before == 0 && !out.snapshot_zxid;
    const bool may_jump = is_first_of_all && record.id >> 32 != 0;
    if (!may_jump && record.id > before && !format.follows(before, record.id)) {
      return refuse(fmt::format(
          "transactions 0x{:x} to 0x{:x} are missing: {} goes on with 0x{:x} at offset {}. Bring the missing log file or a newer "
          "snapshot back from a copy, or let this member fetch its data from another one by moving the whole directory away",
          before + 1, record.id - 1, cursor.path(), record.id, record.offset));
    }
    if (record.id <= before) {
      out.warnings.push_back(
          fmt::format("{} has transaction 0x{:x} at offset {} after 0x{:x}", cursor.path(), record.id, record.offset, before));
    }
    if (const std::string why = replay(record.id, record.payload); !why.empty()) {
      return refuse(fmt::format("the transaction at offset {} of {} cannot be applied: {}. 'chorus inspect {}' shows it", record.offset,
                                cursor.path(), why, cursor.path()));
    }
    before = record.id;
    ++out.replayed;
  }
  for (const store::TornTail& torn : cursor.torn()) out.warnings.push_back(to_string(torn) + " (passed over)");
  out.last_zxid = before;
  return {};
}

RecoverResult<std::optional<std::int64_t>> read_number(world::Files& files, const std::string& path, std::string_view what) {
  auto text = world::read_file(files, path, 1024);
  if (!text && text.error().code == FileErrc::not_found) return std::nullopt;
  if (!text) return failure(text.error());
  const auto number = base::parse_int(base::trim(*text));
  if (!number || *number < 0) return refuse(fmt::format("{} does not hold {} as a decimal number", path, what));
  return number;
}

}  // namespace

RecoverResult<std::vector<SnapshotFile>> list_snapshots(world::Files& files, const std::string& directory) {
  auto entries = files.list(directory);
  if (!entries) return failure(entries.error());
  std::vector<SnapshotFile> snapshots;
  for (const world::Entry& entry : *entries) {
    if (entry.is_directory) continue;
    if (const auto zxid = zxid_of_snapshot(entry.name)) snapshots.push_back({directory + "/" + entry.name, *zxid});
  }
  std::sort(snapshots.begin(), snapshots.end(), [](const SnapshotFile& a, const SnapshotFile& b) { return a.zxid > b.zxid; });
  return snapshots;
}

RecoverResult<Recovered> recover(world::Files& files, const RecoverOptions& options, SnapshotSink& sink, const Replay& replay) {
  Recovered out;
  out.snapshot_directory = options.data_dir + "/version-2";
  TxnLogOptions log_options = options.log;
  log_options.directory = (options.data_log_dir.empty() ? options.data_dir : options.data_log_dir) + "/version-2";
  for (const std::string& directory : {out.snapshot_directory, log_options.directory}) {
    if (auto done = world::make_durable_directories(files, directory); !done) return failure(done.error());
  }
  if (auto done = check_separate(files, log_options.directory, out.snapshot_directory); !done) return std::unexpected(done.error());
  auto removed = remove_unfinished_snapshots(files, out.snapshot_directory);
  if (!removed) return failure(removed.error());
  for (const std::string& name : *removed)
    out.warnings.push_back(fmt::format("removed {}/{}: it was never finished", out.snapshot_directory, name));

  auto unfinished = load_snapshot(files, sink, out);
  if (!unfinished) return std::unexpected(unfinished.error());
  auto log = TxnLog::open(files, log_options);
  if (!log) return failure(log.error());
  out.log = std::move(*log);
  for (const store::TornTail& torn : out.log->torn()) out.warnings.push_back(to_string(torn));
  // There was something before it. A server that begins anew instead, and has a vote by its epoch, may lead others to forget everything.
  if (!out.snapshot_zxid && out.log->empty() && !unfinished->empty()) {
    return refuse(fmt::format(
        "{} is cut short, and there is neither another snapshot nor a log. Bring a snapshot back from a copy, or let this member fetch its "
        "data from another one by moving the whole directory away",
        *unfinished));
  }
  if (!out.snapshot_zxid && !out.log->empty() && !options.trust_empty) {
    return refuse(fmt::format(
        "No snapshot found, but there are log entries in {}. Something is broken! Bring the snapshot back from a copy. If there "
        "never was one (an upgrade from ZooKeeper before 3.5), start once with snapshot.trust.empty=true",
        log_options.directory));
  }
  if (auto done = replay_log(replay, out); !done) return std::unexpected(done.error());
  return out;
}

RecoverResult<Purged> purge_snapshots(world::Files& files, const std::string& snapshot_directory, std::size_t keep) {
  auto snapshots = list_snapshots(files, snapshot_directory);
  if (!snapshots) return std::unexpected(snapshots.error());
  Purged purged;
  std::size_t kept = 0;
  for (const SnapshotFile& snapshot : *snapshots) {
    if (kept == keep) {
      if (auto done = files.remove(snapshot.path); !done) return failure(done.error());
      purged.removed.push_back(snapshot.path);
      continue;
    }
    // An unfinished one of ZooKeeper's is no reason to throw away another.
    auto finished = looks_finished(files, snapshot.path);
    if (!finished) return std::unexpected(finished.error());
    if (!*finished) continue;
    ++kept;
    purged.oldest_kept = snapshot.zxid;
  }
  if (kept < keep) purged.oldest_kept.reset();
  if (purged.removed.empty()) return purged;
  if (auto done = files.sync_directory(snapshot_directory); !done) return failure(done.error());
  return purged;
}

RecoverResult<std::optional<std::int64_t>> read_epoch(world::Files& files, const std::string& path) {
  return read_number(files, path, "an epoch");
}

RecoverResult<void> write_epoch(world::Files& files, const std::string& path, std::int64_t epoch) {
  if (auto done = world::write_file(files, path, std::to_string(epoch)); !done) return failure(done.error());
  return {};
}

RecoverResult<std::optional<std::int64_t>> read_my_id(world::Files& files, const std::string& data_dir) {
  return read_number(files, data_dir + "/myid", "the server's number");
}

RecoverResult<bool> take_initialize_marker(world::Files& files, const std::string& data_log_dir) {
  const std::string path = data_log_dir + "/initialize";
  if (!files.exists(path)) return false;
  if (auto done = files.remove(path); !done) return failure(done.error());
  if (auto done = files.sync_directory(data_log_dir); !done) return failure(done.error());
  return true;
}

}  // namespace chorus::coord::disk
