#include "mq/broker/hold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chorus::mq {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

world::Instant at(int s) { return world::Instant(seconds(s)); }
const ConnectionId ann(1), bob(2);

struct HoldTest : testing::Test {
  Hold hold{8};
  std::vector<WaitId> woken;
  WaitId wait(const QueueKey& queue, ConnectionId connection, int deadline) {
    return *hold.add({.queue = queue, .connection = connection, .deadline = at(deadline)});
  }
  std::vector<WaitId> arrived(const QueueKey& queue) {
    woken.clear();
    hold.arrived(queue, woken);
    return woken;
  }
  std::vector<WaitId> expired(int now) {
    woken.clear();
    hold.expire(at(now), woken);
    return woken;
  }
};

TEST_F(HoldTest, AnArrivalWakesThoseWhoWaitForThatQueue) {
  const WaitId a = wait({"t", 0}, ann, 10);
  const WaitId b = wait({"t", 1}, ann, 10);
  const WaitId c = wait({"t", 0}, bob, 10);
  EXPECT_THAT(arrived({"t", 0}), ElementsAre(a, c));
  EXPECT_THAT(arrived({"t", 0}), IsEmpty());
  EXPECT_THAT(arrived({"t", 1}), ElementsAre(b));
  EXPECT_EQ(hold.size(), 0u);
}

TEST_F(HoldTest, WhoWaitsForAnyQueueIsWokenByEach) {
  const WaitId any = wait({"t", -1}, ann, 10);
  const WaitId one = wait({"t", 3}, ann, 10);
  EXPECT_THAT(arrived({"u", 3}), IsEmpty());
  EXPECT_THAT(arrived({"t", 3}), ElementsAre(any, one)) << "in the order in which they came";
}

TEST_F(HoldTest, DeadlinesPassInOrder) {
  const WaitId late = wait({"t", 0}, ann, 20);
  const WaitId early = wait({"t", 0}, ann, 10);
  EXPECT_EQ(hold.next_deadline(), at(10));
  EXPECT_THAT(expired(9), IsEmpty());
  EXPECT_THAT(expired(10), ElementsAre(early));
  EXPECT_EQ(hold.next_deadline(), at(20));
  EXPECT_THAT(arrived({"t", 0}), ElementsAre(late));
  EXPECT_EQ(hold.next_deadline(), std::nullopt);
}

TEST_F(HoldTest, AConnectionTakesItsWaitsAlong) {
  wait({"t", 0}, ann, 10);
  wait({"u", 0}, ann, 10);
  const WaitId b = wait({"t", 0}, bob, 10);
  hold.cancel_all(ann);
  EXPECT_EQ(hold.size(), 1u);
  EXPECT_THAT(arrived({"t", 0}), ElementsAre(b));
  hold.cancel_all(bob);
  hold.cancel(b);
}

TEST_F(HoldTest, ATopicThatIsDeletedWakesItsOwn) {
  const WaitId a = wait({"t", 0}, ann, 10);
  const WaitId any = wait({"t", -1}, ann, 10);
  wait({"u", 0}, ann, 10);
  hold.wake_topic("t", woken);
  EXPECT_THAT(woken, ElementsAre(a, any));
  EXPECT_EQ(hold.size(), 1u);
}

TEST_F(HoldTest, OfThoseInOneTurnTheFirstIsWoken) {
  const auto in_turn = [&](const QueueKey& queue, std::string turn, std::vector<QueueKey> also = {}) {
    return *hold.add({.queue = queue, .connection = ann, .deadline = at(10), .turn = std::move(turn), .also = std::move(also)});
  };
  const WaitId a = in_turn({"t", -1}, "g", {{"r", -1}});
  const WaitId b = in_turn({"t", -1}, "g", {{"r", -1}});
  const WaitId c = in_turn({"t", -1}, "h");
  const WaitId d = in_turn({"t", 2}, "g");
  const WaitId each = wait({"t", -1}, bob, 10);
  EXPECT_EQ(hold.size({"t", -1}, "g"), 2u);
  EXPECT_THAT(arrived({"t", 2}), ElementsAre(a, c, d, each));
  EXPECT_THAT(arrived({"r", 0}), ElementsAre(b)) << "it waits there too";
  EXPECT_THAT(arrived({"t", 2}), IsEmpty());
  const WaitId e = in_turn({"t", -1}, "g"), f = in_turn({"t", -1}, "g");
  hold.wake_turn({"t", -1}, "other", woken);
  EXPECT_THAT(woken, IsEmpty());
  hold.wake_turn({"t", -1}, "g", woken);
  EXPECT_THAT(woken, ElementsAre(e));
  EXPECT_THAT(expired(10), ElementsAre(f));
  EXPECT_EQ(hold.size(), 0u);
}

TEST_F(HoldTest, NoMoreThanItMay) {
  for (int i = 0; i < 8; ++i) wait({"t", i}, ann, 10);
  EXPECT_FALSE(hold.add({.queue = {"t", 9}, .connection = ann, .deadline = at(10)}));
  EXPECT_THAT(arrived({"t", 0}), ElementsAre(WaitId(1)));
  EXPECT_TRUE(hold.add({.queue = {"t", 9}, .connection = ann, .deadline = at(10)}));
}

}  // namespace
}  // namespace chorus::mq
