#include "client/connect_string.h"

#include <gtest/gtest.h>

namespace chorus::client {
namespace {

std::string show(const Result<ConnectString>& result) {
  if (!result) return std::string(jute::name_of(result.error().code));
  std::string out;
  for (const auto& server : result->servers) out += world::to_string(server) + " ";
  return out + "| " + result->chroot;
}

TEST(ConnectString, Parses) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {"127.0.0.1:2181", "127.0.0.1:2181 | "},
      {"zk1", "zk1:2181 | "},
      {"zk1:1,zk2:2/chroot", "zk1:1 zk2:2 | /chroot"},
      {" zk1:1 , zk2:2 ,", "zk1:1 zk2:2 | "},
      {"zk1:1/", "zk1:1 | "},
      {"[::1]:2182/a/b", "[::1]:2182 | /a/b"},
      {"", "BADARGUMENTS"},
      {"/a", "BADARGUMENTS"},
      {"zk1:1/a/", "BADARGUMENTS"},
      {"zk1:0", "BADARGUMENTS"},
      {"zk1:99999", "BADARGUMENTS"},
  };
  for (const auto& c : cases) EXPECT_EQ(show(parse_connect_string(c.text)), c.want) << c.text;
}

// source: PathUtils.validatePath
TEST(Path, IsJudgedAsTheServerDoes) {
  for (const char* good : {"/", "/a", "/a/b", "/a b", "/...", "/a.", "/\xc3\xa9", "/\xe4\xb8\xad", "/\xc2\xa0"}) {
    EXPECT_EQ(path_problem(good), "") << good;
  }
  for (const char* bad : {"", "a", "/a/", "//", "/a//b", "/.", "/a/..", "/./a", "/a\n", "/\x7f", "/\xc2\x80", "/\xee\x80\x80",
                          "/\xef\xbf\xbf", "/\xf0\x9f\x98\x80", "/\xff"}) {
    EXPECT_NE(path_problem(bad), "") << bad;
  }
  EXPECT_EQ(path_problem("/a/", true), "");
  EXPECT_NE(path_problem("/a//", true), "");
}

}  // namespace
}  // namespace chorus::client
