// The example of README.md, compiled and run; the two must not differ.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

// [example]
#include <fmt/core.h>

#include "client/blocking.h"

int count_visits(const std::string& servers) {
  using namespace chorus::client;
  auto options = options_for(servers);
  if (!options) return fmt::print(stderr, "{}\n", options.error().message), 1;
  auto client = BlockingClient::connect(*options);
  if (!client) return fmt::print(stderr, "{}\n", client.error().message), 2;
  BlockingClient& tree = **client;

  auto created = tree.create("/visits", "0");
  if (!created && created.error().code != Code::node_exists) return fmt::print(stderr, "{}\n", created.error().message), 3;
  while (true) {
    const auto visits = tree.get("/visits");
    if (!visits) return fmt::print(stderr, "{}\n", visits.error().message), 3;
    const std::string next = std::to_string(std::stoi(visits->data) + 1);
    const auto written = tree.set("/visits", next, visits->stat.version);  // only if nobody was faster
    if (written) return fmt::print("visit {}\n", next), 0;
    if (written.error().code != Code::bad_version) return fmt::print(stderr, "{}\n", written.error().message), 3;
  }
}
// [example]

namespace chorus::client {
namespace {

std::string read(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(Example, IsWhatTheReadmeShows) {
  const std::string here = read(CHORUS_SOURCE_DIR "/src/client/example_test.cc");
  const std::string mark = "// [example]\n";
  const std::size_t begin = here.find(mark) + mark.size();
  const std::string code = here.substr(begin, here.find(mark, begin) - begin);
  ASSERT_GT(code.size(), 500u);
  EXPECT_NE(read(CHORUS_SOURCE_DIR "/src/client/README.md").find("```cpp\n" + code + "```"), std::string::npos);
}

TEST(Example, SaysWhatIsWrong) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(count_visits("127.0.0.1:1"), 2);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("127.0.0.1:1"), std::string::npos) << said;
  EXPECT_EQ(count_visits("/chroot-only"), 1);
}

}  // namespace
}  // namespace chorus::client
