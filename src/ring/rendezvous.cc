#include "ring/rendezvous.h"

#include <cmath>
#include <numbers>

// Every machine has to come to the same bits, so a product and a sum may not become one fused operation where the processor has it.
#pragma STDC FP_CONTRACT OFF

namespace chorus::ring {

Result<Rendezvous> Rendezvous::make(std::span<const Node> nodes) {
  if (auto ok = check_nodes(nodes); !ok) return std::unexpected(ok.error());
  std::vector<std::uint64_t> seeds;
  seeds.reserve(nodes.size());
  for (const Node& node : nodes) seeds.push_back(hash_octets(node.name));
  return Rendezvous(std::move(seeds));
}

NodeIndex Rendezvous::locate(std::uint64_t hash) const {
  NodeIndex best = 0;
  std::uint64_t highest = mix(hash ^ seeds_[0]);
  for (NodeIndex i = 1; i < seeds_.size(); ++i) {
    // mix is one to one and seeds differ, so two draws for a key are never equal.
    const std::uint64_t draw = mix(hash ^ seeds_[i]);
    best = draw > highest ? i : best;
    highest = draw > highest ? draw : highest;
  }
  return best;
}

double exponential(double v) {
  // -ln(m) = 2 atanh((1 - m) / (1 + m)), whose series is short when m is within a factor of sqrt(2) of 1.
  double octaves = 0, below_one = v, sum = 2 - v;
  if (v > 1 - std::numbers::sqrt2 / 2) {
    int exponent = 0;
    double m = std::frexp(1 - v, &exponent);  // in [1/2, 1)
    if (m < std::numbers::sqrt2 / 2) {
      m *= 2;
      --exponent;
    }
    octaves = -exponent;
    below_one = 1 - m;
    sum = 1 + m;
  }
  const double s = below_one / sum, squared = s * s;
  double series = 0;
  for (int odd = 21; odd >= 1; odd -= 2) series = series * squared + 1.0 / odd;
  return octaves * std::numbers::ln2 + 2 * s * series;
}

Result<WeightedRendezvous> WeightedRendezvous::make(std::span<const Node> nodes) {
  if (auto ok = check_nodes(nodes); !ok) return std::unexpected(ok.error());
  std::vector<Entry> entries;
  entries.reserve(nodes.size());
  for (NodeIndex i = 0; i < nodes.size(); ++i) {
    if (nodes[i].weight > 0) entries.push_back({hash_octets(nodes[i].name), 1.0 / nodes[i].weight, i});
  }
  return WeightedRendezvous(std::move(entries), nodes.size());
}

NodeIndex WeightedRendezvous::locate(std::uint64_t hash) const {
  // -ln(1 - v) is at least v, and nearly v for those that have a chance among many: the logarithm is taken of few. The bound is kept below
  // by more than roundings amount to, so that it never rules out a winner.
  constexpr double below_roundings = 1 - 0x1p-40;
  const Entry* best = nullptr;
  double earliest = HUGE_VAL;
  for (const Entry& entry : entries_) {
    const double v = (static_cast<double>(mix(hash ^ entry.seed) >> 12) + 0.5) * 0x1p-52;
    if (v * entry.mean * below_roundings > earliest) continue;
    const double alarm = exponential(v) * entry.mean;
    // Equal alarms are rare, not impossible; the seed decides then, so that the order of the list never does.
    if (alarm < earliest || (alarm == earliest && entry.seed > best->seed)) {
      earliest = alarm;
      best = &entry;
    }
  }
  return best->node;
}

}  // namespace chorus::ring
