#include "mq/broker/locks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chorus::mq {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

world::Instant at(int s) { return world::Instant(std::chrono::seconds(s)); }

TEST(QueueLocks, OneClientOfAGroupHoldsAQueue) {
  QueueLocks locks;
  EXPECT_THAT(locks.lock("g", "a", {{"t", 0}, {"t", 1}}, at(0)), ElementsAre(QueueKey{"t", 0}, QueueKey{"t", 1}));
  EXPECT_THAT(locks.lock("g", "b", {{"t", 1}, {"t", 2}}, at(1)), ElementsAre(QueueKey{"t", 2}));
  EXPECT_THAT(locks.lock("h", "b", {{"t", 1}}, at(1)), ElementsAre(QueueKey{"t", 1})) << "another group";
}

TEST(QueueLocks, ALockThatIsNotRenewedRunsOut) {
  QueueLocks locks;
  locks.lock("g", "a", {{"t", 0}, {"t", 1}}, at(0));
  locks.lock("g", "a", {{"t", 1}}, at(30));
  EXPECT_TRUE(locks.is_held("g", "t", at(59)));
  EXPECT_THAT(locks.lock("g", "b", {{"t", 0}, {"t", 1}}, at(60)), ElementsAre(QueueKey{"t", 0})) << "the other was renewed";
  EXPECT_FALSE(locks.is_held("g", "t", at(120)));
}

TEST(QueueLocks, OnlyTheHolderUnlocks) {
  QueueLocks locks;
  locks.lock("g", "a", {{"t", 0}}, at(0));
  locks.unlock("g", "b", {{"t", 0}});
  EXPECT_THAT(locks.lock("g", "b", {{"t", 0}}, at(1)), IsEmpty());
  locks.unlock("g", "a", {{"t", 0}});
  EXPECT_FALSE(locks.is_held("g", "", at(1)));
  EXPECT_THAT(locks.lock("g", "b", {{"t", 0}}, at(1)), ElementsAre(QueueKey{"t", 0}));
}

TEST(QueueLocks, ExpiringLeavesWhatIsHeld) {
  QueueLocks locks;
  locks.lock("g", "a", {{"t", 0}}, at(0));
  locks.lock("g", "a", {{"t", 1}}, at(50));
  locks.expire(at(60));
  EXPECT_TRUE(locks.is_held("g", "t", at(60)));
  EXPECT_FALSE(locks.is_held("g", "u", at(60)));
}

}  // namespace
}  // namespace chorus::mq
