#include "ring/rendezvous.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ring/ring_fixture.h"

namespace chorus::ring {
namespace {

TEST(Rendezvous, SharesAreEvenButForChance) {
  for (const std::size_t count : {2U, 3U, 10U, 100U, 300U}) {
    const auto nodes = make_nodes(count);
    const auto hashes = make_hashes(100'000);
    EXPECT_LT(deviation_from_chance(count_by_node(locate_all(*Rendezvous::make(nodes), hashes), count), nodes), 5) << count;
    EXPECT_LT(deviation_from_chance(count_by_node(locate_all(*WeightedRendezvous::make(nodes), hashes), count), nodes), 5) << count;
  }
}

TEST(Rendezvous, SharesFollowWeights) {
  std::vector<Node> nodes = make_nodes(20);
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i].weight = static_cast<std::uint32_t>(1 + i * i);
  EXPECT_LT(deviation_from_chance(count_by_node(locate_all(*WeightedRendezvous::make(nodes), make_hashes(200'000)), 20), nodes), 5);
  nodes[3].weight = 0;
  EXPECT_EQ(count_by_node(locate_all(*WeightedRendezvous::make(nodes), make_hashes(200'000)), 20)[3], 0U);
}

// Minimal disruption: keys of those that stay as they are do not move among these.
template <class Made>
void expect_minimal(const std::vector<Node>& before, const std::vector<Node>& after, const std::string& changed, bool grows) {
  const auto from = Made::make(before), to = Made::make(after);
  std::size_t moved = 0;
  for (const std::uint64_t hash : make_hashes(50'000)) {
    const std::string &was = before[from->locate(hash)].name, &is = after[to->locate(hash)].name;
    if (was == is) continue;
    ++moved;
    ASSERT_EQ(grows ? is : was, changed);
  }
  EXPECT_GT(moved, 0U);
}

TEST(Rendezvous, MovesTheLeast) {
  const auto all = make_nodes(30);
  std::vector<Node> fewer = all;
  fewer.erase(fewer.begin() + 11);
  expect_minimal<Rendezvous>(all, fewer, "node-11", false);
  expect_minimal<Rendezvous>(fewer, all, "node-11", true);
  expect_minimal<WeightedRendezvous>(all, fewer, "node-11", false);
  std::vector<Node> heavier = all;
  heavier[5].weight = 3;
  expect_minimal<WeightedRendezvous>(all, heavier, "node-5", true);
  expect_minimal<WeightedRendezvous>(heavier, all, "node-5", false);
}

TEST(Rendezvous, TheOrderOfTheListIsOfNoAccount) {
  std::vector<Node> nodes = make_nodes(50), reversed;
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i].weight = static_cast<std::uint32_t>(1 + i % 4);
  reversed.assign(nodes.rbegin(), nodes.rend());
  const auto plain = Rendezvous::make(nodes), plain_reversed = Rendezvous::make(reversed);
  const auto weighted = WeightedRendezvous::make(nodes), weighted_reversed = WeightedRendezvous::make(reversed);
  for (const std::uint64_t hash : make_hashes(20'000)) {
    ASSERT_EQ(plain->locate(hash), 49 - plain_reversed->locate(hash));
    ASSERT_EQ(weighted->locate(hash), 49 - weighted_reversed->locate(hash));
  }
}

// Against the definition, without the short cut past most logarithms.
TEST(Rendezvous, WeightedIsTheLeastOfMinusLogarithmOverWeight) {
  std::vector<Node> nodes = make_nodes(40);
  base::Random random(3);
  for (Node& node : nodes) node.weight = static_cast<std::uint32_t>(1 + random.below(1000));
  const auto placement = WeightedRendezvous::make(nodes);
  for (const std::uint64_t hash : make_hashes(20'000, 9)) {
    const auto alarm = [&](const Node& node) {
      const double v = (static_cast<double>(mix(hash ^ hash_octets(node.name)) >> 12) + 0.5) * 0x1p-52;
      return -std::log1p(-v) / node.weight;
    };
    ASSERT_EQ(placement->locate(hash), std::ranges::min_element(nodes, {}, alarm) - nodes.begin());
  }
}

TEST(Rendezvous, LogarithmIsExactEnough) {
  base::Random random(5);
  for (int i = 0; i < 200'000; ++i) {
    // Of all sizes: near 0 is where winners are.
    const double v = i % 2 == 0 ? random.unit() : std::ldexp(0.5 + random.unit() / 2, -static_cast<int>(random.below(52)));
    if (v == 0 || v == 1) continue;
    const double want = -std::log1p(-v);
    ASSERT_NEAR(exponential(v) / want, 1, 0x1p-50) << v;
  }
  EXPECT_NEAR(exponential(1 - 0x1p-53), 53 * std::log(2), 1e-13);
}

}  // namespace
}  // namespace chorus::ring
