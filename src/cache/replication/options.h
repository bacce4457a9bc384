// How a server follows another, and serves those that follow it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "world/net.h"

namespace chorus::cache::replication {

/// In seconds, octets and counts, as Redis' parameters have them.
struct Options {
  std::string primary;                      // replicaof: "host port"; empty: none is followed
  std::string user, password;               // masteruser, masterauth
  bool is_read_only = true;                 // replica-read-only
  bool serves_stale_data = true;            // replica-serve-stale-data
  bool ignores_memory_limit = true;         // replica-ignore-maxmemory
  std::int64_t priority = 100;              // replica-priority
  std::string announce_ip;                  // replica-announce-ip; empty: as the connection comes from
  std::int64_t announce_port = 0;           // replica-announce-port; 0: that of the server
  bool is_announced = true;                 // replica-announced
  bool uses_tls = false;                    // tls-replication: the primary is connected to inside TLS
  std::size_t backlog_octets = 1U << 20;    // repl-backlog-size
  std::int64_t backlog_seconds_max = 3600;  // repl-backlog-ttl: kept so long when nobody follows; 0: for ever
  std::int64_t ping_seconds = 10;           // repl-ping-replica-period
  std::int64_t timeout_seconds = 60;        // repl-timeout
  bool is_diskless = true;                  // repl-diskless-sync: snapshots for replicas do not go through a file
  std::int64_t sync_delay_seconds = 5;      // repl-diskless-sync-delay: others that come meanwhile share the snapshot
  std::int64_t sync_replicas_max = 0;       // repl-diskless-sync-max-replicas: with so many it begins at once; 0: never before
  std::int64_t good_replicas_least = 0;     // min-replicas-to-write
  std::int64_t good_lag_seconds_max = 10;   // min-replicas-max-lag
};

/// "host port", also "host:port"; empty: it is neither.
std::optional<world::Address> parse_primary(std::string_view text);

}  // namespace chorus::cache::replication
