#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

using Streams = ServerTest;

TEST_F(Streams, ChoosesIdsAndSaysThem) {
  EXPECT_EQ(ask("XADD s * a 1"), "$15|1700000000000-0|");
  EXPECT_EQ(ask("XADD s * a 2"), "$15|1700000000000-1|");
  EXPECT_EQ(ask("XADD s 1700000000005-* a 3"), "$15|1700000000005-0|");
  now.unix_us -= 1'000'000;
  EXPECT_EQ(ask("XADD s * a 4"), "$15|1700000000005-1|") << "a clock that goes back gives no smaller ids";
  EXPECT_EQ(effects(), "XADD s 1700000000000-0 a 1 / XADD s 1700000000000-1 a 2 / XADD s 1700000000005-0 a 3 / XADD s 1700000000005-1 a 4");
  EXPECT_EQ(events(), "new:s xadd:s xadd:s xadd:s xadd:s");
  EXPECT_EQ(ask("XADD s 5-5 a b"), "-ERR The ID specified in XADD is equal or smaller than the target stream top item|");
  EXPECT_EQ(ask("XADD s 0-0 a b"), "-ERR The ID specified in XADD must be greater than 0-0|");
  EXPECT_EQ(ask("XADD t 18446744073709551615-18446744073709551615 a b"), "$41|18446744073709551615-18446744073709551615|");
  EXPECT_EQ(ask("XADD t * a b"), "-ERR The stream has exhausted the last possible ID, unable to add more items|");
  EXPECT_EQ(ask("XADD u 0-* a b"), "$3|0-1|");
  EXPECT_EQ(ask("XADD none NOMKSTREAM * a b"), "$-1|");
  EXPECT_EQ(ask("OBJECT ENCODING u"), "$6|stream|");
}

TEST_F(Streams, TrimsAsToldAndRepeatsWhatItDid) {
  ask("CONFIG SET stream-node-max-entries 2");
  for (int i = 1; i <= 5; ++i) ask("XADD s " + std::to_string(i) + " a b");
  effects();
  events();
  EXPECT_EQ(ask("XADD s MAXLEN ~ 3 6 a b"), "$3|6-0|");
  EXPECT_EQ(ask("XLEN s"), ":4|");
  EXPECT_EQ(effects(), "XADD s MAXLEN = 4 6-0 a b");
  EXPECT_EQ(events(), "xadd:s xtrim:s");
  EXPECT_EQ(ask("XTRIM s MINID ~ 6"), ":2|");
  EXPECT_EQ(effects(), "XTRIM s MINID = 5-0");
  EXPECT_EQ(ask("XTRIM s MAXLEN 1"), ":1|");
  EXPECT_EQ(effects(), "XTRIM s MAXLEN 1");
  EXPECT_EQ(ask("XTRIM s MAXLEN = 1 LIMIT 4"), "-ERR syntax error, LIMIT cannot be used without the special ~ option|");
}

TEST_F(Streams, WaitsForWhatIsNewFromNowOn) {
  ask("XADD s 1-0 a 1");
  EXPECT_EQ(ask("XREAD BLOCK 0 STREAMS s $", 2), "");
  EXPECT_EQ(ask("XREAD COUNT 1 BLOCK 50 STREAMS none s 0 1-0", 3), "");
  ask("XDEL s 1-0");
  EXPECT_EQ(take(2), "");
  ask("XADD s 2-0 a 2");
  EXPECT_EQ(take(2), "*1|*2|$1|s|*1|*2|$3|2-0|*2|$1|a|$1|2|");
  EXPECT_EQ(take(3), "*1|*2|$1|s|*1|*2|$3|2-0|*2|$1|a|$1|2|");
  EXPECT_EQ(ask("XREAD BLOCK 50 STREAMS s $", 2), "");
  ask("DEL s");
  ask("SET s x");
  EXPECT_EQ(take(2), "") << "what it is not does not concern it";
  pass(60);
  tick();
  EXPECT_EQ(take(2), "*-1|");
  EXPECT_EQ(server.waited_keys(), 0U);
}

TEST_F(Streams, LooksOnlyAtTheKeyThatWokeAReader) {
  ask("XADD b 1-0 a b");
  EXPECT_EQ(ask("XREAD BLOCK 0 STREAMS a b c b $ 5-0 0 3-0", 2), "");
  const auto looked = server.statistics().hits + server.statistics().misses;
  ask("XADD b 2-0 a b");
  ask("XADD b 3-0 a b");
  EXPECT_EQ(server.statistics().hits + server.statistics().misses, looked);
  EXPECT_EQ(take(2), "");
  ask("MULTI");
  ask("XADD c 1-0 a b");
  ask("XADD b 4-0 a b");
  ask("EXEC");
  EXPECT_EQ(take(2), "*2|*2|$1|c|*1|*2|$3|1-0|*2|$1|a|$1|b|*2|$1|b|*1|*2|$3|4-0|*2|$1|a|$1|b|") << "then it gets all there is";
}

