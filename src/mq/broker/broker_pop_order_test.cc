// Popping in order, and resets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mq/broker/broker_pop_fixture.h"

namespace chorus::mq {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

struct BrokerPopOrderTest : BrokerPopTest {};

TEST_F(BrokerPopOrderTest, InOrderAQueueWaitsForItsAcknowledgements) {
  restart();
  send_all({"a", "b", "c"});
  PopRequest ordered = request(2, 5s);
  ordered.in_order = true;
  const PopAnswer first = popped(ordered);
  EXPECT_THAT(bodies(first), ElementsAre("a", "b"));
  EXPECT_THAT(first.queues[0].counts, IsEmpty());
  EXPECT_EQ(broker->committed("g", {"t", 0}), 0) << "moves with what is acknowledged";
  EXPECT_THAT(pop_bodies(ordered), IsEmpty());
  const auto next = waiting_pop(ordered, 15s);
  PopAck one = all_of(first, 0, true);
  one.offsets = {0};
  ASSERT_TRUE(ack(one));
  EXPECT_EQ(broker->committed("g", {"t", 0}), 1);
  machine.crash();
  machine.start();
  EXPECT_THAT(pop_bodies(ordered), IsEmpty()) << "b is held still";
  const auto after = waiting_pop(ordered, 15s);
  one.offsets = {1};
  ASSERT_TRUE(ack(one));
  pass(100ms);
  ASSERT_TRUE(after->has_value());
  EXPECT_THAT(bodies(**after), ElementsAre("c"));
  EXPECT_TRUE(ack(one)) << "once more";
  one.offsets = {2};
  EXPECT_EQ(ack(one).error().code, BrokerErrc::not_found) << "of another pop";
}

TEST_F(BrokerPopOrderTest, InOrderTheSameComesAgainWhenItsTimeIsOver) {
  restart();
  send_all({"a", "b"});
  PopRequest ordered = request(32, 2s);
  ordered.in_order = true;
  ordered.attempt_id = "try";
  const PopAnswer first = popped(ordered);
  EXPECT_THAT(pop_bodies(ordered), ElementsAre("a", "b")) << "the same try asks again";
  ordered.attempt_id = "other";
  EXPECT_THAT(pop_bodies(ordered), IsEmpty());
  EXPECT_EQ(ack(all_of(first, 0, true)).error().code, BrokerErrc::not_found) << "the later answer counts";
  const auto again = waiting_pop(ordered, 15s);
  EXPECT_FALSE(again->has_value());
  pass(3s);
  ASSERT_TRUE(again->has_value());
  EXPECT_THAT(bodies(**again), ElementsAre("a", "b"));
  EXPECT_THAT((*again)->queues[0].counts, ElementsAre(Pair(0, 1), Pair(1, 1)));
  PopAck held = all_of(**again, 0, true);
  const auto changed = change(held, 10s);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->pop_time_ms, held.pop_time_ms) << "it keeps its name";
  pass(5s);
  ordered.attempt_id = "third";
  EXPECT_THAT(pop_bodies(ordered), IsEmpty());
  held.offsets = {7};
  EXPECT_EQ(ack(held).error().code, BrokerErrc::illegal_message);
}

TEST_F(BrokerPopOrderTest, AResetIsFollowed) {
  restart();
  send_all({"a", "b", "c"});
  EXPECT_THAT(pop_bodies(request(32, 60s)), ElementsAre("a", "b", "c"));
  const auto waiting = waiting_pop(request(32, 60s), 15s);
  broker->offsets().reset("g", {"t", 0}, 1);
  broker->wake_pops({.group = "g", .queue = {"t", 0}});
  pass(100ms);
  ASSERT_TRUE(waiting->has_value());
  EXPECT_THAT(bodies(**waiting), ElementsAre("b", "c"));
  EXPECT_EQ(broker->state().pops().handles().size(), 3u) << "b and c are held by the later pop alone";
  EXPECT_TRUE(ack(all_of(**waiting)));
  PopRequest ordered = request();
  ordered.in_order = true;
  broker->offsets().reset("g", {"t", 0}, 2);
  EXPECT_THAT(pop_bodies(ordered), ElementsAre("c"));
  broker->offsets().reset("g", {"t", 0}, 0);
  const PopAnswer anew = popped(ordered);
  EXPECT_THAT(bodies(anew), ElementsAre("a", "b", "c")) << "whatever is held";
  EXPECT_THAT(anew.queues[0].counts, IsEmpty()) << "a reset counts nothing";
}

}  // namespace
}  // namespace chorus::mq
