#include "base/summary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace chorus::base {
namespace {

TEST(Summary, HasExtremesSumAndAverage) {
  Summary one;
  EXPECT_EQ(one.average(), 0);
  one.add(5);
  one.add(-2, 2);
  one.add(9, 0);  // never seen
  EXPECT_EQ(one.min, -2);
  EXPECT_EQ(one.max, 5);
  EXPECT_EQ(one.sum, 1);
  EXPECT_EQ(one.count, 3);
  Summary other;
  one.add(other);
  EXPECT_EQ(one.min, -2) << "nothing has no extremes";
  other.add(30);
  one.add(other);
  EXPECT_EQ(one.max, 30);
  EXPECT_EQ(one.count, 4);
}

// Values and quantiles as Java's AvgMinMaxPercentileCounterTest has them: 0 .. 999.
TEST(QuantileSummary, IsAsJavasUpToTheWidthOfABucket) {
  QuantileSummary all;
  for (int i = 0; i < 1000; ++i) all.add(i);
  EXPECT_NEAR(all.quantile(0.5), 500, 16);
  EXPECT_NEAR(all.quantile(0.95), 950, 32);
  EXPECT_NEAR(all.quantile(0.99), 990, 32);
  EXPECT_NEAR(all.quantile(0.999), 999, 32);
  EXPECT_EQ(all.quantile(0), 0);
  EXPECT_EQ(all.quantile(1), 999);
}

TEST(QuantileSummary, IsExactBelow32) {
  QuantileSummary few;
  EXPECT_EQ(few.quantile(0.5), 0);
  few.add(1);
  few.add(2);
  EXPECT_EQ(few.quantile(0.5), 1.5);
  few.add(31, 3);
  EXPECT_EQ(few.quantile(0.5), 31);
  EXPECT_EQ(few.quantile(0.25), 1.5);
  few.add(-7);
  EXPECT_EQ(few.min, 0);
}

TEST(QuantileSummary, IsNeverFurtherOffThanASixteenth) {
  Random random(7);
  QuantileSummary all;
  std::vector<double> values;
  for (int i = 0; i < 5000; ++i) {
    const auto value = static_cast<std::int64_t>(random.next() >> (34 + random.between(0, 25)));
    all.add(value);
    values.push_back(static_cast<double>(value));
  }
  std::ranges::sort(values);
  for (const double rank : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    const double want = values[static_cast<std::size_t>(rank * 5000)];
    EXPECT_NEAR(all.quantile(rank), want, want / 16 + 1) << rank;
  }
  all.add(std::int64_t{1} << 40);  // beyond the last bucket
  EXPECT_EQ(all.quantile(1), static_cast<double>(std::int64_t{1} << 40));
}

}  // namespace
}  // namespace chorus::base
