// What a store knows of its log in memory: the queues, the segments, and the indexes of those that have no index file yet.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "mq/log/memory_index.h"
#include "mq/log/queue_table.h"

namespace chorus::mq::log {

/// A sealed segment.
struct Segment {
  Position base = 0;
  Position end = 0;
  std::int64_t first_time_ms = 0;
  std::int64_t last_time_ms = 0;
  std::int64_t due_ms_min = 0;
  std::int64_t due_ms_max = 0;                  // 0: no delayed entry
  std::shared_ptr<const MemoryIndex> memory{};  // null: it has an index file
};

struct Catalogue {
  QueueTable queues;
  std::vector<Segment> sealed;  // oldest first; those with their index in memory are the newest
  std::shared_ptr<MemoryIndex> open;
  std::vector<std::pair<Epoch, Position>> epochs;  // oldest first
  std::int64_t last_time_ms = 0;

  /// Of sealed ones without an index file.
  std::size_t first_in_memory() const {
    std::size_t first = sealed.size();
    while (first > 0 && sealed[first - 1].memory != nullptr) --first;
    return first;
  }
  void add_epoch(Epoch epoch, Position position) {
    if (epochs.empty() || epochs.back().first != epoch) epochs.emplace_back(epoch, position);
  }
};

}  // namespace chorus::mq::log
