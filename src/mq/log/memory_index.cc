#include "mq/log/memory_index.h"

#include <algorithm>
#include <bit>

#include "base/bytes.h"
#include "mq/log/frame.h"

namespace chorus::mq::log {

MemoryIndex::MemoryIndex(Position first, std::uint64_t segment_octets)
    : base(first),
      end(first + static_cast<Position>(segment_header_octets)),
      // A few keys a bucket when a segment is full of small messages with one key each.
      buckets_(std::bit_ceil(std::clamp<std::uint64_t>(segment_octets / 1024, 64, 1 << 20)), none) {}

void MemoryIndex::add(const EntryView& entry, std::uint64_t framed, Queue* queue) {
  const auto place = static_cast<std::uint32_t>(entry.index.position - base);
  if (first_time_ms == 0) first_time_ms = entry.index.store_time_ms;
  last_time_ms = std::max(last_time_ms, entry.index.store_time_ms);
  if (marks.empty() || place / mark_distance != marks.back() / mark_distance) marks.push_back(place);
  if (entry.epoch != last_epoch) {
    epochs.emplace_back(entry.epoch, entry.index.position);
    last_epoch = entry.epoch;
  }
  end = entry.index.position + static_cast<Position>(framed);
  ++entries;
  if (queue == nullptr) return;

  if (queue->run == nullptr) {
    auto& run = runs[queue];
    run = std::make_unique<Run>();
    run->base = entry.index.offset;
    queue->run = run.get();
  }
  Run& run = *queue->run;
  const auto time = static_cast<std::uint32_t>(std::max<std::int64_t>(entry.index.store_time_ms - first_time_ms, 0));
  run.entries.push_back({.place = place,
                         .size = entry.index.size,
                         .offset = static_cast<std::uint32_t>(entry.index.offset - run.base),
                         .count = entry.index.count,
                         .tag_hash = entry.index.tag_hash,
                         .time = time,
                         .head = entry.head,
                         .kind = entry.kind});
  base::Reader hashes(entry.key_hashes);
  while (hashes.remaining() != 0) {
    const std::uint64_t hash = hashes.u64();
    std::uint32_t& newest = buckets_[hash & (buckets_.size() - 1)];
    keys.push_back({hash, place, time, std::exchange(newest, static_cast<std::uint32_t>(keys.size()))});
  }
  if (entry.due_ms != 0) dues.emplace(entry.due_ms, place);
}

IndexEntry MemoryIndex::unpack(const Run& run, const Packed& packed) const {
  return {.position = base + packed.place,
          .size = packed.size,
          .count = packed.count,
          .offset = run.base + packed.offset,
          .tag_hash = packed.tag_hash,
          .store_time_ms = first_time_ms + packed.time,
          .kind = packed.kind};
}

const Run* MemoryIndex::run(const Queue& queue) const {
  const auto found = runs.find(&queue);
  return found == runs.end() ? nullptr : found->second.get();
}

std::size_t MemoryIndex::find(const Run& run, Offset offset) {
  const auto found = std::partition_point(run.entries.begin(), run.entries.end(), [&](const Packed& packed) {
    return run.base + static_cast<Offset>(packed.offset) + static_cast<Offset>(packed.count) <= offset;
  });
  return static_cast<std::size_t>(found - run.entries.begin());
}

std::size_t MemoryIndex::find_time(const Run& run, std::int64_t time_ms) const {
  const auto found = std::partition_point(run.entries.begin(), run.entries.end(),
                                          [&](const Packed& packed) { return first_time_ms + packed.time < time_ms; });
  return static_cast<std::size_t>(found - run.entries.begin());
}

std::uint32_t MemoryIndex::mark_before(std::uint32_t place) const {
  const auto after = std::upper_bound(marks.begin(), marks.end(), place);
  return after == marks.begin() ? static_cast<std::uint32_t>(segment_header_octets) : *std::prev(after);
}

}  // namespace chorus::mq::log
