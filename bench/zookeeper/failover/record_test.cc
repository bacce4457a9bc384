#include "zookeeper/failover/record.h"

#include <gtest/gtest.h>

namespace chorus::bench {
namespace {

using std::chrono::milliseconds;

TEST(Record, TellsTheNextLeadersAcknowledgementsFromLateOnesOfTheOld) {
  const Record::Clock::time_point start;
  Record record(2);
  record.acknowledged(0, 0x1'0000'0007, start);
  EXPECT_FALSE(record.all_write());
  record.acknowledged(1, 0x1'0000'0008, start + milliseconds(1));
  EXPECT_TRUE(record.all_write());
  EXPECT_EQ(record.acknowledged_before(), 2u);
  EXPECT_EQ(record.pause(), std::nullopt);

  record.leader_goes(start + milliseconds(10));
  record.acknowledged(1, 0x1'0000'0009, start + milliseconds(12));  // was on its way
  EXPECT_EQ(record.first(), std::nullopt);
  record.acknowledged(0, 0x2'0000'0001, start + milliseconds(50));
  record.acknowledged(0, 0x2'0000'0002, start + milliseconds(51));
  EXPECT_EQ(record.first(), milliseconds(40));
  EXPECT_EQ(record.pause(), milliseconds(38));
  EXPECT_EQ(record.all(), std::nullopt);
  record.acknowledged(1, 0x2'0000'0003, start + milliseconds(70));
  record.acknowledged(0, 0x2'0000'0004, start + milliseconds(90));
  EXPECT_TRUE(record.all_are_back());
  EXPECT_EQ(record.all(), milliseconds(60));
  EXPECT_EQ(record.acknowledged_before(), 2u);
}

}  // namespace
}  // namespace chorus::bench
