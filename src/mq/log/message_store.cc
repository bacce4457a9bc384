#include "mq/log/message_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ensure.h"
#include "mq/log/frame.h"
#include "mq/log/recovery.h"

namespace chorus::mq::log {
namespace {

/// More sealed segments than this wait for their index files: the background thread does not keep up.
constexpr std::size_t sealing_max = 4;

StoreError store_error(const store::LogError& error) {
  return {error.code == store::LogErrc::no_space ? StoreErrc::no_space : StoreErrc::failed, error.message};
}

}  // namespace

MessageStore::MessageStore(world::World& world, StoreOptions options, State* state)
    : world_(world),
      options_(std::move(options)),
      state_(state),
      tail_(options_.tail_octets),
      cold_(std::make_shared<Cold>(world.files(), options_)) {
  ENSURE(options_.segment_octets + options_.entry_octets_max < (std::uint64_t{1} << 32) - (1 << 20), options_.segment_octets,
         options_.entry_octets_max);
}

MessageStore::~MessageStore() { *alive_ = false; }

StoreResult<RecoveryReport> MessageStore::open() {
  auto report = recover_now();
  if (report) arm_retention();
  return report;
}

StoreResult<RecoveryReport> MessageStore::recover_now() {
  auto recovered = recover(world_.files(), options_, state_);
  if (!recovered) return std::unexpected(recovered.error());
  log_ = std::move(recovered->log);
  catalogue_ = std::move(recovered->catalogue);
  log_rolled_ = false;
  tail_.clear();
  epoch_ = catalogue_.epochs.empty() ? 1 : catalogue_.epochs.back().first;
  refresh_cold_segments();
  go_on_from_catalogue();
  start_writer();
  return std::move(recovered->report);
}

void MessageStore::start_writer() {
  writer_ = std::make_unique<EntryWriter>(
      world_, log_, options_.flush_interval,
      EntryWriter::Callbacks{
          .on_written = [this](std::vector<EntryGroup> groups) { written(std::move(groups)); },
          .on_refused = [this](const store::LogError& error, std::vector<EntryGroup> groups) { refused(error, std::move(groups)); }});
}

std::optional<StoreError> MessageStore::refusal_now(std::uint64_t octets) const {
  if (closing_) return StoreError{StoreErrc::closing, "the message log is closing"};
  if (failed_) return StoreError{StoreErrc::failed, "the disk of the message log failed: it has to be opened anew"};
  if (const store::LogError* error = writer_->refusing()) return store_error(*error);
  if (writer_->octets() != 0 && writer_->octets() + octets > options_.pending_octets_max)
    return StoreError{StoreErrc::busy, "too many messages wait for the disk"};
  if (sealing_.size() > sealing_max) return StoreError{StoreErrc::busy, "too many segments wait for their index files"};
  if (disk_used_ratio_ > options_.disk_used_ratio_refuse)
    return StoreError{StoreErrc::no_space,
                      fmt::format("the disk of {} is fuller than allowed: {:.0f} %", options_.directory, disk_used_ratio_ * 100)};
  return std::nullopt;
}

std::optional<StoreError> MessageStore::refusal_of(const NewEntry& entry) const {
  if (framed_octets(entry) > options_.entry_octets_max)
    return StoreError{StoreErrc::too_large,
                      fmt::format("an entry of {} octets is over the limit of {}", framed_octets(entry), options_.entry_octets_max)};
  if (entry.queue.topic.size() > topic_octets_max || entry.count == 0 || !is_patchable(entry))
    return StoreError{StoreErrc::too_large, "an entry has too long a topic, no record, or too short a payload for its kind"};
  return std::nullopt;
}

void MessageStore::append(NewEntry entry, Append done) {
  const std::uint64_t octets = framed_octets(entry);
  auto refusal = refusal_of(entry);
  if (!refusal) refusal = refusal_now(octets);
  if (refusal) {
    ++statistics_.refused;
    return post(std::move(done), StoreResult<Appended>(std::unexpected(std::move(*refusal))));
  }
  Queue* queue = queue_of(entry);
  EntryGroup& group = group_for(queue, octets, entry.count);
  put(entry, queue, group, std::move(done));
}

void MessageStore::append_all(std::vector<NewEntry> entries, AppendAll done) {
  std::uint64_t octets = 0;
  std::uint64_t records = 0;
  std::optional<StoreError> refusal;
  for (const NewEntry& entry : entries) {
    if (!refusal) refusal = refusal_of(entry);
    octets += framed_octets(entry);
    records += entry.count;
  }
  if (!refusal && entries.size() > 1 && octets > store::unsynced_octets_max)
    refusal = StoreError{StoreErrc::too_large, fmt::format("{} entries of {} octets are too many at once", entries.size(), octets)};
  if (!refusal) refusal = refusal_now(octets);
  if (refusal || entries.empty()) {
    if (!refusal) return post(std::move(done), StoreResult<std::vector<Appended>>());
    ++statistics_.refused;
    return post(std::move(done), StoreResult<std::vector<Appended>>(std::unexpected(std::move(*refusal))));
  }
  struct Together {
    std::vector<Appended> appended;
    AppendAll done;
  };
  auto together = std::make_shared<Together>();
  together->done = std::move(done);
  together->appended.reserve(entries.size());
  // They are of one group, which is written whole or refused whole: what is said of the last one is true of all.
  Queue* queue = queue_of(entries.front());
  EntryGroup& group = group_for(queue, octets, records);
  for (const NewEntry& entry : entries) {
    if (queue == nullptr || entry.kind == Kind::own || entry.queue != queue->key) queue = queue_of(entry);
    Append told;
    if (&entry == &entries.back()) {
      told = [together](StoreResult<Appended> result) {
        if (!result) return together->done(std::unexpected(result.error()));
        together->done(std::move(together->appended));
      };
    }
    together->appended.push_back(put(entry, queue, group, std::move(told)));
  }
}

/// Null: its own.
Queue* MessageStore::queue_of(const NewEntry& entry) {
  return entry.kind == Kind::own ? nullptr : &catalogue_.queues.get(entry.queue.topic, entry.queue.queue);
}

bool MessageStore::needs_new_segment(const Queue* queue, std::uint64_t octets, std::uint64_t records, std::int64_t time_ms) const {
  const Position first = segment_base_ + static_cast<Position>(segment_header_octets);
  if (next_position_ == first) return false;
  if (log_rolled_) return true;
  if (static_cast<std::uint64_t>(next_position_ - segment_base_) + octets > options_.segment_octets) return true;
  if (segment_time_ms_ != 0 && time_ms - segment_time_ms_ > segment_time_ms_max) return true;
  return queue != nullptr && queue->segment == segment_base_ &&
         queue->next + static_cast<Offset>(records) - queue->segment_base > run_offsets_max;
}

EntryGroup& MessageStore::group_for(const Queue* queue, std::uint64_t octets, std::uint64_t records) {
  last_time_ms_ = std::max(last_time_ms_, world_.wall_now().time_since_epoch().count());
  const bool begins = needs_new_segment(queue, octets, records, last_time_ms_);
  if (begins) {
    log_rolled_ = false;
    segment_base_ = next_position_;
    next_position_ += static_cast<Position>(segment_header_octets);
    segment_time_ms_ = 0;
  }
  return writer_->group_for(octets, begins);
}

/// Where it will be once `done` says so; empty: nobody asks.
Appended MessageStore::put(const NewEntry& entry, Queue* queue, EntryGroup& group, Append done) {
  if (segment_time_ms_ == 0) segment_time_ms_ = last_time_ms_;
  if (queue != nullptr && queue->segment != segment_base_) {
    queue->segment = segment_base_;
    queue->segment_base = queue->next;
  }
  const std::size_t at = group.octets.size();
  const Appended place{.position = next_position_, .offset = queue == nullptr ? 0 : queue->next, .store_time_ms = last_time_ms_};
  encode_entry(entry, {.position = place.position, .epoch = epoch_, .offset = place.offset, .store_time_ms = place.store_time_ms},
               group.octets);
  const std::size_t framed = group.octets.size() - at;
  if (group.entries.empty()) group.first = next_position_;
  group.last = next_position_;
  group.entries.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(framed), queue, std::move(done)});
  next_position_ += static_cast<Position>(framed);
  if (queue != nullptr) queue->next += entry.count;
  writer_->filled(group, framed, entry.flush.value_or(options_.flush) == Flush::sync);
  return place;
}

