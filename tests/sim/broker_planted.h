// Bugs planted between a broker and its store, to see that the judge of POP consumption can fail.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mq/log/store.h"
#include "planted.h"

namespace chorus::mq_sim {

const std::vector<coord_sim::Plant>& store_plants();

/// A store that is `inner` but for the named bug; `inner` itself for any other name.
std::unique_ptr<mq::Store> plant_in_store(const std::string& name, world::World& world, std::unique_ptr<mq::Store> inner);

}  // namespace chorus::mq_sim
