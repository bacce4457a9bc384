#include "ring/hash_ring.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace chorus::ring {

Result<HashRing> HashRing::make(std::span<const Node> nodes, const HashRingOptions& options) {
  if (auto ok = check_nodes(nodes); !ok) return std::unexpected(ok.error());
  if (options.virtual_nodes == 0) return base::error(Errc::invalid, "a ring needs one virtual node a node at least");
  // Both factors are below 2^48, so the product may not fit; the quotient tells it.
  if (total_weight(nodes) > max_points / options.virtual_nodes) {
    return base::error(Errc::too_large,
                       fmt::format("weights of {} in all with {} virtual nodes each are more than {} points: make either smaller",
                                   total_weight(nodes), options.virtual_nodes, max_points));
  }
  // In the order of names, so that two points at the same place fall to the same node however the list is ordered.
  std::vector<NodeIndex> order(nodes.size());
  std::iota(order.begin(), order.end(), NodeIndex{0});
  std::ranges::sort(order, {}, [&](NodeIndex index) -> const std::string& { return nodes[index].name; });

  std::vector<PointRing<std::uint64_t>::Point> points;
  points.reserve(total_weight(nodes) * options.virtual_nodes);
  for (const NodeIndex index : order) {
    const std::uint64_t seed = hash_octets(nodes[index].name);
    const std::uint64_t count = std::uint64_t{nodes[index].weight} * options.virtual_nodes;
    for (std::uint64_t i = 0; i < count; ++i) points.push_back({.value = mix(seed + mix(i + 1)), .node = index});
  }
  return HashRing(PointRing<std::uint64_t>(std::move(points)), nodes.size());
}

}  // namespace chorus::ring
