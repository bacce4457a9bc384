// What a quorum has on disk, from the highest zxid that each server has acknowledged.
#pragma once

#include <cstdint>
#include <vector>

#include "zab/config.h"

namespace chorus::zab {

/// Cheap to ask at every acknowledgement: no sets of servers a proposal.
class Tally {
 public:
  explicit Tally(const EnsembleConfig& config);

  /// Acknowledgements of others than the configuration's voters don't count.
  void set(ServerId id, std::int64_t zxid);
  /// The highest zxid that a quorum has acknowledged; 0 when there is none.
  std::int64_t quorum_zxid() const;

 private:
  struct Voter {
    ServerId id;
    std::int64_t zxid;
  };
  std::vector<Voter> voters_;
  EnsembleConfig config_;
  bool is_simple_;  // majorities; else groups and weights
};

}  // namespace chorus::zab
