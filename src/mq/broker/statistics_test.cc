#include "mq/broker/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chorus::mq {
namespace {

TEST(Statistics, CountsOverItsPeriods) {
  Statistics statistics;
  std::int64_t now = 1'000'000;
  EXPECT_FALSE(statistics.find(stats::topic_put_count, "t", now));
  statistics.add(stats::topic_put_count, "t", 4, now, 400);
  statistics.add(stats::topic_put_count, "t", 2, now, 100);
  statistics.add(stats::topic_put_count, "other", 9, now, 900);
  EXPECT_FALSE(statistics.find("no such name", "t", now));
  EXPECT_FALSE(statistics.find(stats::group_get_count, "t", now));
  EXPECT_EQ(statistics.find(stats::topic_put_octets, "t", now)->minute.sum, 500);
  auto item = statistics.find(stats::topic_put_count, "t", now);
  ASSERT_TRUE(item);
  EXPECT_EQ(item->minute.sum, 6);
  EXPECT_DOUBLE_EQ(item->minute.per_second, 0.6);  // over 10 s at least
  EXPECT_DOUBLE_EQ(item->minute.per_call, 3);
  for (int i = 0; i < 30; ++i) statistics.sample(now += 10'000);
  item = statistics.find(stats::topic_put_count, "t", now);
  EXPECT_EQ(item->minute.sum, 0);
  EXPECT_EQ(item->hour.sum, 6);
  EXPECT_EQ(item->day.sum, 6);
  for (int i = 0; i < 6 * 60 * 2; ++i) statistics.sample(now += 10'000);
  item = statistics.find(stats::topic_put_count, "t", now);
  EXPECT_EQ(item->hour.sum, 0);
  EXPECT_EQ(item->day.sum, 6);
}

TEST(Statistics, ForgetsWhatLiesStillAndIsBounded) {
  Statistics statistics(2);
  std::int64_t now = 1'000'000;
  statistics.add(stats::send_back_count, "a", 1, now);
  statistics.add(stats::send_back_count, "b", 1, now);
  statistics.add(stats::send_back_count, "c", 1, now);
  EXPECT_EQ(statistics.size(), 2u);
  for (int i = 0; i < 6 * 60 * 26; ++i) {
    statistics.add(stats::send_back_count, "b", 1, now);
    statistics.sample(now += 10'000);
  }
  EXPECT_FALSE(statistics.find(stats::send_back_count, "a", now));
  EXPECT_TRUE(statistics.find(stats::send_back_count, "b", now));
}

TEST(Rates, AreOfTenSecondsAMinuteAndTen) {
  Rates rates;
  EXPECT_EQ(rates.per_second(&Rates::Totals::puts), "0.0000 0.0000 0.0000");
  std::uint64_t puts = 0;
  for (int i = 0; i <= 700; ++i) {
    rates.sample({.puts = puts}, i * 1000);
    puts += i < 690 ? 1 : 11;  // faster for the last ten
  }
  EXPECT_EQ(rates.per_second(&Rates::Totals::puts), "11.0000 2.6667 1.1667");
}

TEST(StoreTimes, AreOfTheLastWholeMinute) {
  StoreTimes times;
  EXPECT_EQ(times.percentile(0.99), 0);
  const std::int64_t took[] = {0,   1,   9,    10,   49,   50,   99,   100,  199,  200,    499,
                               500, 999, 1000, 1999, 2000, 3000, 4000, 5000, 9999, 10'000, 60'000};
  for (const std::int64_t ms : took) times.note(std::chrono::milliseconds(ms), 1);
  EXPECT_THAT(times.counts(), testing::ElementsAre(1, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2)) << "the minute is not over";
  times.turn();
  times.note(std::chrono::milliseconds(3), 1000);
  EXPECT_EQ(times.counts()[0], 1u);
  EXPECT_EQ(times.counts()[1], 2u);
  EXPECT_EQ(times.percentile(1), 10'000);
  times.turn();
  EXPECT_EQ(times.counts()[1], 1000u);
  EXPECT_DOUBLE_EQ(times.percentile(0.5), 2.5);
  EXPECT_NEAR(times.percentile(0.99), 2.99, 1e-9);
  times.turn();
  EXPECT_EQ(times.counts()[1], 0u);
}

TEST(Days, RememberTwoMornings) {
  Days days;
  days.note(10, {.puts = 5});
  days.note(10, {.puts = 7});
  EXPECT_EQ(days.today_morning().puts, 0u);
  days.note(11, {.puts = 8});
  days.note(11, {.puts = 9});
  days.note(12, {.puts = 20});
  EXPECT_EQ(days.today_morning().puts, 20u);
  EXPECT_EQ(days.yesterday_morning().puts, 8u);
}

}  // namespace
}  // namespace chorus::mq
