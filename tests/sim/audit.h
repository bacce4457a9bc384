// The whole tree as one server has it, read like any client reads it: the checker then compares it.
#pragma once

#include "client.h"

namespace chorus::coord_sim {

enum class SystemNodes { included, left_out };  // what is below /zookeeper

/// Has the client ask for every node, after a sync. It is done when the client is idle.
void read_tree(Client& client, SystemNodes system_nodes);

}  // namespace chorus::coord_sim
