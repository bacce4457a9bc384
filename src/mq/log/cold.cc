#include "mq/log/cold.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "mq/log/frame.h"
#include "mq/log/recovery.h"

namespace chorus::mq::log {
namespace {

constexpr std::size_t entries_looked_at_max = 16'384;
constexpr std::size_t walk_octets = 128 << 10;
constexpr std::size_t head_octets_max = 4096;

}  // namespace

/// Tries again once, with the segment's index made anew, when it is damaged.
template <class Look>
auto Cold::with_index(const ColdSegments& segments, std::size_t segment, Look look) -> decltype(look()) {
  auto result = look();
  if (result || result.error().code != StoreErrc::damaged) return result;
  const Segment& what = (*segments)[segment];
  indexes_.forget(what.base);
  auto made = rebuild_index(files_, options_, indexes_,
                            {.base = what.base,
                             .end = what.end,
                             .before = segment == 0 ? -1 : (*segments)[segment - 1].base,
                             .after = segment + 1 == segments->size() ? -1 : (*segments)[segment + 1].base});
  if (!made) return std::unexpected(made.error());
  ++rebuilt_;
  return look();
}

StoreResult<std::optional<IndexQueue>> Cold::queue_in(const ColdSegments& segments, std::size_t segment, const QueueKey& key,
                                                      std::uint64_t hash) {
  return with_index(segments, segment, [&] { return indexes_.find_queue((*segments)[segment].base, key.topic, key.queue, hash); });
}

StoreResult<void> Cold::read(const ColdSegments& segments, const Read& what, Batch& batch) {
  const std::uint64_t hash = hash64(what.queue.topic, what.queue.queue);
  // The first segment that ended with a next offset behind the wanted one.
  std::size_t low = 0;
  std::optional<IndexQueue> found;
  for (std::size_t count = segments->size(); count > 0;) {
    const std::size_t half = count / 2;
    auto queue = queue_in(segments, low + half, what.queue, hash);
    if (!queue) return std::unexpected(queue.error());
    if (!*queue || (*queue)->next <= what.from) {
      low += half + 1;
      count -= half + 1;
    } else {
      found = std::move(*queue);
      count = half;
    }
  }
  if (!found) {
    batch.status = Batch::Status::lost;
    batch.next = what.memory_base;
    return {};
  }
  return with_index(segments, low, [&] { return read_segment((*segments)[low].base, *found, what, batch); });
}

StoreResult<void> Cold::read_segment(Position base, const IndexQueue& queue, const Read& what, Batch& batch) {
  auto number = indexes_.find_offset(base, queue, what.from);
  if (!number) return std::unexpected(number.error());
  if (*number == queue.entries) {
    batch.status = Batch::Status::lost;
    batch.next = queue.next;
    return {};
  }
  std::vector<Place> places;
  std::uint64_t octets = 0;
  batch.status = Batch::Status::none_wanted;
  batch.next = what.from;
  for (std::uint32_t i = *number; i < queue.entries && i - *number < entries_looked_at_max; ++i) {
    auto place = indexes_.entry(base, queue, i);
    if (!place) return std::unexpected(place.error());
    const IndexEntry& entry = place->entry;
    if (entry.offset > batch.next) {  // records are lost before it
      if (i != *number) break;
      batch.status = Batch::Status::lost;
      batch.next = entry.offset;
      return {};
    }
    if (!what.wanted || what.wanted(entry)) {
      octets += entry.size;
      if (!places.empty() && (octets > what.limits.octets_max || places.size() >= what.limits.entries_max)) break;
      places.push_back(*place);
    }
    batch.next = entry.offset + entry.count;
  }
  if (places.empty()) return {};
  batch.status = Batch::Status::found;
  return read_places(base, places, batch);
}

StoreResult<void> Cold::read_places(Position base, const std::vector<Place>& places, Batch& batch) {
  auto damaged = log::read_places(segments_, base, places, batch);
  if (!damaged) return std::unexpected(damaged.error());
  damaged_ += *damaged;
  return {};
}

StoreResult<Entry> Cold::read_at(const ColdSegments& segments, Position base, Position end, std::optional<std::uint32_t> mark,
                                 Position position) {
  const auto not_found = [&] { return base::error(StoreErrc::not_found, fmt::format("there is no entry at position {}", position)); };
  auto file = segments_.get(log_name(base));
  if (!file) return std::unexpected(store_error(file.error()));
  const auto whole = [&](Position at, std::uint64_t framed) -> StoreResult<Entry> {
    auto octets = read_octets(**file, static_cast<std::uint64_t>(at - base), framed);
    if (!octets) return std::unexpected(octets.error());
    const auto view = check_entry(*octets, at);
    if (view) return to_entry(*view);
    ++damaged_;
    return base::error(StoreErrc::damaged, fmt::format("the entry at position {} is damaged", at));
  };
  if (position % static_cast<Position>(entry_alignment) == 0) {
    auto octets = read_octets(**file, static_cast<std::uint64_t>(position - base), head_octets_max);
    if (!octets) return std::unexpected(octets.error());
    const std::uint64_t framed = framed_octets(*octets);
    const auto head = decode_head(*octets);
    if (head && head->index.position == position && position + static_cast<Position>(framed) <= end) {
      if (const auto view = check_entry(*octets, position)) return to_entry(*view);
      if (framed > octets->size()) {
        if (auto entry = whole(position, framed)) return entry;
      }
    }
  }
  if (!mark) {
    const auto at = std::partition_point(segments->begin(), segments->end(), [&](const Segment& segment) { return segment.base < base; });
    if (at == segments->end() || at->base != base) return not_found();
    auto known = with_index(segments, static_cast<std::size_t>(at - segments->begin()),
                            [&] { return indexes_.mark_before(base, static_cast<std::uint32_t>(position - base)); });
    if (!known) return std::unexpected(known.error());
    mark = *known;
  }
  // From the mark on, frame by frame.
  for (Position at = base + *mark; at < end;) {
    auto octets = read_octets(**file, static_cast<std::uint64_t>(at - base),
                              std::min<std::uint64_t>(walk_octets, static_cast<std::uint64_t>(end - at)));
    if (!octets) return std::unexpected(octets.error());
    const Position window = at;
    while (static_cast<std::size_t>(at - window) + frame_octets <= octets->size()) {
      const std::uint64_t framed = framed_octets(std::string_view(*octets).substr(static_cast<std::size_t>(at - window)));
      if (framed == 0 || at + static_cast<Position>(framed) > end) {
        ++damaged_;
        return base::error(StoreErrc::damaged, fmt::format("the log before position {} is damaged", position));
      }
      if (position < at + static_cast<Position>(framed)) return whole(at, framed);
      at += static_cast<Position>(framed);
      if (at > position) break;
    }
    if (at > position || at == window) return not_found();
  }
  return not_found();
}

StoreResult<std::optional<IndexEntry>> Cold::head(Position base, Position position) {
  auto file = segments_.get(log_name(base));
  if (!file) return std::unexpected(store_error(file.error()));
  auto octets = read_octets(**file, static_cast<std::uint64_t>(position - base), head_octets_max);
  if (!octets) return std::unexpected(octets.error());
  const auto view = decode_head(*octets);
  if (!view || view->index.position != position) return std::nullopt;
  return view->index;
}

StoreResult<std::optional<Offset>> Cold::find_time(const ColdSegments& segments, const QueueKey& key, std::int64_t time_ms) {
  const std::uint64_t hash = hash64(key.topic, key.queue);
  const auto first =
      std::partition_point(segments->begin(), segments->end(), [&](const Segment& segment) { return segment.last_time_ms < time_ms; });
  for (auto segment = static_cast<std::size_t>(first - segments->begin()); segment < segments->size(); ++segment) {
    auto queue = queue_in(segments, segment, key, hash);
    if (!queue) return std::unexpected(queue.error());
    if (!*queue || (*queue)->entries == 0) continue;
    const Position base = (*segments)[segment].base;
    auto number = with_index(segments, segment, [&] { return indexes_.find_time(base, **queue, time_ms); });
    if (!number) return std::unexpected(number.error());
    if (*number == (*queue)->entries) continue;
    auto place = indexes_.entry(base, **queue, *number);
    if (!place) return std::unexpected(place.error());
    return place->entry.offset;
  }
  return std::nullopt;
}

StoreResult<void> Cold::find_key(const ColdSegments& segments, std::uint64_t hash, std::int64_t from_ms, std::int64_t to_ms,
                                 const std::function<bool(Position base, Position)>& visit) {
  bool more = true;
  for (std::size_t i = segments->size(); i > 0 && more; --i) {
    const Segment& segment = (*segments)[i - 1];
    if (segment.first_time_ms > to_ms || segment.last_time_ms < from_ms) continue;
    std::vector<Position> seen;
    auto done = with_index(segments, i - 1, [&] {
      seen.clear();
      return indexes_.for_each_with_key(segment.base, hash, from_ms, to_ms, [&](Position position) {
        seen.push_back(position);
        return seen.size() < 4096;
      });
    });
    if (!done) return done;
    for (const Position position : seen) {
      more = more && visit(segment.base, position);
    }
  }
  return {};
}

StoreResult<void> Cold::find_due(const ColdSegments& segments, Due after, std::int64_t to_ms, std::size_t max, std::vector<Due>& out) {
  for (std::size_t i = 0; i < segments->size(); ++i) {
    const Segment& segment = (*segments)[i];
    if (segment.due_ms_max == 0 || segment.due_ms_max < after.due_ms || segment.due_ms_min > to_ms) continue;
    const auto hint = due_hints_.find(segment.base);
    if (hint != due_hints_.end() && hint->second.after <= after && hint->second.next_ms > to_ms) continue;
    const std::size_t before = out.size();
    auto done = with_index(segments, i, [&] {
      out.resize(before);
      return indexes_.dues(segment.base, after, to_ms, max, out);
    });
    if (!done) return done;
    auto next = indexes_.next_due(segment.base, after);
    if (!next) return std::unexpected(next.error());
    due_hints_[segment.base] = {after, *next ? **next : std::numeric_limits<std::int64_t>::max()};
  }
  return {};
}

StoreResult<void> Cold::for_each_queue(const ColdSegments& segments, std::size_t segment,
                                       const std::function<void(const IndexQueue&)>& visit) {
  std::vector<IndexQueue> queues;
  auto done = with_index(segments, segment, [&] {
    queues.clear();
    return indexes_.for_each_queue((*segments)[segment].base, [&](const IndexQueue& queue) { queues.push_back(queue); });
  });
  if (!done) return done;
  for (const IndexQueue& queue : queues) visit(queue);
  return {};
}

void Cold::forget(Position base) {
  segments_.forget(log_name(base));
  indexes_.forget(base);
  due_hints_.erase(base);
}

void Cold::clear() {
  segments_.clear();
  indexes_.clear();
  due_hints_.clear();
}

}  // namespace chorus::mq::log
