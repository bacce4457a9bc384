// Counters that four-letter words and metrics show. source: ServerStats, ServerCnxn
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace chorus::coord {

struct Latency {
  std::int64_t min_ms = 0, max_ms = 0, total_ms = 0, count = 0;
  void add(std::int64_t ms) {
    min_ms = count == 0 ? ms : std::min(min_ms, ms);
    max_ms = std::max(max_ms, ms);
    total_ms += ms;
    ++count;
  }
  double average_ms() const { return count == 0 ? 0 : static_cast<double>(total_ms) / static_cast<double>(count); }
};

struct ConnectionStatistics {
  std::int64_t received = 0, sent = 0;
  std::int32_t last_operation = 0;  // code of the last request answered
  bool any_operation = false;
  std::int64_t last_cxid = -1, last_zxid = -1;
  std::int64_t last_response_ms = 0;  // on the monotonic clock
  std::int64_t last_latency_ms = 0;
  Latency latency;
};

struct Statistics {
  std::int64_t packets_received = 0, packets_sent = 0;
  std::int64_t octets_received = 0, octets_sent = 0;
  Latency latency;       // every request
  Latency read_latency;  // readlatency, updatelatency of mntr
  Latency update_latency;
  Latency sync_latency;  // of writing and syncing what shared a sync
  std::int64_t last_response_octets = -1, min_response_octets = -1, max_response_octets = -1;
  std::int64_t connections_rejected = 0, connection_requests = 0, connection_drops = 0;
  std::int64_t sessionless_connections_expired = 0, stale_sessions_expired = 0, auth_failures = 0, revalidations = 0;
  std::int64_t transactions = 0, groups = 0, snapshots = 0, snapshot_errors = 0;
  std::int64_t watches_fired_created = 0, watches_fired_deleted = 0, watches_fired_changed = 0, watches_fired_children = 0;

  void add_response(std::int64_t octets) {
    last_response_octets = octets;
    if (min_response_octets < 0 || octets < min_response_octets) min_response_octets = octets;
    max_response_octets = std::max(max_response_octets, octets);
  }
  /// source: ServerStats.reset
  void reset() {
    latency = read_latency = update_latency = {};
    packets_received = packets_sent = 0;
    last_response_octets = min_response_octets = max_response_octets = -1;
  }
};

}  // namespace chorus::coord
