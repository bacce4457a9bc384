#include "ring/slot_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "ring/ring_fixture.h"

namespace chorus::ring {
namespace {

std::vector<SlotNode> slot_nodes(std::size_t count, std::size_t zones = 0) {
  std::vector<SlotNode> nodes;
  for (std::size_t i = 0; i < count; ++i)
    nodes.push_back({.name = fmt::format("node-{}", i), .weight = 1, .zone = zones == 0 ? "" : fmt::format("zone-{}", i % zones)});
  return nodes;
}

std::vector<std::uint32_t> owned(const std::vector<NodeIndex>& column, std::size_t nodes) {
  std::vector<std::uint32_t> counts(nodes);
  for (const NodeIndex owner : column) {
    if (owner != no_node) ++counts.at(owner);
  }
  return counts;
}

std::size_t primaries_moved(const SlotPlan& plan) { return static_cast<std::size_t>(std::ranges::count(plan.moves, 0, &SlotMove::copy)); }

/// The fewest slots that have to move to any map in which each node is within one slot of its share: by trying every choice of who is
/// rounded up.
std::size_t fewest_moves(std::span<const SlotNode> nodes, const std::vector<std::uint32_t>& has) {
  std::uint64_t total = 0;
  for (const SlotNode& node : nodes) total += node.weight;
  std::size_t fewest = slot_count;
  for (std::uint32_t up = 0; up < 1U << nodes.size(); ++up) {
    std::uint64_t sum = 0;
    std::size_t stay = 0;
    bool valid = true;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const std::uint64_t share = slot_count * std::uint64_t{nodes[i].weight};
      const bool is_up = (up >> i & 1) != 0;
      valid = valid && !(is_up && share % total == 0);
      const std::uint64_t target = share / total + (is_up ? 1 : 0);
      sum += target;
      stay += std::min<std::uint64_t>(target, has[i]);
    }
    if (valid && sum == slot_count) fewest = std::min(fewest, slot_count - stay);
  }
  return fewest;
}

void expect_balanced(const std::vector<NodeIndex>& column, std::span<const SlotNode> nodes) {
  std::uint64_t total = 0;
  for (const SlotNode& node : nodes) total += node.weight;
  const auto counts = owned(column, nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::uint64_t share = slot_count * std::uint64_t{nodes[i].weight};
    ASSERT_GE(counts[i], share / total) << nodes[i].name;
    ASSERT_LE(counts[i], (share + total - 1) / total) << nodes[i].name;
  }
}

TEST(SlotPlan, TheFirstMapIsOfRanges) {
  const auto plan = plan_slots(slot_nodes(3), 0);
  ASSERT_TRUE(plan);
  std::size_t breaks = 0;
  for (std::size_t slot = 1; slot < slot_count; ++slot) breaks += plan->map[0][slot] != plan->map[0][slot - 1];
  EXPECT_EQ(breaks, 2U);
  EXPECT_EQ(owned(plan->map[0], 3), (std::vector<std::uint32_t>{5462, 5461, 5461}));
  EXPECT_EQ(plan->moves.size(), slot_count);
  EXPECT_EQ(plan->moves[0], (SlotMove{.slot = 0, .copy = 0, .from = no_node, .to = 0, .has_data = false}));
}

TEST(SlotPlan, AFourthNodeGetsAFourthOfEach) {
  const auto before = slot_nodes(3), after = slot_nodes(4);
  const auto plan = plan_slots(after, 0, renumber(plan_slots(before, 0)->map, before, after));
  EXPECT_EQ(owned(plan->map[0], 4), (std::vector<std::uint32_t>{4096, 4096, 4096, 4096}));
  EXPECT_EQ(plan->moves.size(), 4096U);
  for (const SlotMove& move : plan->moves) EXPECT_EQ(move.to, 3U);
}

// Whatever joins, leaves, and changes its weight: within one slot of the shares, and no move more than any such map needs.
TEST(SlotPlan, MovesAsFewAsAnyBalancedMap) {
  base::Random random(21);
  for (int round = 0; round < 60; ++round) {
    std::vector<SlotNode> nodes;
    SlotMap map;
    std::size_t next = 0;
    for (int change = 0; change < 10; ++change) {
      const std::vector<SlotNode> before = nodes;
      const std::uint64_t what = random.below(3);
      if (nodes.size() < 2 || (what == 0 && nodes.size() < 9)) {
        const auto at = nodes.begin() + static_cast<std::ptrdiff_t>(random.below(nodes.size() + 1));
        nodes.insert(at, {.name = fmt::format("node-{}", next++), .weight = static_cast<std::uint32_t>(1 + random.below(5)), .zone = {}});
      } else if (what == 1) {
        nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(random.below(nodes.size())));
      } else {
        nodes[random.below(nodes.size())].weight = static_cast<std::uint32_t>(random.below(6));
      }
      if (std::ranges::all_of(nodes, [](const SlotNode& node) { return node.weight == 0; })) nodes[0].weight = 1;
      const SlotMap current = renumber(map, before, nodes);
      const auto plan = plan_slots(nodes, 0, current);
      ASSERT_TRUE(plan);
      expect_balanced(plan->map[0], nodes);
      const auto has = current.empty() ? std::vector<std::uint32_t>(nodes.size()) : owned(current[0], nodes.size());
      ASSERT_EQ(primaries_moved(*plan), fewest_moves(nodes, has)) << round << ' ' << change;
      map = plan->map;
    }
  }
}

