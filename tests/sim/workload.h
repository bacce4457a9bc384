// What clients ask for: every kind of operation on a small tree, so that they get in one another's way.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "history.h"

namespace chorus::coord_sim {

struct WorkloadOptions {
  double register_chance = 0;  // how often it is one of the nodes used as registers (registers.h); the rest leaves those alone
  std::uint64_t registers = 4;
  std::uint64_t register_uses = 1200;  // until new ones take their place
  bool create2_in_multis = true;       // else create in place of it
};

class Workload {
 public:
  explicit Workload(base::Random random, const WorkloadOptions& options = {}) : random_(random), options_(options) {}

  /// `client` marks the data, so that every value written is unique. write_chance: that it is no read.
  Op next(std::uint32_t client, double write_chance = 0.6);
  /// A name that the server chose.
  void learn(const std::string& path);
  /// The version that a register had lately, for conditional writes.
  void learn_version(const std::string& path, std::int32_t version);

 private:
  std::string path();
  std::string data(std::uint32_t client);
  Op create(std::uint32_t client);
  Op write(std::uint32_t client);
  Op read();
  Op use_register(std::uint32_t client);

  base::Random random_;
  const WorkloadOptions options_;
  std::vector<std::string> known_;
  std::uint64_t values_ = 0;
  std::uint64_t register_uses_ = 0;
  std::map<std::string, std::int32_t> versions_;  // of registers in use
  std::map<std::uint32_t, Op> after_sync_;        // by client: what it asked the sync for
};

}  // namespace chorus::coord_sim
