#include "cache/cluster/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "ring/slot_plan.h"

namespace chorus::cache::cluster {

std::size_t Plan::moves() const {
  std::size_t count = 0;
  for (const auto& [between, slots] : moved) count += slots;
  return count;
}

base::Result<Plan, std::string> make_plan(const SlotMap& map, const std::map<NodeId, Endpoint>& running, const PlanOptions& options) {
  if (running.empty()) return std::unexpected(std::string("no node of the cluster runs"));
  if (!map.moves().empty()) return std::unexpected(std::string("slots are being moved already: wait for it, or end it with --abort"));
  for (const auto& [id, member] : map.members()) {
    if (running.contains(id) || map.assigned_to(id) == 0) continue;
    return std::unexpected(fmt::format("{} owns {} slots and does not run: start it, or give its slots away with redis-cli --cluster fix",
                                       id, map.assigned_to(id)));
  }
  for (const auto& [id, weight] : options.weights) {
    if (!running.contains(id)) return std::unexpected(fmt::format("there is no node {} that runs", id));
  }
  if (!map.open_slots().empty()) {
    return std::unexpected(
        fmt::format("slot {} is moved key by key: end that with redis-cli --cluster fix", map.open_slots().begin()->first));
  }
  std::vector<ring::SlotNode> nodes;
  std::map<NodeId, ring::NodeIndex> index;
  const auto is_absent = [&](const NodeId& id) { return map.find(id) == nullptr && options.absent.contains(id); };
  for (const auto& [id, endpoint] : running) {
    if (is_absent(id)) continue;
    const auto weight = options.weights.find(id);
    const Member* member = map.find(id);
    const std::uint32_t before = member == nullptr ? 1 : member->weight;
    index.emplace(id, static_cast<ring::NodeIndex>(nodes.size()));
    nodes.push_back({.name = id, .weight = weight == options.weights.end() ? before : weight->second, .zone = {}});
  }
  ring::SlotMap current(1, std::vector<ring::NodeIndex>(cache::slots, ring::no_node));
  for (std::size_t slot = 0; slot < cache::slots; ++slot) {
    if (const NodeId* owner = map.owner(static_cast<std::uint16_t>(slot))) current[0][slot] = index.at(*owner);
  }
  const auto planned = ring::plan_slots(nodes, 0, current);
  if (!planned) return std::unexpected(planned.error().message);

  Plan plan{.after = map, .joins = {}, .given = {}, .moved = {}};
  for (const auto& [id, endpoint] : running) {
    if (plan.after.find(id) != nullptr || is_absent(id)) continue;
    if (!plan.after.add_member(id, endpoint)) return std::unexpected(std::string("the cluster has as many nodes as it may have"));
    plan.joins.push_back(id);
  }
  for (const auto& [id, weight] : options.weights) {
    std::uint32_t& kept = plan.after.member(id)->weight;
    plan.reweighs = plan.reweighs || kept != weight;
    kept = weight;
  }
  std::map<std::pair<NodeId, NodeId>, std::vector<std::uint16_t>> by_way;
  for (const ring::SlotMove& move : planned->moves) {
    const NodeId& to = nodes[move.to].name;
    if (move.from != ring::no_node) {
      by_way[{nodes[move.from].name, to}].push_back(move.slot);
      continue;
    }
    plan.after.set_owner(move.slot, &to);
    ++plan.given[to];
  }
  for (const auto& [id, count] : plan.given) plan.after.member(id)->epoch = plan.after.next_epoch();
  const std::size_t at_once = std::max<std::size_t>(options.slots_a_move, 1);
  for (const auto& [way, slots] : by_way) {
    plan.moved[way] = slots.size();
    for (std::size_t at = 0; at < slots.size(); at += at_once) {
      const auto first = slots.begin() + static_cast<std::ptrdiff_t>(at);
      const auto last = slots.begin() + static_cast<std::ptrdiff_t>(std::min(at + at_once, slots.size()));
      plan.after.add_move(way.first, way.second, cache::cluster::Slots(first, last));
    }
  }
  return plan;
}

}  // namespace chorus::cache::cluster
