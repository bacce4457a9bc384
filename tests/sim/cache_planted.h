// Bugs planted between a cache and its world, to see that the judge can fail.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "planted.h"

namespace chorus::cache_sim {

const std::vector<coord_sim::Plant>& plants();

/// A world that is `inner`, which must outlive it, but for the named bug; null for an unknown name.
std::unique_ptr<world::World> plant(const std::string& name, world::World& inner);

}  // namespace chorus::cache_sim
