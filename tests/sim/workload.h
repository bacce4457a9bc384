// What clients ask for: every kind of operation on a small tree, so that they get in one another's way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "history.h"

namespace chorus::coord_sim {

class Workload {
 public:
  explicit Workload(base::Random random) : random_(random) {}

  /// `client` marks the data, so that every value written is unique.
  Op next(std::uint32_t client);
  /// A name that the server chose.
  void learn(const std::string& path);

 private:
  std::string path();
  std::string data(std::uint32_t client);
  Op create(std::uint32_t client);
  Op write(std::uint32_t client);
  Op read();

  base::Random random_;
  std::vector<std::string> known_;
  std::uint64_t values_ = 0;
};

}  // namespace chorus::coord_sim