TEST_F(Streams, HandsOutInGroupsAndSaysSo) {
  ask("XADD s 1-0 a 1");
  ask("XADD s 2-0 a 2");
  EXPECT_EQ(ask("XGROUP CREATE s g 0"), "+OK|");
  EXPECT_EQ(ask("XGROUP CREATE s g 0"), "-BUSYGROUP Consumer Group name already exists|");
  effects();
  events();
  EXPECT_EQ(ask("XREADGROUP GROUP g me COUNT 1 STREAMS s >"), "*1|*2|$1|s|*1|*2|$3|1-0|*2|$1|a|$1|1|");
  EXPECT_EQ(effects(),
            "XGROUP CREATECONSUMER s g me, XCLAIM s g me 0 1-0 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-0, XGROUP SETID s g "
            "1-0 ENTRIESREAD 1");
  EXPECT_EQ(events(), "xgroup-createconsumer:s");
  EXPECT_EQ(ask("XREADGROUP GROUP g me NOACK STREAMS s >"), "*1|*2|$1|s|*1|*2|$3|2-0|*2|$1|a|$1|2|");
  EXPECT_EQ(effects(), "XGROUP SETID s g 2-0 ENTRIESREAD 2");
  ask("XDEL s 1-0");
  effects();
  EXPECT_EQ(ask("XREADGROUP GROUP g me STREAMS s 0"), "*1|*2|$1|s|*1|*2|$3|1-0|*-1|");
  EXPECT_EQ(effects(), "");
  EXPECT_EQ(ask("XPENDING s g"), "*4|:1|$3|1-0|$3|1-0|*1|*2|$2|me|$1|1|");
  pass(10);
  EXPECT_EQ(ask("XAUTOCLAIM s g you 0 0"), "*3|$3|0-0|*0|*1|$3|1-0|");
  EXPECT_EQ(ask("XPENDING s g"), "*4|:0|$-1|$-1|*-1|");
  EXPECT_EQ(effects(), "XGROUP CREATECONSUMER s g you, XCLAIM s g me 0 1-0 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 2-0");
}

TEST_F(Streams, ClaimsAndAcknowledges) {
  ask("XADD s 1-0 a 1");
  ask("XADD s 2-0 a 2");
  ask("XGROUP CREATE s g 0");
  ask("XREADGROUP GROUP g me STREAMS s >");
  effects();
  pass(100);
  EXPECT_EQ(ask("XCLAIM s g you 101 1-0"), "*0|");
  EXPECT_EQ(effects(), "XGROUP CREATECONSUMER s g you");
  EXPECT_EQ(ask("XCLAIM s g you 100 1-0 2-0 7-0 IDLE 40 LASTID 9-0"), "*2|*2|$3|1-0|*2|$1|a|$1|1|*2|$3|2-0|*2|$1|a|$1|2|");
  EXPECT_EQ(effects(), "XCLAIM s g you 0 1-0 2-0 TIME 1700000000060 RETRYCOUNT 2 FORCE JUSTID LASTID 9-0");
  EXPECT_EQ(ask("XPENDING s g IDLE 40 - + 10 you"), "*2|*4|$3|1-0|$3|you|:40|:2|*4|$3|2-0|$3|you|:40|:2|");
  EXPECT_EQ(ask("XPENDING s g IDLE 41 - + 10"), "*0|");
  EXPECT_EQ(ask("XCLAIM s g you 0 1-0 NOPE"), "-ERR Unrecognized XCLAIM option 'NOPE'|");
  EXPECT_EQ(ask("XACK s g 1-0 1-0 5-0"), ":1|");
  EXPECT_EQ(ask("XGROUP DELCONSUMER s g you"), ":1|");
  EXPECT_EQ(ask("XPENDING s g"), "*4|:0|$-1|$-1|*-1|");
}

