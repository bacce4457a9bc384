#include "mq/broker/topics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mq/broker/groups.h"

namespace chorus::mq {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(TopicTable, ATopicIsMadeLikeItsTemplateWhenSomethingIsSentToIt) {
  TopicTable topics({}, 1);
  const auto made = topics.find_or_create("orders", topic::auto_create, 4, 2);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->write_queues, 4);
  EXPECT_EQ((*made)->perm, perm::read | perm::write) << "without the right to inherit";
  EXPECT_EQ((*topics.find_or_create("more", topic::auto_create, 100, 2))->write_queues, 8) << "no more than the template has";
  EXPECT_THAT(topics.take_changes(), ElementsAre("orders", "more"));
  EXPECT_EQ(topics.version().timestamp_ms, 2);
  EXPECT_EQ(topics.find_or_create("other", "orders", 4, 3).error().code, TopicErrc::unknown) << "orders may not be inherited from";
  EXPECT_EQ(topics.find_or_create("a.b", topic::auto_create, 4, 3).error().code, TopicErrc::illegal_name);
}

TEST(TopicTable, NothingIsMadeWhereThatIsOff) {
  TopicTable topics({.auto_create = false}, 1);
  EXPECT_THAT(topics.find_or_create("orders", topic::auto_create, 4, 2).error().message, HasSubstr("topic[orders] not exist"));
}

TEST(TopicTable, AnOperatorChangesTopics) {
  TopicTable topics({}, 1);
  ASSERT_TRUE(topics.update({.name = "t", .read_queues = 2, .write_queues = 3}, "+message.type=FIFO,+reserve.time=60", 2));
  ASSERT_TRUE(topics.update({.name = "t", .read_queues = 2, .write_queues = 3}, "-reserve.time", 3));
  EXPECT_EQ(topics.find("t")->attributes, (std::map<std::string, std::string>{{"message.type", "FIFO"}}));
  EXPECT_EQ(topics.update({.name = "t"}, "a=b", 4).error().code, TopicErrc::invalid);
  EXPECT_EQ(topics.update({.name = "u"}, "+cleanup.policy=none", 4).error().code, TopicErrc::invalid);
  EXPECT_EQ(topics.find("u"), nullptr);
  ASSERT_TRUE(topics.update({.name = "t", .read_queues = 2, .write_queues = 3, .attributes = {{"given", "directly"}}}, "", 4));
  EXPECT_EQ(topics.find("t")->attributes, (std::map<std::string, std::string>{{"message.type", "FIFO"}}));
  EXPECT_EQ(topics.update({.name = "TBW102"}, "", 4).error().code, TopicErrc::system);
  EXPECT_EQ(topics.update({.name = "t", .read_queues = -1}, "", 4).error().code, TopicErrc::invalid);
  EXPECT_EQ(topics.remove("TBW102", 4).error().code, TopicErrc::system);
  EXPECT_TRUE(topics.remove("t", 4));
  EXPECT_EQ(topics.remove("t", 4).error().code, TopicErrc::unknown);
}

TEST(Topic, Names) {
  EXPECT_THAT(topic::refuse_name("%RETRY%a-b_c|d"), IsEmpty());
  EXPECT_THAT(topic::refuse_name(""), HasSubstr("blank"));
  EXPECT_THAT(topic::refuse_name("a b"), HasSubstr("illegal characters"));
  EXPECT_THAT(topic::refuse_name(std::string(128, 'a')), HasSubstr("127"));
  EXPECT_THAT(topic::refuse_name(topic::retry_of(std::string(120, 'a'))), IsEmpty());
  EXPECT_EQ(topic::group_of("%RETRY%g"), "g");
  EXPECT_EQ(topic::group_of("%DLQ%g"), "g");
  EXPECT_EQ(topic::group_of("g"), "");
  EXPECT_EQ(perm::to_string(6), "RW-");
  EXPECT_EQ(perm::to_string(7), "RWX");
}

TEST(GroupTable, GroupsAreMadeWhenFirstSeen) {
  GroupTable groups({}, 1);
  ASSERT_TRUE(groups.find_or_create("g", 2));
  EXPECT_EQ(groups.find("g")->retry_max_times, 16);
  EXPECT_THAT(groups.take_changes(), ElementsAre("g"));
  EXPECT_EQ(groups.find_or_create("a b", 2).error().code, GroupErrc::illegal_name);
  GroupTable strict({.auto_create = false}, 1);
  EXPECT_EQ(strict.find_or_create("g", 2).error().code, GroupErrc::unknown);
  EXPECT_TRUE(strict.find_or_create("TOOLS_CONSUMER", 2));
  EXPECT_TRUE(strict.find_or_create("CID_RMQ_SYS_x", 2));
}

TEST(GroupTable, ReadingMayBeForbidden) {
  GroupTable groups({}, 1);
  ASSERT_TRUE(groups.forbid("g", "t", true, 2).has_value());
  EXPECT_TRUE(groups.is_forbidden("g", "t"));
  EXPECT_FALSE(groups.is_forbidden("g", "u"));
  ASSERT_TRUE(groups.forbid("g", "t", false, 3).has_value());
  EXPECT_FALSE(groups.is_forbidden("g", "t"));
}

}  // namespace
}  // namespace chorus::mq
