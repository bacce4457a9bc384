// How the append log is set up, and how it stands: what CONFIG, INFO and the checks before a write go by.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace chorus::cache {

/// When what was written to the log is synced (appendfsync).
enum class SyncPolicy : std::uint8_t { no, always, everysec };

struct AppendOptions {
  bool is_on = false;                            // appendonly
  std::string file = "appendonly.aof";           // appendfilename: what names of files begin with
  std::string directory = "appendonlydir";       // appenddirname: within that of the snapshot
  SyncPolicy sync = SyncPolicy::everysec;        // appendfsync
  bool no_sync_on_rewrite = false;               // no-appendfsync-on-rewrite
  std::int64_t rewrite_percentage = 100;         // auto-aof-rewrite-percentage; 0: never by itself
  std::uint64_t rewrite_octets_min = 64U << 20;  // auto-aof-rewrite-min-size
  bool loads_truncated = true;                   // aof-load-truncated
  bool has_timestamps = false;                   // aof-timestamp-enabled
  bool syncs_rewrite = true;                     // aof-rewrite-incremental-fsync
};

/// Times are in microseconds of the monotonic clock; positions are the sequences of units.
struct AppendState {
  bool is_on = false;           // from the moment that it is asked for
  bool is_rewriting = false;    // a new base is being written
  bool is_rewrite_due = false;  // BGREWRITEAOF that waits for its turn
  std::int64_t rewrite_begun_us = 0;
  std::optional<std::int64_t> last_rewrite_took_us;
  bool has_rewrite_failed = false;      // the last one
  std::uint64_t rewrites = 0;           // that were begun
  std::uint64_t rewrites_failed = 0;    // one after another
  std::string error;                    // why the log cannot be written, in the system's words; empty: it can
  std::uint64_t octets = 0;             // of all files that a start would read
  std::uint64_t base_octets = 0;        // when it was rewritten last, or read
  std::uint64_t buffer_octets = 0;      // not written yet
  bool is_syncing = false;              // one of every second is under way
  std::uint64_t syncs = 0;              // done
  std::uint64_t delayed_syncs = 0;      // that were due while one was under way
  std::uint64_t synced = 0;             // the last unit that is durable
  std::uint64_t replaced = 0;           // how often a primary's data took the place of all that there was
  bool is_behind = false;               // so much waits to be written that nothing more is done
  std::uint64_t reload_wanted_for = 0;  // DEBUG LOADAOF of this client
};

/// What was done again at the start. failures: commands that replied an error.
struct LogReplayed {
  std::uint64_t commands = 0, failures = 0;
  std::string first_failure;
};

}  // namespace chorus::cache
