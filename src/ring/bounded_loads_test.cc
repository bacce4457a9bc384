#include "ring/bounded_loads.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ring/ring_fixture.h"

namespace chorus::ring {
namespace {

// The paper's bound: ceil(c m / n), after each placing.
TEST(BoundedLoads, NobodyHasMoreThanItsBound) {
  for (const std::size_t count : {1U, 2U, 3U, 10U, 100U}) {
    for (const std::uint32_t percent : {101U, 110U, 125U, 200U, 1000U}) {
      auto bounded = BoundedLoads::make(make_nodes(count), {.factor_percent = percent});
      ASSERT_TRUE(bounded);
      for (std::uint64_t m = 1; const std::uint64_t hash : make_hashes(3000)) {
        const NodeIndex node = bounded->assign(hash);
        const std::uint64_t bound = (percent * m + 100 * count - 1) / (100 * count);
        ASSERT_EQ(bounded->capacity(node, m), bound);
        ASSERT_LE(bounded->load(node), bound);
        ++m;
      }
      // All of them, since the bound only rose.
      for (NodeIndex node = 0; node < count; ++node)
        EXPECT_LE(bounded->load(node), bounded->capacity(node, 3000)) << count << ' ' << percent;
      EXPECT_EQ(bounded->total(), 3000U);
    }
  }
}

// Against the definition: the first node with room, walking the ring's points from the key's place.
TEST(BoundedLoads, GoesToTheFirstNodeWithRoom) {
  std::vector<Node> nodes = make_nodes(10);
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i].weight = static_cast<std::uint32_t>(i % 4);
  const auto ring = HashRing::make(nodes);
  auto bounded = BoundedLoads::make(nodes, {.factor_percent = 110});
  std::vector<std::uint64_t> loads(nodes.size());
  std::vector<NodeIndex> placed;
  std::uint64_t total = 0;
  base::Random random(4);
  for (const std::uint64_t hash : make_hashes(20'000)) {
    if (!placed.empty() && random.chance(0.4)) {
      const std::size_t who = random.below(placed.size());
      bounded->release(placed[who]);
      --loads[placed[who]];
      --total;
      placed[who] = placed.back();
      placed.pop_back();
    }
    const auto& points = ring->points();
    std::size_t position = points.first_at(hash);
    const auto full = [&](NodeIndex node) {
      const double capacity = 1.10 * static_cast<double>(total + 1) * nodes[node].weight / static_cast<double>(total_weight(nodes));
      return static_cast<double>(loads[node]) + 1 > std::ceil(capacity - 1e-9);
    };
    while (full(points.node_at(position))) position = points.after(position);
    ASSERT_EQ(bounded->locate(hash), points.node_at(position));
    const NodeIndex node = bounded->assign(hash);
    ASSERT_EQ(node, points.node_at(position));
    ++loads[node];
    ++total;
    placed.push_back(node);
    ASSERT_EQ(bounded->load(node), loads[node]);
  }
  EXPECT_EQ(loads[0], 0U);
  EXPECT_EQ(loads[4], 0U);
}

TEST(BoundedLoads, WithALooseBoundItIsTheRing) {
  const auto nodes = make_nodes(20);
  const auto ring = HashRing::make(nodes);
  auto bounded = BoundedLoads::make(nodes, {.factor_percent = 10'000});
  const auto hashes = make_hashes(10'000);
  std::size_t same = 0;
  for (const std::uint64_t hash : hashes) same += bounded->assign(hash) == ring->locate(hash);
  EXPECT_GE(same, hashes.size() - 20);  // but for the first few, which fill whoever they come to
}

// What a change of nodes moves: a constant, O(1/epsilon^2), times the least, whatever the number of nodes.
TEST(BoundedLoads, AChangeMovesAConstantTimesTheLeast) {
  constexpr std::uint32_t percent = 150;
  for (const std::size_t count : {10U, 100U, 500U}) {
    const auto before = make_nodes(count), after = make_nodes(count + 1);
    auto from = BoundedLoads::make(before, {.factor_percent = percent}), to = BoundedLoads::make(after, {.factor_percent = percent});
    double moved = 0;
    const auto hashes = make_hashes(100'000);
    for (const std::uint64_t hash : hashes) moved += from->assign(hash) != to->assign(hash);
    const double least = static_cast<double>(hashes.size()) / static_cast<double>(count + 1);
    EXPECT_LT(moved / least, 1 / (0.5 * 0.5)) << count;
  }
}

}  // namespace
}  // namespace chorus::ring
