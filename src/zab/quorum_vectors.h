// For tests: what real servers said to one another on the quorum port (testdata/quorum-*.txt).
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/text.h"

namespace chorus::zab::test {

struct QuorumLine {
  int connection;
  std::string from, to;  // server ids
  std::string kind;      // of the packet; "snapshot": the stream after SNAP; "FIN": this side has ended
  std::string octets;
};

inline std::vector<QuorumLine> read_quorum_lines(const std::string& scenario) {
  const std::string path = CHORUS_SOURCE_DIR "/src/zab/testdata/quorum-" + scenario + ".txt";
  std::ifstream in(path);
  EXPECT_TRUE(in) << path;
  std::vector<QuorumLine> lines;
  for (std::string text; std::getline(in, text);) {
    if (text.starts_with('#')) continue;
    const auto words = base::split(text, ' ');
    EXPECT_GE(words.size(), 4U) << text;
    lines.push_back({static_cast<int>(base::parse_int(words[0]).value()), std::string(words[1]), std::string(words[2]),
                     std::string(words[3]), words.size() > 4 ? base::unhex(words[4]).value() : std::string()});
  }
  EXPECT_FALSE(lines.empty()) << path;
  return lines;
}

}  // namespace chorus::zab::test