void MessageStore::written(std::vector<EntryGroup> groups) {
  std::vector<std::pair<Append, Appended>> completions;
  std::vector<Queue*> arrivals;
  for (EntryGroup& group : groups) {
    if (group.begins_segment) seal(group.first - static_cast<Position>(segment_header_octets));
    for (EntryGroup::Pending& pending : group.entries) {
      const auto view = decode_entry(std::string_view(group.octets).substr(pending.at, pending.framed));
      ENSURE(view, group.first, pending.at);
      catalogue_.open->add(*view, pending.framed, pending.queue);
      catalogue_.add_epoch(view->epoch, view->index.position);
      catalogue_.last_time_ms = view->index.store_time_ms;
      if (Queue* queue = pending.queue; queue != nullptr) {
        queue->readable = view->index.offset + view->index.count;
        queue->newest = view->index;
        if (!std::exchange(queue->arrived, true)) arrivals.push_back(queue);
      }
      if (state_ != nullptr && view->type != 0) state_->apply(*view);
      if (!pending.done) continue;
      completions.emplace_back(std::move(pending.done), Appended{view->index.position, view->index.offset, view->index.store_time_ms});
    }
    statistics_.appended += group.entries.size();
    tail_.add(group.first, std::move(group.octets));
  }
  const std::shared_ptr<bool> alive = alive_;
  for (auto& [done, appended] : completions) {
    done(appended);
    if (!*alive) return;
  }
  for (Queue* queue : arrivals) {
    queue->arrived = false;
    if (on_arrival_) on_arrival_(queue->key, queue->newest);
    if (!*alive) return;
  }
}

