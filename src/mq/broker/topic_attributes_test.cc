#include "mq/broker/topic_attributes.h"

#include <gtest/gtest.h>

namespace chorus::mq {
namespace {

using Before = std::optional<TopicAttributeMap>;

// Words and codes as RocketMQ 5.5.0's broker answered to the same.
TEST(TopicAttributes, AreRefusedInRocketMqsWords) {
  const Before none, some = TopicAttributeMap{{"message.type", "FIFO"}};
  const struct {
    Before before;
    const char* changes;
    const char* want;
  } cases[] = {
      {none, "message.type=FIFO", "add/alter attribute format is wrong: message.type"},
      {none, "x", "delete attribute format is wrong: x"},
      {none, "+x", "delete attribute format is wrong: +x"},
      {none, "-x=1", "add/alter attribute format is wrong: -x"},
      {none, "+=1", "kv string format wrong."},
      {none, "+a+b=1", "kv string format wrong."},
      {none, " +message.type=FIFO", "kv string format wrong."},
      {none, "+message.type=", "add/alter attribute format is wrong: +message.type="},
      {none, "+message.type=FIFO,+message.type=NORMAL", "key duplication: +message.type"},
      {some, "+message.type=DELAY,-message.type", "alter duplication key. key: message.type"},
      {none, "-message.type", "only add attribute is supported while creating topic. key: message.type"},
      {none, "+other=1", "unsupported key: other"},
      {none, "+message.type = FIFO", "unsupported key: message.type "},
      {none, "+message.type=fifo", "value is not in set: [UNSPECIFIED, MIXED, TRANSACTION, PRIORITY, FIFO, DELAY, LITE, NORMAL]"},
      {none, "+queue.type=RocksDBCQ", "value is not in set: [SimpleCQ, BatchCQ]"},
      {none, "+cleanup.policy=delete", "value is not in set: [DELETE, COMPACTION]"},
      {none, "+reserve.time=-2", "value is not in range(-1, 9223372036854775807)"},
      {none, "+reserve.time=x", "For input string: \"x\""},
      {none, "+lite.topic.expiration=43201", "value is not in range(-1, 43200)"},
      {none, "+flush.disk.type=sync", "value is not in set: [SYNC_FLUSH, ASYNC_FLUSH]"},
      {some, "+queue.type=SimpleCQ", "attempt to update an unchangeable attribute. key: queue.type"},
      {some, "+cleanup.policy=DELETE", "attempt to update an unchangeable attribute. key: cleanup.policy"},
      {some, "-queue.type", "attempt to delete a nonexistent key: queue.type"},
      {some, "-other", "attempt to delete a nonexistent key: other"},
      {TopicAttributeMap{{"queue.type", "SimpleCQ"}}, "-queue.type", "attempt to update an unchangeable attribute. key: queue.type"},
  };
  for (const auto& c : cases) {
    const auto after = changed_attributes(c.before, c.changes);
    ASSERT_FALSE(after.has_value()) << c.changes;
    EXPECT_EQ(after.error().message, c.want) << c.changes;
    EXPECT_EQ(after.error().code, TopicErrc::invalid) << c.changes;
  }
}

TEST(TopicAttributes, WhatIsNotDoneHereIsSaidSo) {
  const Before none, some = TopicAttributeMap{{"message.type", "FIFO"}};
  const struct {
    Before before;
    const char* changes;
    const char* want;
  } cases[] = {
      {none, "+message.type=MIXED", "MIXED message type is not supported."},
      {some, "+message.type=MIXED", "MIXED message type is not supported."},
      {some, "+cleanup.policy=COMPACTION,+message.type=MIXED,+other=1", "MIXED message type is not supported."},
      {none, "+message.type=LITE", "LITE message type is not supported."},
      {some, "+message.type=PRIORITY", "PRIORITY message type is not supported."},
      {none, "+queue.type=BatchCQ", "BatchCQ queue type is not supported."},
      {none, "+cleanup.policy=COMPACTION", "COMPACTION cleanup policy is not supported."},
  };
  for (const auto& c : cases) EXPECT_EQ(refuse_unsupported(c.before, c.changes), c.want) << c.changes;
  for (const char* fine :
       {"", "+message.type=FIFO,+queue.type=SimpleCQ,+cleanup.policy=DELETE,+reserve.time=-1", "-message.type", "+message.type=wrong",
        "+other=1", "nonsense", "+flush.disk.type=ASYNC_FLUSH", "+reserve.time=1000", "+lite.topic.expiration=10", "+other=MIXED"}) {
    EXPECT_EQ(refuse_unsupported(none, fine), "") << fine;
  }
  // What is wrong with them is something else, as at RocketMQ.
  for (const char* wrong : {"+queue.type=BatchCQ", "+cleanup.policy=COMPACTION", "+message.type=LITE,+other=1"}) {
    EXPECT_EQ(refuse_unsupported(some, wrong), "") << wrong;
    EXPECT_FALSE(changed_attributes(some, wrong)) << wrong;
  }
}

TEST(TopicAttributes, AreSetAndTakenAway) {
  const auto made = changed_attributes(std::nullopt, "+message.type=FIFO,+queue.type=SimpleCQ,+cleanup.policy=DELETE,+reserve.time=-1");
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_EQ(*made, (TopicAttributeMap{
                       {"cleanup.policy", "DELETE"}, {"message.type", "FIFO"}, {"queue.type", "SimpleCQ"}, {"reserve.time", "-1"}}));
  const auto changed = changed_attributes(*made, "+message.type=DELAY,-reserve.time,+flush.disk.type=ASYNC_FLUSH");
  ASSERT_TRUE(changed.has_value()) << changed.error().message;
  EXPECT_EQ(*changed,
            (TopicAttributeMap{
                {"cleanup.policy", "DELETE"}, {"flush.disk.type", "ASYNC_FLUSH"}, {"message.type", "DELAY"}, {"queue.type", "SimpleCQ"}}));
  for (const char* nothing : {"", ",", ",,"}) EXPECT_EQ(changed_attributes(*made, nothing), *made) << nothing;
  EXPECT_EQ(changed_attributes(std::nullopt, "+message.type=FIFO,"), (TopicAttributeMap{{"message.type", "FIFO"}}));
  EXPECT_EQ(changed_attributes(*made, "+reserve.time=60")->at("reserve.time"), "60");
  EXPECT_EQ(changed_attributes(std::nullopt, "+message.type=FIFO=x"), (TopicAttributeMap{{"message.type", "FIFO"}}));
}

TEST(TopicAttributes, TellHowATopicIsFlushed) {
  EXPECT_EQ(flush_of(TopicConfig{.name = "t"}), std::nullopt);
  EXPECT_EQ(flush_of(TopicConfig{.name = "t", .attributes = {{"flush.disk.type", "ASYNC_FLUSH"}}}), Flush::async);
  EXPECT_EQ(flush_of(TopicConfig{.name = "t", .attributes = {{"flush.disk.type", "SYNC_FLUSH"}}}), Flush::sync);
  EXPECT_EQ(flush_of(TopicConfig{.name = "t", .attributes = {{"flush.disk.type", "?"}}}), Flush::sync);
  TopicTable topics({}, 1);
  topics.put({.name = "quick", .attributes = {{"flush.disk.type", "ASYNC_FLUSH"}}});
  EXPECT_EQ(flush_of(topics, "quick"), Flush::async);
  EXPECT_EQ(flush_of(topics, "TBW102"), std::nullopt);
  EXPECT_EQ(flush_of(topics, "unknown"), std::nullopt);
}

}  // namespace
}  // namespace chorus::mq
