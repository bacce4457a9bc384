// What befalls the files of a member while its machine is down. Log and snapshot files only: what is wrong with those can be told.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "world/sim/disk.h"

namespace chorus::coord_sim {

/// Flips one bit of a file log.* or snapshot.* below `directories`. In words what was done; empty: there was no such file.
std::string flip_a_bit(sim::Disk& disk, const std::vector<std::string>& directories, base::Random& dice);
/// Cuts off the end of a snapshot, or fills sectors of such a file with zeros. The end of a log stays, and the newest one is left alone: a
/// power failure may do the same there, and it could not be told from what nobody was promised; so may Java's servers to an older log
/// (docs/decisions/0003-torn-tail.md).
std::string tear_a_file(sim::Disk& disk, const std::vector<std::string>& directories, base::Random& dice);
/// Removes every file below `directories`.
void empty_disk(sim::Disk& disk, const std::vector<std::string>& directories);

}  // namespace chorus::coord_sim
