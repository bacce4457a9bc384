// Counters that four-letter words and metrics show. source: ServerStats, ServerCnxn, ServerMetrics
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/summary.h"
#include "coord/string_map.h"

namespace chorus::coord {

struct ConnectionStatistics {
  std::int64_t received = 0, sent = 0;
  std::int32_t last_operation = 0;  // code of the last request answered
  bool any_operation = false;
  std::int64_t last_cxid = -1, last_zxid = -1;
  std::int64_t last_response_ms = 0;  // on the monotonic clock
  std::int64_t last_latency_ms = 0;
  base::Summary latency;  // ms
};

/// Octets by the top-level node of the path. Nodes beyond the first `max` are not told apart, nor counted.
class NamespaceStatistics {
 public:
  static constexpr std::size_t max = 100;

  void add(std::string_view path, std::int64_t octets);
  const StringMap<base::Summary>& all() const { return all_; }

 private:
  StringMap<base::Summary> all_;
};

/// Of all Servers of the process, one after the other. Times are in milliseconds.
struct Statistics {
  // Of this term: see begin_term().
  std::int64_t packets_received = 0, packets_sent = 0;
  base::Summary latency;  // every request
  std::int64_t last_response_octets = -1, min_response_octets = -1, max_response_octets = -1;

  std::int64_t octets_received = 0, octets_sent = 0, watch_octets_sent = 0;
  base::QuantileSummary read_latency;  // of requests of clients here
  base::QuantileSummary update_latency;
  base::Summary sync_latency;   // of writing and syncing what shared a sync
  base::Summary snapshot_time;  // of those written beside the service
  std::int64_t connections_rejected = 0, connection_requests = 0, connection_drops = 0;
  std::int64_t sessionless_connections_expired = 0, stale_sessions_expired = 0, auth_failures = 0, revalidations = 0;
  std::int64_t plain_connections_local = 0, plain_connections_remote = 0;
  std::int64_t transactions = 0, groups = 0, snapshots = 0, snapshot_errors = 0;
  base::Summary watches_fired_created, watches_fired_deleted, watches_fired_changed, watches_fired_children;  // at one change
  std::int64_t stale_requests = 0;  // waited, and their connection went
  std::int64_t stale_replies = 0;   // were carried out, and their connection was gone
  std::int64_t pauses = 0;          // of reading from a connection, since too much waited
  base::QuantileSummary pause_time;
  std::int64_t prepared = 0, closes_prepared = 0;        // requests that became transactions here, and closes of sessions among them
  std::int64_t changes_queued = 0, changes_removed = 0;  // what prepared transactions leave of a node, until they are applied
  NamespaceStatistics reads, writes;

  // How requests wait for one another in their connection's order, and for commits. source: CommitProcessor
  base::QuantileSummary read_wait, write_wait;      // of those that came by this server, on the leader of all writes
  std::int64_t own_commits = 0, other_commits = 0;  // of clients here, and of all others
  base::Summary reads_waiting, writes_waiting;      // as a commit comes
  base::Summary queue_lengths, queues_waiting;      // requests of one connection; connections that have such
  base::Summary reads_woken_by_own, reads_woken;    // behind a write: of its own connection; by every commit
  std::int64_t reads_at_once = 0, reads_drained = 0;

  void add_response(std::int64_t octets) {
    last_response_octets = octets;
    if (min_response_octets < 0 || octets < min_response_octets) min_response_octets = octets;
    max_response_octets = std::max(max_response_octets, octets);
  }
  /// ZooKeeper counts these anew for each leader that it follows.
  void begin_term() {
    latency = {};
    packets_received = packets_sent = 0;
    last_response_octets = min_response_octets = max_response_octets = -1;
  }
  /// source: ServerStats.reset
  void reset() {
    begin_term();
    read_latency = update_latency = {};
  }
};

}  // namespace chorus::coord
