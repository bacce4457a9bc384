#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/mq/output.h"
#include "app/mq/parse.h"

namespace chorus::app::mqtool {
namespace {

TEST(MqTimes, AreReadInEachForm) {
  const std::int64_t now = 1'800'000'000'000;
  const struct {
    const char* text;
    std::int64_t want;
  } cases[] = {{"2026-01-31T12:00:00Z", 1'769'860'800'000},
               {"2026-01-31T12:00:00.5Z", 1'769'860'800'500},
               {"2026-01-31 12:00:00.125", 1'769'860'800'125},
               {"2026-01-31T12:00", 1'769'860'800'000},
               {"2026-01-31", 1'769'817'600'000},
               {"1769860800000", 1'769'860'800'000},
               {"10m ago", now - 600'000},
               {"1h30m ago", now - 5'400'000},
               {"now", now}};
  for (const auto& c : cases) EXPECT_EQ(parse_time(c.text, now), c.want) << c.text;
  for (const char* text :
       {"", "yesterday", "2026-13-01", "2026-01-31T25:00", "2026-01-31T12:00:61", "2026-01-31x", "ago", "5 ago", "12:00"})
    EXPECT_FALSE(parse_time(text, now)) << text;
}

TEST(MqDurations, AreReadWithUnits) {
  EXPECT_EQ(parse_duration("500ms"), 500);
  EXPECT_EQ(parse_duration("1h30m"), 5'400'000);
  EXPECT_EQ(parse_duration("2d"), 172'800'000);
  for (const char* text : {"", "5", "s", "5x", "-5s", "99999999999999999999s", "9999999999999d"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

Command parsed(std::vector<std::string> words) {
  auto result = parse_arguments(std::move(words));
  return std::holds_alternative<Leave>(result) ? Command{} : std::get<1>(std::get<0>(result));
}

TEST(MqCommandLine, KnowsEveryCommand) {
  EXPECT_EQ(parsed({"topics", "list", "-a"}).name, "topics list");
  EXPECT_TRUE(parsed({"topics", "list", "-a"}).all);
  EXPECT_EQ(parsed({"topics", "create", "T", "-q", "3", "-A", "message.type=FIFO"}).queues, 3);
  EXPECT_EQ(parsed({"groups", "show", "G"}).group, "G");
  const Command produce = parsed({"produce", "T", "one", "two", "-t", "red", "-p", "a=b"});
  EXPECT_EQ(produce.items, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(produce.tag, "red");
  const Command consume = parsed({"consume", "T", "-f", "--sql", "a > 1", "-n", "5"});
  EXPECT_TRUE(consume.follow);
  EXPECT_EQ(consume.count, 5);
  EXPECT_EQ(parsed({"lag"}).name, "lag");
  EXPECT_EQ(parsed({"reset", "G", "T", "--to", "earliest"}).to, "earliest");
  EXPECT_EQ(parsed({"dlq", "resend", "G", "ID"}).items.size(), 1U);
  EXPECT_EQ(parsed({"transactions", "resume", "ID"}).id, "ID");
  EXPECT_EQ(parsed({"message", "T", "--queue", "1", "--offset", "7"}).offset, 7);
}

TEST(MqCommandLine, OptionsOfTheConnectionMayComeAnywhere) {
  auto result = parse_arguments({"topics", "list", "--json", "--server", "h:1"});
  ASSERT_TRUE((std::holds_alternative<std::pair<Connection, Command>>(result)));
  const Connection& connection = std::get<0>(result).first;
  EXPECT_TRUE(connection.json);
  EXPECT_EQ(connection.servers, "h:1");
}

TEST(MqCommandLine, RefusesWhatGoesNotTogether) {
  testing::internal::CaptureStderr();
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{},
                                                                                     {"topic"},
                                                                                     {"topics"},
                                                                                     {"produce", "T", "x", "--delay", "1s", "--at", "now"},
                                                                                     {"consume", "T", "--sql", "a", "--filter", "b"},
                                                                                     {"message", "T", "--queue", "1"},
                                                                                     {"reset", "G", "T"},
                                                                                     {"produce", "T", "x", "--delay-level", "19"}}) {
    const auto result = parse_arguments(words);
    ASSERT_TRUE(std::holds_alternative<Leave>(result));
    EXPECT_EQ(std::get<Leave>(result).code, Exit::usage);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("did you mean topics?"));
}

TEST(MqOutput, LinesUpColumns) {
  Table table({"NAME", "LAG"});
  table.add({"orders", "5"});
  table.add({"a", "1234"});
  EXPECT_EQ(table.text(), "NAME     LAG\norders     5\na       1234\n");
}

TEST(MqOutput, ShowsWhatATerminalCanBear) {
  EXPECT_EQ(printable("h\u00e9llo"), "h\u00e9llo");
  EXPECT_EQ(printable("a\x1b[1m\n"), "a\\x1b[1m\\x0a");
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable(std::string(300, 'a')).size(), 203U);
}

TEST(MqOutput, GivesBodiesAsTextOrBase64) {
  mqclient::Received message{.topic = "T", .body = "hello", .properties = {{"UNIQ_KEY", "U"}}};
  EXPECT_EQ(message_json(message)["body"], "hello");
  EXPECT_EQ(message_json(message)["id"], "U");
  message.body = "\xff\xfe";
  EXPECT_EQ(message_json(message)["body_base64"], "//4=");
  EXPECT_FALSE(message_json(message).contains("body"));
}

}  // namespace
}  // namespace chorus::app::mqtool
