#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

using Sort = ServerTest;

TEST_F(Sort, OrdersByPatternsAndGets) {
  ask("RPUSH l 3 1 2");
  ask("MSET w_1 30 w_2 20 w_3 10");
  ask("HSET h_1 f one");
  EXPECT_EQ(ask("SORT l"), "*3|$1|1|$1|2|$1|3|");
  EXPECT_EQ(ask("SORT l BY w_* LIMIT 0 2 GET # GET h_*->f"), "*4|$1|3|$-1|$1|2|$-1|");
  EXPECT_EQ(ask("SORT l BY nothing DESC"), "*3|$1|2|$1|1|$1|3|");
  EXPECT_EQ(ask("SORT_RO l STORE x"), "-ERR syntax error|");
  ask("RPUSH l x");
  EXPECT_EQ(ask("SORT l"), "-ERR One or more scores can't be converted into double|");
  EXPECT_EQ(ask("SORT l ALPHA DESC LIMIT -5 2"), "*2|$1|x|$1|3|");
  EXPECT_EQ(ask("SORT h_1"), "-WRONGTYPE Operation against a key holding the wrong kind of value|");
}

TEST_F(Sort, StoresAndSaysSo) {
  ask("SADD s b a c");
  effects();
  events();
  EXPECT_EQ(ask("SORT s BY nosort GET h_* GET # STORE to"), ":6|");
  EXPECT_EQ(ask("LRANGE to 0 -1"), "*6|$0||$1|a|$0||$1|b|$0||$1|c|");
  EXPECT_EQ(effects(), "SORT s BY nosort GET h_* GET # STORE to");
  EXPECT_EQ(ask("SORT none STORE to"), ":0|");
  EXPECT_EQ(ask("EXISTS to"), ":0|");
  EXPECT_EQ(events().find("sortstore:to") != std::string::npos, true);
}

TEST_F(Sort, WakesThoseThatWait) {
  ask("BLPOP to 0", 2);
  ask("RPUSH l 2 1");
  ask("SORT l STORE to");
  EXPECT_EQ(take(2), "*2|$2|to|$1|1|");
}

}  // namespace
}  // namespace chorus::cache
