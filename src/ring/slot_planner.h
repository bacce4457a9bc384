// How plan_slots works: one copy of all slots after the other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ring/slot_plan.h"

namespace chorus::ring {

/// For one plan; its inputs outlive it and have been checked.
class SlotPlanner {
 public:
  SlotPlanner(std::span<const SlotNode> nodes, const SlotMap& current);

  /// First, and once.
  void place_primaries();
  /// The next copy.
  void place_replicas();

  const SlotMap& map() const { return map_; }
  std::size_t same_zone() const { return same_zone_; }

 private:
  using Column = std::vector<NodeIndex>;

  bool had(std::size_t slot, NodeIndex node) const;
  /// Whether `node` may have the next copy of `slot` beside those that are placed.
  bool allowed(std::size_t slot, NodeIndex node) const;
  bool shares_zone(std::size_t slot, NodeIndex node) const;
  /// Who should have the next copy of each slot if nothing but the zones counted: who has it, else another that has a copy and is not used.
  Column wishes() const;

  /// The copy that is being placed.
  struct Placing {
    Column column;
    std::vector<std::uint32_t> room;                // of each node, until it has its share
    std::vector<std::vector<std::uint16_t>> slots;  // of each node
    std::vector<bool> closed;                       // see push_aside
    void put(std::size_t slot, NodeIndex node);
    void move(std::size_t slot, NodeIndex to);
  };

  /// Leaves to each node of `wish` as many of its slots as are its share; the others are in the result, rising.
  std::vector<std::size_t> keep(const Column& wish, Placing& placing);
  void give_to_holders(std::vector<std::size_t>& slots, Placing& placing) const;
  /// Where a run of neighbours goes on, or the next node after the one with the copy before; no_node when none that is allowed has room.
  NodeIndex next_with_room(std::size_t slot, const Placing& placing) const;
  /// Makes room for `slot` by moving others on, the fewest that do. False when zones forbid it.
  bool push_aside(std::size_t slot, Placing& placing) const;
  /// Beyond its share, if it must be.
  NodeIndex least_loaded(std::size_t slot, const Placing& placing) const;

  std::span<const SlotNode> nodes_;
  const SlotMap& current_;
  std::vector<std::uint32_t> weights_;
  std::vector<std::uint32_t> rounded_up_;  // of each node, for how many copies its share was
  std::vector<std::uint32_t> zones_;       // number of the zone of each node
  std::size_t zone_count_ = 0;             // of nodes with a weight
  bool by_zone_ = true;                    // the copy that is being placed: there are zones enough for it
  std::size_t same_zone_ = 0;
  SlotMap map_;
};

}  // namespace chorus::ring
