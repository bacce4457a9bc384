#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

class PubsubTest : public ServerTest {};

TEST_F(PubsubTest, MessagesGoToChannelsThenToPatterns) {
  EXPECT_EQ(ask("subscribe a b", 1), "*3|$9|subscribe|$1|a|:1|*3|$9|subscribe|$1|b|:2|");
  EXPECT_EQ(ask("psubscribe a* ?", 2), "*3|$10|psubscribe|$2|a*|:1|*3|$10|psubscribe|$1|?|:2|");
  EXPECT_EQ(ask("publish a hi", 3), ":3|");
  EXPECT_EQ(take(1), "*3|$7|message|$1|a|$2|hi|");
  EXPECT_EQ(take(2), "*4|$8|pmessage|$1|?|$1|a|$2|hi|*4|$8|pmessage|$2|a*|$1|a|$2|hi|");
  EXPECT_EQ(ask("publish none hi", 3), ":0|");
  EXPECT_EQ(ask("pubsub channels", 3), "*2|$1|a|$1|b|");
  EXPECT_EQ(ask("pubsub numsub a none", 3), "*4|$1|a|:1|$4|none|:0|");
  EXPECT_EQ(ask("pubsub numpat", 3), ":2|");
}

TEST_F(PubsubTest, ASubscriberOfTheOldProtocolMayDoLittleElse) {
  ask("subscribe a");
  EXPECT_EQ(ask("get k"),
            "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context|");
  EXPECT_EQ(ask("ping"), "*2|$4|pong|$0||");
  EXPECT_EQ(ask("unsubscribe"), "*3|$11|unsubscribe|$1|a|:0|");
  EXPECT_EQ(ask("unsubscribe"), "*3|$11|unsubscribe|$-1|:0|");
  EXPECT_EQ(ask("ping"), "+PONG|");
}

TEST_F(PubsubTest, OwnMessagesComeBehindTheReply) {
  ask("hello 3");
  EXPECT_EQ(ask("subscribe a"), ">3|$9|subscribe|$1|a|:1|");
  EXPECT_EQ(ask("publish a x"), ":1|>3|$7|message|$1|a|$1|x|");
  EXPECT_EQ(ask("multi\r\npublish a y\r\nping\r\nexec"), "+OK|+QUEUED|+QUEUED|*2|:1|+PONG|>3|$7|message|$1|a|$1|y|");
}

TEST_F(PubsubTest, ConfirmationsAndMessagesComeThoughRepliesAreOff) {
  EXPECT_EQ(ask("client reply off"), "");
  EXPECT_EQ(ask("subscribe a"), "*3|$9|subscribe|$1|a|:1|");
  EXPECT_EQ(ask("psubscribe b*"), "*3|$10|psubscribe|$2|b*|:2|");
  EXPECT_EQ(ask("publish a x", 2), ":1|");
  EXPECT_EQ(take(1), "*3|$7|message|$1|a|$1|x|");
  EXPECT_EQ(ask("unsubscribe a"), "*3|$11|unsubscribe|$1|a|:1|");
  EXPECT_EQ(ask("punsubscribe"), "*3|$12|punsubscribe|$2|b*|:0|");
  EXPECT_EQ(ask("subscribe"), "") << "an error is a reply";
}

TEST_F(PubsubTest, ShardChannelsAreApart) {
  EXPECT_EQ(ask("ssubscribe s", 1), "*3|$10|ssubscribe|$1|s|:1|");
  EXPECT_EQ(ask("publish s x", 2), ":0|");
  EXPECT_EQ(ask("spublish s x", 2), ":1|");
  EXPECT_EQ(take(1), "*3|$8|smessage|$1|s|$1|x|");
  EXPECT_EQ(ask("pubsub shardchannels", 2), "*1|$1|s|");
  server.disconnect(ClientId(1));
  EXPECT_EQ(ask("spublish s x", 2), ":0|");
}

TEST_F(PubsubTest, WhoDoesNotTakeMessagesIsLetGo) {
  server.change_options().pubsub_output.hard = 1000;
  server.connect(ClientId(1), "a", "b", now);
  server.receive(ClientId(1), "subscribe a\r\n", now);
  for (int i = 0; i < 20; ++i) server.receive(ClientId(1), "", now);
  server.connect(ClientId(2), "a", "b", now);
  for (int i = 0; i < 20; ++i) server.receive(ClientId(2), "publish a " + std::string(100, 'x') + "\r\n", now);
  std::vector<Output> outputs;
  server.take_outputs(outputs);
  bool ended = false;
  for (const Output& output : outputs) ended = ended || (output.client == ClientId(1) && output.closes && output.octets.size() < 2000);
  EXPECT_TRUE(ended);
}

// source: section 5.7: keyspace before keyevent, for the classes that are on
TEST_F(PubsubTest, ChangesOfKeysAreMessages) {
  ask("psubscribe __key*", 1);
  ask("set k v", 2);
  EXPECT_EQ(take(1), "") << "off by default";
  EXPECT_EQ(ask("config set notify-keyspace-events KEx$\r\nconfig get notify-keyspace-events", 2),
            "+OK|*2|$22|notify-keyspace-events|$4|$xKE|");
  ask("set k v px 10\r\nlpush l a", 2);
  EXPECT_EQ(take(1), "*4|$8|pmessage|$6|__key*|$16|__keyspace@0__:k|$3|set|*4|$8|pmessage|$6|__key*|$18|__keyevent@0__:set|$1|k|");
  pass(20);
  tick();
  EXPECT_EQ(take(1), "*4|$8|pmessage|$6|__key*|$16|__keyspace@0__:k|$7|expired|*4|$8|pmessage|$6|__key*|$22|__keyevent@0__:expired|$1|k|");
  EXPECT_EQ(ask("config set notify-keyspace-events AKE\r\nconfig get notify-keyspace-events", 2),
            "+OK|*2|$22|notify-keyspace-events|$3|AKE|");
  EXPECT_EQ(ask("config set notify-keyspace-events Q", 2),
            "-ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - Invalid event class character. Use "
            "'Ag$lshzxeKEtmdn'.|");
}

}  // namespace
}  // namespace chorus::cache
