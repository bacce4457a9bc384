// Runs a workload against a server, or all members of an ensemble: prepare the nodes, warm up, measure, drain.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "zookeeper/load/session.h"

namespace chorus::bench {

struct Plan {
  std::chrono::duration<double> warm_up{1};
  std::chrono::duration<double> measure{5};
  std::uint64_t count = 0;  // when not 0: measure so many requests instead of a time
  std::vector<int> server_pids;
  bool keep_nodes = false;
};

struct Outcome {
  double seconds = 0;
  std::uint64_t requests = 0;
  Tally tally;
  double client_cpu_seconds = 0;
  std::optional<double> server_cpu_seconds;            // of all processes in `server_pids`
  std::optional<std::uint64_t> server_resident_bytes;  // likewise
};

/// The sessions go to the targets in turn. Blocks until it is done. Throws what ended it early, in words for a person.
Outcome run_load(const std::vector<Target>& targets, const Workload& workload, const Plan& plan);

}  // namespace chorus::bench
