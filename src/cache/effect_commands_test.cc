#include "cache/effect_commands.h"

#include <gtest/gtest.h>

#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

/// The requests of all effects as lines: words apart by blanks, requests by " | ".
std::string words_of(std::string_view octets) {
  std::string text;
  Parser parser;
  parser.feed(octets);
  std::vector<std::string_view> arguments;
  while (parser.next(arguments) == Parser::Status::command) {
    if (!text.empty()) text += " | ";
    for (std::size_t i = 0; i < arguments.size(); ++i) text += (i == 0 ? "" : " ") + std::string(arguments[i]);
  }
  return text;
}

TEST(EffectCommands, AreRequests) {
  std::string out;
  append_request(out, {"SET", "k", ""});
  append_request(out, std::vector<std::string>{"DEL", std::string("\0\r\n", 3)});
  EXPECT_EQ(out, std::string("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n*2\r\n$3\r\nDEL\r\n$3\r\n\0\r\n\r\n", 48));
}

TEST(EffectCommands, OneGoesBareBehindItsDatabase) {
  EffectCommands commands(EffectCommands::For::replicas);
  std::string out;
  const Effect effect{.db = 0, .arguments = {"set", "k", "v"}};
  commands.append({&effect, 1}, out);
  // As Redis' file begins. reference 11.1
  EXPECT_EQ(out, "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nset\r\n$1\r\nk\r\n$1\r\nv\r\n");
  out.clear();
  commands.append({&effect, 1}, out);
  EXPECT_EQ(out, "*3\r\n$3\r\nset\r\n$1\r\nk\r\n$1\r\nv\r\n") << "the database is the same";
  out.clear();
  commands.reset();
  commands.append({&effect, 1}, out);
  EXPECT_EQ(words_of(out), "SELECT 0 | set k v") << "a new reader knows none";
}

TEST(EffectCommands, SeveralHappenTogether) {
  EffectCommands commands(EffectCommands::For::log);
  const std::vector<Effect> unit{{.db = 1, .arguments = {"SET", "a", "1"}}, {.db = 2, .arguments = {"SET", "b", "2"}}};
  std::string out;
  commands.append(unit, out);
  EXPECT_EQ(words_of(out), "SELECT 1 | MULTI | SET a 1 | SELECT 2 | SET b 2 | EXEC");
  EXPECT_TRUE(out.starts_with("*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n*1\r\n$5\r\nMULTI\r\n*3\r\n"));
  EXPECT_TRUE(out.ends_with("\r\n*1\r\n$4\r\nEXEC\r\n"));
  out.clear();
  commands.append({&unit[1], 1}, out);
  EXPECT_EQ(words_of(out), "SET b 2") << "the database of the last is selected";
}

TEST(EffectCommands, MessagesAreForReplicas) {
  const std::vector<Effect> unit{{.db = 3, .arguments = {"Publish", "c", "m"}},
                                 {.db = 0, .arguments = {"SET", "a", "1"}},
                                 {.db = 0, .arguments = {"SPUBLISH", "c", "m"}}};
  EffectCommands log(EffectCommands::For::log), replicas(EffectCommands::For::replicas);
  std::string out;
  log.append({&unit[0], 1}, out);
  EXPECT_EQ(out, "");
  log.append(unit, out);
  EXPECT_EQ(words_of(out), "SELECT 0 | SET a 1") << "what is left is one";
  out.clear();
  replicas.append(unit, out);
  EXPECT_EQ(words_of(out), "SELECT 3 | MULTI | Publish c m | SELECT 0 | SET a 1 | SPUBLISH c m | EXEC");
}

/// The table of what Redis propagates, row by row. reference 10
class PropagationTest : public ServerTest {
 protected:
  void on_unit(Position at, std::span<const Effect> unit) override {
    ServerTest::on_unit(at, unit);
    commands_.append(unit, out_);
  }
  /// What is propagated of `line`, given `before`.
  std::string propagated(std::string_view line) {
    out_.clear();
    ask(line);
    return words_of(out_);
  }
  EffectCommands commands_{EffectCommands::For::replicas};
  std::string out_;
};

TEST_F(PropagationTest, IsAsInRedis) {
  const std::string second = std::to_string(now.unix_ms() + 100'000);
  EXPECT_EQ(propagated("SET k v EX 100"), "SELECT 0 | SET k v PXAT " + second);
  EXPECT_EQ(propagated("setex k 100 v"), "SET k v PXAT " + second);
  EXPECT_EQ(propagated("SET k w KEEPTTL"), "SET k w KEEPTTL");
  EXPECT_EQ(propagated("SET k w GET"), "SET k w");
  EXPECT_EQ(propagated("SETNX k w"), "");
  EXPECT_EQ(propagated("DEL nothing"), "");
  EXPECT_EQ(propagated("EXPIRE k 100"), "PEXPIREAT k " + second);
  EXPECT_EQ(propagated("GETEX k PERSIST"), "PERSIST k");
  EXPECT_EQ(propagated("EXPIRE k -1"), "UNLINK k");
  EXPECT_EQ(propagated("INCRBYFLOAT f 1.5"), "SET f 1.5 KEEPTTL");
  EXPECT_EQ(propagated("HINCRBYFLOAT h f 1.5"), "HSET h f 1.5");
  EXPECT_EQ(propagated("sadd s m"), "sadd s m");
  EXPECT_EQ(propagated("SPOP s 5"), "UNLINK s");
  EXPECT_EQ(propagated("xadd x 1-1 f v"), "xadd x 1-1 f v");
  EXPECT_EQ(propagated("XADD x * f v"), "XADD x " + std::to_string(now.unix_ms()) + "-0 f v");
  EXPECT_EQ(propagated("MULTI"), "");
  EXPECT_EQ(propagated("incr a"), "");
  EXPECT_EQ(propagated("get a"), "");
  EXPECT_EQ(propagated("EXEC"), "incr a") << "one write goes bare";
  ask("MULTI");
  ask("incr a");
  ask("select 2");
  ask("incr b");
  EXPECT_EQ(propagated("EXEC"), "MULTI | incr a | SELECT 2 | incr b | EXEC");
  ask("select 0");
  EXPECT_EQ(propagated("EVAL \"redis.call('incr', 'a') return redis.call('incr', 'b')\" 2 a b"),
            "SELECT 0 | MULTI | incr a | incr b | EXEC");
  EXPECT_EQ(propagated("EVAL \"return redis.call('get', 'a')\" 1 a"), "");
  EXPECT_EQ(propagated("PUBLISH c m"), "PUBLISH c m");
  EXPECT_EQ(propagated("FLUSHALL"), "FLUSHALL");
  EXPECT_EQ(propagated("SCRIPT FLUSH"), "");
}

TEST_F(PropagationTest, WhoWaitedTakesInTheSimpleForm) {
  ask("BLPOP l 0", 2);
  EXPECT_EQ(propagated("RPUSH l a"), "SELECT 0 | RPUSH l a | LPOP l");
}

TEST_F(PropagationTest, LibrariesGoAsTheyCame) {
  EXPECT_EQ(propagated("FUNCTION LOAD \"#!lua name=lib\\nredis.register_function('f', function() return 7 end)\""),
            "SELECT 0 | FUNCTION LOAD #!lua name=lib\nredis.register_function('f', function() return 7 end)");
  EXPECT_EQ(propagated("FUNCTION DELETE lib"), "FUNCTION DELETE lib");
}

}  // namespace
}  // namespace chorus::cache
