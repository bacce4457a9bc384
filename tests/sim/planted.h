// Bugs planted between a server and its world, to see that the checker can fail.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "world/world.h"

namespace chorus::coord_sim {

struct Plant {
  const char* name;
  const char* what;
};
const std::vector<Plant>& plants();

/// A world that is `inner`, which must outlive it, but for the named bug; null for an unknown name.
std::unique_ptr<world::World> plant(const std::string& name, world::World& inner);

}  // namespace chorus::coord_sim