void expect_apart(const SlotPlan& plan, std::span<const SlotNode> nodes, bool zones_too) {
  for (std::size_t slot = 0; slot < slot_count; ++slot) {
    std::set<NodeIndex> holders;
    std::set<std::string> zones;
    for (const auto& column : plan.map) {
      ASSERT_NE(column[slot], no_node);
      holders.insert(column[slot]);
      zones.insert(nodes[column[slot]].zone.empty() ? nodes[column[slot]].name : nodes[column[slot]].zone);
    }
    ASSERT_EQ(holders.size(), plan.map.size()) << slot;
    if (zones_too) ASSERT_EQ(zones.size(), plan.map.size()) << slot;
  }
}

TEST(SlotPlan, CopiesAreInZonesOfTheirOwn) {
  for (const std::size_t zones : {0U, 3U, 4U, 5U}) {
    for (const std::size_t replicas : {1U, 2U}) {
      for (const std::size_t per_zone : {1U, 2U, 7U}) {
        SCOPED_TRACE(fmt::format("{} zones, {} replicas, {} a zone", zones, replicas, per_zone));
        const auto nodes = slot_nodes((zones == 0 ? 3 : zones) * per_zone, zones);
        const auto plan = plan_slots(nodes, replicas);
        ASSERT_TRUE(plan);
        ASSERT_EQ(plan->map.size(), replicas + 1);
        expect_apart(*plan, nodes, true);
        for (const auto& column : plan->map) expect_balanced(column, nodes);
        EXPECT_EQ(plan->same_zone, 0U);
        EXPECT_EQ(plan->missing, 0U);
        const auto again = plan_slots(nodes, replicas, plan->map);
        EXPECT_TRUE(again->moves.empty()) << again->moves.size();
      }
    }
  }
}

// Through a long life: never together, always balanced (zones are equal or nearly so), and not much more sent than each node's gain.
TEST(SlotPlan, CopiesStayApartWhateverHappens) {
  base::Random random(8);
  for (int round = 0; round < 12; ++round) {
    const std::size_t zones = 3 + random.below(3);
    std::vector<SlotNode> nodes = slot_nodes(zones * 3, zones);
    SlotMap map = plan_slots(nodes, 1)->map;
    std::size_t next = nodes.size();
    for (int change = 0; change < 8; ++change) {
      const std::vector<SlotNode> before = nodes;
      if (random.chance(0.5)) {
        nodes.push_back({.name = fmt::format("node-{}", next), .weight = 1, .zone = fmt::format("zone-{}", next % zones)});
        ++next;
      } else {
        nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(random.below(nodes.size())));
      }
      const SlotMap current = renumber(map, before, nodes);
      const auto plan = plan_slots(nodes, 1, current);
      ASSERT_TRUE(plan);
      expect_apart(*plan, nodes, true);
      expect_balanced(plan->map[0], nodes);
      std::set<std::string> left;
      for (const SlotNode& node : nodes) left.insert(node.zone);
      std::size_t largest = 0;
      for (const std::string& zone : left)
        largest = std::max(largest, static_cast<std::size_t>(std::ranges::count(nodes, zone, &SlotNode::zone)));
      // What is in a zone has its replicas elsewhere, which is possible within shares unless it is half of all or more.
      if (2 * largest < nodes.size()) expect_balanced(plan->map[1], nodes);

      std::vector<std::uint32_t> held(nodes.size()), holds(nodes.size());
      std::size_t sent = 0, least = 0;
      for (std::size_t slot = 0; slot < slot_count; ++slot) {
        std::set<NodeIndex> was = {current[0][slot], current[1][slot]}, is = {plan->map[0][slot], plan->map[1][slot]};
        for (const NodeIndex node : was) {
          if (node != no_node) ++held[node];
        }
        for (const NodeIndex node : is) {
          ++holds[node];
          sent += !was.contains(node);
        }
      }
      for (std::size_t i = 0; i < nodes.size(); ++i) least += holds[i] > held[i] ? holds[i] - held[i] : 0;
      EXPECT_LE(sent, 2 * least + slot_count / 50) << round << ' ' << change;
      map = plan->map;
    }
  }
}

