// Which node is to have which slots, so that few of them move.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ring/slots.h"

namespace chorus::ring {

struct SlotNode {
  std::string name;
  std::uint32_t weight = 1;  // share of the slots beside the others' weights; 0: is to have none, as before it is taken away
  std::string zone;          // what fails together: a host, a rack, a site; empty: the node is a zone of its own
};

/// copies[0][slot] is the slot's primary, copies[1][slot] the first replica, and so on; no_node where there is none.
using SlotMap = std::vector<std::vector<NodeIndex>>;

struct SlotMove {
  std::uint16_t slot = 0;
  std::uint8_t copy = 0;     // 0: the primary
  NodeIndex from = no_node;  // who had this copy, if it still is among the nodes
  NodeIndex to = no_node;    // no_node: this copy is given up
  bool has_data = false;     // the new one had another copy of the slot before: nothing has to be sent
  friend bool operator==(const SlotMove&, const SlotMove&) = default;
};

struct SlotPlan {
  SlotMap map;
  std::vector<SlotMove> moves;  // by copy, then by slot; empty: all stays as it is
  std::size_t same_zone = 0;    // copies that share a zone with another of their slot, since there are too few zones
  std::size_t missing = 0;      // copies that nobody has, since there are too few nodes
};

inline constexpr std::size_t max_replicas = 8;

/// How many slots each node is to have: its share by weight, rounded down or up, the latter first for those that have more than that now,
/// so that the fewest move, then for those that were rounded up least. has: slots of each node now. Some weight is not 0.
///   rounded_up  how often each node was before, for other copies; empty: never
std::vector<std::uint32_t> slot_targets(std::span<const std::uint32_t> weights, std::span<const std::uint32_t> has,
                                        std::span<const std::uint32_t> rounded_up = {});

/// Primaries are by weight, each node within one slot of its share, and no such map moves fewer of them. Replicas are likewise for each
/// copy, unless zones forbid it: no two copies of a slot are in one zone while there are zones enough, and none on one node ever. What is
/// where it may be stays; a node that has to take a slot is one that has a copy of it, where the shares allow.
///   replicas  beside the primary, at most max_replicas
///   current   indexes of `nodes`, no_node for what is lost; empty: nothing is placed yet. Fewer or more copies than asked for are fine
///   errors    invalid: as check_nodes; current has not slot_count slots, or a node that is not there; too many replicas
///   time      grows with slots times nodes
Result<SlotPlan> plan_slots(std::span<const SlotNode> nodes, std::size_t replicas, const SlotMap& current = {});

/// The same map by the indexes of another list, found by name; no_node for those that are not in it. Indexes of `map` are within `from`.
SlotMap renumber(const SlotMap& map, std::span<const SlotNode> from, std::span<const SlotNode> to);

}  // namespace chorus::ring
