#include "mq/client/consume_statistics.h"

#include <gtest/gtest.h>

namespace chorus::mqclient {
namespace {

TEST(ConsumeStatistics, AreOfAMinuteAndOfATopic) {
  ConsumeStatistics statistics;
  std::int64_t now = 1'000'000;
  EXPECT_EQ(statistics.of("T", now), wire::ConsumeStatus{});
  statistics.pulled("T", 40, 8, now);
  statistics.pulled("T", 20, 4, now);
  statistics.consumed("T", 30, true, 100, now);
  statistics.consumed("T", 10, false, 300, now);
  statistics.consumed("other", 1, false, 7, now);
  EXPECT_EQ(statistics.of("T", now), (wire::ConsumeStatus{.failed_messages_in_hour = 10,
                                                          .failed_per_second = 1,
                                                          .ok_per_second = 3,
                                                          .consume_time = 200,
                                                          .pull_time = 6,
                                                          .pulled_per_second = 6}));
  for (int i = 0; i < 12; ++i) statistics.sample(now += 10'000);
  EXPECT_EQ(statistics.of("T", now), (wire::ConsumeStatus{.failed_messages_in_hour = 10, .consume_time = 200}));
  EXPECT_EQ(statistics.of("other", now).failed_messages_in_hour, 1);
  for (int i = 0; i < 6 * 60 * 2; ++i) statistics.sample(now += 10'000);
  EXPECT_EQ(statistics.of("T", now).failed_messages_in_hour, 0);
}

}  // namespace
}  // namespace chorus::mqclient
