#include "ring/slot_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "base/ensure.h"
#include "ring/slot_planner.h"

namespace chorus::ring {
namespace {

Result<void> check(std::span<const SlotNode> nodes, std::size_t replicas, const SlotMap& current) {
  std::vector<Node> plain;
  plain.reserve(nodes.size());
  for (const SlotNode& node : nodes) plain.push_back({node.name, node.weight});
  if (auto ok = check_nodes(plain); !ok) return ok;
  if (replicas > max_replicas)
    return base::error(Errc::invalid, fmt::format("{} replicas are too many: at most {}", replicas, max_replicas));
  if (current.size() > max_replicas + 1)
    return base::error(Errc::invalid, fmt::format("the map has {} copies of each slot: at most {}", current.size(), max_replicas + 1));
  for (const auto& column : current) {
    if (column.size() != slot_count)
      return base::error(Errc::invalid, fmt::format("the map has {} slots, and there are {}", column.size(), slot_count));
    for (const NodeIndex owner : column) {
      if (owner != no_node && owner >= nodes.size())
        return base::error(Errc::invalid, fmt::format("the map names node {}, and there are {}", owner, nodes.size()));
    }
  }
  return {};
}

std::vector<SlotMove> moves_between(const SlotMap& current, const SlotMap& map) {
  std::vector<SlotMove> moves;
  const std::vector<NodeIndex> nobody(slot_count, no_node);
  for (std::size_t copy = 0; copy < std::max(map.size(), current.size()); ++copy) {
    const auto& before = copy < current.size() ? current[copy] : nobody;
    const auto& after = copy < map.size() ? map[copy] : nobody;
    for (std::size_t slot = 0; slot < slot_count; ++slot) {
      if (before[slot] == after[slot]) continue;
      const bool has_data =
          after[slot] != no_node && std::ranges::any_of(current, [&](const auto& column) { return column[slot] == after[slot]; });
      moves.push_back({static_cast<std::uint16_t>(slot), static_cast<std::uint8_t>(copy), before[slot], after[slot], has_data});
    }
  }
  return moves;
}

}  // namespace

std::vector<std::uint32_t> slot_targets(std::span<const std::uint32_t> weights, std::span<const std::uint32_t> has,
                                        std::span<const std::uint32_t> rounded_up) {
  const std::uint64_t total = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  ENSURE(total > 0 && weights.size() == has.size(), total, weights.size(), has.size());
  std::vector<std::uint32_t> targets(weights.size());
  std::vector<std::uint64_t> remainders(weights.size());
  std::uint64_t left = slot_count;
  std::vector<std::size_t> may_round_up;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    targets[i] = static_cast<std::uint32_t>(slot_count * std::uint64_t{weights[i]} / total);
    remainders[i] = slot_count * std::uint64_t{weights[i]} % total;
    left -= targets[i];
    if (remainders[i] > 0) may_round_up.push_back(i);
  }
  // Remainders are below `total` each and add up to left * total, so there are more than `left` of them, or none.
  std::ranges::sort(may_round_up, [&](std::size_t a, std::size_t b) {
    const bool a_keeps = has[a] > targets[a], b_keeps = has[b] > targets[b];
    if (a_keeps != b_keeps) return a_keeps;
    if (!rounded_up.empty() && rounded_up[a] != rounded_up[b]) return rounded_up[a] < rounded_up[b];
    return remainders[a] != remainders[b] ? remainders[a] > remainders[b] : a < b;
  });
  for (std::size_t i = 0; i < left; ++i) ++targets[may_round_up[i]];
  return targets;
}

Result<SlotPlan> plan_slots(std::span<const SlotNode> nodes, std::size_t replicas, const SlotMap& current) {
  if (auto ok = check(nodes, replicas, current); !ok) return std::unexpected(ok.error());
  SlotPlanner planner(nodes, current);
  planner.place_primaries();
  SlotPlan plan;
  for (std::size_t replica = 1; replica <= replicas; ++replica) planner.place_replicas();
  plan.map = planner.map();
  plan.same_zone = planner.same_zone();
  for (const auto& column : plan.map) plan.missing += static_cast<std::size_t>(std::ranges::count(column, no_node));
  plan.moves = moves_between(current, plan.map);
  return plan;
}

SlotMap renumber(const SlotMap& map, std::span<const SlotNode> from, std::span<const SlotNode> to) {
  std::map<std::string_view, NodeIndex> by_name;
  for (NodeIndex i = 0; i < to.size(); ++i) by_name.emplace(to[i].name, i);
  std::vector<NodeIndex> number(from.size(), no_node);
  for (NodeIndex i = 0; i < from.size(); ++i) {
    if (const auto found = by_name.find(from[i].name); found != by_name.end()) number[i] = found->second;
  }
  SlotMap out = map;
  for (auto& column : out) {
    for (NodeIndex& owner : column) {
      if (owner == no_node) continue;
      ENSURE(owner < number.size(), owner, number.size());
      owner = number[owner];
    }
  }
  return out;
}

}  // namespace chorus::ring
