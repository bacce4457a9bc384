// Bugs planted between the members of an ensemble, to see that the judges can fail: on the quorum port, on the disk, in the configuration.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "coord/options.h"
#include "planted.h"
#include "world/world.h"

namespace chorus::coord_sim {

const std::vector<Plant>& ensemble_plants();

/// What a member with the bug has as its world: `inner`, which must outlive it, but for the bug. Null when the bug is elsewhere.
std::unique_ptr<world::World> plant_in_member(const std::string& name, world::World& inner, const coord::Options& options,
                                              std::uint16_t quorum_port);
/// What it has as its options.
void plant_in_options(const std::string& name, coord::Options& options);

}  // namespace chorus::coord_sim
