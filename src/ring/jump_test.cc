#include "ring/jump.h"

#include <gtest/gtest.h>

#include "ring/modulo.h"
#include "ring/ring_fixture.h"

namespace chorus::ring {
namespace {

// source: the tests of the implementations that others made of the paper: Go (dgryski, lithammer), Rust (jedisct1, mypmc), Elixir (whitfin)
TEST(Jump, GivesPublishedValues) {
  const struct {
    std::uint64_t key;
    std::int32_t buckets, want;
  } cases[] = {{0, 1, 0},
               {3, 1, 0},
               {0, 2, 0},
               {4, 2, 1},
               {7, 2, 0},
               {1, 1, 0},
               {42, 57, 43},
               {1, 128, 55},
               {129, 128, 120},
               {256, 1024, 520},
               {0xDEAD10CC, 1, 0},
               {0xDEAD10CC, 666, 361},
               {128, 100'000'000, 38'172'097},
               {128, 2'147'483'647, 1'644'467'860},
               {18'446'744'073'709'551'615U, 128, 92},
               {10'863'919'174'838'991U, 11, 6},
               {2'016'238'256'797'177'309U, 11, 3},
               {1'673'758'223'894'951'030U, 11, 5},
               {2, 100'001, 80'343},
               {2201, 100'001, 22'152},
               {2202, 100'001, 15'018}};
  for (const auto& c : cases) EXPECT_EQ(jump_hash(c.key, c.buckets), c.want) << c.key << " of " << c.buckets;

  const struct {
    std::uint64_t key;
    std::vector<std::int32_t> want;  // with 1, 2, 3, ... buckets
  } rows[] = {{1, {0, 0, 0, 0, 0, 0, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 17, 17}},
              {0xdeadbeef, {0, 1, 2, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 16, 16, 16}},
              {0x0ddc0ffeebadf00d, {0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 15, 15, 15, 15}}};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.want.size(); ++i)
      EXPECT_EQ(jump_hash(row.key, static_cast<std::int32_t>(i + 1)), row.want[i]) << row.key << " of " << i + 1;
  }
}

// Monotone: what a new bucket does not take stays, so that what moves is the least that can.
TEST(Jump, ANewBucketTakesItsShareAndNothingElseMoves) {
  const auto hashes = make_hashes(20'000);
  for (const std::uint64_t hash : hashes) {
    std::int32_t before = 0;
    for (std::int32_t buckets = 2; buckets <= 64; ++buckets) {
      const std::int32_t now = jump_hash(hash, buckets);
      ASSERT_TRUE(now == before || now == buckets - 1) << hash << " of " << buckets;
      before = now;
    }
  }
  for (const std::size_t nodes : {2U, 10U, 100U, 1000U}) {
    const auto before = locate_all(*Jump::make(make_nodes(nodes)), hashes);
    const auto after = locate_all(*Jump::make(make_nodes(nodes + 1)), hashes);
    double moved = 0;
    for (std::size_t i = 0; i < hashes.size(); ++i) moved += before[i] != after[i];
    const double expected = static_cast<double>(hashes.size()) / static_cast<double>(nodes + 1);
    EXPECT_NEAR(moved, expected, 5 * std::sqrt(expected)) << nodes;
  }
}

TEST(Jump, SharesAreEvenButForChance) {
  for (const std::size_t count : {2U, 3U, 10U, 100U, 1000U}) {
    const auto nodes = make_nodes(count);
    EXPECT_LT(deviation_from_chance(count_by_node(locate_all(*Jump::make(nodes), make_hashes(200'000)), count), nodes), 5) << count;
  }
}

TEST(Modulo, IsTheRemainderAndMovesNearlyAll) {
  const auto hashes = make_hashes(100'000);
  const auto before = Modulo::make(make_nodes(10)), after = Modulo::make(make_nodes(11));
  double moved = 0;
  for (const std::uint64_t hash : hashes) {
    EXPECT_EQ(before->locate(hash), hash % 10);
    moved += before->locate(hash) != after->locate(hash);
  }
  EXPECT_NEAR(moved / 100'000, 10.0 / 11, 0.01);
}

}  // namespace
}  // namespace chorus::ring
