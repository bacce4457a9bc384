#include "ring/hash_ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "ring/ring_fixture.h"

namespace chorus::ring {
namespace {

/// The part of the circle that each node has, exactly.
std::vector<double> arcs(const HashRing& ring) {
  std::vector<double> out(ring.nodes());
  const auto& points = ring.points();
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::size_t before = i == 0 ? points.size() - 1 : i - 1;
    out[points.node_at(i)] += static_cast<double>(points.value_at(i) - points.value_at(before)) * 0x1p-64;
  }
  return out;
}

TEST(HashRing, FindsTheFirstPointAtOrAfter) {
  const std::vector<PointRing<std::uint32_t>::Point> points = {{50, 1, 0}, {10, 0, 0}, {0xffffff00, 3, 0}, {50, 2, 0}, {0x80000000, 4, 0}};
  const PointRing<std::uint32_t> ring(points);
  const auto node = [&](std::uint32_t place) { return ring.node_at(ring.first_at(place)); };
  EXPECT_EQ(node(0), 0U);
  EXPECT_EQ(node(10), 0U);
  EXPECT_EQ(node(11), 1U);
  EXPECT_EQ(node(50), 1U);  // of two at one place the one that was given first
  EXPECT_EQ(node(51), 4U);
  EXPECT_EQ(node(0x80000001), 3U);
  EXPECT_EQ(node(0xffffff00), 3U);
  EXPECT_EQ(node(0xffffff01), 0U);  // round
  EXPECT_EQ(node(0xffffffff), 0U);
}

// Against a plain search, with points that are anything but evenly spread too.
TEST(HashRing, DirectoryLeadsToWhatASearchFinds) {
  base::Random random(2);
  for (int round = 0; round < 200; ++round) {
    std::vector<PointRing<std::uint64_t>::Point> points;
    const std::size_t count = 1 + random.below(200);
    const int clumped = round % 3 == 0 ? 50 : 0;
    for (std::size_t i = 0; i < count; ++i) points.push_back({random.next() >> clumped, static_cast<NodeIndex>(i), 0});
    const PointRing<std::uint64_t> ring(points);
    std::ranges::sort(points, {}, [](const auto& point) { return std::pair(point.value, point.node); });
    for (int i = 0; i < 500; ++i) {
      const std::uint64_t place =
          i % 2 == 0 ? random.next() >> (i % 4 == 0 ? clumped : 0) : points[random.below(count)].value + random.below(2);
      const auto found = std::ranges::lower_bound(points, place, {}, &PointRing<std::uint64_t>::Point::value);
      ASSERT_EQ(ring.node_at(ring.first_at(place)), found == points.end() ? points[0].node : found->node);
    }
  }
}

// Relative standard deviation of the shares: 1/sqrt(virtual nodes), as the paper on Chord has it from Karger's.
TEST(HashRing, SharesDifferByOneOverTheRootOfVirtualNodes) {
  constexpr std::size_t count = 400;
  double last = 1;
  for (const std::uint32_t virtual_nodes : {10U, 40U, 160U, 640U}) {
    const auto ring = HashRing::make(make_nodes(count), {.virtual_nodes = virtual_nodes});
    double squares = 0;
    for (const double arc : arcs(*ring)) squares += (arc * count - 1) * (arc * count - 1);
    const double deviation = std::sqrt(squares / count);
    EXPECT_NEAR(deviation * std::sqrt(virtual_nodes), 1, 0.12) << virtual_nodes;
    EXPECT_LT(deviation, last);
    last = deviation;
  }
}

TEST(HashRing, SharesFollowWeights) {
  std::vector<Node> nodes = make_nodes(10);
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i].weight = static_cast<std::uint32_t>(i);
  const auto shares = arcs(*HashRing::make(nodes, {.virtual_nodes = 1000}));
  EXPECT_EQ(shares[0], 0);
  for (std::size_t i = 1; i < nodes.size(); ++i) EXPECT_NEAR(shares[i] * 45 / static_cast<double>(i), 1, 0.15) << i;
}

TEST(HashRing, OnlyWhatIsGainedOrLostMoves) {
  const auto all = make_nodes(40);
  std::vector<Node> fewer = all, heavier = all;
  fewer.erase(fewer.begin() + 7);
  heavier[7].weight = 2;
  const auto from = HashRing::make(all), without = HashRing::make(fewer), more = HashRing::make(heavier);
  double to_heavier = 0, lost = 0;
  const auto hashes = make_hashes(100'000);
  for (const std::uint64_t hash : hashes) {
    const std::string& was = all[from->locate(hash)].name;
    if (const std::string& is = fewer[without->locate(hash)].name; is != was) {
      ASSERT_EQ(was, "node-7");
      ++lost;
    }
    if (const std::string& is = heavier[more->locate(hash)].name; is != was) {
      ASSERT_EQ(is, "node-7");
      ++to_heavier;
    }
  }
  EXPECT_NEAR(lost / 100'000, 1.0 / 40, 0.01);
  EXPECT_NEAR(to_heavier / 100'000, 2.0 / 41 - 1.0 / 40, 0.01);
}

TEST(HashRing, TheOrderOfTheListIsOfNoAccount) {
  const auto nodes = make_nodes(20);
  const std::vector<Node> reversed(nodes.rbegin(), nodes.rend());
  const auto one = HashRing::make(nodes), other = HashRing::make(reversed);
  for (const std::uint64_t hash : make_hashes(20'000)) ASSERT_EQ(one->locate(hash), 19 - other->locate(hash));
}

}  // namespace
}  // namespace chorus::ring
