// Tells the stories in testdata/stories: commands, "----", and what comes of them, up to an empty line. See story_fixture.h.
//   CHORUS_ZAB_STORIES=rewrite   writes what comes of them now into the files: read it in the diff
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "zab/story_fixture.h"

namespace chorus::zab::test {
namespace {

constexpr const char* directory = CHORUS_SOURCE_DIR "/src/zab/testdata/stories";

std::vector<std::string> stories() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".story") names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

/// The file with the traces that come of its commands now.
std::string told(std::istream& file) {
  Story story;
  std::string out, line, trace;
  bool in_trace = false;
  while (std::getline(file, line)) {
    if (line == "----") {
      in_trace = true;
      out += line + "\n" + trace;
      trace.clear();
    } else if (line.empty()) {
      in_trace = false;
      out += "\n";
    } else if (!in_trace) {
      out += line + "\n";
      if (!line.starts_with("#")) trace += story.tell(line);
    }
  }
  return out;
}

class Stories : public testing::TestWithParam<std::string> {};

TEST_P(Stories, GoAsTheyAreTold) {
  const std::string path = directory + ("/" + GetParam() + ".story");
  std::ifstream file(path);
  std::stringstream written;
  written << file.rdbuf();
  const std::string now = told(written);
  EXPECT_EQ(now.find("broken:"), std::string::npos) << now;
  const char* const how = std::getenv("CHORUS_ZAB_STORIES");
  if (how != nullptr && std::string_view(how) == "rewrite") {
    std::ofstream(path) << now;
  } else {
    EXPECT_EQ(now, written.str());
  }
}

INSTANTIATE_TEST_SUITE_P(All, Stories, testing::ValuesIn(stories()), [](const auto& story) {
  std::string name = story.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace chorus::zab::test
