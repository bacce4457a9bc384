#include "zab/tally.h"

#include <algorithm>

#include "absl/container/inlined_vector.h"

namespace chorus::zab {

Tally::Tally(const EnsembleConfig& config) : config_(config), is_simple_(config.groups.empty() && config.weights.empty()) {
  for (const auto& [id, member] : config.members) {
    if (config.is_voter(id)) voters_.push_back({id, 0});
  }
}

void Tally::set(ServerId id, std::int64_t zxid) {
  for (Voter& voter : voters_) {
    if (voter.id == id) voter.zxid = zxid;
  }
}

std::int64_t Tally::quorum_zxid() const {
  if (voters_.empty()) return 0;
  absl::InlinedVector<std::int64_t, 16> zxids;
  for (const Voter& voter : voters_) zxids.push_back(voter.zxid);
  if (is_simple_) {
    const auto middle = zxids.begin() + static_cast<std::ptrdiff_t>(zxids.size() / 2);
    std::nth_element(zxids.begin(), middle, zxids.end(), std::greater<>());
    return *middle;
  }
  std::ranges::sort(zxids, std::greater<>());
  for (const std::int64_t zxid : zxids) {
    const auto has = [&](ServerId id) {
      return std::ranges::any_of(voters_, [&](const Voter& voter) { return voter.id == id && voter.zxid >= zxid; });
    };
    if (config_.is_quorum(has)) return zxid;
  }
  return 0;
}

}  // namespace chorus::zab
