// The slots of Redis Cluster. source: Redis Cluster specification, "Key distribution model" and "Hash tags"
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ring/placement.h"

namespace chorus::ring {

inline constexpr std::size_t slot_count = 16'384;

/// CRC-16/XMODEM: polynomial 0x1021, begun with 0, bits not reflected.
std::uint16_t crc16(std::string_view octets);
/// What of a key is hashed: what stands between its first '{' and the first '}' after that, when anything does; else all of it.
std::string_view hash_tag(std::string_view key);
/// In [0, slot_count).
inline std::uint16_t key_slot(std::string_view key) { return crc16(hash_tag(key)) & (slot_count - 1); }

/// A table with the node of each slot. plan_slots makes such tables.
class SlotPlacement final : public Placement {
 public:
  /// nodes: how many there are. errors invalid: not slot_count owners, or one that is not among the nodes
  static Result<SlotPlacement> make(std::span<const NodeIndex> owners, std::size_t nodes);

  std::uint64_t hash(std::string_view key) const override { return key_slot(key); }
  /// By the lower 14 bits.
  NodeIndex locate(std::uint64_t hash) const override { return owners_[hash & (slot_count - 1)]; }
  std::size_t nodes() const override { return nodes_; }
  std::size_t memory() const override { return sizeof *this + owners_.capacity() * sizeof(std::uint16_t); }

 private:
  SlotPlacement(std::vector<std::uint16_t> owners, std::size_t nodes) : owners_(std::move(owners)), nodes_(nodes) {}
  std::vector<std::uint16_t> owners_;
  std::size_t nodes_;
};

}  // namespace chorus::ring
