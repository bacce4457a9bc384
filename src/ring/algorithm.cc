#include "ring/algorithm.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/ensure.h"
#include "ring/jump.h"
#include "ring/ketama.h"
#include "ring/modulo.h"
#include "ring/rendezvous.h"

namespace chorus::ring {
namespace {

constexpr std::array<AlgorithmFacts, 10> facts = {{
    {Algorithm::modulo, "modulo", "Remainder of the hash by the number of nodes", false},
    {Algorithm::ring, "ring", "Ring with virtual nodes", true},
    {Algorithm::ketama, "ketama", "memcached's ring, as libmemcached has it with weights", true},
    {Algorithm::ketama_plain, "ketama-plain", "memcached's ring, as libmemcached has it without asking for weights", true},
    {Algorithm::jump, "jump", "Jump hash of Lamping and Veach", false},
    {Algorithm::rendezvous, "rendezvous", "Highest random weight", false},
    {Algorithm::rendezvous_weighted, "rendezvous-weighted", "Highest random weight, by -ln(u)/weight", true},
    {Algorithm::maglev, "maglev", "Google Maglev's table", true},
    {Algorithm::bounded, "bounded", "Ring on which full nodes are passed by", true},
    {Algorithm::slots, "slots", "Redis Cluster's 16,384 slots, moved as little as can be", true},
}};

template <class Made>
Result<std::unique_ptr<Placement>> boxed(Result<Made> made) {
  if (!made) return std::unexpected(made.error());
  return std::unique_ptr<Placement>(std::make_unique<Made>(std::move(*made)));
}

std::vector<SlotNode> slot_nodes(std::span<const Node> nodes) {
  std::vector<SlotNode> out;
  out.reserve(nodes.size());
  for (const Node& node : nodes) out.push_back({.name = node.name, .weight = node.weight, .zone = {}});
  return out;
}

Result<std::unique_ptr<Placement>> make_slots(std::span<const SlotNode> nodes, const SlotMap& current) {
  const auto plan = plan_slots(nodes, 0, current);
  if (!plan) return std::unexpected(plan.error());
  return boxed(SlotPlacement::make(plan->map[0], nodes.size()));
}

}  // namespace

std::span<const AlgorithmFacts> algorithms() { return facts; }

const AlgorithmFacts* find_algorithm(std::string_view name) {
  const auto* const found = std::ranges::find(facts, name, &AlgorithmFacts::name);
  return found == facts.end() ? nullptr : found;
}

Result<std::unique_ptr<Placement>> make_placement(Algorithm algorithm, std::span<const Node> nodes, const PlacementOptions& options) {
  switch (algorithm) {
    case Algorithm::modulo:
      return boxed(Modulo::make(nodes));
    case Algorithm::ring:
      return boxed(HashRing::make(nodes, options.ring));
    case Algorithm::ketama:
      return boxed(Ketama::make(nodes, {.weighted = true}));
    case Algorithm::ketama_plain:
      return boxed(Ketama::make(nodes, {.weighted = false}));
    case Algorithm::jump:
      return boxed(Jump::make(nodes));
    case Algorithm::rendezvous:
      return boxed(Rendezvous::make(nodes));
    case Algorithm::rendezvous_weighted:
      return boxed(WeightedRendezvous::make(nodes));
    case Algorithm::maglev:
      return boxed(Maglev::make(nodes, options.maglev));
    case Algorithm::bounded:
      return boxed(BoundedLoads::make(nodes, {.factor_percent = options.factor_percent, .ring = options.ring}));
    case Algorithm::slots:
      return make_slots(slot_nodes(nodes), {});
  }
  ENSURE(false, static_cast<int>(algorithm));
  return base::error(Errc::invalid, "no such algorithm");
}

Result<std::unique_ptr<Placement>> make_successor(Algorithm algorithm, std::span<const Node> from, std::span<const Node> nodes,
                                                  const PlacementOptions& options) {
  if (algorithm != Algorithm::slots) return make_placement(algorithm, nodes, options);
  const std::vector<SlotNode> before = slot_nodes(from), after = slot_nodes(nodes);
  const auto plan = plan_slots(before, 0);
  if (!plan) return std::unexpected(plan.error());
  return make_slots(after, renumber(plan->map, before, after));
}

}  // namespace chorus::ring
