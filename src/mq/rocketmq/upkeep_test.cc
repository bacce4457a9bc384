#include "mq/rocketmq/upkeep.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "mq/rocketmq/frame.h"

namespace chorus::mq::rocketmq {
namespace {

/// The answer to a request with these fields.
std::optional<Outgoing> answer(std::int32_t code, const std::map<std::string, std::string>& fields = {}) {
  Outgoing request = Outgoing::request(static_cast<RequestCode>(code), 7);
  for (const auto& [name, value] : fields) request.field(name, value);
  const std::string octets = encode(request);
  return answer_upkeep(*Command::decode(split_frame(octets)->frame));
}

// Codes and remarks: an Apache RocketMQ 5.5.0 broker's, as it is set by default.
TEST(Upkeep, AnswersAsRocketmqDoes) {
  const struct {
    std::int32_t request;
    std::map<std::string, std::string> fields;
    std::int32_t code;
    std::string_view remark;
  } cases[] = {
      {60, {}, 1, "The checkpoint is null"},
      {61, {}, 1, "The timer message store is null"},
      {355, {{"configType", "topics"}}, 0, "export done."},
      {905, {}, 0, ""},
      {908, {{"masterFlushOffset", "0"}}, 0, ""},
      {1008, {}, 0, ""},
      {2004, {}, 1, "set commitlog readahead mode param error"},
      {2004, {{"READ_AHEAD_MODE", "0"}}, 0, "set commitlog readahead mode success, mode: 0"},
      {2004, {{"READ_AHEAD_MODE", "7"}}, 29, "set commitlog readahead mode param value error"},
      {5001, {}, 29, "param error"},
      {5001, {{"E_T", "X"}}, 29, "param error"},
      {5001, {{"E_T", "F"}}, 0, ""},
      {5001, {{"E_T", "R"}}, 29, "timerRocksDBEnable must be configured true when broker start"},
      {200056, {}, 0, ""},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.request);
    const auto said = answer(each.request, each.fields);
    ASSERT_TRUE(said);
    EXPECT_EQ(said->code, each.code);
    EXPECT_EQ(said->remark, each.remark);
  }
  EXPECT_EQ(answer(354)->body, R"({"checkResult":"It is not CombineConsumeQueueStore, no need check","checkStatus":0})");
  EXPECT_FALSE(answer(10));
  EXPECT_FALSE(answer(200075));
}

TEST(Upkeep, DoesNotTakeForDoneWhatIsNot) {
  for (const std::int32_t code : {906, 2001, 2002, 2003}) {
    const auto said = answer(code);
    ASSERT_TRUE(said) << code;
    EXPECT_EQ(said->code, 3) << code;
    EXPECT_FALSE(said->remark.empty()) << code;
  }
  EXPECT_EQ(answer(2004, {{"READ_AHEAD_MODE", "1"}})->code, 3);
}

}  // namespace
}  // namespace chorus::mq::rocketmq
