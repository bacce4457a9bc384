#include "mq/broker/recent_acks.h"

#include <gtest/gtest.h>

namespace chorus::mq {
namespace {

TEST(RecentAcks, RemembersTheNewest) {
  const GroupQueue of{.group = "g", .queue = {"t", 0}}, other{.group = "g", .queue = {"t", 1}};
  RecentAcks acks(3);
  EXPECT_FALSE(acks.contains(of, 1, 100));
  acks.add(of, 1, 100);
  acks.add(of, 1, 100);
  EXPECT_EQ(acks.size(), 1u);
  EXPECT_TRUE(acks.contains(of, 1, 100));
  EXPECT_FALSE(acks.contains(of, 1, 101)) << "another pop of it";
  EXPECT_FALSE(acks.contains(of, 2, 100));
  EXPECT_FALSE(acks.contains(other, 1, 100));
  for (Offset offset = 2; offset <= 4; ++offset) acks.add(of, offset, 100);
  EXPECT_EQ(acks.size(), 3u);
  EXPECT_FALSE(acks.contains(of, 1, 100));
  EXPECT_TRUE(acks.contains(of, 2, 100) && acks.contains(of, 4, 100));
}

}  // namespace
}  // namespace chorus::mq