TEST_F(Streams, TellsThoseThatWaitWhenTheGroupGoes) {
  ask("XGROUP CREATE s g $ MKSTREAM");
  EXPECT_EQ(ask("XREADGROUP GROUP g me BLOCK 0 STREAMS s >", 2), "");
  EXPECT_EQ(ask("XREADGROUP GROUP g you BLOCK 0 STREAMS s >", 3), "");
  ask("XADD s 1-0 a 1");
  EXPECT_EQ(take(2), "*1|*2|$1|s|*1|*2|$3|1-0|*2|$1|a|$1|1|") << "who came first is served first";
  EXPECT_EQ(take(3), "");
  EXPECT_EQ(ask("XGROUP DESTROY s g"), ":1|");
  EXPECT_EQ(take(3), "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option|");
  const auto wait_again = [&] {
    ask("DEL s");
    ask("XGROUP CREATE s g $ MKSTREAM");
    EXPECT_EQ(ask("XREADGROUP GROUP g me BLOCK 0 STREAMS s >", 2), "");
  };
  wait_again();
  ask("DEL s");
  EXPECT_EQ(take(2).substr(0, 8), "-NOGROUP");
  wait_again();
  ask("SET s x");
  EXPECT_EQ(take(2), "-WRONGTYPE Operation against a key holding the wrong kind of value|");
  wait_again();
  ask("RENAME s other");
  EXPECT_EQ(take(2).substr(0, 8), "-NOGROUP");
  wait_again();
  ask("FLUSHALL");
  EXPECT_EQ(take(2).substr(0, 8), "-NOGROUP");
  wait_again();
  ask("PEXPIRE s 5");
  pass(10);
  tick();
  EXPECT_EQ(take(2).substr(0, 8), "-NOGROUP");
  EXPECT_EQ(server.blocked_clients(), 0U);
}

TEST_F(Streams, KnowsWhatAGroupHasNotRead) {
  for (int i = 1; i <= 5; ++i) ask("XADD s " + std::to_string(i) + " a b");
  ask("XGROUP CREATE s g 0");
  const auto lag = [&] {
    const std::string all = ask("XINFO GROUPS s");
    return all.substr(all.find("entries-read"));
  };
  EXPECT_EQ(lag(), "entries-read|$-1|$3|lag|:5|");
  ask("XREADGROUP GROUP g c COUNT 2 STREAMS s >");
  EXPECT_EQ(lag(), "entries-read|:2|$3|lag|:3|");
  ask("XDEL s 4");
  EXPECT_EQ(lag(), "entries-read|:2|$3|lag|$-1|") << "whether what was deleted was read, nobody knows";
  ask("XREADGROUP GROUP g c STREAMS s >");
  EXPECT_EQ(lag(), "entries-read|:5|$3|lag|:0|");
}

TEST_F(Streams, ShowsConsumersAsSevenTwoDoes) {
  ask("XADD s 1 a b");
  ask("XGROUP CREATE s g 0");
  ask("XGROUP CREATECONSUMER s g c");
  pass(5);
  EXPECT_EQ(ask("XINFO CONSUMERS s g"), "*1|*8|$4|name|$1|c|$7|pending|:0|$4|idle|:5|$8|inactive|:-1|");
  ask("XREADGROUP GROUP g c STREAMS s >");
  pass(7);
  EXPECT_EQ(ask("XINFO CONSUMERS s g"), "*1|*8|$4|name|$1|c|$7|pending|:1|$4|idle|:7|$8|inactive|:7|");
}

