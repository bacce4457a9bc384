#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

class BitmapsTest : public ServerTest {};

TEST_F(BitmapsTest, BitsAreCountedAndFoundAsInRedis) {
  EXPECT_EQ(ask("setbit b 7 1\r\nsetbit b 7 0\r\nsetbit b 100 1\r\nstrlen b\r\nobject encoding b"), ":0|:1|:0|:13|$3|raw|");
  EXPECT_EQ(ask("set k \"\\xff\\xf0\\x00\"\r\nbitcount k\r\nbitcount k 1 1\r\nbitcount k 5 9 BIT\r\nbitcount k 2"), "+OK|:12|:4|:5|:0|");
  EXPECT_EQ(ask("bitpos k 0\r\nbitpos k 1 2\r\nbitpos k 0 0 0\r\nset f \"\\xff\"\r\nbitpos f 0\r\nbitpos f 0 0 -1"),
            ":12|:-1|:-1|+OK|:8|:-1|");
  EXPECT_EQ(ask("bitop not d k\r\nbitcount d\r\nbitop and d k none\r\nbitcount d"), ":3|:12|:3|:0|");
  EXPECT_EQ(ask("bitfield n set u8 0 255 incrby u8 0 10 overflow sat incrby u8 0 300 overflow fail incrby u8 0 1 get i8 0"),
            "*5|:0|:9|:255|$-1|:-1|");
  EXPECT_EQ(ask("bitfield n set i64 #1 -5 get i64 #1 get u63 64"), "*3|:0|:-5|:9223372036854775805|");
  EXPECT_EQ(ask("bitfield_ro n set u8 0 1"), "-ERR BITFIELD_RO only supports the GET subcommand|");
}

// source: Redis' own suite, unit/bitops
TEST_F(BitmapsTest, WhatLeavesAllBitsAsTheyWereIsNoChange) {
  ask("setbit b 0 0\r\nbitfield f set i5 0 3");
  effects();
  EXPECT_EQ(ask("setbit b 0 0\r\nbitfield f set i5 0 3 incrby i5 0 0\r\nbitfield f set i5 0 35"), ":0|*2|:3|:3|*1|:3|");
  EXPECT_EQ(effects(), "");
  ask("bitfield f set i5 0 4");
  EXPECT_EQ(effects(), "bitfield f set i5 0 4");
  ask("bitfield f set i5 90 0");
  EXPECT_EQ(effects(), "bitfield f set i5 90 0") << "it became longer";
}

}  // namespace
}  // namespace chorus::cache
