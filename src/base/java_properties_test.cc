#include "base/java_properties.h"

#include <gtest/gtest.h>

namespace chorus::base {
namespace {

std::string show(std::string_view text) {
  std::string out;
  for (const JavaProperty& p : parse_java_properties(text)) out += std::to_string(p.line) + ":" + p.key + "=[" + p.value + "] ";
  return out;
}

// source: the class comment of java.util.Properties.load(Reader), with its own examples
TEST(JavaProperties, Syntax) {
  const struct {
    const char* name;
    std::string_view text, want;
  } cases[] = {
      {"the three ways to separate", "Truth = Beauty\n Truth:Beauty\nTruth  Beauty", "1:Truth=[Beauty] 2:Truth=[Beauty] 3:Truth=[Beauty] "},
      {"continued", "fruits  apple, \\\n   pear, \\\r\n  kiwi\nx=1", "1:fruits=[apple, pear, kiwi] 4:x=[1] "},
      {"no value", "cheeses\ny=", "1:cheeses=[] 2:y=[] "},
      {"comments and blank lines", "# a\n\n  ! b\nk=v # not a comment", "4:k=[v # not a comment] "},
      {"escapes", "a\\:b\\=c\\ d=\\u00e9\\t\\q", "1:a:b=c d=[\xc3\xa9\tq] "},
      {"latin-1", "k=\xe9", "1:k=[\xc3\xa9] "},
      {"trailing space is cut as in ZooKeeper", "dataDir=/a b  \r\nk=v", "1:dataDir=[/a b] 2:k=[v] "},
      {"a backslash at the end", "k=v\\", "1:k=[v] "},
      {"a malformed unicode escape", "k=\\u12", "1:k=[\\u12] "},
      {"equals inside of a value", "k=a=b", "1:k=[a=b] "},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(show(c.text), c.want);
  }
}

TEST(JavaProperties, KnowsWhichOctetsAPropertyTakes) {
  const std::string_view text = "# c\na=1\r\nb=2,\\\n  3\n\n c=4";
  std::vector<std::string> pieces;
  for (const JavaProperty& p : parse_java_properties(text)) pieces.emplace_back(text.substr(p.begin, p.end - p.begin));
  EXPECT_EQ(pieces, (std::vector<std::string>{"a=1\r\n", "b=2,\\\n  3\n", "c=4"}));
}

}  // namespace
}  // namespace chorus::base
