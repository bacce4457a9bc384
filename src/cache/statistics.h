// What a server counts of itself.
#pragma once

#include <cstdint>

namespace chorus::cache {

struct Statistics {
  std::uint64_t connections = 0, connections_refused = 0;
  std::uint64_t commands = 0;
  std::uint64_t octets_in = 0, octets_out = 0;
  std::uint64_t expired_keys = 0, expire_cycles_cut = 0;
  std::uint64_t hits = 0, misses = 0;
  std::uint64_t errors = 0;
  std::uint64_t reads = 0, writes = 0;  // of connections
  std::uint64_t query_limit_disconnections = 0, output_limit_disconnections = 0;
  std::int64_t expire_us = 0;
  std::uint64_t evicted_keys = 0, evicted_clients = 0;
  std::int64_t over_limit_us = 0;  // how long memory was beyond its limit, up to the last time that it came below
  std::uint64_t replica_octets_out = 0, primary_octets_in = 0;
  std::uint64_t stream_errors = 0;  // what the primary said, and could not be done here
};
struct CommandStatistics {
  std::uint64_t calls = 0, rejected = 0, failed = 0;
  std::int64_t us = 0;
};

}  // namespace chorus::cache
