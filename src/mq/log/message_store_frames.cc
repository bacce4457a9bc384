// Entries as they lie in the log: given to who follows, and taken from who leads.
#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/ensure.h"
#include "mq/log/frame.h"
#include "mq/log/message_store.h"

namespace chorus::mq::log {
namespace {

constexpr auto header = static_cast<Position>(segment_header_octets);

/// Octets of the whole entries at the front, the first of which is at `position`: at most `octets_max`, but always one. 0: none is whole.
std::size_t whole_frames(std::string_view octets, Position position, std::uint64_t octets_max) {
  std::size_t at = 0;
  while (octets.size() - at >= frame_octets) {
    const std::uint64_t framed = framed_octets(octets.substr(at));
    if (framed == 0 || framed > octets.size() - at || (at > 0 && at + framed > octets_max)) break;
    if (!check_entry(octets.substr(at, framed), position + static_cast<Position>(at))) break;
    at += framed;
  }
  return at;
}

}  // namespace

void MessageStore::read_frames(Position from, std::uint64_t octets_max, FramesDone done) {
  const MemoryIndex& open = *catalogue_.open;
  const auto& sealed = catalogue_.sealed;
  const Position begin = sealed.empty() ? open.base : sealed.front().base;
  if (from == 0) from = begin;
  const auto refuse = [&](std::string why) {
    post(std::move(done), StoreResult<Frames>(base::error(StoreErrc::not_found, std::move(why))));
  };
  if (from < begin) return refuse(fmt::format("the log begins at {}, behind {}", begin, from));
  if (from > open.end) return refuse(fmt::format("the log ends at {}, before {}", open.end, from));
  Position base = open.base;
  Position end = open.end;
  if (from < open.base) {
    const Segment& segment =
        *std::prev(std::partition_point(sealed.begin(), sealed.end(), [&](const Segment& s) { return s.base <= from; }));
    base = segment.base;
    end = segment.end;
  }
  from = std::max(from, base + header);
  Frames frames{.first = from, .octets = {}, .next = from, .end = open.end};
  if (from >= open.end) {
    // Nobody has begun the segment yet: its header is no entry.
    frames.next = open.end;
    return post(std::move(done), StoreResult<Frames>(std::move(frames)));
  }
  const std::string_view newest = tail_.from(from);
  if (const std::size_t size = whole_frames(newest, from, octets_max); size > 0) {
    ++statistics_.tail_reads;
    frames.octets = newest.substr(0, size);
    frames.next = from + static_cast<Position>(size);
    return post(std::move(done), StoreResult<Frames>(std::move(frames)));
  }
  ++statistics_.disk_reads;
  auto result = std::make_shared<StoreResult<std::string>>();
  in_background([=](Cold& cold) { *result = cold.read_frames(base, end, from, octets_max); },
                [result, frames = std::move(frames), done = std::move(done)]() mutable {
                  if (!*result) return done(std::unexpected(result->error()));
                  frames.octets = std::move(**result);
                  frames.next = frames.first + static_cast<Position>(frames.octets.size());
                  done(std::move(frames));
                });
}

StoreResult<std::string> Cold::read_frames(Position base, Position end, Position from, std::uint64_t octets_max) {
  auto file = segments_.get(log_name(base));
  if (!file) return std::unexpected(store_error(file.error()));
  const auto left = static_cast<std::uint64_t>(end - from);
  std::uint64_t wanted = std::min(left, std::max<std::uint64_t>(octets_max, frame_octets));
  for (;;) {
    auto octets = read_octets(**file, static_cast<std::uint64_t>(from - base), wanted);
    if (!octets) return std::unexpected(octets.error());
    if (const std::size_t size = whole_frames(*octets, from, octets_max); size > 0) {
      octets->resize(size);
      return octets;
    }
    // The first one is longer than what was asked for.
    const std::uint64_t framed = framed_octets(*octets);
    if (framed > wanted && framed <= left && octets->size() == wanted) {
      wanted = framed;
      continue;
    }
    const auto head = decode_head(*octets);
    if (!head || head->index.position != from) {
      return base::error(StoreErrc::not_found, fmt::format("no entry begins at position {}, or it is damaged", from));
    }
    ++damaged_;
    return base::error(StoreErrc::damaged, fmt::format("the entry at position {} is damaged", from));
  }
}

/// Whether what the leader wrote follows on what is here; views of all of it.
StoreResult<std::vector<MessageStore::Followed>> MessageStore::check_followed(Position first, bool begins, std::string_view octets) const {
  const auto refuse = [](StoreErrc code, std::string why) { return base::error(code, std::move(why)); };
  std::vector<Followed> all;
  struct Known {
    Offset next;  // behind what was looked at
    Offset base;  // of its run in the segment
  };
  absl::flat_hash_map<std::pair<std::string_view, std::int32_t>, Known> queues;
  const Position base = begins ? next_position_ : segment_base_;
  Epoch epoch = epoch_;
  std::int64_t time_ms = last_time_ms_;
  std::int64_t begin_ms = begins ? 0 : segment_time_ms_;
  for (std::size_t at = 0; at < octets.size();) {
    const Position position = first + static_cast<Position>(at);
    const std::uint64_t framed = framed_octets(octets.substr(at));
    if (framed == 0 || framed > octets.size() - at)
      return refuse(StoreErrc::damaged, fmt::format("the entry at {} is not whole", position));
    const auto view = check_entry(octets.substr(at, framed), position);
    if (!view) return refuse(StoreErrc::damaged, fmt::format("the entry that came for position {} is damaged", position));
    const IndexEntry& entry = view->index;
    if (view->epoch < epoch)
      return refuse(StoreErrc::damaged, fmt::format("the entry at {} is of epoch {}, and {} has begun", position, view->epoch, epoch));
    if (entry.store_time_ms < time_ms)
      return refuse(StoreErrc::damaged, fmt::format("the entry at {} is older than what stands before it", position));
    if (begin_ms == 0) begin_ms = entry.store_time_ms;
    // What an index could not tell: a leader's segment ends before that.
    if (position + static_cast<Position>(framed) - base > std::numeric_limits<std::uint32_t>::max() ||
        entry.store_time_ms - begin_ms > segment_time_ms_max)
      return refuse(StoreErrc::damaged, fmt::format("the entry at {} is too far behind the begin of its segment", position));
    if (view->kind != Kind::own) {
      const Queue* queue = catalogue_.queues.find(view->topic, view->queue);
      const Offset next = queue == nullptr ? 0 : queue->next;
      const bool goes_on = queue != nullptr && !begins && queue->segment == segment_base_;
      Known& known = queues.try_emplace({view->topic, view->queue}, Known{next, goes_on ? queue->segment_base : next}).first->second;
      if (entry.offset != known.next || entry.count == 0)
        return refuse(StoreErrc::damaged, fmt::format("the entry at {} has offset {} of {}-{}, which goes on at {}", position, entry.offset,
                                                      view->topic, view->queue, known.next));
      known.next += entry.count;
      if (known.next - known.base > run_offsets_max)
        return refuse(StoreErrc::damaged, fmt::format("the entry at {} is too far behind the begin of its queue", position));
    }
    epoch = view->epoch;
    time_ms = entry.store_time_ms;
    all.push_back({.view = *view, .at = static_cast<std::uint32_t>(at), .framed = static_cast<std::uint32_t>(framed)});
    at += framed;
  }
  return all;
}

void MessageStore::append_frames(Position first, std::string octets, FollowDone done) {
  auto refusal = refusal_now(octets.size());
  const bool is_begun = next_position_ != segment_base_ + header;
  const bool begins = first != next_position_ && is_begun && first == next_position_ + header;
  if (!refusal && first != next_position_ && !begins)
    refusal = StoreError{StoreErrc::not_found, fmt::format("the log goes on at {}, not at {}", next_position_, first)};
  if (!refusal && !begins && log_rolled_)
    refusal = StoreError{StoreErrc::not_found, fmt::format("the last segment is closed: the log goes on at {}", next_position_ + header)};
  if (!refusal && octets.size() > store::unsynced_octets_max)
    refusal = StoreError{StoreErrc::too_large, fmt::format("entries of {} octets are too many at once", octets.size())};
  StoreResult<std::vector<Followed>> checked;
  if (!refusal) checked = check_followed(first, begins, octets);
  if (!refusal && !checked) refusal = checked.error();
  if (refusal) {
    ++statistics_.refused;
    return post(std::move(done), StoreResult<void>(std::unexpected(std::move(*refusal))));
  }
  if (checked->empty()) return post(std::move(done), StoreResult<void>());
  if (begins) {
    log_rolled_ = false;
    segment_base_ = next_position_;
    next_position_ += header;
    segment_time_ms_ = 0;
  }
  EntryGroup& group = writer_->group_for(octets.size(), begins);
  for (std::size_t i = 0; i < checked->size(); ++i) {
    const Followed& one = (*checked)[i];
    Queue* queue = one.view.kind == Kind::own ? nullptr : &catalogue_.queues.get(std::string(one.view.topic), one.view.queue);
    if (segment_time_ms_ == 0) segment_time_ms_ = one.view.index.store_time_ms;
    if (queue != nullptr && queue->segment != segment_base_) {
      queue->segment = segment_base_;
      queue->segment_base = queue->next;
    }
    if (group.entries.empty()) group.first = next_position_;
    group.last = next_position_;
    Append told = [](const StoreResult<Appended>&) {};
    if (i + 1 == checked->size()) {
      told = [done = std::move(done)](const StoreResult<Appended>& result) mutable {
        if (!result) return done(std::unexpected(result.error()));
        done({});
      };
    }
    group.entries.push_back({static_cast<std::uint32_t>(group.octets.size()), one.framed, queue, std::move(told)});
    group.octets.append(octets, one.at, one.framed);
    next_position_ += static_cast<Position>(one.framed);
    if (queue != nullptr) queue->next += one.view.index.count;
    epoch_ = one.view.epoch;
    last_time_ms_ = std::max(last_time_ms_, one.view.index.store_time_ms);
  }
  writer_->filled(group, octets.size(), options_.flush == Flush::sync);
}

}  // namespace chorus::mq::log

namespace chorus::mq {

FrameStore& frames_of(Store& store) {
  auto* frames = dynamic_cast<FrameStore*>(&store);
  ENSURE(frames != nullptr);
  return *frames;
}

std::optional<Position> parting_of(const Epochs& leader, Position leader_end, const Epochs& follower, Position follower_end) {
  const auto end_of = [](const Epochs& epochs, std::size_t i, Position end) { return i + 1 < epochs.size() ? epochs[i + 1].second : end; };
  if (follower.empty()) return follower_end;
  for (std::size_t i = follower.size(); i > 0; --i) {
    const auto& [epoch, begin] = follower[i - 1];
    const auto same = std::ranges::find_if(leader, [&, epoch = epoch, begin = begin](const auto& one) {
      // Of the oldest one the begin may have been deleted.
      return one.first == epoch && (one.second == begin || i == 1 || one == leader.front());
    });
    if (same == leader.end()) continue;
    const auto at = static_cast<std::size_t>(same - leader.begin());
    return std::min(end_of(leader, at, leader_end), end_of(follower, i - 1, follower_end));
  }
  return std::nullopt;
}

}  // namespace chorus::mq
