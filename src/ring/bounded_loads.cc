#include "ring/bounded_loads.h"

#include <fmt/format.h>

#include "base/ensure.h"

namespace chorus::ring {
namespace {

__extension__ using Wide = unsigned __int128;
constexpr std::uint32_t max_factor_percent = 10'000;

}  // namespace

Result<BoundedLoads> BoundedLoads::make(std::span<const Node> nodes, const BoundedLoadsOptions& options) {
  if (options.factor_percent <= 100 || options.factor_percent > max_factor_percent) {
    return base::error(Errc::invalid, fmt::format("a load factor of {} % is not above 100 % and at most {} %", options.factor_percent,
                                                  max_factor_percent));
  }
  auto ring = HashRing::make(nodes, options.ring);
  if (!ring) return std::unexpected(ring.error());
  return BoundedLoads(std::move(*ring), nodes, options.factor_percent);
}

BoundedLoads::BoundedLoads(HashRing ring, std::span<const Node> nodes, std::uint32_t factor_percent)
    : ring_(std::move(ring)), loads_(nodes.size()), factor_percent_(factor_percent) {
  weights_.reserve(nodes.size());
  for (const Node& node : nodes) weights_.push_back(node.weight);
  total_weight_ = ring::total_weight(nodes);
}

std::uint64_t BoundedLoads::capacity(NodeIndex node, std::uint64_t total) const {
  const Wide whole = Wide{total_weight_} * 100;
  return static_cast<std::uint64_t>((Wide{factor_percent_} * total * weights_[node] + whole - 1) / whole);
}

NodeIndex BoundedLoads::locate(std::uint64_t hash) const {
  const auto& points = ring_.points();
  std::size_t position = points.first_at(hash);
  // Capacities add up to more than what there is, the newcomer included, so one of them has room and the walk ends.
  for (std::size_t steps = 0; steps < points.size(); ++steps, position = points.after(position)) {
    const NodeIndex node = points.node_at(position);
    // load + 1 <= ceil(x) when load < x: no division.
    if (Wide{loads_[node]} * total_weight_ * 100 < Wide{factor_percent_} * (total_ + 1) * weights_[node]) return node;
  }
  ENSURE(false, total_);
  return no_node;
}

NodeIndex BoundedLoads::assign(std::uint64_t hash) {
  ENSURE(total_ < std::uint64_t{1} << 32);
  const NodeIndex node = locate(hash);
  ++loads_[node];
  ++total_;
  return node;
}

void BoundedLoads::release(NodeIndex node) {
  ENSURE(node < loads_.size() && loads_[node] > 0, node);
  --loads_[node];
  --total_;
}

}  // namespace chorus::ring
