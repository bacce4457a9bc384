#include "app/ring/compare.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>

#include "base/random.h"

namespace chorus::app::ringtool {
namespace {

using Nodes = std::span<const ring::Node>;

/// CPU time of this thread, in nanoseconds: looking up waits for nobody, so what others on the machine take is not counted.
double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// Of one call, as the fastest of some rounds has it: others only make it slower, by the caches that they share.
template <class Call>
double time_of(std::size_t calls, const Call& call) {
  constexpr int rounds = 5;
  double best = HUGE_VAL;
  for (int round = 0; round < rounds; ++round) {
    const double began = cpu_ns();
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < calls; ++i) sum += call(i);
    asm volatile("" : : "r"(sum) : "memory");  // or the compiler finds that nobody looks at it
    best = std::min(best, (cpu_ns() - began) / static_cast<double>(calls));
  }
  return best;
}

/// `after` by the numbers of `before`; names that are new get the numbers behind.
std::vector<ring::NodeIndex> numbers_of(Nodes before, Nodes after) {
  std::map<std::string_view, ring::NodeIndex> numbers;
  for (ring::NodeIndex i = 0; i < before.size(); ++i) numbers.emplace(before[i].name, i);
  std::vector<ring::NodeIndex> out;
  auto next = static_cast<ring::NodeIndex>(before.size());
  for (const ring::Node& node : after) {
    const auto found = numbers.find(node.name);
    out.push_back(found != numbers.end() ? found->second : next++);
  }
  return out;
}

void take_spread(Measurement& out, const std::vector<std::uint64_t>& loads, Nodes nodes, std::uint64_t keys) {
  double squares = 0, with_weight = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].weight == 0) continue;
    const double share = static_cast<double>(keys) * nodes[i].weight / static_cast<double>(ring::total_weight(nodes));
    const double ratio = static_cast<double>(loads[i]) / share;
    out.max_over_mean = std::max(out.max_over_mean, ratio);
    squares += (ratio - 1) * (ratio - 1);
    ++with_weight;
  }
  out.stddev = std::sqrt(squares / with_weight);
}

std::string percent(double share) { return fmt::format("{:.1f} %", share * 100); }
std::string ring_bound(double points) { return fmt::format("stddev 1/sqrt({:.0f}) = {}", points, percent(1 / std::sqrt(points))); }

bool is_prefix(Nodes shorter, Nodes longer) {
  return shorter.size() <= longer.size() &&
         std::ranges::equal(shorter, longer.first(shorter.size()), {}, &ring::Node::name, &ring::Node::name);
}

/// What the papers, or the specifications, promise; docs/consistent-hashing.md names them.
void take_bounds(Measurement& out, const Comparison& comparison, const ring::PlacementOptions& options) {
  const Nodes before = comparison.before, after = comparison.after;
  const auto count = static_cast<double>(before.size());
  const bool by_the_end = is_prefix(before, after) || is_prefix(after, before);
  const std::string least = percent(comparison.least_moved);
  switch (out.facts->algorithm) {
    case ring::Algorithm::modulo:
      out.spread_bound = "chance";
      // Of each lcm(n, m) hashes in a row the first min(n, m), and no others, have the same remainder by both.
      if (by_the_end)
        out.moved_bound = percent(1 - static_cast<double>(std::min(before.size(), after.size())) /
                                          static_cast<double>(std::lcm(before.size(), after.size())));
      break;
    case ring::Algorithm::ring:
      out.spread_bound = ring_bound(options.ring.virtual_nodes);
      out.moved_bound = least + " on average";
      break;
    case ring::Algorithm::ketama:
      out.spread_bound = ring_bound(160);
      out.moved_bound = least + " on average";
      break;
    case ring::Algorithm::ketama_plain:
      out.spread_bound = ring_bound(std::ranges::any_of(before, [](const ring::Node& node) { return node.weight > 1; }) ? 160 : 100);
      out.moved_bound = least + " on average";
      break;
    case ring::Algorithm::jump:
      out.spread_bound = "chance";
      out.moved_bound = by_the_end ? least : "at the end only";
      break;
    case ring::Algorithm::rendezvous:
    case ring::Algorithm::rendezvous_weighted:
      out.spread_bound = "chance";
      out.moved_bound = least;
      break;
    case ring::Algorithm::maglev:
      out.spread_bound = fmt::format("max/mean {:.3f}", 1 + count / options.maglev.table_size);
      out.moved_bound = "a little above " + least;
      break;
    case ring::Algorithm::bounded: {
      const double epsilon = options.factor_percent / 100.0 - 1;
      out.spread_bound = fmt::format("max/mean {:.2f}", 1 + epsilon);
      out.moved_bound = fmt::format("O(1/{:.2g}^2) x {}", epsilon, least);
      break;
    }
    case ring::Algorithm::slots:
      out.spread_bound = "within a slot";
      out.moved_bound = least + " to a slot a node";
      break;
  }
  if (!out.facts->weighted) {
    const auto uneven = [](Nodes nodes) {
      return std::ranges::any_of(nodes, [&](const ring::Node& node) { return node.weight != nodes[0].weight; });
    };
    if (uneven(before)) out.spread_bound = "has no weights";
    if (uneven(before) || uneven(after)) out.moved_bound = "has no weights";
  }
}

