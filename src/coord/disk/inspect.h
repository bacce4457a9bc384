// Describes ZooKeeper's log and snapshot files, offline, for people and for scripts: `chorus inspect`.
#pragma once

#include <cstdint>
#include <limits>
#include <ostream>
#include <string>

#include "world/files.h"

namespace chorus::coord::disk {

struct InspectOptions {
  bool json = false;   // one object a line
  bool paths = false;  // log: the path that each transaction touches; snapshot: the nodes' paths
  bool sizes = false;  // snapshot: number of nodes and octets of data below each node
  bool data = false;   // with the nodes' data and the transactions' data
  /// Only transactions of these zxids, both included; of a snapshot, nodes last changed there.
  std::int64_t from_zxid = 0;
  std::int64_t to_zxid = std::numeric_limits<std::int64_t>::max();
  /// Report damage, look for the next whole record, and go on.
  bool all = false;
};

enum class InspectOutcome {
  sound,
  damaged,   // told in the output
  unusable,  // not there, not readable, or neither log nor snapshot; told in the output
};

/// Writes to `out`; what kind of file it is, its first octets say (for .gz and .snappy, the name). Memory is bounded by the longest record,
/// and with `sizes` by the number of nodes.
InspectOutcome inspect(world::Files& files, const std::string& path, const InspectOptions& options, std::ostream& out);

}  // namespace chorus::coord::disk
