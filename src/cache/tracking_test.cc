// Client-side caching and pauses.
#include "cache/tracking.h"

#include <fmt/format.h>

#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

class TrackingTest : public ServerTest {
 protected:
  TrackingTest() {
    ask("hello 3");
    ask("client tracking on");
  }
  static std::string told(std::string_view key) { return fmt::format(">2|$10|invalidate|*1|${}|{}|", key.size(), key); }
};

TEST_F(TrackingTest, WhoHasReadAKeyIsToldOnce) {
  ask("get a\r\nmget b c\r\nlrange l 0 -1");
  EXPECT_EQ(ask("set a 1", 2), "+OK|");
  EXPECT_EQ(take(1), told("a"));
  ask("set a 2", 2);
  EXPECT_EQ(take(1), "");
  ask("del a b c\r\nset b 1\r\nset c 1", 2);
  EXPECT_EQ(take(1), told("b") + told("c"));
  // Of its own changes as well, behind the reply; in a transaction behind that of EXEC.
  EXPECT_EQ(ask("get b\r\nset b 2"), "$1|1|+OK|" + told("b"));
  EXPECT_EQ(ask("get b\r\nmulti\r\nset b 3\r\nget b\r\nexec"), "$1|2|+OK|+QUEUED|+QUEUED|*2|+OK|$1|3|" + told("b"));
  // Expiry is a change.
  ask("set x 1 px 10", 2);
  ask("get x");
  pass(20);
  tick();
  EXPECT_EQ(take(1), told("x"));
}

TEST_F(TrackingTest, FlushMeansAllKeys) {
  ask("get a");
  ask("flushall", 2);
  EXPECT_EQ(take(1), ">2|$10|invalidate|_|");
  EXPECT_EQ(server.tracking().keys(), 0U);
}

TEST_F(TrackingTest, OnlyWhatWasAskedForIsRemembered) {
  EXPECT_EQ(ask("client tracking off"), "+OK|");
  EXPECT_EQ(ask("client caching yes"),
            "-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled|");
  ask("client tracking on optin\r\nget a\r\nclient caching yes\r\nget b\r\nget c");
  EXPECT_EQ(server.tracking().keys(), 1U);
  EXPECT_EQ(ask("client caching no"), "-ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.|");
  ask("client tracking off\r\nclient tracking on optout\r\nclient caching no\r\nget d\r\nget e");
  EXPECT_EQ(server.tracking().keys(), 2U);
  ask("set b 1\r\nset d 1\r\nset e 1", 2);
  EXPECT_EQ(take(1), told("b") + told("e"));
}

TEST_F(TrackingTest, BroadcastsComeOnceAnEvent) {
  ask("client tracking off\r\nclient tracking on bcast prefix u: prefix v:");
  EXPECT_EQ(ask("client trackinginfo"), "%3|$5|flags|~2|$2|on|$5|bcast|$8|redirect|:0|$8|prefixes|*2|$2|u:|$2|v:|");
  ask("set u:2 1\r\nset u:1 1\r\nset w 1\r\nset v:1 1\r\nset u:2 2", 2);
  EXPECT_EQ(take(1), ">2|$10|invalidate|*2|$3|u:1|$3|u:2|>2|$10|invalidate|*1|$3|v:1|");
  EXPECT_EQ(ask("client tracking on bcast prefix u"),
            "-ERR Prefix 'u' overlaps with an existing prefix 'u:'. Prefixes for a single client must not overlap.|");
  EXPECT_EQ(ask("client tracking on bcast prefix a prefix ab"),
            "-ERR Prefix 'a' overlaps with another provided prefix 'ab'. Prefixes for a single client must not overlap.|");
  ask("client tracking off\r\nclient tracking on bcast noloop");
  EXPECT_EQ(ask("set a 1"), "+OK|");
  ask("set b 1", 2);
  EXPECT_EQ(take(1), told("b"));
}

