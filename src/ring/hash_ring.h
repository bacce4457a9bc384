// The ring with virtual nodes. source: D. Karger et al., "Consistent Hashing and Random Trees", 1997; I. Stoica et al., "Chord", 2001
#pragma once

#include <cstdint>
#include <span>

#include "ring/placement.h"
#include "ring/point_ring.h"

namespace chorus::ring {

struct HashRingOptions {
  std::uint32_t virtual_nodes = 160;  // points of a node for each unit of its weight; shares then differ by about 1/sqrt(this)
};

class HashRing final : public Placement {
 public:
  static constexpr std::uint64_t max_points = std::uint64_t{1} << 26;  // 1.3 GiB

  /// Where a node's points are depends on its name alone, so that nodes that come, go, or change their weight move only what they gain or
  /// lose.
  ///   errors  invalid: the list, no virtual nodes · too_large: more than max_points
  static Result<HashRing> make(std::span<const Node> nodes, const HashRingOptions& options = {});

  NodeIndex locate(std::uint64_t hash) const override { return points_.node_at(points_.first_at(hash)); }
  std::size_t nodes() const override { return nodes_; }
  std::size_t memory() const override { return sizeof *this + points_.memory(); }

  /// All points, for who goes on round the ring past the first.
  const PointRing<std::uint64_t>& points() const { return points_; }

 private:
  HashRing(PointRing<std::uint64_t> points, std::size_t nodes) : points_(std::move(points)), nodes_(nodes) {}
  PointRing<std::uint64_t> points_;
  std::size_t nodes_;
};

}  // namespace chorus::ring
