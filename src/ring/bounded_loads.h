// Consistent hashing with bounded loads: a ring on which a full node is passed by.
// source: V. Mirrokni, M. Thorup, M. Zadimoghaddam, "Consistent Hashing with Bounded Loads", SODA 2018
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ring/hash_ring.h"
#include "ring/placement.h"

namespace chorus::ring {

struct BoundedLoadsOptions {
  std::uint32_t factor_percent = 125;  // of its fair share that a node takes: the paper's c = 1 + epsilon, times 100; above 100
  HashRingOptions ring;
};

/// With m placed of which a node has a share w of the weights, a node takes no more than ceil(c m w): whoever comes to one that has as much
/// goes on to the next on the ring that has not. For one thread at a time.
///
/// It keeps a number for each node and knows no keys: when many were released the bound is lower, and a node that is above it keeps what it
/// has and takes nothing until it is below again.
class BoundedLoads final : public Placement {
 public:
  ///   errors  as HashRing, and invalid: a factor that is not above 100 (or above 100 times that)
  static Result<BoundedLoads> make(std::span<const Node> nodes, const BoundedLoadsOptions& options = {});

  /// Where the next one would go; of a key that is there already the caller has to know.
  NodeIndex locate(std::uint64_t hash) const override;
  /// At most 2^32 at a time.
  NodeIndex assign(std::uint64_t hash) override;
  /// One of the node's goes; it has one.
  void release(NodeIndex node) override;

  std::uint64_t load(NodeIndex node) const { return loads_[node]; }
  std::uint64_t total() const { return total_; }
  /// What the node takes when there are `total` in all, the last one included.
  std::uint64_t capacity(NodeIndex node, std::uint64_t total) const;

  std::size_t nodes() const override { return loads_.size(); }
  std::size_t memory() const override {
    return sizeof *this + ring_.memory() + loads_.capacity() * sizeof(std::uint64_t) + weights_.capacity() * sizeof(std::uint32_t);
  }

 private:
  BoundedLoads(HashRing ring, std::span<const Node> nodes, std::uint32_t factor_percent);

  HashRing ring_;
  std::vector<std::uint64_t> loads_;
  std::vector<std::uint32_t> weights_;
  std::uint64_t total_weight_ = 0, factor_percent_, total_ = 0;
};

}  // namespace chorus::ring
