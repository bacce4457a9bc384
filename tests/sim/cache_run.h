// One seed of a cluster of caches whose slots move while nodes die, pause and are cut off.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chorus::cache_sim {

/// Trivially copyable: the processes of a run share it.
struct Counts {
  std::uint64_t events = 0;
  std::uint64_t operations = 0;  // asked for
  std::uint64_t judged = 0;      // answered, with their keys' whole history known
  std::uint64_t handovers = 0;   // done
  std::uint64_t handovers_failed = 0;
  std::uint64_t migrations = 0;  // asked for
  std::uint64_t kills = 0;
  std::uint64_t saves = 0;
  std::uint64_t revived = 0;    // keys that a crash must have left, compared
  std::uint64_t takeovers = 0;  // slots of a node that was cut off, given to another
  std::uint64_t faults = 0;
  void add(const Counts& other);
};

struct RunOptions {
  std::uint64_t seed = 1;
  std::string plant{};  // a bug between the caches and their worlds; empty: none
  bool verbose = false;
  std::size_t trace_lines = 60;
};
struct RunResult {
  std::vector<std::string> faults;
  Counts counts;
  std::uint64_t trace_hash = 0;
  std::string trace_tail;
};
RunResult run_seed(const RunOptions& options);

}  // namespace chorus::cache_sim
