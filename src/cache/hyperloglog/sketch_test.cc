#include "cache/hyperloglog/sketch.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "cache/server_fixture.h"

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

class SketchTest : public ServerTest {};

// source: redis-server 7.0, PFDEBUG
TEST_F(SketchTest, IsShownToTests) {
  ask("pfadd h a b c");
  EXPECT_EQ(ask("pfdebug encoding h"), "+sparse|");
  const std::string runs = ask("pfdebug decode h");
  std::size_t covered = 0, values = 0;
  for (const std::string_view run : base::split(std::string_view(runs).substr(runs.find('|') + 1), ' ')) {
    const bool is_zeros = run.front() != 'v';
    values += is_zeros ? 0 : 1;
    covered += is_zeros ? std::stoul(std::string(run.substr(2))) : std::stoul(std::string(run.substr(run.find(',') + 1)));
  }
  EXPECT_EQ(covered, Sketch::registers) << runs;
  EXPECT_EQ(values, 3U) << runs;
  EXPECT_EQ(ask("pfdebug todense h"), ":1|");
  EXPECT_EQ(ask("pfdebug todense h"), ":0|");
  EXPECT_EQ(ask("pfdebug encoding h"), "+dense|");
  EXPECT_EQ(ask("pfdebug decode h"), "-ERR HLL encoding is not sparse|");
  EXPECT_EQ(ask("pfcount h"), ":3|");
  const std::string registers = ask("pfdebug getreg h");
  EXPECT_TRUE(registers.starts_with("*16384|"));
  EXPECT_EQ(ask("pfdebug getreg none"), "-ERR The specified key does not exist|");
  ask("set s x");
  EXPECT_EQ(ask("pfdebug getreg s"), "-WRONGTYPE Key is not a valid HyperLogLog string value.|");
  EXPECT_EQ(ask("pfdebug bogus h"), "-ERR Unknown PFDEBUG subcommand 'bogus'|");
  EXPECT_EQ(ask("pfselftest"), "+OK|");
}

TEST_F(SketchTest, DamageIsFound) {
  ask("pfadd h a b c");
  // One run that claims more registers than there are, and one that is cut off.
  ask("setrange h 16 \"\\x7f\\xff\\x7f\\xff\"");
  EXPECT_EQ(ask("pfdebug getreg h"), "-INVALIDOBJ Corrupted HLL object detected|");
  EXPECT_EQ(ask("pfdebug todense h"), "-INVALIDOBJ Corrupted HLL object detected|");
  EXPECT_EQ(ask("pfdebug encoding h"), "+sparse|");
}

}  // namespace
}  // namespace chorus::cache