void MessageStore::refused(const store::LogError& error, std::vector<EntryGroup> groups) {
  failed_ = writer_->failed();
  // The log may have sealed its segment before it found no room for the next one: nothing goes there any more.
  log_rolled_ = log_rolled_ || std::any_of(groups.begin(), groups.end(), [](const EntryGroup& group) { return group.begins_segment; });
  // Nothing is on its way now: what was given to these entries is given again.
  for (const EntryGroup& group : groups) {
    for (const EntryGroup::Pending& pending : group.entries) {
      if (pending.queue != nullptr) pending.queue->next = pending.queue->readable;
    }
    statistics_.refused += group.entries.size();
  }
  go_on_from_catalogue();
  const std::shared_ptr<bool> alive = alive_;
  for (EntryGroup& group : groups) {
    for (EntryGroup::Pending& pending : group.entries) {
      if (pending.done) pending.done(std::unexpected(store_error(error)));
      if (!*alive) return;
    }
  }
}

void MessageStore::go_on_from_catalogue() {
  segment_base_ = catalogue_.open->base;
  next_position_ = catalogue_.open->end;
  segment_time_ms_ = catalogue_.open->first_time_ms;
  last_time_ms_ = catalogue_.last_time_ms;
  catalogue_.queues.for_each([this](Queue& queue) {
    queue.segment = queue.run == nullptr ? -1 : segment_base_;
    queue.segment_base = queue.run == nullptr ? 0 : queue.run->base;
  });
}

std::optional<Store::Bounds> MessageStore::bounds(const QueueKey& key) const {
  const Queue* queue = catalogue_.queues.find(key.topic, key.queue);
  if (queue == nullptr || queue->readable == 0) return std::nullopt;
  return Bounds{queue->min, queue->readable};
}

void MessageStore::for_each_queue(const std::function<void(const QueueKey&, const Bounds&)>& visit) const {
  catalogue_.queues.for_each([&](const Queue& queue) {
    if (queue.readable != 0) visit(queue.key, {queue.min, queue.readable});
  });
}

void MessageStore::begin_epoch(Epoch epoch) {
  ENSURE(epoch >= epoch_, epoch, epoch_);
  epoch_ = epoch;
}

StoreStatistics MessageStore::statistics() const {
  StoreStatistics all = statistics_;
  all.begin = catalogue_.sealed.empty() ? catalogue_.open->base : catalogue_.sealed.front().base;
  all.end = catalogue_.open->end;
  all.segments = catalogue_.sealed.size() + 1;
  all.octets = static_cast<std::uint64_t>(all.end - all.begin);
  all.queues = catalogue_.queues.size();
  all.pending_octets = writer_->octets();
  all.groups = writer_->groups_written();
  return all;
}

void MessageStore::close(std::move_only_function<void(StoreResult<void>)> done) {
  closing_ = true;
  writer_->run([](store::Log& log) { return log.roll(); },
               [done = std::move(done)](store::LogResult<void> result) mutable {
                 if (result) return done({});
                 done(std::unexpected(store_error(result.error())));
               });
}

void MessageStore::truncate(Position position, std::move_only_function<void(StoreResult<void>)> done) {
  closing_ = true;
  auto finish = [this, done = std::move(done)](store::LogResult<void> result) mutable {
    if (!result) return done(std::unexpected(store_error(result.error())));
    // Nothing is on its way now. What is left of the last segment is read again, as at the start.
    auto report = recover_now();
    if (!report) {
      failed_ = true;
      return done(std::unexpected(report.error()));
    }
    closing_ = false;
    done({});
  };
  when_quiet([this, position, finish = std::move(finish)]() mutable {
    in_background([](Cold& cold) { cold.clear(); }, [] {});
    writer_->run([position](store::Log& log) { return log.truncate_after(position - 1); }, std::move(finish));
  });
}

}  // namespace chorus::mq::log

namespace chorus::mq {

StoreResult<OpenedStore> open_store(world::World& world, StoreOptions options, State* state) {
  auto made = std::make_unique<log::MessageStore>(world, std::move(options), state);
  auto report = made->open();
  if (!report) return std::unexpected(report.error());
  return OpenedStore{std::move(made), std::move(*report)};
}

}  // namespace chorus::mq
