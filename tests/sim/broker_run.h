// One seed of a message broker under simulated crashes and disk faults.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chorus::mq_sim {

/// Trivially copyable: the processes of a run share it.
struct Counts {
  std::uint64_t events = 0;
  std::uint64_t crashes = 0;
  std::uint64_t restarts = 0;
  std::uint64_t faults = 0;
  std::uint64_t messages = 0;      // asked for
  std::uint64_t acknowledged = 0;  // of them
  std::uint64_t unknown = 0;       // the broker died meanwhile
  std::uint64_t delayed = 0;
  std::uint64_t transactions = 0;
  std::uint64_t sent_back = 0;
  std::uint64_t popped = 0;        // given to somebody of a group
  std::uint64_t popped_again = 0;  // of them
  std::uint64_t pop_acknowledged = 0;
  std::uint64_t dead_letters = 0;  // of those who pop
  std::uint64_t segments_deleted = 0;
  std::uint64_t checks = 0;
  void add(const Counts& other);
};

struct RunOptions {
  std::uint64_t seed = 1;
  std::string plant{};  // a bug between the broker and its world, or its store; empty: none
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

}  // namespace chorus::mq_sim
