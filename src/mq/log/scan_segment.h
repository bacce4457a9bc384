// Goes through a segment entry by entry; what is damaged it passes over, up to the next entry that stands where it says it does.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "mq/log/frame.h"
#include "store/segment.h"
#include "world/files.h"

namespace chorus::mq::log {

struct SegmentScan {
  std::uint64_t end = 0;                                       // in the file, behind its last entry
  std::vector<std::pair<std::uint64_t, std::uint64_t>> holes;  // from, to
};

/// `size`: of the segment's entries and header, as far as it is known (where the next one begins); what is missing of it is a hole.
store::LogResult<SegmentScan> scan_segment(world::Files& files, const std::string& path, Position base, std::uint64_t size,
                                           const std::function<void(const EntryView&, std::uint64_t framed)>& visit);

}  // namespace chorus::mq::log