ring::Result<Measurement> measure(const ring::AlgorithmFacts& facts, const Comparison& comparison, const std::vector<std::uint64_t>& hashes,
                                  const CompareOptions& options) {
  Measurement out{.facts = &facts};
  const auto failed = [&](const ring::Error& error) { return base::error(error.code, fmt::format("{}: {}", facts.name, error.message)); };
  const double began = cpu_ns();
  const auto from = ring::make_placement(facts.algorithm, comparison.before, options.placement);
  if (options.times) out.build_ns = cpu_ns() - began;
  if (!from) return failed(from.error());
  const auto to = ring::make_successor(facts.algorithm, comparison.before, comparison.after, options.placement);
  if (!to) return failed(to.error());

  const auto numbers = numbers_of(comparison.before, comparison.after);
  std::vector<std::uint64_t> loads(comparison.before.size());
  std::uint64_t moved = 0;
  for (const std::uint64_t hash : hashes) {
    const ring::NodeIndex node = (*from)->assign(hash);
    ++loads[node];
    moved += numbers[(*to)->assign(hash)] != node;
  }
  take_spread(out, loads, comparison.before, hashes.size());
  out.moved = static_cast<double>(moved) / static_cast<double>(hashes.size());
  out.memory = (*from)->memory();
  if (options.times) {
    const std::size_t calls = std::min<std::size_t>(hashes.size(), std::size_t{1} << 16);
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < 4096; ++i) keys.push_back(fmt::format("user:{:010}:name", i));
    const ring::Placement& placement = **from;
    out.lookup_ns = time_of(calls, [&](std::size_t i) { return placement.locate(hashes[i]); });
    out.hash_ns = time_of(calls, [&](std::size_t i) { return placement.hash(keys[i % keys.size()]); });
  }
  take_bounds(out, comparison, options.placement);
  return out;
}

}  // namespace

double least_moved(Nodes before, Nodes after) {
  std::map<std::string_view, double> shares;
  for (const ring::Node& node : before) shares[node.name] = node.weight / static_cast<double>(ring::total_weight(before));
  double gained = 0;
  for (const ring::Node& node : after) {
    const auto had = shares.find(node.name);
    gained += std::max(0.0, node.weight / static_cast<double>(ring::total_weight(after)) - (had == shares.end() ? 0 : had->second));
  }
  return gained;
}

ring::Result<Comparison> compare(Nodes before, Nodes after, std::span<const ring::AlgorithmFacts* const> algorithms,
                                 const CompareOptions& options, const std::function<void(std::string_view)>& progress) {
  for (const Nodes list : {before, after}) {
    if (auto ok = ring::check_nodes(list); !ok) return std::unexpected(ok.error());
  }
  Comparison out{.before = {before.begin(), before.end()}, .after = {after.begin(), after.end()}, .keys = options.keys};
  out.least_moved = least_moved(before, after);
  // The number of keys on a node of share s is binomial: its deviation over its mean is sqrt((1 - s) / (s keys)); here the root of the mean
  // square.
  double squares = 0, with_weight = 0;
  for (const ring::Node& node : before) {
    if (node.weight == 0) continue;
    const double share = node.weight / static_cast<double>(ring::total_weight(before));
    squares += (1 - share) / (share * static_cast<double>(options.keys));
    ++with_weight;
  }
  out.chance_stddev = std::sqrt(squares / with_weight);

  std::vector<std::uint64_t> hashes(options.keys);
  base::Random random(options.seed);
  for (std::uint64_t& hash : hashes) hash = random.next();
  for (const ring::AlgorithmFacts* facts : algorithms) {
    if (progress) progress(facts->name);
    auto measurement = measure(*facts, out, hashes, options);
    if (!measurement) return std::unexpected(measurement.error());
    out.measurements.push_back(std::move(*measurement));
  }
  return out;
}

}  // namespace chorus::app::ringtool