TEST_F(Streams, SaysOfManyEntriesAtOnceWhoHasThem) {
  ask("XGROUP CREATE s g 0 MKSTREAM");
  for (int i = 1; i <= 600; ++i) ask("XADD s " + std::to_string(i) + " a b");
  effects();
  ask("XREADGROUP GROUP g me STREAMS s >");
  const auto claims = [](const std::string& text) {
    int count = 0;
    for (std::size_t at = 0; (at = text.find("XCLAIM", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  EXPECT_EQ(claims(effects()), 3);
  ask("XCLAIM s g me 0 2 RETRYCOUNT 7");
  effects();
  ask("XREADGROUP GROUP g me COUNT 4 STREAMS s 0");
  EXPECT_EQ(effects(),
            "XCLAIM s g me 0 1-0 TIME 1700000000000 RETRYCOUNT 2 FORCE JUSTID LASTID 600-0, "
            "XCLAIM s g me 0 2-0 TIME 1700000000000 RETRYCOUNT 8 FORCE JUSTID LASTID 600-0, "
            "XCLAIM s g me 0 3-0 4-0 TIME 1700000000000 RETRYCOUNT 2 FORCE JUSTID LASTID 600-0")
      << "what is read again is delivered once more, there as well";
}

TEST_F(Streams, CountsUpToWhatCanBeSaid) {
  ask("XADD s 1-0 a b");
  ask("XGROUP CREATE s g 0");
  ask("XREADGROUP GROUP g c STREAMS s >");
  ask("XCLAIM s g c 0 1-0 RETRYCOUNT 9223372036854775807");
  ask("XCLAIM s g d 0 1-0");
  ask("XREADGROUP GROUP g d STREAMS s 0");
  EXPECT_EQ(ask("XPENDING s g - + 1"), "*1|*4|$3|1-0|$1|d|:0|:9223372036854775807|");
  EXPECT_EQ(ask("XSETID s 9-0 ENTRIESADDED 9223372036854775807"), "+OK|");
  ask("XGROUP CREATE s h $");
  ask("XADD s 10-0 a b");
  ask("XREADGROUP GROUP h c NOACK STREAMS s >");
  const std::string groups = ask("XINFO GROUPS s");
  EXPECT_EQ(groups.substr(groups.rfind("entries-read")), "entries-read|:9223372036854775807|$3|lag|:0|");
}

TEST_F(Streams, PassesOverWhatWasDeletedBehindTheEnd) {
  ask("XADD s 1-0 a b");
  ask("XADD s 5-0 a b");
  ask("XDEL s 5-0");
  EXPECT_EQ(ask("XSETID s 6-0 MAXDELETEDID 0-1"), "+OK|");
  EXPECT_EQ(ask("XSETID s 2-0"), "+OK|");
  EXPECT_EQ(ask("XADD s 3-0 a b"), "$3|3-0|");
  EXPECT_EQ(ask("XRANGE s 3-0 3-0"), "*1|*2|$3|3-0|*2|$1|a|$1|b|");
  EXPECT_EQ(ask("XREVRANGE s 4-0 - COUNT 2"), "*2|*2|$3|3-0|*2|$1|a|$1|b|*2|$3|1-0|*2|$1|a|$1|b|");
}

TEST_F(Streams, RefusesInTheOrderAndWordsOfRedis) {
  for (int i = 1; i <= 3; ++i) ask("XADD s " + std::to_string(i) + " a b");
  ask("XDEL s 3-0");
  EXPECT_EQ(ask("XSETID s 1-0"), "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id|");
  EXPECT_EQ(ask("XTRIM s LIMIT 0"), "-ERR syntax error, XTRIM must be called with a trimming strategy|");
  EXPECT_EQ(ask("XREAD BLOCK 9223372036854775807 STREAMS s $"), "-ERR timeout is out of range|");
  const std::string refused = "-ERR unknown subcommand or wrong number of arguments for '";
  EXPECT_EQ(ask("XGROUP CREATE s g 0 MKSTREAM MKSTREAM MKSTREAM MKSTREAM"), refused + "CREATE'. Try XGROUP HELP.|");
  EXPECT_EQ(ask("XGROUP CREATE s g 0 MKSTREAM ENTRIESREAD 1"), "+OK|");
  EXPECT_EQ(ask("XGROUP SETID s g 0 ENTRIESREAD 1 ENTRIESREAD 2"), refused + "SETID'. Try XGROUP HELP.|");
  EXPECT_EQ(ask("XGROUP SETID none g 0 ENTRIESREAD 1 ENTRIESREAD 2").substr(0, 26), "-ERR The XGROUP subcommand");
}

TEST_F(Streams, TrimsAsManyAtOnceWhateverANodeMayHold) {
  // A hundred times that, in 64 bits, is 4.
  ask("CONFIG SET stream-node-max-entries 1106804644422573097");
  for (int i = 1; i <= 5; ++i) ask("XADD s " + std::to_string(i) + " a b");
  EXPECT_EQ(ask("XTRIM s MAXLEN ~ 0"), ":5|");
}

TEST_F(Streams, TellsThoseThatWaitWhenTheKeyHasToGo) {
  const auto wait_again = [&] {
    ask("CONFIG SET maxmemory 0 maxmemory-policy allkeys-random");
    ask("XGROUP CREATE s g $ MKSTREAM");
    EXPECT_EQ(ask("XREADGROUP GROUP g me BLOCK 0 STREAMS s >", 2), "");
    EXPECT_EQ(ask("CONFIG SET maxmemory 1"), "+OK|");
  };
  wait_again();
  tick();
  EXPECT_EQ(take(2).substr(0, 8), "-NOGROUP");
  wait_again();
  EXPECT_EQ(ask("SET k v").substr(0, 4), "-OOM");
  EXPECT_EQ(take(2).substr(0, 8), "-NOGROUP");
}

}  // namespace
}  // namespace chorus::cache