TEST_F(TrackingTest, AnotherClientMayBeTold) {
  EXPECT_EQ(ask("subscribe __redis__:invalidate", 5), "*3|$9|subscribe|$20|__redis__:invalidate|:1|");
  ask("client tracking on redirect 5", 6);
  EXPECT_EQ(ask("client getredir", 6), ":5|");
  ask("get a", 6);
  ask("set a 1", 2);
  EXPECT_EQ(take(5), "*3|$7|message|$20|__redis__:invalidate|*1|$1|a|");
  ask("get a", 6);
  ask("flushdb", 2);
  EXPECT_EQ(take(5), "*3|$7|message|$20|__redis__:invalidate|$-1|");
  ask("client tracking off\r\nclient tracking on redirect 5\r\nget a");
  server.disconnect(ClientId(5));
  ask("set a 2", 2);
  EXPECT_EQ(take(1), ">2|$21|tracking-redir-broken|:5|");
  EXPECT_NE(ask("client trackinginfo").find("broken_redirect"), std::string::npos);
  EXPECT_NE(ask("client list").find(" flags=tR "), std::string::npos);
  EXPECT_EQ(ask("client tracking on redirect 77"), "-ERR The client ID you want redirect to does not exist|");
}

// source: section 5.8, errors
TEST_F(TrackingTest, OptionsThatExcludeEachOther) {
  EXPECT_EQ(ask("client tracking on prefix a"), "-ERR PREFIX option requires BCAST mode to be enabled|");
  EXPECT_TRUE(ask("client tracking on bcast").starts_with("-ERR You can't switch BCAST mode on/off before"));
  EXPECT_EQ(ask("client tracking on optin optout"), "-ERR You can't specify both OPTIN mode and OPTOUT mode|");
  ask("client tracking off");
  EXPECT_EQ(ask("client tracking on bcast optin"), "-ERR OPTIN and OPTOUT are not compatible with BCAST|");
  ask("client tracking on optin");
  EXPECT_TRUE(ask("client tracking on optout").starts_with("-ERR You can't switch OPTIN/OPTOUT mode before"));
  EXPECT_EQ(ask("client tracking maybe"), "-ERR syntax error|");
  EXPECT_EQ(ask("client getredir\r\nclient tracking off\r\nclient getredir"), ":0|+OK|:-1|");
}

TEST_F(TrackingTest, WhatIsRememberedIsBounded) {
  ask("config set tracking-table-max-keys 10");
  for (int i = 0; i < 30; ++i) ask(fmt::format("get k{}", i));
  EXPECT_EQ(server.tracking().keys(), 10U);
  ask("reset");
  EXPECT_EQ(server.tracking_clients(), 0U);
  EXPECT_EQ(server.tracking().keys(), 0U);
}

TEST_F(ServerTest, APauseHoldsCommands) {
  ask("set a 1 px 500");
  EXPECT_EQ(ask("client pause 1000 write"), "+OK|");
  EXPECT_EQ(ask("get a\r\nset b 1\r\nget b"), "$1|1|");
  EXPECT_EQ(ask("publish c m", 2), "");
  EXPECT_EQ(ask("multi\r\nget a\r\nexec\r\nmulti\r\nset c 1\r\nexec", 3),
            "+OK|+QUEUED|*1|$1|1|+OK|");  // what writes is held before it is queued
  pass(600);
  effects();
  tick();
  EXPECT_EQ(ask("get a", 4), "$-1|");
  EXPECT_EQ(effects(), "");  // nothing is written: not even that it has expired
  EXPECT_NE(ask("client list", 4).find(" flags=b "), std::string::npos);
  pass(500);
  tick();
  EXPECT_EQ(take(1), "+OK|$1|1|");
  EXPECT_EQ(take(2), ":0|");
  EXPECT_EQ(take(3), "+QUEUED|*1|+OK|");
  EXPECT_EQ(ask("client pause 100000 foo"), "-ERR CLIENT PAUSE mode must be WRITE or ALL|");
  EXPECT_EQ(ask("client pause -1"), "-ERR timeout is negative|");
  ask("client pause 100000 write");
  EXPECT_EQ(ask("set d 1", 2), "");
  EXPECT_EQ(ask("client unpause", 3), "+OK|");
  tick();
  EXPECT_EQ(take(2), "+OK|");
  ask("client pause 1000\r\nping");
  EXPECT_EQ(ask("ping", 2), "");
  pass(1000);
  tick();
  EXPECT_EQ(take(2), "+PONG|");
}

}  // namespace
}  // namespace chorus::cache
