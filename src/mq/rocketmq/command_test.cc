#include "mq/rocketmq/command.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"

namespace chorus::mq::rocketmq {
namespace {

Command decode(std::string_view header, HeaderFormat format = HeaderFormat::json, std::string_view body = {}) {
  auto command = Command::decode({format, header, body});
  EXPECT_TRUE(command.has_value()) << header;
  return command ? std::move(*command) : Command{};
}

TEST(Command, ReadsWhatJavaSends) {
  const Command command = decode(
      R"({"code":310,"extFields":{"a":"group","b":"Topic","e":"3","i":"TAGS\u0001A\u0002","m":"false"},"flag":0,"language":"JAVA","opaque":17,"serializeTypeCurrentRPC":"JSON","version":401})",
      HeaderFormat::json, "body");
  EXPECT_EQ(command.request(), RequestCode::send_message_v2);
  EXPECT_EQ(command.opaque, 17);
  EXPECT_EQ(command.version, 401);
  EXPECT_EQ(command.language, Language::java);
  EXPECT_FALSE(command.is_response());
  EXPECT_FALSE(command.remark);
  EXPECT_EQ(command.field("i"), "TAGS\1A\2");
  EXPECT_EQ(command.field("z"), std::nullopt);
  EXPECT_EQ(command.body, "body");
  ASSERT_EQ(command.fields().size(), 5u);
  EXPECT_EQ(command.fields()[1], (HeaderField{"b", "Topic"}));
}

TEST(Command, KeepsTheTextOfNumbersAndBooleans) {
  const Command command = decode(
      R"( { "flag" : 2 , "extFields":{"queueId":0,"x":-1.50,"ok":true,"none":null,"n":{"a":[1,"}"]}}, "opaque":1,"unknown":[{"a":{}}],"code":15} )");
  EXPECT_EQ(command.field("queueId"), "0");
  EXPECT_EQ(command.field("x"), "-1.50");
  EXPECT_EQ(command.field("ok"), "true");
  EXPECT_EQ(command.field("none"), std::nullopt);
  EXPECT_EQ(command.field("n"), R"({"a":[1,"}"]})");
  EXPECT_TRUE(command.is_oneway());
  EXPECT_EQ(command.request(), RequestCode::update_consumer_offset);
}

TEST(Command, OwnsWhatWasEscapedAndMayBeMoved) {
  std::string header = R"({"code":1,"extFields":{"a\tb":"\"q\" \\ \/ \u00e9 \ud83d\ude00 \ud83d"},"remark":"l\n","language":"GO"})";
  Command first = decode(header);
  const Command second = std::move(first);
  EXPECT_EQ(second.field("a\tb"), "\"q\" \\ / \xc3\xa9 \xf0\x9f\x98\x80 ?");
  EXPECT_EQ(second.remark, "l\n");
  EXPECT_EQ(second.language, Language::go);
}

TEST(Command, RefusesWhatIsNone) {
  for (const char* bad : {"", "[]", "1", "{", R"({"code":1)", R"({"code":1}x)", R"({"code":"x"})", R"({"code":99999999999})",
                          R"({"a":"\u12"})", R"({"a" 1})", R"({"extFields":{"a":"b})", "{\"a\":\"\\"})
    EXPECT_FALSE(Command::decode({HeaderFormat::json, bad, ""}).has_value()) << bad;
  std::string deep(200, '[');
  EXPECT_FALSE(Command::decode({HeaderFormat::json, "{\"x\":" + deep + std::string(200, ']') + "}", ""}).has_value());
}

TEST(Command, ReadsBinaryHeaders) {
  // code 11, GO, version 317, opaque 5, flag 0, remark "r", { queueId: "3" }
  const std::string header = *base::unhex("000b 09 013d 00000005 00000000 00000001 72 0000000e 0007 71756575654964 00000001 33");
  const Command command = decode(header, HeaderFormat::binary);
  EXPECT_EQ(command.request(), RequestCode::pull_message);
  EXPECT_EQ(command.language, Language::go);
  EXPECT_EQ(command.version, 317);
  EXPECT_EQ(command.remark, "r");
  EXPECT_EQ(command.field("queueId"), "3");
  for (std::size_t size = 0; size < header.size(); ++size)
    EXPECT_FALSE(Command::decode({HeaderFormat::binary, std::string_view(header).substr(0, size), ""}).has_value()) << size;
}

TEST(Command, KnowsPopCodesCutTo16Bits) {
  const struct {
    const char* cut;
    std::int32_t flag;
    std::int32_t whole;
  } cases[] = {{"0d72", 0, 200050}, {"0dd7", 0, 200151}, {"0d78", 0, 200056}, {"0d79", 0, 3449},
               {"0d72", 1, 3442},   {"000a", 0, 10},     {"ffff", 0, -1}};
  for (const auto& c : cases) {
    const std::string header = *base::unhex(c.cut + std::string("00 01d9 00000005 0000000") + (c.flag ? "1" : "0") + " 00000000 00000000");
    EXPECT_EQ(decode(header, HeaderFormat::binary).code, c.whole);
  }
}

