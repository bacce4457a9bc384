// Runs a workload against one server: prepare the nodes, warm up, measure, drain.
#pragma once

#include <chrono>
#include <optional>

#include "zookeeper/load/session.h"

namespace chorus::bench {

struct Plan {
  std::chrono::duration<double> warm_up{1};
  std::chrono::duration<double> measure{5};
  std::uint64_t count = 0;  // when not 0: measure so many requests instead of a time
  std::optional<int> server_pid;
  bool keep_nodes = false;
};

struct Outcome {
  double seconds = 0;
  std::uint64_t requests = 0;
  Tally tally;
  double client_cpu_seconds = 0;
  std::optional<double> server_cpu_seconds;
  std::optional<std::uint64_t> server_resident_bytes;
};

/// Blocks until it is done. Throws what ended it early, in words for a person.
Outcome run_load(const Target& target, const Workload& workload, const Plan& plan);

}  // namespace chorus::bench
