// How many seeds it takes to find each planted bug.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace chorus::coord_sim {

struct SurveyOptions {
  std::vector<std::string> bugs;
  std::uint64_t from = 1;
  std::uint64_t seeds_max = 2000;  // of one search
  unsigned searches = 3;           // for each bug, with different seeds
  unsigned jobs = 2;
  /// Whether the bug shows with that seed. Runs in a process of its own; one that dies has shown it.
  std::function<bool(const std::string& bug, std::uint64_t seed)> shows;
};

/// Prints a table. False when a bug was not found in one of its searches.
bool survey(const SurveyOptions& options);

}  // namespace chorus::coord_sim
