// Describes files of the message log, offline, for people and for scripts: `chorus inspect`.
#pragma once

#include <cstdint>
#include <limits>
#include <ostream>
#include <string>

#include "world/files.h"

namespace chorus::mq::log {

struct InspectOptions {
  bool json = false;   // one object a line
  bool paths = false;  // segment: each entry; index and checkpoint: each queue
  bool sizes = false;  // segment: entries and octets of each queue
  bool data = false;   // segment: with the body of each message
  /// Segment: only entries at these positions, both included.
  std::int64_t from = 0;
  std::int64_t to = std::numeric_limits<std::int64_t>::max();
};

enum class InspectOutcome {
  sound,
  damaged,   // told in the output
  unusable,  // not there or not readable; told in the output
};

/// Whether the first octets are those of a segment, an index file or a checkpoint. An empty or missing file is none.
bool is_log_file(world::Files& files, const std::string& path);
/// Writes to `out`. Memory is bounded by the longest entry and the number of queues; of a checkpoint, by its size.
InspectOutcome inspect(world::Files& files, const std::string& path, const InspectOptions& options, std::ostream& out);

}  // namespace chorus::mq::log
