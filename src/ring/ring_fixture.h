// What the tests of all algorithms need: nodes, keys, and how much was moved.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "ring/placement.h"

namespace chorus::ring {

/// node-0, node-1, ... of weight 1.
inline std::vector<Node> make_nodes(std::size_t count) {
  std::vector<Node> nodes;
  for (std::size_t i = 0; i < count; ++i) nodes.push_back({.name = fmt::format("node-{}", i)});
  return nodes;
}

inline std::vector<std::uint64_t> make_hashes(std::size_t count, std::uint64_t seed = 1) {
  base::Random random(seed);
  std::vector<std::uint64_t> hashes(count);
  for (auto& hash : hashes) hash = random.next();
  return hashes;
}

inline std::vector<NodeIndex> locate_all(const Placement& placement, const std::vector<std::uint64_t>& hashes) {
  std::vector<NodeIndex> out;
  out.reserve(hashes.size());
  for (const std::uint64_t hash : hashes) out.push_back(placement.locate(hash));
  return out;
}

inline std::vector<std::uint64_t> count_by_node(const std::vector<NodeIndex>& owners, std::size_t nodes) {
  std::vector<std::uint64_t> counts(nodes);
  for (const NodeIndex owner : owners) ++counts.at(owner);
  return counts;
}

/// How far counts are from shares by weight, in standard deviations of what chance gives (chi-squared with n - 1 degrees of freedom).
inline double deviation_from_chance(const std::vector<std::uint64_t>& counts, std::span<const Node> nodes) {
  double total = 0, chi_squared = 0;
  for (const std::uint64_t count : counts) total += static_cast<double>(count);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const double expected = total * nodes[i].weight / static_cast<double>(total_weight(nodes));
    chi_squared += (static_cast<double>(counts[i]) - expected) * (static_cast<double>(counts[i]) - expected) / expected;
  }
  const auto freedom = static_cast<double>(nodes.size() - 1);
  return (chi_squared - freedom) / std::sqrt(2 * freedom);
}

}  // namespace chorus::ring
