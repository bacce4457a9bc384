// Jump consistent hash. source: J. Lamping, E. Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014
#pragma once

#include <cstdint>
#include <span>

#include "ring/placement.h"

namespace chorus::ring {

/// The bucket, in [0, buckets), of a key. Buckets are known by number alone: more of them take 1/buckets of the keys, and no key moves
/// between two old ones; fewer of them end the last ones. buckets: 1 or more.
constexpr std::int32_t jump_hash(std::uint64_t key, std::int32_t buckets) {
  std::int64_t bucket = -1, next = 0;
  while (next < buckets) {
    bucket = next;
    key = key * 2862933555777941757U + 1;
    next = static_cast<std::int64_t>(static_cast<double>(bucket + 1) * (0x1p31 / static_cast<double>((key >> 33) + 1)));
  }
  return static_cast<std::int32_t>(bucket);
}

/// The n-th node is the n-th bucket: add at the end and remove from there. A node that goes from the middle of the list moves the keys of
/// all behind it.
class Jump final : public Placement {
 public:
  /// Weights are passed over.
  static Result<Jump> make(std::span<const Node> nodes) {
    if (auto ok = check_nodes(nodes); !ok) return std::unexpected(ok.error());
    return Jump(static_cast<std::int32_t>(nodes.size()));
  }

  NodeIndex locate(std::uint64_t hash) const override { return static_cast<NodeIndex>(jump_hash(hash, nodes_)); }
  std::size_t nodes() const override { return static_cast<std::size_t>(nodes_); }
  std::size_t memory() const override { return sizeof *this; }

 private:
  explicit Jump(std::int32_t nodes) : nodes_(nodes) {}
  std::int32_t nodes_;
};

}  // namespace chorus::ring
