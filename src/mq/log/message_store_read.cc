// Reading: what is in the tail at once, everything else on the background thread.
#include <algorithm>

#include "mq/log/frame.h"
#include "mq/log/message_store.h"

namespace chorus::mq::log {
namespace {

/// A reader that wants almost nothing may not hold the reactor up.
constexpr std::size_t entries_looked_at_max = 4096;
/// Pieces of background work done in one go.
constexpr std::size_t background_works_max = 64;

}  // namespace

void MessageStore::in_background(std::move_only_function<void(Cold&)> work, world::Callback done) {
  background_.emplace_back(std::move(work), std::move(done));
  if (background_.size() > 1 || background_busy_) return;
  // At the end of this turn, so that the reads of one turn go together.
  world_.post([this, alive = alive_] {
    if (*alive) run_background();
  });
}

void MessageStore::run_background() {
  if (background_busy_ || background_.empty()) return;
  background_busy_ = true;
  auto damaged = std::make_shared<std::uint64_t>();
  using Works = std::vector<std::pair<std::move_only_function<void(Cold&)>, world::Callback>>;
  auto works = std::make_shared<Works>();
  const auto count = static_cast<std::ptrdiff_t>(std::min(background_.size(), background_works_max));
  works->assign(std::move_iterator(background_.begin()), std::move_iterator(background_.begin() + count));
  background_.erase(background_.begin(), background_.begin() + count);
  world_.run_in_background(
      [cold = cold_, works, damaged] {
        for (auto& [work, done] : *works) work(*cold);
        *damaged = cold->damaged();
      },
      [this, alive = alive_, works, damaged] {
        if (!*alive) return;
        background_busy_ = false;
        statistics_.damaged = *damaged;
        run_background();
        for (auto& [work, done] : *works) {
          done();
          if (!*alive) return;
        }
      });
}

void MessageStore::read(const QueueKey& key, Offset from, const ReadLimits& limits, Wanted wanted, ReadDone done) {
  Batch batch;
  const Queue* queue = catalogue_.queues.find(key.topic, key.queue);
  if (queue == nullptr || queue->readable == 0) {
    batch.status = Batch::Status::unknown_queue;
    return post(std::move(done), StoreResult<Batch>(std::move(batch)));
  }
  batch.min = queue->min;
  batch.max = batch.next = queue->readable;
  if (from < queue->min || from >= queue->readable) {
    batch.status = from == queue->readable         ? Batch::Status::at_end
                   : queue->min == queue->readable ? Batch::Status::empty_queue
                   : from < queue->min             ? Batch::Status::before_begin
                                                   : Batch::Status::beyond_end;
    if (from < queue->min) batch.next = queue->min;
    return post(std::move(done), StoreResult<Batch>(std::move(batch)));
  }
  const auto begins_before = [&](const Run* run) { return run != nullptr && from >= run->base; };
  const MemoryIndex* index = catalogue_.open.get();
  const Run* run = index->run(*queue);
  for (std::size_t i = catalogue_.sealed.size(); !begins_before(run) && i > catalogue_.first_in_memory(); --i) {
    index = catalogue_.sealed[i - 1].memory.get();
    run = index->run(*queue);
  }
  if (begins_before(run)) return read_memory(*index, *run, from, limits, wanted, std::move(batch), std::move(done));
  read_cold(*queue, from, limits, std::move(wanted), std::move(batch), std::move(done));
}

void MessageStore::read_cold(const Queue& queue, Offset from, const ReadLimits& limits, Wanted wanted, Batch batch, ReadDone done) {
  ++statistics_.disk_reads;
  Offset memory_base = queue.readable;
  for_each_memory([&](const MemoryIndex& index) {
    if (const Run* run = index.run(queue)) memory_base = run->base;
    return true;
  });
  struct Reading {
    Cold::Read what;
    Batch batch;
    StoreResult<void> result;
    ReadDone done;
  };
  auto reading =
      std::make_shared<Reading>(Reading{{queue.key, from, limits, std::move(wanted), memory_base}, std::move(batch), {}, std::move(done)});
  in_background([reading, segments = cold_segments_](Cold& cold) { reading->result = cold.read(segments, reading->what, reading->batch); },
                [this, reading] {
                  Batch& read = reading->batch;
                  if (const auto now = bounds(reading->what.queue); now) {
                    read.min = now->min;
                    read.max = now->max;
                  }
                  if (!reading->result) return reading->done(std::unexpected(reading->result.error()));
                  reading->done(std::move(read));
                });
}

void MessageStore::for_each_memory(const std::function<bool(const MemoryIndex&)>& visit) const {
  if (!visit(*catalogue_.open)) return;
  for (std::size_t i = catalogue_.sealed.size(); i > catalogue_.first_in_memory(); --i) {
    if (!visit(*catalogue_.sealed[i - 1].memory)) return;
  }
}

void MessageStore::read_memory(const MemoryIndex& index, const Run& run, Offset from, const ReadLimits& limits, const Wanted& wanted,
                               Batch batch, ReadDone done) {
  std::vector<Place> places;
  std::uint64_t octets = 0;
  std::size_t looked_at = 0;
  batch.status = Batch::Status::none_wanted;
  batch.next = from;
  for (std::size_t i = MemoryIndex::find(run, from); i < run.entries.size(); ++i) {
    const Packed& packed = run.entries[i];
    const IndexEntry entry = index.unpack(run, packed);
    if (++looked_at > entries_looked_at_max) break;
    if (!wanted || wanted(entry)) {
      octets += entry.size;
      if (!places.empty() && (octets > limits.octets_max || places.size() >= limits.entries_max)) break;
      places.push_back({entry, packed.head});
    }
    batch.next = entry.offset + entry.count;
  }
  if (places.empty()) return post(std::move(done), StoreResult<Batch>(std::move(batch)));
  batch.status = Batch::Status::found;
  if (from_tail(places, batch)) {
    ++statistics_.tail_reads;
    return post(std::move(done), StoreResult<Batch>(std::move(batch)));
  }
  ++statistics_.disk_reads;
  struct Reading {
    std::vector<Place> places;
    Batch batch;
    StoreResult<void> result;
    ReadDone done;
  };
  auto reading = std::make_shared<Reading>(Reading{std::move(places), std::move(batch), {}, std::move(done)});
  in_background([reading, base = index.base](Cold& cold) { reading->result = cold.read_places(base, reading->places, reading->batch); },
                [reading] {
                  if (!reading->result) return reading->done(std::unexpected(reading->result.error()));
                  reading->done(std::move(reading->batch));
                });
}

bool MessageStore::from_tail(const std::vector<Place>& places, Batch& batch) {
  // What the tail holds has no gaps: with the first it has all.
  if (tail_.from(places.front().entry.position).empty()) return false;
  std::size_t octets = 0;
  for (const Place& place : places) octets += place.entry.size;
  batch.payloads.reserve(octets);
  for (const Place& place : places) {
    const std::string_view frame = tail_.from(place.entry.position);
    batch.payloads += frame.substr(frame_octets + place.head, place.entry.size);
    batch.entries.push_back(place.entry);
  }
  return true;
}

}  // namespace chorus::mq::log
