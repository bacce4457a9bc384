#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>

#include "base/text.h"
#include "rocketmq/load/frames.h"
#include "rocketmq/load/pacer.h"
#include "rocketmq/load/setup.h"

namespace chorus::bench::rocketmq {
namespace {

/// What the Java client of RocketMQ 5.5.0 and its broker said to one another, by request and direction.
std::vector<std::string> golden(int request, char direction) {
  std::ifstream in(CHORUS_SOURCE_DIR "/src/mq/rocketmq/testdata/java-5.5.0.txt");
  std::vector<std::string> frames;
  int code = 0;
  std::string way, hex;
  while (in >> code >> way >> hex) {
    if (code == request && way.front() == direction) frames.push_back(base::unhex(hex).value_or(""));
  }
  return frames;
}

std::string_view header_of(std::string_view frame) {
  const auto answer = parse_answer(frame.substr(4));
  return answer ? answer->header : std::string_view{};
}
std::string_view body_of(std::string_view frame) { return parse_answer(frame.substr(4))->body; }

/// Names of the header's fields, with their values: numbers without the zeros before them.
std::map<std::string, std::string> fields_of(std::string_view header) {
  std::map<std::string, std::string> fields;
  const std::string text(header);
  static const std::regex field("\"(\\w+)\":\"([^\"]*)\"");
  for (std::sregex_iterator at(text.begin(), text.end(), field); at != std::sregex_iterator(); ++at)
    fields[(*at)[1]] = std::regex_replace((*at)[2].str(), std::regex("^0+(?=[0-9])"), "");
  return fields;
}
std::vector<std::string> names_of(std::string_view header) {
  std::vector<std::string> names;
  for (const auto& [name, value] : fields_of(header)) names.push_back(name);
  return names;
}

std::string stamped(const SendShape& shape, const SendNumbers& numbers) {
  const SendStamp stamp(shape);
  std::string frame(stamp.size(), '\0');
  stamp.write(frame.data(), numbers);
  return frame;
}

bool length_is_right(std::string_view frame) {
  std::uint32_t length = 0;
  for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<std::uint8_t>(frame[static_cast<std::size_t>(i)]);
  return length + 4 == frame.size();
}

constexpr SendNumbers numbers{
    .slot = 7, .topic = 42, .queue = 3, .born_ms = 1'795'803'721'637, .unique = 99, .stamp_ns = 0x0102030405060708};

TEST(MqFrames, ASendIsThatOfAJavaClient) {
  const std::string frame = stamped({.body_octets = 12}, numbers);
  EXPECT_TRUE(length_is_right(frame));
  const std::string_view header = header_of(frame);
  EXPECT_EQ(number_field(header, "code"), 310);
  EXPECT_EQ(number_field(header, "opaque"), 1'000'000'007);
  ASSERT_FALSE(golden(310, '>').empty());
  EXPECT_EQ(names_of(header), names_of(header_of(golden(310, '>').front())));
  auto fields = fields_of(header);
  EXPECT_EQ(fields["b"], "bench-00042");
  EXPECT_EQ(fields["e"], "3");
  EXPECT_EQ(fields["f"], "0");
  EXPECT_EQ(fields["g"], "1795803721637");
  EXPECT_EQ(fields["i"], "UNIQ_KEY\\u00017F000001000000000000000000000099\\u0002WAIT\\u0001true\\u0002");
  EXPECT_EQ(base::hex(body_of(frame)), "010203040506070878787878");
  EXPECT_EQ(stamp_of(body_of(frame)), numbers.stamp_ns);
}

TEST(MqFrames, AHalfMessageSaysSoAndWhoseItIs) {
  auto fields = fields_of(header_of(stamped({.half = true, .producer = 0x1f}, numbers)));
  EXPECT_EQ(fields["f"], "4");
  EXPECT_EQ(fields["i"],
            "TRAN_MSG\\u0001true\\u0002PGROUP\\u0001bench-producer\\u0002UNIQ_"
            "KEY\\u00017F00000100000000001F000000000099\\u0002WAIT\\u0001true\\u0002");
}

TEST(MqFrames, ABatchIsThatOfAJavaClient) {
  const std::string frame = stamped({.body_octets = 8, .batch = 2}, numbers);
  EXPECT_TRUE(length_is_right(frame));
  ASSERT_FALSE(golden(320, '>').empty());
  EXPECT_EQ(names_of(header_of(frame)), names_of(header_of(golden(320, '>').front())));
  EXPECT_EQ(number_field(header_of(frame), "code"), 320);
  EXPECT_EQ(fields_of(header_of(frame))["m"], "true");
  const auto message = [](std::string_view digits) {
    return "00000052"
           "00000000"
           "00000000"
           "00000000"
           "00000008"
           "0102030405060708"
           "0034" +
           base::hex(
               "UNIQ_KEY\1"
               "7F000001000000000000" +
               std::string(digits) + "\2WAIT\1true\2");
  };
  EXPECT_EQ(base::hex(body_of(frame)), message("000000000099") + message("000000000100"));
}

TEST(MqFrames, ACommitIsThatOfAJavaClientButWantsAnAnswer) {
  const EndStamp stamp({});
  std::string frame(stamp.size(), '\0');
  stamp.write(frame.data(), 7, 42, 99, 11, 2537);
  EXPECT_TRUE(length_is_right(frame));
  ASSERT_FALSE(golden(37, '>').empty());
  EXPECT_EQ(names_of(header_of(frame)), names_of(header_of(golden(37, '>').front())));
  EXPECT_EQ(number_field(header_of(frame), "flag"), 0);
  auto fields = fields_of(header_of(frame));
  EXPECT_EQ(fields["commitLogOffset"], "2537");
  EXPECT_EQ(fields["tranStateTableOffset"], "11");
  EXPECT_EQ(fields["commitOrRollback"], "8");
  EXPECT_EQ(fields["topic"], "bench-00042");
  EXPECT_EQ(fields["msgId"], "7F000001000000000000000000000099");
}

TEST(MqFrames, APullSaysFromWhereAndWhatIsDone) {
  PullStamp held("g", "t-00000", 3, 5, true);
  EXPECT_TRUE(length_is_right(held.at(17)));
  auto fields = fields_of(header_of(held.at(17)));
  EXPECT_EQ(fields["queueOffset"], "17");
  EXPECT_EQ(fields["commitOffset"], "17");
  EXPECT_EQ(fields["queueId"], "3");
  EXPECT_EQ(fields["sysFlag"], "7");
  EXPECT_EQ(fields["suspendTimeoutMillis"], "15000");
  EXPECT_EQ(number_field(header_of(held.at(17)), "opaque"), 1'000'000'005);
  auto wanted = fields_of(header_of(golden(11, '>').front()));
  for (const auto& [name, value] : wanted) EXPECT_TRUE(fields.contains(name)) << name;
  PullStamp once("g", "t-00000", 3, 5, false);
  EXPECT_EQ(fields_of(header_of(once.at(0)))["sysFlag"], "4");
}

TEST(MqFrames, ARequestHasItsFieldsAndBody) {
  const std::string frame = request_frame(Code::max_offset, 5, {{"topic", "t"}, {"queueId", "0"}}, "body");
  EXPECT_TRUE(length_is_right(frame));
  EXPECT_EQ(fields_of(header_of(frame))["topic"], "t");
  EXPECT_EQ(body_of(frame), "body");
  EXPECT_FALSE(parse_answer(frame.substr(4))->is_response);
}

TEST(MqAnswers, OfABrokerAreRead) {
  const auto sends = golden(310, '<');
  ASSERT_FALSE(sends.empty());
  for (const std::string& frame : sends) {
    const auto answer = parse_answer(std::string_view(frame).substr(4));
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->is_response);
    if (answer->code != success) continue;
    EXPECT_TRUE(number_field(answer->header, "queueOffset"));
    EXPECT_TRUE(position_of_id(text_field(answer->header, "msgId").value_or(""))) << answer->header;
  }
}

TEST(MqAnswers, PulledMessagesAreTakenOneByOne) {
  const auto pulls = golden(11, '<');
  std::size_t messages = 0;
  for (const std::string& frame : pulls) {
    const auto answer = parse_answer(std::string_view(frame).substr(4));
    ASSERT_TRUE(answer);
    if (answer->code != success) continue;
    const auto next = number_field(answer->header, "nextBeginOffset");
    std::int64_t last = -1;
    std::string_view body = answer->body;
    while (const auto pulled = next_pulled(body)) {
      ++messages;
      last = pulled->offset;
    }
    EXPECT_TRUE(body.empty());
    EXPECT_LE(last + 1, next);  // what is filtered away is not in it
  }
  EXPECT_GT(messages, 5u);
  std::string_view first = body_of(pulls.front());
  EXPECT_EQ(next_pulled(first)->body, "body 0");
}

TEST(MqAnswers, WhatIsNoneIsNotRead) {
  EXPECT_FALSE(parse_answer(""));
  EXPECT_FALSE(parse_answer(std::string_view("\0\0\0\x09{}", 6)));
  EXPECT_FALSE(parse_answer(std::string_view("\1\0\0\2{}", 6)));
  EXPECT_FALSE(parse_answer(std::string_view("\0\0\0\2{}", 6)));
  // What a remark quotes is not taken for a field.
  EXPECT_EQ(text_field(R"({"remark":"\"code\":5 code","code":12})", "code"), "12");
  EXPECT_FALSE(number_field(R"({"code":"x"})", "code"));
  EXPECT_FALSE(position_of_id("7F000001"));
  EXPECT_FALSE(position_of_id("7F00000100008577000000000000000G"));
  EXPECT_EQ(position_of_id("7F000001000085770000000000000A2F"), 0xa2f);
  const std::string frame = golden(11, '<').front();
  for (std::size_t size = 0; size < 0x114; size += 5) {
    std::string_view cut = body_of(frame).substr(0, size);
    EXPECT_FALSE(next_pulled(cut)) << size;
  }
}

TEST(MqSetup, ManyTopicsAreOneList) {
  EXPECT_EQ(topic_list("t", 3, 5, 2),
            R"({"topicConfigList":[{"attributes":{},"order":false,"perm":6,"readQueueNums":2,"topicFilterType":"SINGLE_TAG",)"
            R"("topicName":"t-00003","topicSysFlag":0,"writeQueueNums":2},{"attributes":{},"order":false,"perm":6,"readQueueNums":2,)"
            R"("topicFilterType":"SINGLE_TAG","topicName":"t-00004","topicSysFlag":0,"writeQueueNums":2}]})");
}

TEST(MqPacer, KeepsItsRateWhateverHappens) {
  const Clock::time_point start = Clock::now();
  Pacer pacer(3000, start);
  for (int i = 0; i < 3'000'000; ++i) pacer.take();
  EXPECT_EQ(pacer.next() - start, std::chrono::seconds(1000));
}

}  // namespace
}  // namespace chorus::bench::rocketmq
