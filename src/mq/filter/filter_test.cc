#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/text.h"
#include "mq/filter/sql_filter.h"
#include "mq/filter/tag_filter.h"
#include "mq/message/ids.h"

namespace chorus::mq {
namespace {

TEST(TagFilter, WantsTheHashesOfItsTags) {
  const auto filter = TagFilter::parse(" TagA || TagB||TagA|| ");
  ASSERT_TRUE(filter.has_value());
  EXPECT_EQ(filter->tags(), (std::vector<std::string>{"TagA", "TagB"}));
  EXPECT_EQ(filter->hashes().size(), 2u);
  EXPECT_TRUE(filter->wants(java_hash("TagA")));
  EXPECT_TRUE(filter->wants(java_hash("TagB")));
  EXPECT_FALSE(filter->wants(java_hash("TagC")));
  EXPECT_FALSE(filter->wants(0));
  for (const char* all : {"", "*"}) EXPECT_TRUE(TagFilter::parse(all)->wants(0)) << all;
  EXPECT_FALSE(TagFilter::parse("||")) << "RocketMQ refuses it";
  EXPECT_FALSE(TagFilter::parse(" || ")->wants(0)) << "RocketMQ takes it, for none";
  EXPECT_TRUE(is_tag_type(""));
  EXPECT_FALSE(is_tag_type("SQL92"));
}

std::string properties_of(std::string_view list) {
  std::string text;
  for (const std::string_view pair : base::split(list, ';')) {
    const std::size_t equals = pair.find('=');
    if (can_be_property(pair.substr(0, equals), pair.substr(equals + 1)))
      append_property(text, pair.substr(0, equals), pair.substr(equals + 1));
  }
  return text;
}

// What RocketMQ's own filter said: T wanted, F not, E no condition. A line break is written \n. Some by hand, the others random.
TEST(SqlFilter, DecidesAsRocketMqDoes) {
  std::ifstream in(CHORUS_SOURCE_DIR "/src/mq/filter/testdata/sql92-5.5.0.txt");
  const std::string properties = properties_of("a=5;b=text;c=3.5;d=true;e=-7;g=it's;h=10000000000;i=1e2;j= 8 ;k=TRUE");
  int count = 0;
  for (std::string line; std::getline(in, line); ++count) {
    std::string expression = line.substr(2);
    if (const std::size_t at = expression.find("\\n"); at != std::string::npos) expression.replace(at, 2, "\n");
    const auto filter = SqlFilter::compile(expression);
    const char got = !filter ? 'E' : filter->matches(Properties(properties)) ? 'T' : 'F';
    EXPECT_EQ(got, line[0]) << expression << (filter ? "" : "\n" + filter.error());
  }
  EXPECT_GT(count, 1000);
}

TEST(SqlFilter, SaysWhatIsWrongAndWhere) {
  const struct {
    const char *expression, *error;
  } cases[] = {{"", "an empty expression"},
               {"a = 5 AND", "expected a value or a property but the expression ends at character 10"},
               {"a != 5", "'!' is no operator (not equal is <>) at character 3"},
               {"a = 'x", "a string without its closing quote at character 5"},
               {"a IS 5", "expected NULL or NOT NULL but found '5' at character 6"},
               {"a = NULL", "NULL cannot be compared (write IS NULL) at character 3"},
               {"a > 'x'", "'x' cannot be compared by order at character 3"},
               {"a BETWEEN 5 AND 1", "BETWEEN 5 AND 1 is empty at character 3"},
               {"a IN ('x'", "expected , or ) but the expression ends at character 10"},
               {"5 IN ('x')", "IN needs a property to its left, not 5 at character 3"},
               {"a + 1", ""},  // not looked at
               {"a NOT NULL", "NOT here needs IN, BETWEEN, CONTAINS, STARTSWITH or ENDSWITH at character 3"},
               {"5", "a condition is needed where there is a value at character 2"},
               {"a = 99999999999999999999", "99999999999999999999 is too large at character 5"},
               {"a CONTAINS b", "expected a string but found 'b' at character 12"}};
  for (const auto& c : cases) {
    const auto filter = SqlFilter::compile(c.expression);
    EXPECT_EQ(filter ? "" : filter.error(), c.error) << c.expression;
  }
}

TEST(SqlFilter, IsBounded) {
  for (const std::string& deep :
       {std::string(100'000, '('), std::string(60'000, '('), std::string(60'000, '-'), std::string(200, '(') + "a" + std::string(200, ')')})
    EXPECT_FALSE(SqlFilter::compile(deep).has_value());
  std::string nots, equals = "a", ors = "a = 1";
  for (int i = 0; i < 10'000; ++i) nots += "NOT ", equals += " = TRUE";
  for (int i = 0; i < 6'000; ++i) ors += " OR a = 2";
  EXPECT_FALSE(SqlFilter::compile(nots + "a").has_value());
  EXPECT_FALSE(SqlFilter::compile(equals).has_value());
  const auto wide = SqlFilter::compile(ors);
  ASSERT_TRUE(wide.has_value());
  EXPECT_TRUE(
      wide->matches(Properties("a\1"
                               "2\2")));
  EXPECT_FALSE(
      wide->matches(Properties("a\1"
                               "3\2")));
}

TEST(SqlFilter, ReadsNumbersAsJavaDoes) {
  const struct {
    const char* text;
    bool above;  // of 1.5
  } cases[] = {{"2", true},          {" 2.5 ", true}, {"2d", true},       {"+2.f", true},  {".2e1", true},
               {"0x1p4", true},      {"NaN", true},   {"Infinity", true}, {"1e999", true}, {"1e-999", false},
               {"-Infinity", false}, {"0x10", false}, {"inf", false},     {"nan", false},  {"+-2", false},
               {"--2", false},       {"2dd", false},  {"", false},        {"d", false},    {"2 2", false}};
  const auto filter = SqlFilter::compile("a > 1.5");
  ASSERT_TRUE(filter.has_value());
  for (const auto& c : cases) EXPECT_EQ(filter->matches(Properties("a\1" + std::string(c.text) + "\2")), c.above) << c.text;
}

}  // namespace
}  // namespace chorus::mq
