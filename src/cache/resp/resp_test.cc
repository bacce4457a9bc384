#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "cache/resp/glob.h"
#include "cache/resp/number.h"
#include "cache/resp/parser.h"
#include "cache/resp/reply.h"

namespace chorus::cache {
namespace {

using Status = Parser::Status;

/// Every command as "[a][b]", then how it ended: "" more, "!error", "#" ends.
std::string read(Parser& parser, std::string_view octets) {
  std::string out;
  std::vector<std::string_view> arguments;
  parser.feed(octets);
  for (;;) {
    const Status status = parser.next(arguments);
    if (status == Status::more) return out;
    if (status == Status::protocol_error) return out + "!" + std::string(parser.error());
    if (status == Status::ends) return out + "#";
    for (const std::string_view argument : arguments) out += "[" + std::string(argument) + "]";
    out += ";";
  }
}

TEST(Parser, ReadsAsRedisDoes) {
  const std::string long_line(70'000, 'x');
  const struct {
    std::string_view what, octets, want;
  } cases[] = {
      {"array", "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "[GET][a];"},
      {"pipeline", "*1\r\n$4\r\nPING\r\nPING\r\n*1\r\n$4\r\nPING\r\n", "[PING];[PING];[PING];"},
      {"empty arrays and lines are passed over", "*0\r\n*-1\r\n\r\n\nPING\n", "[PING];"},
      {"what follows an argument is not looked at", "*1\r\n$4\r\nPINGxx", "[PING];"},
      {"binary", std::string_view("*1\r\n$4\r\n\0\r\n\xff\r\n", 14), std::string_view("[\0\r\n\xff];", 7)},
      {"quotes", "set \"a\\x41\\n\" 'it\\'s'\r\n", "[set][aA\n][it's];"},
      {"open quote", "set \"a\r\n", "!Protocol error: unbalanced quotes in request"},
      {"quote within a word", "set \"a\"b\r\n", "!Protocol error: unbalanced quotes in request"},
      {"count", "*x\r\n", "!Protocol error: invalid multibulk length"},
      {"count beyond 31 bits", "*2147483648\r\n", "!Protocol error: invalid multibulk length"},
      {"no dollar", "*1\r\nPING\r\n", "!Protocol error: expected '$', got 'P'"},
      {"length", "*1\r\n$-1\r\n", "!Protocol error: invalid bulk length"},
      {"length beyond the limit", "*1\r\n$536870913\r\n", "!Protocol error: invalid bulk length"},
      {"inline too long", long_line, "!Protocol error: too big inline request"},
      {"browser", "POST / HTTP/1.1\r\n", "#"},
      {"browser's header", "hOsT: here\r\n", "#"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    Parser parser;
    EXPECT_EQ(read(parser, c.octets), c.want);
  }
  Parser count, bulk;
  EXPECT_EQ(read(count, "*" + long_line), "!Protocol error: too big mbulk count string");
  EXPECT_EQ(read(bulk, "*1\r\n$" + long_line), "!Protocol error: too big bulk count string");
}

TEST(Parser, StrangersAreHeldShort) {
  Parser many, large;
  many.limits.is_authenticated = large.limits.is_authenticated = false;
  EXPECT_EQ(read(many, "*11\r\n"), "!Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(read(large, "*1\r\n$16385\r\n"), "!Protocol error: unauthenticated bulk length");
}

TEST(Parser, AnyCutGivesTheSame) {
  const std::string octets =
      "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nhello\r\nPING 'x y'\r\n*1\r\n$0\r\n\r\n*2\r\n$4\r\nECHO\r\n$2\r\n\r\n\r\n";
  Parser whole;
  const std::string want = read(whole, octets);
  EXPECT_EQ(want, "[SET][a][hello];[PING][x y];[];[ECHO][\r\n];");
  base::Random random(7);
  for (int round = 0; round < 300; ++round) {
    Parser parser;
    std::string got;
    for (std::size_t at = 0; at < octets.size();) {
      const std::size_t size = 1 + random.below(6);
      const std::string piece = octets.substr(at, size);  // gone after each call
      got += read(parser, piece);
      at += size;
    }
    ASSERT_EQ(got, want);
  }
}

TEST(Parser, MoreThanTheBufferMayHoldEndsIt) {
  Parser parser;
  parser.limits.buffer_octets_max = 1000;
  EXPECT_EQ(read(parser, "*1\r\n$100000\r\n" + std::string(2000, 'x')), "#");
}

std::string reply(int protocol, void (*write)(Reply&)) {
  std::string out;
  Reply reply(out, protocol);
  write(reply);
  return out;
}

TEST(Reply, DegradesAsRedisDoes) {
  const struct {
    void (*write)(Reply&);
    std::string_view two, three;
  } cases[] = {
      {[](Reply& r) { r.null(); }, "$-1\r\n", "_\r\n"},
      {[](Reply& r) { r.null_array(); }, "*-1\r\n", "_\r\n"},
      {[](Reply& r) { r.map(2); }, "*4\r\n", "%2\r\n"},
      {[](Reply& r) { r.set(0); }, "*0\r\n", "~0\r\n"},
      {[](Reply& r) { r.push(3); }, "*3\r\n", ">3\r\n"},
      {[](Reply& r) { r.real(3.25); }, "$4\r\n3.25\r\n", ",3.25\r\n"},
      {[](Reply& r) { r.boolean(true); }, ":1\r\n", "#t\r\n"},
      {[](Reply& r) { r.big_number("123"); }, "$3\r\n123\r\n", "(123\r\n"},
      {[](Reply& r) { r.verbatim("txt", "hi"); }, "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"},
      {[](Reply& r) { r.error("ERR a\r\nb"); }, "-ERR a  b\r\n", "-ERR a  b\r\n"},
      {[](Reply& r) { r.bulk(""); }, "$0\r\n\r\n", "$0\r\n\r\n"},
      {[](Reply& r) { r.integer(-9223372036854775807 - 1); }, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
      {[](Reply& r) {
         const auto mark = r.begin();
         r.integer(1);
         r.end_map(mark, 1);
       },
       "*2\r\n:1\r\n", "%1\r\n:1\r\n"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(reply(2, c.write), c.two);
    EXPECT_EQ(reply(3, c.write), c.three);
  }
}

TEST(Reply, ManyBulksGrowAsOne) {
  std::string out, want;
  Reply reply(out);
  for (std::size_t i = 0; i < 300; ++i) {
    reply.bulk(std::string(i, 'x'));
    want += "$" + std::to_string(i) + "\r\n" + std::string(i, 'x') + "\r\n";
  }
  EXPECT_EQ(out, want);
}

TEST(Numbers, AreReadStrictly) {
  for (const char* text : {"", "-", "+1", "01", "-0", " 1", "1 ", "1.0", "9223372036854775808", "-9223372036854775809", "x"}) {
    EXPECT_FALSE(parse_integer(text)) << text;
  }
  EXPECT_EQ(parse_integer("-9223372036854775808"), -9223372036854775807 - 1);
  EXPECT_EQ(parse_integer("0"), 0);
  for (const char* text : {"", " 1", "1 ", "nan", "1e400", "x", "1x"}) EXPECT_FALSE(parse_double(text)) << text;
  EXPECT_EQ(parse_double("-inf"), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_double("3.0e3"), 3000);
}

// source: replies of a server of the kind that is replaced
TEST(Numbers, AreWrittenShort) {
  const std::pair<double, std::string_view> cases[] = {{3, "3"},
                                                       {0.1, "0.1"},
                                                       {1e-7, "1e-7"},
                                                       {1e20, "1e+20"},
                                                       {-1.5, "-1.5"},
                                                       {0.000001, "0.000001"},
                                                       {123456789012345680.0, "123456789012345680"},
                                                       {-0.0, "-0"},
                                                       {1e15, "1000000000000000"},
                                                       {1.0 / 3, "0.3333333333333333"},
                                                       {12345.678, "12345.678"},
                                                       {1.5e-9, "1.5e-9"}};
  for (const auto& [value, want] : cases) EXPECT_EQ(double_text(value), want);
  EXPECT_EQ(long_double_text(10.0L + 0.1L), "10.1");
  EXPECT_EQ(long_double_text(3200), "3200");
}

TEST(Glob, Matches) {
  const struct {
    std::string_view pattern, text;
    bool want;
  } cases[] = {{"*", "", true},      {"a*c", "abbc", true},       {"a*c", "abbd", false},
               {"?", "", false},     {"h[ae]llo", "hello", true}, {"h[^e]llo", "hello", false},
               {"[a-c]", "b", true}, {"[c-a]", "b", true},        {"\\*", "*", true},
               {"\\*", "x", false},  {"[\\]]", "]", true},        {"[abc", "c", true},
               {"a\\", "a\\", true}, {"**a", "bba", true},        {"", "", true},
               {"", "a", false},     {"A", "a", false},           {"*[", "x[", false}};
  for (const auto& c : cases) EXPECT_EQ(glob_matches(c.pattern, c.text), c.want) << c.pattern << " " << c.text;
  EXPECT_TRUE(glob_matches("MAX*", "maxmemory", true));
  // As long as the product of both, whatever the pattern.
  EXPECT_FALSE(glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

}  // namespace
}  // namespace chorus::cache
