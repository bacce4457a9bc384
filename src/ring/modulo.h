// The remainder of the hash: what the other algorithms are measured against. A change of n nodes moves all keys but one in n.
#pragma once

#include <span>

#include "ring/placement.h"

namespace chorus::ring {

class Modulo final : public Placement {
 public:
  /// Weights are passed over.
  static Result<Modulo> make(std::span<const Node> nodes) {
    if (auto ok = check_nodes(nodes); !ok) return std::unexpected(ok.error());
    return Modulo(nodes.size());
  }

  NodeIndex locate(std::uint64_t hash) const override { return static_cast<NodeIndex>(hash % nodes_); }
  std::size_t nodes() const override { return nodes_; }
  std::size_t memory() const override { return sizeof *this; }

 private:
  explicit Modulo(std::size_t nodes) : nodes_(nodes) {}
  std::size_t nodes_;
};

}  // namespace chorus::ring
