// One seed: a server under faults, clients at work, then the verdict.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chorus::coord_sim {

struct RunOptions {
  std::uint64_t seed = 1;
  std::string plant;     // of planted.h; empty: none
  bool verbose = false;  // the server's log goes into the trace
  std::size_t trace_lines = 60;
};

struct Counts {
  std::uint64_t events = 0, crashes = 0, restarts = 0, faults = 0;
  std::uint64_t acknowledged = 0, unknown_kept = 0, unknown_lost = 0, reads_and_others = 0, sessions = 0, transactions = 0, checks = 0;
  void add(const Counts& other);
};

struct RunResult {
  std::vector<std::string> faults;  // empty: the seed passes
  Counts counts;
  std::uint64_t trace_hash = 0;
  std::string trace_tail;
};

RunResult run_seed(const RunOptions& options);

}  // namespace chorus::coord_sim
