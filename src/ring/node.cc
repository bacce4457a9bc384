#include "ring/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace chorus::ring {

Result<void> check_nodes(std::span<const Node> nodes) {
  if (nodes.empty()) return base::error(Errc::invalid, "there are no nodes: name one at least");
  if (nodes.size() > max_nodes)
    return base::error(Errc::too_large, fmt::format("{} nodes are too many: at most {} can be told apart", nodes.size(), max_nodes));
  std::vector<std::string_view> names;
  names.reserve(nodes.size());
  for (const Node& node : nodes) {
    if (node.name.empty()) return base::error(Errc::invalid, "a node has an empty name");
    names.push_back(node.name);
  }
  std::ranges::sort(names);
  if (const auto twice = std::ranges::adjacent_find(names); twice != names.end())
    return base::error(Errc::invalid, fmt::format("node \"{}\" is in the list twice", *twice));
  if (total_weight(nodes) == 0) return base::error(Errc::invalid, "every node has weight 0: give one at least a weight of 1 or more");
  return {};
}

std::uint64_t total_weight(std::span<const Node> nodes) {
  std::uint64_t sum = 0;
  for (const Node& node : nodes) sum += node.weight;
  return sum;
}

}  // namespace chorus::ring
