#include "cache/cluster/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chorus::cache::cluster {
namespace {

using testing::HasSubstr;

NodeId id(char digit) { return NodeId(40, digit); }
std::map<NodeId, Endpoint> running(std::string_view digits) {
  std::map<NodeId, Endpoint> all;
  for (const char digit : digits) all[id(digit)] = {.ip = "127.0.0.1", .port = 7000, .bus_port = 17000, .hostname = {}};
  return all;
}

TEST(CachePlan, NewNodesShareWhatNobodyHas) {
  const auto plan = make_plan({}, running("abc"), {});
  ASSERT_TRUE(plan.has_value()) << plan.error();
  EXPECT_EQ(plan->joins.size(), 3U);
  EXPECT_EQ(plan->moves(), 0U);
  EXPECT_EQ(plan->after.assigned(), cache::slots);
  for (const char digit : std::string("abc")) EXPECT_NEAR(static_cast<double>(plan->after.assigned_to(id(digit))), 16'384 / 3.0, 1);
  EXPECT_TRUE(SlotMap::parse(plan->after.format()).has_value());
}

TEST(CachePlan, AFourthTakesAQuarterAndOneThatLeavesHasNone) {
  const SlotMap three = make_plan({}, running("abc"), {})->after;
  const auto plan = make_plan(three, running("abcd"), {.weights = {}, .slots_a_move = 100});
  ASSERT_TRUE(plan.has_value()) << plan.error();
  EXPECT_EQ(plan->moves(), 4096U);
  for (const auto& [number, move] : plan->after.moves()) {
    EXPECT_EQ(move.to, id('d'));
    EXPECT_LE(move.slots.size(), 100U);
  }
  EXPECT_EQ(plan->after.assigned_to(id('d')), 0U);
  const auto drained = make_plan(three, running("abc"), {.weights = {{id('c'), 0}}});
  ASSERT_TRUE(drained.has_value()) << drained.error();
  EXPECT_EQ(drained->moves(), three.assigned_to(id('c')));
  EXPECT_TRUE(make_plan(three, running("abc"), {})->is_empty());
}

TEST(CachePlan, WeightsAreKept) {
  const SlotMap three = make_plan({}, running("abc"), {})->after;
  const auto twice = make_plan(three, running("abc"), {.weights = {{id('a'), 2}}});
  EXPECT_EQ(twice->after.find(id('a'))->weight, 2U);
  SlotMap after = *SlotMap::parse(twice->after.format());
  for (const auto& [number, move] : std::map(after.moves())) {
    for (const std::uint16_t slot : move.slots) after.set_owner(slot, &move.to);
  }
  EXPECT_TRUE(make_plan(after, running("abc"), {})->is_empty());
  EXPECT_EQ(after.assigned_to(id('a')), 8192U);
  EXPECT_FALSE(make_plan(after, running("abc"), {.weights = {{id('a'), 1}}})->is_empty());
}

TEST(CachePlan, WhoIsAbsentDoesNotJoin) {
  const SlotMap three = make_plan({}, running("abc"), {})->after;
  EXPECT_TRUE(make_plan(three, running("abcd"), {.weights = {}, .absent = {id('d')}})->is_empty());
  EXPECT_FALSE(make_plan(three, running("abcd"), {.weights = {}, .absent = {id('c')}})->is_empty());
}

TEST(CachePlan, SaysWhyNot) {
  const SlotMap three = make_plan({}, running("abc"), {})->after;
  EXPECT_THAT(make_plan(three, {}, {}).error(), HasSubstr("no node"));
  EXPECT_THAT(make_plan(three, running("ab"), {}).error(), HasSubstr("does not run"));
  EXPECT_THAT(make_plan(three, running("abc"), {.weights = {{id('x'), 1}}}).error(), HasSubstr("no node " + id('x')));
  EXPECT_FALSE(make_plan(three, running("abc"), {.weights = {{id('a'), 0}, {id('b'), 0}, {id('c'), 0}}}).has_value());
  EXPECT_THAT(make_plan(make_plan(three, running("abcd"), {})->after, running("abcd"), {}).error(), HasSubstr("--abort"));
  SlotMap open = three;
  open.open_for_change(5).migrating_to = id('b');
  EXPECT_THAT(make_plan(open, running("abc"), {}).error(), HasSubstr("slot 5"));
}

}  // namespace
}  // namespace chorus::cache::cluster
