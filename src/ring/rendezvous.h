// Rendezvous hashing: each node draws a number for each key, and the highest has it.
// source: D. Thaler, C. Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998; weights: J. Resch, "New Hashing Algorithms
// for Data Storage", 2015
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ring/placement.h"

namespace chorus::ring {

/// A lookup takes as long as there are nodes. The order of the list is of no account.
class Rendezvous final : public Placement {
 public:
  /// Weights are passed over.
  static Result<Rendezvous> make(std::span<const Node> nodes);

  NodeIndex locate(std::uint64_t hash) const override;
  std::size_t nodes() const override { return seeds_.size(); }
  std::size_t memory() const override { return sizeof *this + seeds_.capacity() * sizeof(std::uint64_t); }

 private:
  explicit Rendezvous(std::vector<std::uint64_t> seeds) : seeds_(std::move(seeds)) {}
  std::vector<std::uint64_t> seeds_;
};

/// The node with the least -ln(u)/weight has the key, u being its draw in (0, 1): the first of several alarm clocks to ring. A node that
/// changes its weight moves only what it gains or loses.
class WeightedRendezvous final : public Placement {
 public:
  static Result<WeightedRendezvous> make(std::span<const Node> nodes);

  NodeIndex locate(std::uint64_t hash) const override;
  std::size_t nodes() const override { return nodes_; }
  std::size_t memory() const override { return sizeof *this + entries_.capacity() * sizeof(Entry); }

 private:
  struct Entry {
    std::uint64_t seed;
    double mean;  // 1/weight: how long its alarm takes on average
    NodeIndex node;
  };
  WeightedRendezvous(std::vector<Entry> entries, std::size_t nodes) : entries_(std::move(entries)), nodes_(nodes) {}
  std::vector<Entry> entries_;  // of nodes with a weight
  std::size_t nodes_;
};

/// -ln(1 - v), to within 2^-50 of it and the same on every machine, which std::log is not. v: in (0, 1).
double exponential(double v);

}  // namespace chorus::ring
