#include "mq/broker/pop_orders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chorus::mq {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

const GroupQueue of{.group = "g", .queue = {"t", 0}};

OrderedPop taken(std::int64_t time_ms, std::vector<Offset> offsets, std::string attempt = {}) {
  OrderedPop pop{.attempt_id = std::move(attempt), .pop_time_ms = time_ms, .invisible_ms = 100};
  pop.offsets = std::move(offsets);
  return pop;
}

TEST(PopOrders, AQueueIsBlockedUntilAllIsAcknowledged) {
  PopOrders orders;
  EXPECT_FALSE(orders.is_blocked(of, "", 0));
  orders.pop(of, taken(1000, {5, 7, 9}));
  EXPECT_TRUE(orders.is_blocked(of, "", 1001));
  EXPECT_EQ(orders.ack(of, 1000, 7), 5) << "the first one is missing";
  EXPECT_EQ(orders.ack(of, 1000, 5), 9);
  EXPECT_TRUE(orders.is_blocked(of, "", 1001));
  EXPECT_EQ(orders.ack(of, 999, 9), std::nullopt) << "of another pop";
  EXPECT_EQ(orders.ack(of, 1000, 8), std::nullopt) << "was not among them";
  EXPECT_EQ(orders.ack(of, 1000, 9), 10);
  EXPECT_FALSE(orders.is_blocked(of, "", 1001));
  EXPECT_EQ(orders.size(), 0u);
}

TEST(PopOrders, OrUntilItsTimeIsOver) {
  PopOrders orders;
  orders.pop(of, taken(1000, {5, 6}));
  EXPECT_TRUE(orders.is_blocked(of, "", 1099));
  EXPECT_FALSE(orders.is_blocked(of, "", 1100));
  EXPECT_TRUE(orders.change(of, 1000, 6, 1500));
  EXPECT_FALSE(orders.change(of, 1000, 7, 1500));
  EXPECT_FALSE(orders.change(of, 1, 6, 1500));
  EXPECT_TRUE(orders.is_blocked(of, "", 1499)) << "one of them is to wait longer";
  EXPECT_EQ(orders.next_free_ms(1200), 1500);
  EXPECT_EQ(orders.next_free_ms(1500), std::nullopt);
  EXPECT_THAT(orders.freed(1499, 1500), ElementsAre(of));
  EXPECT_THAT(orders.freed(1500, 9999), IsEmpty());
  orders.ack(of, 1000, 6);
  EXPECT_EQ(orders.next_free_ms(0), 1100) << "the one that waits for it is done";
}

TEST(PopOrders, WhatWasAcknowledgedBehindAnotherStaysSo) {
  PopOrders orders;
  orders.pop(of, taken(1000, {5, 6, 7, 8}));
  EXPECT_EQ(orders.ack(of, 1000, 6), 5);
  EXPECT_EQ(orders.ack(of, 1000, 8), 5);
  EXPECT_THAT(orders.acked(of), ElementsAre(6, 8));
  orders.pop(of, taken(2000, {5}));
  EXPECT_THAT(orders.acked(of), ElementsAre(6, 8));
  EXPECT_EQ(orders.ack(of, 2000, 5), 7) << "which was not given since";
  EXPECT_FALSE(orders.is_blocked(of, "", 2001));
  EXPECT_THAT(orders.acked(of), testing::Contains(8));
  orders.pop(of, taken(3000, {7}));
  EXPECT_EQ(orders.ack(of, 3000, 7), 9);
  EXPECT_EQ(orders.size(), 0u);
}

TEST(PopOrders, CountsHowOftenAMessageWasGiven) {
  PopOrders orders;
  orders.pop(of, taken(1000, {5, 6}));
  EXPECT_THAT(orders.find(of)->counts, IsEmpty());
  orders.pop(of, taken(2000, {5, 6, 7}));
  EXPECT_THAT(orders.find(of)->counts, ElementsAre(Pair(5, 1), Pair(6, 1)));
  orders.pop(of, taken(3000, {6, 7}));
  EXPECT_THAT(orders.find(of)->counts, ElementsAre(Pair(6, 2), Pair(7, 1)));
}

TEST(PopOrders, TheSameTryIsNotCountedAndNotBlocked) {
  PopOrders orders;
  orders.pop(of, taken(1000, {5}));
  orders.pop(of, taken(2000, {5}, "a"));
  EXPECT_TRUE(orders.is_blocked(of, "b", 2001));
  EXPECT_FALSE(orders.is_blocked(of, "a", 2001));
  orders.pop(of, taken(2001, {5}, "a"));
  EXPECT_THAT(orders.find(of)->counts, ElementsAre(Pair(5, 1)));
}

TEST(PopOrders, ComeBackFromTheirOctets) {
  PopOrders orders;
  orders.pop(of, taken(1000, {5, 6}, "try"));
  orders.pop(of, taken(2000, {5, 6}));
  orders.ack(of, 2000, 6);
  orders.change(of, 2000, 5, 9000);
  orders.pop({.group = "h", .queue = {"u", 3}}, taken(1, {9}));
  std::string octets;
  base::Writer out(octets);
  orders.write(out);
  base::Reader in(octets);
  PopOrders read;
  ASSERT_TRUE(read.read(in));
  EXPECT_EQ(*read.find(of), *orders.find(of));
  EXPECT_EQ(read.next_free_ms(101), 9000);
  EXPECT_TRUE(read.has_group("h"));
  read.remove_topic("u");
  EXPECT_FALSE(read.has_group("h"));
  read.remove_group("g");
  EXPECT_EQ(read.size(), 0u);
  EXPECT_EQ(read.next_free_ms(0), std::nullopt);
  for (std::size_t n = 0; n < octets.size(); ++n) {
    base::Reader torn(std::string_view(octets).substr(0, n));
    EXPECT_FALSE(read.read(torn)) << n;
  }
}

}  // namespace
}  // namespace chorus::mq
