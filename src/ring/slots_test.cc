#include "ring/slots.h"

#include <gtest/gtest.h>

#include "ring/ring_fixture.h"

namespace chorus::ring {
namespace {

TEST(Slots, ChecksumIsXmodems) {
  EXPECT_EQ(crc16("123456789"), 0x31c3);  // the catalogue's check value
  EXPECT_EQ(crc16(""), 0);
  EXPECT_EQ(crc16(std::string_view("\0", 1)), 0);
  EXPECT_EQ(crc16("\xff"), 0x1ef0);
}

// Against the definition, bit by bit, of every length around those that are taken eight at a time.
TEST(Slots, ChecksumIsThatOfItsPolynomial) {
  base::Random random(1);
  for (std::size_t size = 0; size < 70; ++size) {
    std::string octets;
    for (std::size_t i = 0; i < size; ++i) octets += static_cast<char>(random.below(256));
    unsigned want = 0;
    for (const char octet : octets) {
      want ^= static_cast<unsigned>(static_cast<std::uint8_t>(octet)) << 8;
      for (int bit = 0; bit < 8; ++bit) want = ((want << 1) ^ ((want & 0x8000) != 0 ? 0x1021U : 0U)) & 0xffff;
    }
    EXPECT_EQ(crc16(octets), want) << size;
  }
}

// source: CLUSTER KEYSLOT of Redis 7.0.15 and Valkey 8.0.1
TEST(Slots, KeysFallWhereRedisPutsThem) {
  const struct {
    std::string_view key;
    std::uint16_t slot;
  } cases[] = {{"", 0},
               {"123456789", 12739},
               {"foo", 12182},
               {"{user1000}.following", 3443},
               {"{user1000}.followers", 3443},
               {"foo{}{bar}", 8363},
               {"foo{{bar}}zap", 4015},
               {"foo{bar}{zap}", 5061},
               {"bar", 5061},
               {"{a}x", 15495},
               {"a", 15495}};
  for (const auto& c : cases) EXPECT_EQ(key_slot(c.key), c.slot) << c.key;
}

TEST(Slots, HashTagIsBetweenTheFirstBraces) {
  const struct {
    std::string_view key, tag;
  } cases[] = {{"{user1000}.following", "user1000"},
               {"foo{}{bar}", "foo{}{bar}"},
               {"foo{{bar}}zap", "{bar"},
               {"foo{bar}{zap}", "bar"},
               {"foo{bar", "foo{bar"},
               {"foo}bar{", "foo}bar{"},
               {"}{a}", "a"},
               {"{}", "{}"},
               {"{", "{"},
               {"", ""},
               {"{}a}", "{}a}"}};
  for (const auto& c : cases) EXPECT_EQ(hash_tag(c.key), c.tag) << c.key;
}

TEST(Slots, PlacementIsTheTable) {
  std::vector<NodeIndex> owners(slot_count);
  for (std::size_t slot = 0; slot < slot_count; ++slot) owners[slot] = static_cast<NodeIndex>(slot % 3);
  const auto placement = SlotPlacement::make(owners, 3);
  ASSERT_TRUE(placement);
  EXPECT_EQ(placement->locate_key("foo"), 12182U % 3);
  EXPECT_EQ(placement->locate_key("x{foo}y"), 12182U % 3);
  EXPECT_FALSE(SlotPlacement::make(owners, 2));
  owners[7] = no_node;
  EXPECT_FALSE(SlotPlacement::make(owners, 3));
  owners.pop_back();
  EXPECT_FALSE(SlotPlacement::make(owners, 3));
}

}  // namespace
}  // namespace chorus::ring
