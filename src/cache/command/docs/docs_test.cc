#include "cache/command/docs/docs.h"

#include <gtest/gtest.h>

#include "cache/command/command.h"
#include "cache/server_fixture.h"

namespace chorus::cache::docs {
namespace {

TEST(CommandDocs, EveryCommandHasOne) {
  const auto check = [](const Command& command) {
    const Doc* doc = find(command.full_name());
    EXPECT_TRUE(doc != nullptr && !doc->summary.empty()) << command.full_name();
  };
  for (const Command& command : CommandTable::all().commands()) {
    check(command);
    for (const Command& sub : command.subcommands) check(sub);
  }
}

TEST(CommandDocs, ArgumentsAreRead) {
  using Type = Argument::Type;
  const auto set = parse_arguments("key:k0 value [condition(NX|XX)@2.6.12] [GET@6.2.0] [expiration(EX/seconds:i@2.6.12|KEEPTTL)]");
  ASSERT_EQ(set.size(), 5U);
  EXPECT_EQ(set[0].type, Type::key);
  EXPECT_EQ(set[0].key_spec, 0);
  EXPECT_EQ(set[1].type, Type::string);
  EXPECT_TRUE(set[2].is_optional);
  EXPECT_EQ(set[2].since, "2.6.12");
  ASSERT_EQ(set[2].parts.size(), 2U);
  EXPECT_EQ(set[2].parts[1].name, "xx");
  EXPECT_EQ(set[2].parts[1].token, "XX");
  EXPECT_EQ(set[3].type, Type::pure_token);
  ASSERT_EQ(set[4].parts.size(), 2U);
  EXPECT_EQ(set[4].parts[0].name, "seconds");
  EXPECT_EQ(set[4].parts[0].token, "EX");
  EXPECT_EQ(set[4].parts[0].type, Type::integer);

  const auto more = parse_arguments("[GET/pattern:p+...] <ID>... auto=* empty=<> old=OLD!1.2.3 [KEYS/key:k1@3.0.6...] a{b:d c:u} key:k");
  ASSERT_EQ(more.size(), 8U);
  EXPECT_TRUE(more[0].is_optional && more[0].is_multiple && more[0].repeats_token);
  EXPECT_EQ(more[1].name, "ID");
  EXPECT_EQ(more[1].type, Type::string);
  EXPECT_TRUE(more[1].is_multiple);
  EXPECT_EQ(more[2].token, "*");
  EXPECT_EQ(more[3].token, "");
  EXPECT_EQ(more[4].deprecated_since, "1.2.3");
  EXPECT_EQ(more[5].since, "3.0.6");
  EXPECT_TRUE(more[5].is_multiple);
  ASSERT_EQ(more[6].parts.size(), 2U);
  EXPECT_EQ(more[6].parts[1].type, Type::unix_time);
  EXPECT_FALSE(more[7].key_spec.has_value());
  EXPECT_TRUE(parse_arguments("").empty());
}

class CommandDocsTest : public ServerTest {};

TEST_F(CommandDocsTest, AreReplied) {
  EXPECT_EQ(ask("command docs getset nosuch"),
            "*2|$6|getset|*16|$7|summary|$38|Sets a string and returns what it was.|$5|since|$5|1.0.0|$5|group|$6|string|$10|complexity|"
            "$4|O(1)|$9|doc_flags|*1|+deprecated|$16|deprecated_since|$5|6.2.0|$11|replaced_by|$30|`SET` with the `!GET` argument|"
            "$9|arguments|*2|*8|$4|name|$3|key|$4|type|$3|key|$12|display_text|$3|key|$14|key_spec_index|:0|"
            "*6|$4|name|$5|value|$4|type|$6|string|$12|display_text|$5|value|");
  ask("hello 3");
  const std::string ttl = ask("command docs expire");
  EXPECT_NE(ttl.find("|%5|$4|name|$9|condition|$4|type|$5|oneof|$5|since|$5|7.0.0|$5|flags|~1|+optional|$9|arguments|*4|"),
            std::string::npos)
      << ttl;
}

}  // namespace
}  // namespace chorus::cache::docs
