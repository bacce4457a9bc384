// Which slots of a cluster of caches are to go where.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "cache/cluster/slot_map.h"

namespace chorus::cache::cluster {

struct PlanOptions {
  std::map<NodeId, std::uint32_t> weights;  // new shares beside the others', which the map keeps; 0: is to have none
  std::size_t slots_a_move = 64;            // that change hands at once
  std::set<NodeId> absent = {};             // that run, and are not to become members
};

struct Plan {
  SlotMap after;                                           // the map with the moves in it; what nobody owned is owned
  std::vector<NodeId> joins;                               // that were no members
  std::map<NodeId, std::size_t> given;                     // slots that nobody owned
  std::map<std::pair<NodeId, NodeId>, std::size_t> moved;  // from and to
  bool reweighs = false;                                   // a member has another weight than before
  std::size_t moves() const;
  bool is_empty() const { return joins.empty() && given.empty() && moved.empty() && !reweighs; }
};

/// All that run share the slots by weight; as few as possible move. errors: words for a person: moves are under way, an owner does not run,
/// a weight is of nobody, all weights are 0.
base::Result<Plan, std::string> make_plan(const SlotMap& map, const std::map<NodeId, Endpoint>& running, const PlanOptions& options);

}  // namespace chorus::cache::cluster
