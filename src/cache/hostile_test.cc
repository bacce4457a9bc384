// What strangers may try: each of these took memory, time or data once.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>

#include "cache/hash.h"
#include "cache/server_fixture.h"
#include "cache/value/listpack.h"

namespace chorus::cache {
namespace {

class HostileTest : public ServerTest {
 protected:
  std::string encoding(const std::string& key) { return ask("object encoding " + key); }
};

TEST(Hash, NoBlockOfOctetsWipesTheState) {
  // A factor that is in the source, little-endian: the product with it was zero, whatever the seed.
  const std::string block("\x2f\x64\xbd\x78\x64\x1d\x76\xa0", 8);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    std::string rest = std::to_string(i);
    rest.resize(8, '.');
    seen.insert(hash_of(block + rest));
    seen.insert(hash_of(rest + rest + block + rest + "tail"));
    seen.insert(hash_of(rest + rest + block + block + "tail"));
  }
  EXPECT_EQ(seen.size(), 3000U);
}

TEST(Hash, ASecondSeedChangesNothing) {
  set_hash_seed(1);
  const std::uint64_t before = hash_of("key");
  set_hash_seed(2);
  EXPECT_EQ(hash_of("key"), before);
}

TEST_F(HostileTest, AReplyThatIsTooLongEndsTheConnection) {
  server.change_options().reply_octets_max = 1000;
  ask("set big " + std::string(600, 'x') + "\r\nsadd s " + std::string(100, 'm'), 9);
  EXPECT_EQ(ask("get big", 1).size(), 606U);
  EXPECT_EQ(ask("mget big big big", 1), "<end>");
  EXPECT_EQ(ask("srandmember s -16777216", 2), "<end>");
  // What a transaction does is done to the end all the same.
  ask("multi", 3);
  ask("get big", 3);
  ask("get big", 3);
  ask("set after 1", 3);
  EXPECT_EQ(ask("exec", 3), "<end>");
  EXPECT_EQ(ask("get after", 9), "$1|1|");
}

TEST_F(HostileTest, AQueueOfSmallCommandsIsBounded) {
  ask("multi");
  server.change_options().query_octets_max = 10'000;
  std::string all;
  for (int i = 0; i < 300; ++i) all += ask("ping");
  EXPECT_TRUE(all.ends_with("<end>"));
}

TEST_F(HostileTest, WhoIsBeingEndedTakesNothing) {
  ask("client id", 1);
  EXPECT_EQ(ask("blpop l 0", 1), "");
  // The end and the push are one event: the end is not handed over between them.
  EXPECT_EQ(ask("client kill id 1\r\nrpush l v", 2), ":1|:1|");
  EXPECT_EQ(ask("lrange l 0 -1", 2), "*1|$1|v|");
  EXPECT_EQ(take(1), "<end>");
  EXPECT_EQ(server.blocked_clients(), 0U);
}

TEST_F(HostileTest, SilenceHoldsForCommandsThatWait) {
  EXPECT_EQ(ask("client reply off\r\nblpop l 0", 1), "");
  ask("rpush l v", 2);
  EXPECT_EQ(take(1), "");
  EXPECT_EQ(ask("client reply on", 1), "+OK|");
  EXPECT_EQ(ask("llen l", 2), ":0|");
  EXPECT_EQ(ask("client reply skip\r\nblpop l 1", 1), "");
  pass(1100);
  tick();
  EXPECT_EQ(ask("ping", 1), "+PONG|");
}

TEST_F(HostileTest, AMessageDoesNotEndAWait) {
  ask("config set notify-keyspace-events AKE", 2);
  ask("hello 3\r\nsubscribe __keyevent@0__:lpop", 1);
  EXPECT_EQ(ask("blpop l 0", 1), "");
  EXPECT_EQ(ask("rpush l v", 2), ":1|");
  EXPECT_EQ(take(1), "*2|$1|l|$1|v|>3|$7|message|$19|__keyevent@0__:lpop|$1|l|");
  // An expired key that it finds gives a message, and it goes on waiting.
  ask("subscribe __keyevent@0__:expired\r\nblmove a b left left 0", 1);
  take(1);
  EXPECT_EQ(server.blocked_clients(), 1U);
  ask("rpush b x\r\npexpire b 5", 2);
  pass(10);
  ask("set a string", 2);
  EXPECT_EQ(server.blocked_clients(), 1U);
}

TEST_F(HostileTest, PackedListsEndBeforeTheirLargest) {
  Listpack pack = Listpack::make();
  EXPECT_TRUE(pack.has_room(Listpack::octets_max - pack.octets()));
  EXPECT_FALSE(pack.has_room(Listpack::octets_max - pack.octets() + 1));
  EXPECT_FALSE(pack.has_room(SIZE_MAX));
  pack.destroy();
}

TEST_F(HostileTest, LimitsAreSetWithUnitsAndHoldForThoseThatAreThere) {
  ask("ping", 2);
  EXPECT_EQ(ask("config set proto-max-bulk-len 1mb\r\nconfig get proto-max-bulk-len"), "+OK|*2|$18|proto-max-bulk-len|$7|1048576|");
  EXPECT_EQ(ask("*2\r\n$4\r\nping\r\n$1048577", 2), "-ERR Protocol error: invalid bulk length|<end>");
  for (const std::string_view wrong : {"1g1", "x", "", "-1", "2gb", "1kb", "99999999999gb"}) {
    EXPECT_TRUE(ask("config set proto-max-bulk-len \"" + std::string(wrong) + "\"").starts_with("-ERR CONFIG SET failed")) << wrong;
  }
  EXPECT_EQ(ask("config set proto-max-bulk-len 512MB"), "+OK|");
}

TEST_F(HostileTest, ExpiryCyclesAreAskedForSoonerWhenCut) {
  for (int i = 0; i < 50'000; ++i) ask("set k" + std::to_string(i) + " v px 5");
  pass(5);
  EXPECT_TRUE(server.tick(now));
  for (int i = 0; i < 5; ++i) server.tick(now);
  EXPECT_FALSE(server.tick(now));
  EXPECT_EQ(server.keys(), 0U);
}

TEST_F(HostileTest, WhatWaitsToBeFreedIsBounded) {
  for (int line = 0; line < 100; ++line) {
    std::string members = "sadd s";
    for (int i = 0; i < 1000; ++i) members += " m" + std::to_string(line * 1000 + i);
    ask(members);
  }
  for (int i = 0; i < 25; ++i) ask("copy s t\r\ndel t");
  EXPECT_LT(server.elements_to_be_freed(), 1'300'000U);
  ask("flushall");
  while (server.tick(now)) {
  }
  EXPECT_EQ(server.elements_to_be_freed(), 0U);
  EXPECT_EQ(server.waiting_to_be_freed(), 0U);
}

TEST_F(HostileTest, LargeDatabasesOfKeysThatExpireGoALittleAtATime) {
  for (int i = 0; i < 20'000; ++i) ask("set k" + std::to_string(i) + " v px 500000");
  ask("flushall");
  EXPECT_GT(server.waiting_to_be_freed(), 0U);
  while (server.tick(now)) {
  }
  EXPECT_LT(server.memory_used(), 4096U);
}

TEST_F(HostileTest, AnAnnouncedArgumentTakesLittle) {
  Parser parser;
  std::vector<std::string_view> arguments;
  parser.feed("*2\r\n$4\r\nping\r\n$500000000\r\nx");
  EXPECT_EQ(parser.next(arguments), Parser::Status::more);
  EXPECT_LT(parser.octets(), 2U << 20);
}

TEST_F(HostileTest, SketchesGetShorterToo) {
  // At some of these the runs merge, and the string is shorter than before.
  for (int i = 0; i < 3000; ++i) {
    ASSERT_NE(ask("pfadd k element" + std::to_string(i)).substr(0, 1), "-") << i;
  }
  EXPECT_NE(ask("pfcount k").substr(0, 1), "-");
  ask("watch k\r\npfadd k one-more-element-that-counts");
  EXPECT_EQ(ask("unwatch\r\npfadd k some other elements to forget the estimate").substr(0, 4), "+OK|");
}

TEST_F(HostileTest, KeepingAnEstimateIsAChange) {
  ask("pfadd k a b c");
  ask("watch k\r\nmulti\r\nping", 1);
  EXPECT_EQ(ask("pfcount k", 2), ":3|");
  EXPECT_EQ(ask("exec", 1), "*-1|");
}

TEST_F(HostileTest, BitsThatDoNotFitStillMakeTheKey) {
  effects();
  EXPECT_EQ(ask("bitfield k overflow fail incrby u2 100 9"), "*1|$-1|");
  EXPECT_EQ(effects(), "bitfield k overflow fail incrby u2 100 9");
  EXPECT_EQ(ask("strlen k"), ":13|");
}

TEST_F(HostileTest, BitsOfManyStringsAreCombined) {
  ask("set a abc\r\nset n 12345\r\nset e \"\"");
  EXPECT_EQ(ask("bitop or d a n none e a\r\nget d"), ":5|$5|qrs45|");
  EXPECT_EQ(ask("bitop and d a n\r\nget d"), ":5|$5|!\"#" + std::string(2, '\0') + "|");
  EXPECT_EQ(ask("bitop xor d n n\r\nget d"), ":5|$5|" + std::string(5, '\0') + "|");
  EXPECT_EQ(ask("bitop or a a n\r\nget a"), ":5|$5|qrs45|") << "into one of its own sources";
}

TEST_F(HostileTest, FarTimesAreTold) {
  ask("set k v\r\npexpireat k 9223372036854775807");
  EXPECT_EQ(ask("expiretime k\r\npexpiretime k"), ":9223372036854776|:9223372036854775807|");
}

// source: strtod is what Redis reads bounds with
TEST_F(HostileTest, BoundsOfScoresAreLax) {
  ask("zadd z -1 a 3 b inf c");
  EXPECT_EQ(ask("zcount z 1e400 +inf"), ":1|");
  EXPECT_EQ(ask("zcount z \"\" 5"), ":1|");
  EXPECT_EQ(ask("zcount z ( 5"), ":1|");
  EXPECT_EQ(ask("zcount z \" 2\" 5"), ":1|");
  EXPECT_EQ(ask("zcount z nan 5"), "-ERR min or max is not a float|");
  EXPECT_EQ(ask("zcount z 1x 5"), "-ERR min or max is not a float|");
}

TEST_F(HostileTest, UnknownSubcommandsAreTold) { EXPECT_EQ(ask("command foo"), "-ERR unknown subcommand 'foo'. Try COMMAND HELP.|"); }

TEST_F(HostileTest, CountsOfIntersectionsStop) {
  std::string sadd, zadd;
  for (int i = 0; i < 1000; ++i) {
    sadd += " m" + std::to_string(i);
    zadd += " 1 m" + std::to_string(i);
  }
  ask("sadd a" + sadd + "\r\nsadd b" + sadd + " more\r\nzadd z" + zadd + "\r\nzadd y" + zadd + " 2 more");
  EXPECT_EQ(ask("sintercard 2 a b\r\nsintercard 2 a b limit 10\r\nsintercard 2 a b limit 5000"), ":1000|:10|:1000|");
  EXPECT_EQ(ask("zintercard 3 a z y\r\nzintercard 2 z y limit 10\r\nzintercard 2 z none"), ":1000|:10|:0|");
}

TEST_F(HostileTest, ElementsAreRemovedInOneWalk) {
  // Long enough for several nodes; the model is a vector.
  for (const int length : {5, 3000}) {
    for (const int count : {0, 1, -1, 4, -4, 100, -100, -100'000}) {
      std::vector<std::string> model;
      std::string push = "rpush l";
      for (int i = 0; i < length; ++i) {
        model.push_back(i % 3 == 0 || i == length - 1 ? "x" : "value" + std::to_string(i));
        push += " " + model.back();
      }
      ask("del l\r\n" + push);
      int left = count == 0 ? length : std::abs(count);
      if (count < 0) std::reverse(model.begin(), model.end());
      const std::size_t before = model.size();
      std::erase_if(model, [&](const std::string& each) { return each == "x" && left-- > 0; });
      if (count < 0) std::reverse(model.begin(), model.end());
      EXPECT_EQ(ask("lrem l " + std::to_string(count) + " x"), ":" + std::to_string(before - model.size()) + "|");
      std::string want = "*" + std::to_string(model.size()) + "|";
      for (const std::string& each : model) want += "$" + std::to_string(each.size()) + "|" + each + "|";
      EXPECT_EQ(ask("lrange l 0 -1"), want) << length << " " << count;
    }
  }
  ask("del l\r\nrpush l x x x");
  EXPECT_EQ(ask("lrem l -2 x\r\nlrem l 0 x\r\nexists l"), ":2|:1|:0|");
}

TEST_F(HostileTest, EntriesNamedManyTimesAreRepliedAsFarAsTheBound) {
  server.change_options().reply_octets_max = 1000;
  ask("xgroup create s g 0 mkstream");
  ask("xadd s 1-0 f " + std::string(400, 'x'));
  ask("xreadgroup group g c streams s >");
  std::string ids, keys, zeros;
  for (int i = 0; i < 100; ++i) {
    ids += " 1-0";
    keys += " s";
    zeros += " 0";
  }
  EXPECT_EQ(ask("xclaim s g c 0" + ids, 2), "<end>");
  EXPECT_EQ(ask("xpending s g - + 1"), "*1|*4|$3|1-0|$1|c|:0|:4|");
  EXPECT_EQ(ask("xreadgroup group g c streams" + keys + zeros, 3), "<end>");
  EXPECT_EQ(ask("xpending s g - + 1"), "*1|*4|$3|1-0|$1|c|:0|:7|");
  for (int i = 2; i <= 100; ++i) ask("xadd s " + std::to_string(i) + " f " + std::string(400, 'x'));
  for (int i = 2; i <= 100; ++i) ask("xreadgroup group g c count 1 streams s >");
  EXPECT_EQ(ask("xautoclaim s g d 0 0 count 100", 4), "<end>");
  EXPECT_EQ(ask("xpending s g"), "*4|:100|$3|1-0|$5|100-0|*2|*2|$1|c|$2|97|*2|$1|d|$1|3|");
}

// With a search among all of these for each of them it takes a minute.
TEST_F(HostileTest, ManyKeysThatAreWaitedForGoAtOnce) {
  ask("xgroup create s g 0 mkstream");
  EXPECT_EQ(ask("xreadgroup group g c block 0 streams s >", 3), "");
  for (std::uint64_t who = 4; who < 14; ++who) {
    std::string request = "*20002\r\n$5\r\nblpop";
    for (int i = 0; i < 20'000; ++i) {
      const std::string key = "k" + std::to_string(who) + "-" + std::to_string(i / 2);
      request += "\r\n$" + std::to_string(key.size()) + "\r\n" + key;
    }
    EXPECT_EQ(ask(request + "\r\n$1\r\n0", who), "");
  }
  EXPECT_EQ(server.waited_keys(), 100'001U);
  EXPECT_EQ(ask("flushall"), "+OK|");
  EXPECT_EQ(take(3).substr(0, 8), "-NOGROUP");
  EXPECT_EQ(ask("rpush k4-1 a b c"), ":3|");
  EXPECT_EQ(take(4), "*2|$4|k4-1|$1|a|");
  EXPECT_EQ(server.waited_keys(), 90'000U);
  for (std::uint64_t who = 5; who < 14; ++who) server.disconnect(ClientId(who));
  EXPECT_EQ(server.waited_keys(), 0U);
}

TEST_F(HostileTest, WhatAWaiterIsWokenWithHasABound) {
  server.change_options().reply_octets_max = 1000;
  EXPECT_EQ(ask("xread block 0 streams s s s s $ $ $ $", 2), "");
  ask("xadd s 1-0 f " + std::string(400, 'x'));
  EXPECT_EQ(take(2), "<end>");
  EXPECT_EQ(server.blocked_clients(), 0U);
}

}  // namespace
}  // namespace chorus::cache
