// Measures placements before and after a change of the nodes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ring/algorithm.h"

namespace chorus::app::ringtool {

struct Measurement {
  const ring::AlgorithmFacts* facts = nullptr;
  double max_over_mean = 0;                         // keys of the fullest node over its share by weight; nodes of weight 0 left out
  double stddev = 0;                                // of keys over shares; 0.05: 5 %
  double moved = 0;                                 // keys on another node after the change, of 1
  double lookup_ns = 0, hash_ns = 0, build_ns = 0;  // 0 when times are not taken
  std::size_t memory = 0;                           // octets
  std::string spread_bound, moved_bound;            // as published, for people; empty: nothing to say
};

struct Comparison {
  std::vector<ring::Node> before, after;
  std::uint64_t keys = 0;
  double least_moved = 0;    // what any placement moves that follows the weights before and after, of 1
  double chance_stddev = 0;  // that a perfect placement shows, since keys are random
  std::vector<Measurement> measurements;
};

struct CompareOptions {
  std::uint64_t keys = 1'000'000, seed = 1;
  bool times = true;
  ring::PlacementOptions placement;
};

/// Sum of what nodes gain in shares by weight.
double least_moved(std::span<const ring::Node> before, std::span<const ring::Node> after);

/// progress: called with the name of each algorithm before it is measured. errors: those of the placements, with the algorithm's name
ring::Result<Comparison> compare(std::span<const ring::Node> before, std::span<const ring::Node> after,
                                 std::span<const ring::AlgorithmFacts* const> algorithms, const CompareOptions& options,
                                 const std::function<void(std::string_view)>& progress = {});

}  // namespace chorus::app::ringtool
