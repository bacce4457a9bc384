// Why a node cannot start.
#pragma once

#include "base/result.h"

namespace chorus::coord {

/// One enumerator per reaction.
enum class NodeErrc {
  configuration,  // options that contradict one another
  directory,      // not writable, wrong owner, in use by another process
  no_space,
  refused,  // what is on disk contradicts itself: a person has to decide
  address,  // a port is taken or may not be used
};
using NodeError = base::Error<NodeErrc>;

}  // namespace chorus::coord
