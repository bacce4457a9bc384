// What a simulated ensemble is like, before anything befalls it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/random.h"
#include "coord/options.h"
#include "ensemble_run.h"
#include "world/sim/disk.h"

namespace chorus::coord_sim {

template <class T>
T pick(base::Random& dice, std::initializer_list<T> values) {
  return values.begin()[dice.below(values.size())];
}

/// What a seed draws first, since all else follows from it.
struct Shape {
  Shape(base::Random& dice, const EnsembleRunOptions& options);

  bool reconfigures;         // members join and leave
  bool damages;              // files of some are harmed
  bool standalone_enabled;   // fewer than two voters are no ensemble
  std::size_t participants;  // at the beginning
  std::size_t observers;     // then
  std::size_t spares;        // may join
  std::size_t machines() const { return participants + observers + spares; }
  /// By how many voters the ensemble goes on when files of one of them may be lost.
  std::size_t voters_min() const { return damages ? 3 : standalone_enabled ? 2 : 1; }
};

inline constexpr std::uint16_t client_port = 2181, quorum_port = 2888;
inline const std::string config_path = "/conf/ensemble";

/// Of all members; who they are comes later.
coord::Options draw_options(base::Random& dice, const Shape& shape, std::uint64_t seed);
/// The file by which a member without data may vote: its ensemble is new, or it is.
void allow_to_begin(sim::Disk& disk, const coord::Options& options);

}  // namespace chorus::coord_sim
