// What is kept of how the server does, for INFO, SLOWLOG and LATENCY.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <memory>

#include "cache/watch/histogram.h"
#include "cache/watch/latency_monitor.h"
#include "cache/watch/slowlog.h"

namespace chorus::cache {

/// How fast a count grows, as the mean of the last sixteen looks at it.
class Rate {
 public:
  void look(std::uint64_t count, std::int64_t now_us);
  double per_second() const;

 private:
  std::array<double, 16> samples_{};
  std::size_t next_ = 0;
  std::uint64_t count_ = 0;
  std::int64_t at_us_ = 0;
};

/// Turns of the event loop that were the server's: something came, or it was time.
struct Cycles {
  std::uint64_t count = 0;
  std::uint64_t us = 0, commands_us = 0;  // in all, and by commands
};

struct Diagnostics {
  Slowlog slowlog;
  LatencyMonitor latency;
  absl::flat_hash_map<const Command*, Histogram> by_command;
  Rate commands, octets_in, octets_out, primary_octets_in, replica_octets_out;
  Cycles cycles;
  Rate cycles_begun, cycles_us;
};

}  // namespace chorus::cache
