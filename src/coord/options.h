// Everything about a coordination node that its owner may set. Defaults are ZooKeeper's, except where a comment says otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "coord/ensemble_options.h"
#include "world/net.h"

namespace chorus::coord {

using std::chrono::milliseconds;

struct Options {
  /// Where clients connect; empty: no plain port. ZooKeeper binds every interface, Chorus loopback unless told otherwise.
  std::optional<world::Address> client_address = world::Address{"127.0.0.1", 2181};
  /// secureClientPort: the same protocol inside TLS, with `tls`.
  std::optional<world::Address> secure_client_address;
  std::optional<world::TlsOptions> tls;
  /// client.portUnification: TLS also on the plain port, told apart by the first octet.
  bool client_port_unification = false;
  int client_port_backlog = 1024;
  std::string data_dir = "chorus-data";  // snapshots below data_dir/version-2
  std::string data_log_dir;              // logs below data_log_dir/version-2; empty: data_dir

  milliseconds tick_time{2000};                     // ZooKeeper: 2000 in its sample file, 3000 when a zoo.cfg has no tickTime
  std::optional<milliseconds> min_session_timeout;  // empty: 2 ticks
  std::optional<milliseconds> max_session_timeout;  // empty: 20 ticks
  int max_client_connections = 60;                  // per source address; 0: no limit
  int max_connections = 0;                          // in all; 0: no limit
  std::int64_t server_id = 1;                       // high octet of session ids, and this member's number in an ensemble
  /// Of the ensemble that this node is a member of.
  EnsembleOptions ensemble;

  std::int64_t snap_count = 100'000;            // a snapshot after this many transactions at most, half of it at least
  std::int64_t snap_size_limit_kb = 4'194'304;  // or this much log
  std::int64_t pre_alloc_size_kb = 65'536;      // a log file grows by this much, though by 4 MiB at most
  std::int64_t txn_log_size_limit_kb = 0;       // a log file is full at this size; 0: no limit
  int autopurge_snap_retain_count = 3;          // snapshots kept by a purge, at least 3
  std::chrono::hours autopurge_interval{0};     // 0: no purge
  bool force_sync = true;                       // fsync before a write is acknowledged
  milliseconds fsync_warning_threshold{1000};
  std::string snapshot_compression;   // "", "gz" or "snappy"
  bool snapshot_trust_empty = false;  // start with logs but no snapshot
  bool digest_enabled = true;

  std::int64_t jute_max_buffer = 1'048'575;  // longest frame from a client, octets
  /// TTL nodes. ZooKeeper has them off.
  bool extended_types_enabled = true;
  bool skip_acl = false;
  std::string super_digest;  // user:base64(sha1(user:password))
  /// Words answered on the client port; "*" is all. ZooKeeper answers srvr alone.
  std::set<std::string> four_letter_words = {"conf", "cons", "isro", "mntr", "ruok", "srvr", "stat"};

  milliseconds container_check_interval{60'000};
  std::int64_t container_max_per_minute = 10'000;
  milliseconds container_max_never_used_interval{0};  // 0: a container that never had a child stays

  /// What follows "3.9.5-chorus-" where clients ask for the version; not for people to set.
  std::string build = "unversioned, built on an unknown day";

  /// Octets of requests and replies that one connection may have under way before its reading pauses.
  std::int64_t connection_buffer_max = 1 << 20;
  /// And all connections together before none is read from; with this much waiting for the disk alone, nobody may connect.
  std::int64_t all_connections_buffer_max = 256 << 20;
  /// A connection that does not read its replies and events is ended at this many octets unsent.
  std::int64_t connection_unsent_max = 64 << 20;
};

}  // namespace chorus::coord
