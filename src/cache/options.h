// How a cache server is set up.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cache/append/options.h"
#include "cache/cluster/options.h"
#include "cache/eviction.h"
#include "cache/notify.h"
#include "cache/persistence/saving.h"
#include "cache/rdb/format.h"
#include "cache/replication/options.h"
#include "cache/value/type.h"
#include "world/net.h"

namespace chorus::cache {

/// client-output-buffer-limit: what a class of clients may leave untaken, at any time and for how long; 0: no limit.
struct OutputLimit {
  std::size_t hard = 0, soft = 0;
  std::int64_t soft_seconds = 0;
};

/// What is measured and kept of commands and their time.
struct DiagnosticsOptions {
  std::int64_t slow_us = 10'000;                          // slowlog-log-slower-than; -1: none is kept
  std::int64_t slow_entries_max = 128;                    // slowlog-max-len
  std::int64_t latency_threshold_ms = 0;                  // latency-monitor-threshold; 0: off
  bool tracks_latency = true;                             // latency-tracking: a histogram for each command
  std::vector<double> latency_percentiles{50, 99, 99.9};  // latency-tracking-info-percentiles
};

/// Who may use commands that can harm (enable-debug-command).
enum class ProtectedAccess : std::uint8_t { no, yes, local };

/// The part that the state machine knows.
struct ServerOptions {
  unsigned databases = 16;
  std::string password;  // requirepass: of the user "default"; empty: none
  std::size_t clients_max = 10'000;
  std::size_t bulk_octets_max = 512U << 20;  // proto-max-bulk-len
  std::size_t query_octets_max = 1U << 30;   // client-query-buffer-limit
  std::size_t reply_octets_max = 1U << 30;   // replies to one command, or one EXEC: whoever asks for more is let go
  OutputLimit normal_output;
  OutputLimit replica_output{.hard = 256U << 20, .soft = 64U << 20, .soft_seconds = 60};
  OutputLimit pubsub_output{.hard = 32U << 20, .soft = 8U << 20, .soft_seconds = 60};
  std::int64_t idle_seconds_max = 0;            // timeout: a client that asks for nothing is let go; 0: never
  std::size_t sparse_sketch_octets_max = 3000;  // hll-sparse-max-bytes
  std::size_t tracked_keys_max = 1'000'000;     // tracking-table-max-keys; 0: no limit
  std::int64_t acl_log_entries_max = 128;       // acllog-max-len
  bool acl_all_channels = false;                // acl-pubsub-default: allchannels
  std::string acl_file;                         // aclfile: users are read from it, and written; empty: there is none
  ProtectedAccess debug_access = ProtectedAccess::no;
  DiagnosticsOptions diagnostics;
  MemoryOptions memory;
  std::int64_t busy_reply_threshold_ms = 5000;  // busy-reply-threshold: a script may keep others waiting so long; 0: for ever
  std::size_t script_octets_max = 1U << 30;     // that scripts, and functions, hold in Lua at a time
  NotifySettings notify;                        // notify-keyspace-events
  Thresholds thresholds;
  std::int64_t list_compress_depth = 0;  // list-compress-depth: kept and shown; lists are not compressed
  rdb::WriteOptions rdb;                 // of files and payloads
  SaveOptions save;
  AppendOptions append;
  std::string host = "127.0.0.1";  // as CONFIG and INFO say
  std::uint16_t port = 6379;
  std::uint16_t secure_port = 0;  // 0: no TLS
  world::TlsOptions tls;          // of it; without a certificate there is none
  cluster::Options cluster;
  replication::Options replication;
};

struct Options : ServerOptions {
  /// Carries out others' events from within one: what lets SCRIPT KILL reach a script that takes long. Empty: nothing does.
  std::function<void()> let_others_in;
  /// The same inside TLS; needs `tls`. Empty: nowhere.
  std::optional<world::Address> secure_address = {};
  std::optional<world::Address> address = world::Address{"127.0.0.1", 6379};
  std::string tree;  // connect string of the ensemble that a cluster is kept in
  std::string cluster_config_file =
      "chorus-data/cache/nodes.conf";  // where a node of a cluster keeps its id; empty: nowhere, a new one at each start
};

}  // namespace chorus::cache
