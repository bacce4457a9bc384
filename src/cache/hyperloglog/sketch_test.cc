#include "cache/hyperloglog/sketch.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace chorus::cache {
namespace {

constexpr std::size_t limit = 3000;

// source: PFADD of valkey-server 8.0.1, read by GET
TEST(Sketch, IsRedisOctetForOctet) {
  Sketch sketch;
  bool changed = false;
  EXPECT_TRUE(sketch.add("a", limit, changed));
  EXPECT_TRUE(changed);
  sketch.invalidate();
  EXPECT_EQ(base::hex(sketch.octets()), "48594c4c01000000000000000000008071a6844e57");
}

TEST(Sketch, CountsAndIsTheSameInBothForms) {
  Sketch sparse, dense;
  EXPECT_TRUE(dense.make_dense());
  bool changed = false;
  for (int i = 1; i <= 20'000; ++i) {
    const std::string element = "element " + std::to_string(i);
    ASSERT_TRUE(sparse.add(element, limit, changed));
    ASSERT_TRUE(dense.add(element, limit, changed));
    if (i != 10 && i != 500 && i != 20'000) continue;
    Sketch::Registers a{}, b{};
    ASSERT_TRUE(sparse.read(a));
    ASSERT_TRUE(dense.read(b));
    EXPECT_EQ(a, b);
    EXPECT_NEAR(static_cast<double>(Sketch::estimate(a)), i, i * 0.03);
    EXPECT_EQ(sparse.is_dense(), i == 20'000);
  }
  EXPECT_EQ(sparse.octets().size(), Sketch::dense_octets);
}

TEST(Sketch, DamageIsSeen) {
  EXPECT_FALSE(Sketch::parse("HYLL"));
  EXPECT_FALSE(Sketch::parse(std::string("HYLL\2") + std::string(11, '\0')));
  EXPECT_FALSE(Sketch::parse(std::string("HYLL") + std::string(20, '\0'))) << "dense, but too short";
  for (const std::string_view runs : {std::string_view("\x7f", 1), std::string_view("\x7f\xff\x00", 3), std::string_view("\x00", 1)}) {
    auto sketch = Sketch::parse(std::string("HYLL\1") + std::string(11, '\0') + std::string(runs));
    ASSERT_TRUE(sketch);
    Sketch::Registers all{};
    EXPECT_FALSE(sketch->read(all));
    EXPECT_FALSE(sketch->make_dense());
  }
}

}  // namespace
}  // namespace chorus::cache
