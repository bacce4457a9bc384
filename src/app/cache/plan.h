// Which slots of a cluster of caches are to go where.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "cache/cluster/slot_map.h"

namespace chorus::app::cachetool {

using cache::cluster::Endpoint;
using cache::cluster::Move;
using cache::cluster::NodeId;
using cache::cluster::SlotMap;

struct PlanOptions {
  std::map<NodeId, std::uint32_t> weights;  // shares beside the others'; 1 where nothing is said, 0: is to have none
  std::size_t slots_a_move = 64;            // that change hands at once
};

struct Plan {
  SlotMap after;                                           // the map with the moves in it; what nobody owned is owned
  std::vector<NodeId> joins;                               // that were no members
  std::map<NodeId, std::size_t> given;                     // slots that nobody owned
  std::map<std::pair<NodeId, NodeId>, std::size_t> moved;  // from and to
  std::size_t moves() const;
  bool is_empty() const { return joins.empty() && given.empty() && moved.empty(); }
};

/// All that run share the slots by weight; as few as possible move. errors: words for a person: moves are under way, an owner does not run,
/// a weight is of nobody, all weights are 0.
base::Result<Plan, std::string> make_plan(const SlotMap& map, const std::map<NodeId, Endpoint>& running, const PlanOptions& options);

}  // namespace chorus::app::cachetool
