// Maglev hashing: a table of a prime number of entries that nodes fill in turns.
// source: D. Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, §3.4
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ring/placement.h"

namespace chorus::ring {

/// The order in which a node wants a table's entries: offset, offset + skip, offset + 2 skip, ..., modulo the size of the table.
struct Preference {
  std::uint64_t offset = 0, skip = 1;  // below the size of the table; skip not 0
  std::uint32_t weight = 1;            // turns beside the others'
};

/// The table: in each round every node in order takes the first entry of its preference that is free; one with a weight below the highest
/// is passed over in some rounds. table_size: prime; some weight is not 0.
std::vector<NodeIndex> fill_table(std::span<const Preference> preferences, std::uint64_t table_size);

bool is_prime(std::uint64_t number);

struct MaglevOptions {
  // The paper's smaller one. It has to stay the same while nodes come and go, or every key moves; 100 times the nodes that there will ever
  // be makes shares even to a percent, and a larger one moves fewer keys beside those that have to.
  std::uint32_t table_size = 65'537;
};

/// The order of the list is of no account. A node whose weight is less than 1/table_size of all may get no entry.
class Maglev final : public Placement {
 public:
  static constexpr std::uint32_t max_table_size = 1U << 26;
  ///   errors  invalid: the list, a table size that is not prime or smaller than the list · too_large: more than max_table_size
  static Result<Maglev> make(std::span<const Node> nodes, const MaglevOptions& options = {});

  NodeIndex locate(std::uint64_t hash) const override { return table_[reduce(hash, table_.size())]; }
  std::size_t nodes() const override { return nodes_; }
  std::size_t memory() const override { return sizeof *this + table_.capacity() * sizeof(NodeIndex); }
  std::span<const NodeIndex> table() const { return table_; }

 private:
  Maglev(std::vector<NodeIndex> table, std::size_t nodes) : table_(std::move(table)), nodes_(nodes) {}
  std::vector<NodeIndex> table_;
  std::size_t nodes_;
};

}  // namespace chorus::ring
