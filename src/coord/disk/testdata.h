// Golden files for tests. testdata/README.md says where they come from.
#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace chorus::coord::disk {

inline std::string testdata(const std::string& name) {
  const std::string path = std::string(CHORUS_SOURCE_DIR) + "/src/coord/disk/testdata/" + name;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace chorus::coord::disk
