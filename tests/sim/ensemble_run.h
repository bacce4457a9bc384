// One seed: an ensemble under faults, clients at work, then the verdict.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "faults.h"
#include "zab/types.h"

namespace chorus::coord_sim {

struct EnsembleRunOptions {
  std::uint64_t seed = 1;
  std::optional<std::size_t> members;            // participants; else drawn
  std::string plant;                             // of ensemble_planted.h; empty: none
  std::optional<std::vector<std::size_t>> keep;  // which of the drawn faults happen; else all
  bool verbose = false;                          // the members' logs go into the trace
  std::size_t trace_lines = 60;
};

struct EnsembleCounts {
  std::uint64_t simulated_ns = 0, events = 0, restarts = 0, leaders = 0;
  std::uint64_t acknowledged = 0, unknown_kept = 0, unknown_lost = 0, reads_and_others = 0, sessions = 0, reconnects = 0, transactions = 0;
  std::uint64_t left_out = 0, checks = 0;
  std::uint64_t refused_starts = 0;  // of damaged members
  std::uint64_t snapshots = 0;       // written
  zab::SyncCounts syncs;
  std::array<std::uint64_t, fault_kinds> faults{};
  void add(const EnsembleCounts& other);
};

struct EnsembleResult {
  std::vector<std::string> violations;  // empty: the seed passes
  std::vector<Fault> faults;            // all that were drawn
  std::string ensemble;                 // in words
  EnsembleCounts counts;
  std::uint64_t trace_hash = 0;
  std::string trace_tail;
};

EnsembleResult run_ensemble(const EnsembleRunOptions& options);

}  // namespace chorus::coord_sim
