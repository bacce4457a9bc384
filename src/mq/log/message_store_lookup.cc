// Looking up by position, time, key and due time: memory first, then sealed segments on the background thread.
#include <fmt/format.h>

#include <algorithm>

#include "mq/log/frame.h"
#include "mq/log/message_store.h"

namespace chorus::mq::log {

std::optional<Entry> MessageStore::entry_in_tail(Position position) const {
  Position at = 0;
  std::string_view frames = tail_.around(position, at);
  while (!frames.empty()) {
    const std::uint64_t framed = framed_octets(frames);
    if (framed == 0 || framed > frames.size()) return std::nullopt;
    if (position < at + static_cast<Position>(framed)) {
      const auto view = decode_entry(frames.substr(0, framed));
      return view ? std::optional(to_entry(*view)) : std::nullopt;
    }
    at += static_cast<Position>(framed);
    frames.remove_prefix(framed);
  }
  return std::nullopt;
}

void MessageStore::read_at(Position position, EntryDone done) {
  const MemoryIndex& open = *catalogue_.open;
  const auto& sealed = catalogue_.sealed;
  const Position begin = sealed.empty() ? open.base : sealed.front().base;
  if (auto entry = entry_in_tail(position)) {
    ++statistics_.tail_reads;
    return post(std::move(done), StoreResult<Entry>(std::move(*entry)));
  }
  if (position < begin + static_cast<Position>(segment_header_octets) || position >= open.end)
    return post(std::move(done),
                StoreResult<Entry>(base::error(StoreErrc::not_found, fmt::format("there is no entry at position {}", position))));
  ++statistics_.disk_reads;
  Position base = open.base;
  Position end = open.end;
  const MemoryIndex* index = &open;
  if (position < open.base) {
    const Segment& segment =
        *std::prev(std::partition_point(sealed.begin(), sealed.end(), [&](const Segment& s) { return s.base <= position; }));
    base = segment.base;
    end = segment.end;
    index = segment.memory.get();
  }
  std::optional<std::uint32_t> mark;
  if (index != nullptr) mark = index->mark_before(static_cast<std::uint32_t>(position - base));
  auto result = std::make_shared<StoreResult<Entry>>();
  in_background([=, segments = cold_segments_](Cold& cold) { *result = cold.read_at(segments, base, end, mark, position); },
                [result, done = std::move(done)]() mutable { done(std::move(*result)); });
}

void MessageStore::find_time(const QueueKey& key, std::int64_t time_ms, std::move_only_function<void(StoreResult<Offset>)> done) {
  if (!bounds(key))
    return post(std::move(done),
                StoreResult<Offset>(base::error(StoreErrc::not_found, fmt::format("nothing was written to {}-{}", key.topic, key.queue))));
  if (cold_segments_->empty() || cold_segments_->back().last_time_ms < time_ms) {
    return post(std::move(done), StoreResult<Offset>(time_in_memory(key, time_ms)));
  }
  auto result = std::make_shared<StoreResult<std::optional<Offset>>>();
  in_background([=, segments = cold_segments_](Cold& cold) { *result = cold.find_time(segments, key, time_ms); },
                [=, this, done = std::move(done)]() mutable {
                  if (!*result) return done(std::unexpected(result->error()));
                  const auto now = bounds(key);
                  if (!now) return done(base::error(StoreErrc::not_found, "the queue is gone"));
                  done(std::max(now->min, **result ? ***result : time_in_memory(key, time_ms)));
                });
}

Offset MessageStore::time_in_memory(const QueueKey& key, std::int64_t time_ms) const {
  const Queue& queue = *catalogue_.queues.find(key.topic, key.queue);
  Offset found = queue.readable;
  for_each_memory([&](const MemoryIndex& index) {
    const Run* run = index.run(queue);
    if (run == nullptr) return true;
    const std::size_t number = index.find_time(*run, time_ms);
    if (number < run->entries.size()) found = run->base + static_cast<Offset>(run->entries[number].offset);
    return true;
  });
  return found;
}

void MessageStore::find_key(std::string key, std::int64_t from_ms, std::int64_t to_ms, std::uint32_t max,
                            std::move_only_function<void(StoreResult<std::vector<IndexEntry>>)> done) {
  struct Search {
    std::vector<std::pair<Position, Position>> places;  // segment, entry
    std::vector<IndexEntry> found;
    StoreResult<void> result;
  };
  auto search = std::make_shared<Search>();
  const std::uint64_t hash = key_hash(key);
  for_each_memory([&](const MemoryIndex& index) {
    index.for_each_with_key(hash, [&](std::uint32_t place, std::int64_t time_ms) {
      if (time_ms >= from_ms && time_ms <= to_ms) search->places.emplace_back(index.base, index.base + place);
      return search->places.size() < max;
    });
    return search->places.size() < max;
  });
  in_background(
      [=, segments = cold_segments_](Cold& cold) {
        const auto look = [&](Position base, Position position) {
          auto entry = cold.head(base, position);
          if (!entry) {
            search->result = std::unexpected(entry.error());
            return false;
          }
          if (*entry) search->found.push_back(**entry);
          return search->found.size() < max;
        };
        for (const auto& [base, position] : search->places) {
          if (!look(base, position)) return;
        }
        if (search->found.size() >= max) return;
        auto cold_result = cold.find_key(segments, hash, from_ms, to_ms, look);
        if (search->result) search->result = cold_result;
      },
      [search, done = std::move(done)]() mutable {
        if (!search->result) return done(std::unexpected(search->result.error()));
        done(std::move(search->found));
      });
}

void MessageStore::find_due(Due after, std::int64_t to_ms, std::uint32_t max,
                            std::move_only_function<void(StoreResult<std::vector<Due>>)> done) {
  struct Search {
    std::vector<Due> found;
    StoreResult<void> result;
  };
  auto search = std::make_shared<Search>();
  for_each_memory([&](const MemoryIndex& index) {
    std::uint32_t left = max;
    // Behind `after`: its place in this segment, which it may lie before or behind.
    for (auto due = index.dues.lower_bound({after.due_ms, 0}); due != index.dues.end() && due->first <= to_ms && left > 0; ++due) {
      const Due candidate{due->first, index.base + due->second};
      if (candidate <= after) continue;
      search->found.push_back(candidate);
      --left;
    }
    return true;
  });
  in_background(
      [=, segments = cold_segments_](Cold& cold) {
        search->result = cold.find_due(segments, after, to_ms, max, search->found);
        std::sort(search->found.begin(), search->found.end());
        if (search->found.size() > max) search->found.resize(max);
      },
      [search, done = std::move(done)]() mutable {
        if (!search->result) return done(std::unexpected(search->result.error()));
        done(std::move(search->found));
      });
}

}  // namespace chorus::mq::log
