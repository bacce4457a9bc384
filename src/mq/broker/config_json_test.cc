#include "mq/broker/config_json.h"

#include <gtest/gtest.h>

namespace chorus::mq {
namespace {

TEST(ConfigJson, TopicsComeBack) {
  const TopicConfig topic{.name = "%RETRY%g",
                          .read_queues = 3,
                          .write_queues = 4,
                          .perm = 7,
                          .multi_tags = true,
                          .sys_flag = 1,
                          .order = true,
                          .attributes = {{"message.type", "FIFO"}}};
  EXPECT_EQ(topic_from_json(to_json(topic)), topic);
  EXPECT_EQ(topic_from_json(R"({"name":"t","perm":"six","later":1})"), (TopicConfig{.name = "t"}));
}

TEST(ConfigJson, GroupsComeBack) {
  GroupConfig group{.name = "g", .consume_enable = false, .retry_queues = 2, .retry_max_times = 3, .attributes = {{"a", "b"}}};
  EXPECT_EQ(group_from_json(to_json(group)), group);
  group.retry_policy = RetryPolicy{.type = RetryPolicy::Type::exponential, .next_ms = {1, 2}, .initial_ms = 5};
  EXPECT_EQ(group_from_json(to_json(group)), group);
}

TEST(ConfigJson, AnnouncementsComeBack) {
  const Announcement announcement{.address = "10.0.0.1:10911", .id = 3, .permission = 4, .system_topics = {{.name = "TBW102", .perm = 7}}};
  EXPECT_EQ(announcement_from_json(to_json(announcement)), announcement);
  // As brokers wrote them that told no more.
  EXPECT_EQ(announcement_from_json(R"({"address":"h:1","id":0})"), (Announcement{.address = "h:1"}));
  EXPECT_EQ(announcement_from_json(R"({"address":"h:1","systemTopics":[{},1,{"name":"t"}]})")->system_topics.size(), 1u);
}

TEST(ConfigJson, WhatIsNoneIsRefused) {
  for (const char* text : {"", "{", "[]", "{}", R"({"name":1})"}) {
    EXPECT_FALSE(topic_from_json(text)) << text;
    EXPECT_FALSE(group_from_json(text)) << text;
    EXPECT_FALSE(announcement_from_json(text)) << text;
  }
}

}  // namespace
}  // namespace chorus::mq