TEST(HeaderReader, SaysWhatIsMissing) {
  const Command command =
      decode(R"({"code":11,"extFields":{"topic":"T","queueId":"3","big":"5000000000","word":"x","on":"True","neg":"-7"}})");
  HeaderReader in(command);
  EXPECT_EQ(in.required_text("topic"), "T");
  EXPECT_EQ(in.required_i32("queueId"), 3);
  EXPECT_EQ(in.required_i64("big"), 5000000000);
  EXPECT_EQ(in.required_i32("neg"), -7);
  EXPECT_TRUE(in.required_bool("on"));
  EXPECT_FALSE(in.optional_bool("word"));
  EXPECT_TRUE(in.optional_bool("off", true));
  EXPECT_EQ(in.optional_i32("other", 9), 9);
  EXPECT_EQ(in.optional_text("other"), std::nullopt);
  EXPECT_TRUE(in.ok());
  in.required_i64("other");
  EXPECT_EQ(in.error(), "org.apache.rocketmq.remoting.exception.RemotingCommandException: the custom field <other> is null");
  EXPECT_EQ(in.required_text("topic"), "") << "nothing after the first failure";
  HeaderReader big(command);
  big.required_i32("big");
  EXPECT_EQ(big.error(), "java.lang.NumberFormatException: For input string: \"5000000000\"");
}

// As a real broker's: keys sorted, all values strings.
TEST(Outgoing, IsWrittenAsFastjsonWrites) {
  Command request;
  request.opaque = 42;
  Outgoing answer = Outgoing::answer(request, ResponseCode::pull_not_found, "it's \"empty\"\n");
  answer.field("nextBeginOffset", std::int64_t{5}).field("on", true).field("text", "a\1");
  answer.body = "xyz";
  const std::string frame = encode(answer);
  const std::string header =
      R"({"code":19,"extFields":{"nextBeginOffset":"5","on":"true","text":"a\u0001"},"flag":1,"language":"JAVA","opaque":42,"remark":"it's \"empty\"\n","serializeTypeCurrentRPC":"JSON","version":473})";
  EXPECT_EQ(frame.substr(8), header + "xyz");
  EXPECT_EQ(base::hex(frame.substr(0, 8)), fmt::format("{:08x}{:08x}", 4 + header.size() + 3, header.size()));
}

TEST(Outgoing, ComesBackInBothFormats) {
  Outgoing call = Outgoing::request(RequestCode::notify_consumer_ids_changed, 7, true);
  call.field("consumerGroup", "g\"").field("n", 1);
  call.remark = "why";
  call.body = std::string("\0\1", 2);
  for (const HeaderFormat format : {HeaderFormat::json, HeaderFormat::binary}) {
    const std::string octets = encode(call, format);
    const auto split = split_frame(octets);
    ASSERT_TRUE(split && split->complete);
    EXPECT_EQ(split->size, octets.size());
    const auto back = Command::decode(split->frame);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->code, 40);
    EXPECT_EQ(back->opaque, 7);
    EXPECT_TRUE(back->is_oneway());
    EXPECT_FALSE(back->is_response());
    EXPECT_EQ(back->field("consumerGroup"), "g\"");
    EXPECT_EQ(back->field("n"), "1");
    EXPECT_EQ(back->remark, "why");
    EXPECT_EQ(back->body, call.body);
  }
}

TEST(FrameDecoder, CutsHoweverItComes) {
  std::string stream;
  std::vector<std::string> expected;
  for (const std::size_t size : {0, 1, 5, 300, 70000, 2}) {
    Outgoing command = Outgoing::request(RequestCode::send_message, static_cast<std::int32_t>(size));
    command.body.assign(size, 'x');
    encode(command, stream);
    expected.push_back(std::to_string(size));
  }
  base::Random random(3);
  for (int round = 0; round < 300; ++round) {
    FrameDecoder decoder;
    std::vector<std::string> seen;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t piece = std::min<std::size_t>(1 + random.below(round % 3 == 0 ? 20 : 40000), stream.size() - at);
      const std::string borrowed = stream.substr(at, piece);
      ASSERT_TRUE(decoder.receive(borrowed, [&](const Frame& frame) { seen.push_back(std::to_string(frame.body.size())); }).has_value());
      at += piece;
      ASSERT_LE(decoder.kept(), 70200u);
    }
    ASSERT_EQ(seen, expected);
    ASSERT_EQ(decoder.kept(), 0u);
  }
}

TEST(FrameDecoder, RefusesBeforeItKeeps) {
  const struct {
    const char* head;
    FrameErrc error;
  } cases[] = {{"01000000", FrameErrc::too_large},           {"00fffffd 00000001", FrameErrc::too_large},
               {"80000000", FrameErrc::bad_length},          {"00000003", FrameErrc::bad_length},
               {"00000010 0000000d", FrameErrc::bad_length}, {"00000010 02000002", FrameErrc::bad_format},
               {"00000004 00000001", FrameErrc::bad_length}};
  for (const auto& c : cases)
    for (const bool bytewise : {false, true}) {
      const std::string octets = *base::unhex(c.head);
      FrameDecoder decoder;
      base::Result<void, FrameErrc> result;
      for (std::size_t at = 0; at < octets.size() && result; at += bytewise ? 1 : octets.size())
        result = decoder.receive(std::string_view(octets).substr(at, bytewise ? 1 : octets.size()), [](const Frame&) { FAIL(); });
      ASSERT_FALSE(result.has_value()) << c.head;
      EXPECT_EQ(result.error(), c.error) << c.head;
    }
  FrameDecoder largest;
  EXPECT_TRUE(largest.receive(*base::unhex("00fffffc 00000001"), [](const Frame&) {}).has_value());
}

TEST(Codes, HaveNames) {
  EXPECT_EQ(name_of(RequestCode::send_message_v2), "SEND_MESSAGE_V2");
  EXPECT_EQ(name_of(RequestCode::pop_message), "POP_MESSAGE");
  EXPECT_EQ(name_of(static_cast<RequestCode>(9999)), "");
  EXPECT_EQ(name_of(ResponseCode::pull_offset_moved), "PULL_OFFSET_MOVED");
  EXPECT_EQ(name_of(Language::node_js), "NODE_JS");
}

}  // namespace
}  // namespace chorus::mq::rocketmq
