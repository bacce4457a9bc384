#include "ring/hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>

#include "base/random.h"

namespace chorus::ring {
namespace {

// Keys were placed by these values: a hash that gives others moves all of them. source: xxhsum -H3 of xxHash 0.8.1
TEST(RingHash, IsXxh3) {
  const struct {
    std::string octets;
    std::uint64_t seed, want;
  } cases[] = {{"", 0, 0x2d06800538d394c2},
               {"", 1, 0x4dc5b0cc826f6703},
               {"a", 0, 0xe6c632b61e964e1f},
               {"abc", 0, 0x78af5f94892f3950},
               {"123456789", 0, 0x72dcb18b67a17dff},
               {"123456789", 1, 0xe967c19057995816},
               {"user:0123456789:name", 0, 0x359910395bd901ba},
               {std::string(200, 'x'), 0, 0x50ef124fb1e4de53},
               {std::string(1000, 'x'), 7, 0xa6b046c257309584}};
  for (const auto& c : cases) EXPECT_EQ(hash_octets(c.octets, c.seed), c.want) << c.octets.size();
}

// The generator that base::Random is seeded by, splitmix64, is this function of a counter; its first values with seed 0. source: its
// reference implementation by S. Vigna
TEST(RingHash, MixesAsSplitmix64) {
  constexpr std::uint64_t step = 0x9e3779b97f4a7c15;
  EXPECT_EQ(mix(1 * step), 0xe220a8397b1dcdafU);
  EXPECT_EQ(mix(2 * step), 0x6e789e6aa1b965f4U);
  EXPECT_EQ(mix(3 * step), 0x06c45d188009454fU);
  EXPECT_EQ(mix(0), 0U);
}

TEST(RingHash, OneBitOfTheInputChangesHalfOfTheOutput) {
  base::Random random(7);
  for (int bit = 0; bit < 64; ++bit) {
    double changed = 0;
    for (int i = 0; i < 1000; ++i) {
      const std::uint64_t x = random.next();
      changed += std::popcount(mix(x) ^ mix(x ^ (std::uint64_t{1} << bit)));
    }
    EXPECT_NEAR(changed / 1000, 32, 1.5) << bit;
  }
}

TEST(RingHash, ReducesEvenly) {
  EXPECT_EQ(reduce(0, 10), 0U);
  EXPECT_EQ(reduce(~std::uint64_t{0}, 10), 9U);
  EXPECT_EQ(reduce(std::uint64_t{1} << 63, 10), 5U);
  EXPECT_EQ(reduce((std::uint64_t{1} << 63) - 1, 10), 4U);
}

}  // namespace
}  // namespace chorus::ring
