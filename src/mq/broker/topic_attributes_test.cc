#include "mq/broker/topic_attributes.h"

#include <gtest/gtest.h>

namespace chorus::mq {
namespace {

std::string show(const base::Result<TopicAttributes, std::string>& result) {
  if (!result) return "refused: " + result.error();
  std::string text;
  for (const auto& [name, value] : *result) text += (text.empty() ? "" : ",") + name + "=" + value;
  return text;
}

// The words are those of Apache RocketMQ 5.5.0.
TEST(TopicAttributes, AreChangedAsRocketmqDoes) {
  const TopicAttributes before{{"message.type", "NORMAL"}, {"queue.type", "SimpleCQ"}};
  const struct {
    std::string_view changes;
    bool is_new;
    std::string_view want;
  } cases[] = {
      {"+message.type=FIFO", true, "message.type=FIFO"},
      {"+cleanup.policy=COMPACTION,+reserve.time=-1", true, "cleanup.policy=COMPACTION,reserve.time=-1"},
      {"+message.type=DELAY,+reserve.time=60", false, "message.type=DELAY,queue.type=SimpleCQ,reserve.time=60"},
      {"-message.type", false, "queue.type=SimpleCQ"},
      {"+bogus=1", true, "refused: unsupported key: bogus"},
      {"+bogus=1", false, "refused: unsupported key: bogus"},
      {"-bogus", false, "refused: attempt to delete a nonexistent key: bogus"},
      {"-message.type", true, "refused: only add attribute is supported while creating topic. key: message.type"},
      {"+queue.type=BatchCQ", false, "refused: attempt to update an unchangeable attribute. key: queue.type"},
      {"-queue.type", false, "refused: attempt to update an unchangeable attribute. key: queue.type"},
      {"+message.type=fifo", true, "refused: value is not in set: [UNSPECIFIED, NORMAL, FIFO, DELAY, TRANSACTION, MIXED]"},
      {"+message.type=", true, "refused: value is not in set: [UNSPECIFIED, NORMAL, FIFO, DELAY, TRANSACTION, MIXED]"},
      {"+reserve.time=-2", true, "refused: value is not in range(-1, 9223372036854775807)"},
      {"+reserve.time=x", true, "refused: For input string: \"x\""},
      {"+message.type=FIFO,+message.type=NORMAL", true, "refused: alter duplication key. key: message.type"},
      {"message.type=FIFO", true, "refused: add/alter attribute format is wrong: message.type"},
      {"message.type", true, "refused: delete attribute format is wrong: message.type"},
      {"+=1", true, "refused: kv string format wrong."},
      {"+", true, "refused: delete attribute format is wrong: +"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.changes);
    EXPECT_EQ(show(altered_attributes(each.is_new ? TopicAttributes{} : before, each.changes, each.is_new)), each.want);
  }
}

}  // namespace
}  // namespace chorus::mq