TEST(SlotPlan, AReplicaTakesThePlaceOfALostPrimary) {
  const auto before = slot_nodes(6, 3);
  std::vector<SlotNode> after = before;
  after.erase(after.begin());
  const auto plan = plan_slots(after, 1, renumber(plan_slots(before, 1)->map, before, after));
  std::size_t with_data = 0, moved = 0;
  for (const SlotMove& move : plan->moves) {
    if (move.copy != 0) continue;
    ++moved;
    with_data += move.has_data;
  }
  EXPECT_EQ(moved, owned(plan_slots(before, 0)->map[0], 6)[0]);
  // One node held replicas of all of them, and may take as much as brings it to its share: the others get theirs.
  EXPECT_GE(with_data, moved / 5);
  expect_apart(*plan, after, true);
}

TEST(SlotPlan, SaysWhatZonesAndNodesAreTooFewFor) {
  const auto together = plan_slots(slot_nodes(4, 1), 1);
  expect_apart(*together, slot_nodes(4, 1), false);
  EXPECT_EQ(together->same_zone, slot_count);
  EXPECT_EQ(together->missing, 0U);
  const auto alone = plan_slots(slot_nodes(1), 2);
  EXPECT_EQ(alone->missing, 2 * slot_count);
  EXPECT_EQ(alone->same_zone, 0U);
  // Nine in one zone, one in another: the one has a replica of all that the nine have, since nobody else may.
  std::vector<SlotNode> lopsided = slot_nodes(10, 1);
  lopsided[9].zone = "other";
  const auto plan = plan_slots(lopsided, 1);
  expect_apart(*plan, lopsided, true);
  EXPECT_EQ(owned(plan->map[1], 10)[9], slot_count - owned(plan->map[0], 10)[9]);
}

TEST(SlotPlan, WeightZeroEmptiesANode) {
  std::vector<SlotNode> nodes = slot_nodes(4);
  const auto before = plan_slots(nodes, 1);
  nodes[2].weight = 0;
  const auto plan = plan_slots(nodes, 1, before->map);
  for (const auto& column : plan->map) EXPECT_EQ(owned(column, 4)[2], 0U);
}

TEST(SlotPlan, FewerReplicasGiveCopiesUp) {
  const auto nodes = slot_nodes(5);
  const auto two = plan_slots(nodes, 2);
  const auto one = plan_slots(nodes, 1, two->map);
  EXPECT_EQ(one->map.size(), 2U);
  EXPECT_EQ(one->moves.size(), slot_count);
  for (const SlotMove& move : one->moves) EXPECT_EQ(move.to, no_node);
  // And more take what is there as it is.
  const auto more = plan_slots(nodes, 2, one->map);
  EXPECT_EQ(more->moves.size(), slot_count);
}

TEST(SlotPlan, WrongMapsAreRefused) {
  const auto nodes = slot_nodes(3);
  EXPECT_FALSE(plan_slots({}, 0));
  EXPECT_FALSE(plan_slots(nodes, max_replicas + 1));
  EXPECT_FALSE(plan_slots(nodes, 0, {std::vector<NodeIndex>(slot_count - 1)}));
  EXPECT_FALSE(plan_slots(nodes, 0, {std::vector<NodeIndex>(slot_count, 3)}));
  EXPECT_FALSE(plan_slots(nodes, 0, SlotMap(max_replicas + 2, std::vector<NodeIndex>(slot_count))));
  EXPECT_TRUE(plan_slots(nodes, 0, {std::vector<NodeIndex>(slot_count, no_node)}));
}

TEST(SlotPlan, AThousandNodesInZonesTakeNoTime) {
  std::vector<SlotNode> nodes = slot_nodes(1000, 3);
  const auto plan = plan_slots(nodes, 2);
  ASSERT_TRUE(plan);
  expect_apart(*plan, nodes, true);
  for (std::size_t i = 0; i < 500; ++i) nodes[i * 2].zone = "one";  // more than half: some zones cannot have their share
  const auto lopsided = plan_slots(nodes, 1, plan->map);
  ASSERT_TRUE(lopsided);
  expect_apart(*lopsided, nodes, true);
}

}  // namespace
}  // namespace chorus::ring
