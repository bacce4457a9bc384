#include "mq/log/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "mq/log/checkpoint.h"
#include "mq/log/frame.h"
#include "mq/log/scan_segment.h"

namespace chorus::mq::log {
namespace {

constexpr std::uint64_t growth_octets_max = 4 << 20;

constexpr Position aligned(Position position) {
  return (position + static_cast<Position>(entry_alignment) - 1) / static_cast<Position>(entry_alignment) *
         static_cast<Position>(entry_alignment);
}

StoreError store_error(const store::LogError& error) {
  switch (error.code) {
    case store::LogErrc::no_space:
      return {StoreErrc::no_space, error.message};
    case store::LogErrc::failed:
      return {StoreErrc::failed, error.message};
    case store::LogErrc::corrupt:
      return {StoreErrc::damaged, error.message};
  }
  return {StoreErrc::failed, error.message};
}

class Recovery {
 public:
  Recovery(world::Files& files, const StoreOptions& options, State* state)
      : files_(files), options_(options), state_(state), indexes_(files, options.directory, options.index_cache_octets) {}

  StoreResult<Recovered> run() {
    if (auto done = open_log(); !done) return std::unexpected(done.error());
    if (auto done = list_files(); !done) return std::unexpected(done.error());
    if (auto done = find_checkpoint(); !done) return std::unexpected(done.error());
    find_segments();
    if (auto done = remove_strangers(); !done) return std::unexpected(done.error());
    if (auto done = recover_sealed(); !done) return std::unexpected(done.error());
    if (auto done = load_queues(); !done) return std::unexpected(done.error());
    if (auto done = replay(); !done) return std::unexpected(done.error());
    return std::move(result_);
  }

 private:
  std::string path_of(const std::string& name) const { return options_.directory + "/" + name; }

  StoreResult<void> open_log() {
    if (auto made = world::make_durable_directories(files_, options_.directory); !made)
      return std::unexpected(log::store_error(made.error()));
    auto log = store::Log::open(
        files_, entry_format,
        {.directory = options_.directory, .allocate_octets = std::min(growth_octets_max, options_.segment_octets), .isolate_damage = true});
    if (!log) return std::unexpected(store_error(log.error()));
    result_.log = std::move(*log);
    for (const store::TornTail& torn : result_.log->torn()) result_.report.torn.push_back(store::to_string(torn));
    return {};
  }

  StoreResult<void> list_files() {
    auto entries = files_.list(options_.directory);
    if (!entries) return std::unexpected(log::store_error(entries.error()));
    for (const world::Entry& entry : *entries) {
      if (entry.is_directory) continue;
      if (const auto base = position_in_name(entry.name, ".index")) index_bases_.push_back(*base);
      if (const auto position = position_in_name(entry.name, ".state")) checkpoints_.push_back(*position);
      if (entry.name.ends_with(".index.tmp") || entry.name.ends_with(".state.tmp")) strangers_.push_back(entry.name);
    }
    std::sort(checkpoints_.begin(), checkpoints_.end());
    return {};
  }

  /// The newest one that can be read and is not ahead of the log.
  StoreResult<void> find_checkpoint() {
    const store::Log& log = *result_.log;
    const Position end = log.empty() || log.damage() ? std::numeric_limits<Position>::max()
                                                     : log.segments().back() - static_cast<Position>(segment_header_octets) +
                                                           static_cast<Position>(log.segment_octets());
    for (auto position = checkpoints_.rbegin(); position != checkpoints_.rend(); ++position) {
      const std::string name = checkpoint_name(*position);
      if (*position > end) {
        strangers_.push_back(name);
        continue;
      }
      auto octets = world::read_file(files_, path_of(name), checkpoint_octets_max);
      if (!octets) return std::unexpected(log::store_error(octets.error()));
      auto read = decode_checkpoint(*octets);
      if (read && read->position == *position) {
        checkpoint_ = std::move(*read);
        return {};
      }
      result_.report.unusable_checkpoints.push_back(path_of(name));
      strangers_.push_back(name);
    }
    return {};
  }

  void find_segments() {
    const store::Log& log = *result_.log;
    Catalogue& catalogue = result_.catalogue;
    for (const store::Id first : log.segments()) catalogue.sealed.push_back({.base = first - static_cast<Position>(segment_header_octets)});
    Position open_base = checkpoint_ ? aligned(checkpoint_->position) : 0;
    if (log.damage()) {
      const store::Damage& damage = *log.damage();
      open_base = aligned(catalogue.sealed.back().base + static_cast<Position>(damage.offset + damage.octets));
    } else if (!catalogue.sealed.empty()) {
      open_base = catalogue.sealed.back().base;
      catalogue.sealed.pop_back();
    }
    catalogue.open = std::make_shared<MemoryIndex>(open_base, options_.segment_octets);
  }

  StoreResult<void> remove_strangers() {
    const auto& sealed = result_.catalogue.sealed;
    for (const Position base : index_bases_) {
      if (std::none_of(sealed.begin(), sealed.end(), [&](const Segment& segment) { return segment.base == base; }))
        strangers_.push_back(index_name(base));
    }
    for (const std::string& name : strangers_) {
      if (auto done = files_.remove(path_of(name)); !done) return std::unexpected(log::store_error(done.error()));
    }
    if (strangers_.empty()) return {};
    if (auto done = files_.sync_directory(options_.directory); !done) return std::unexpected(log::store_error(done.error()));
    return {};
  }

  /// Where the segment's entries end, given where the next segment begins.
  StoreResult<Position> end_of(const Segment& segment, Position next_base) {
    auto file = files_.open(path_of(log_name(segment.base)), world::OpenMode::read);
    if (!file) return std::unexpected(log::store_error(file.error()));
    auto size = (*file)->size();
    if (!size) return std::unexpected(log::store_error(size.error()));
    if (next_base - segment.base <= static_cast<Position>(*size)) return next_base;
    // Either the file was cut short, or it ends in order and a later segment is not there.
    char mark[store::mark_size];
    const std::uint64_t at = *size - std::min<std::uint64_t>(*size, store::mark_size);
    auto count = (*file)->read_at(at, mark, sizeof mark);
    if (!count) return std::unexpected(log::store_error(count.error()));
    const store::Id first = segment.base + static_cast<Position>(segment_header_octets);
    if (store::read_mark(first, at, {mark, *count}) != 0) return next_base;
    const Position end = segment.base + static_cast<Position>(at);
    if (aligned(end) < next_base) result_.report.missing.emplace_back(end, next_base);
    return end;
  }

  StoreResult<void> recover_sealed() {
    auto& sealed = result_.catalogue.sealed;
    std::vector<bool> sound(sealed.size());
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      Segment& segment = sealed[i];
      const Position next_base = i + 1 < sealed.size() ? sealed[i + 1].base : result_.catalogue.open->base;
      auto end = end_of(segment, next_base);
      if (!end) return std::unexpected(end.error());
      segment.end = *end;
      auto header = indexes_.header(segment.base);
      if (!header && header.error().code != StoreErrc::damaged) return std::unexpected(header.error());
      sound[i] = header && header->end == segment.end;
    }
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      Segment& segment = sealed[i];
      if (!sound[i]) {
        const Position before = i == 0 ? -1 : sealed[i - 1].base;
        const Position after = i + 1 < sealed.size() && sound[i + 1] ? sealed[i + 1].base : -1;
        // At the end of the log records may be lost that nobody can count: their offsets are not given again. A record has its octet.
        const bool is_last = result_.log->damage() && i + 1 == sealed.size();
        const auto lost = is_last ? static_cast<Offset>(result_.log->damage()->octets) : 0;
        auto holes = rebuild_index(files_, options_, indexes_, {segment.base, segment.end, before, after, lost});
        if (!holes) return std::unexpected(holes.error());
        result_.report.rebuilt.push_back(path_of(index_name(segment.base)));
        std::move(holes->begin(), holes->end(), std::back_inserter(result_.report.damage));
      }
      auto header = indexes_.header(segment.base);
      if (!header) return std::unexpected(header.error());
      segment.first_time_ms = header->first_time_ms;
      segment.last_time_ms = header->last_time_ms;
      segment.due_ms_min = header->due_ms_min;
      segment.due_ms_max = header->due_ms_max;
      result_.catalogue.last_time_ms = std::max(result_.catalogue.last_time_ms, header->last_time_ms);
      auto epochs = indexes_.epochs(segment.base);
      if (!epochs) return std::unexpected(epochs.error());
      for (const auto& [epoch, position] : *epochs) result_.catalogue.add_epoch(epoch, position);
    }
    return {};
  }

  StoreResult<void> load_queues() {
    Catalogue& catalogue = result_.catalogue;
    if (!catalogue.sealed.empty()) {
      if (auto done = indexes_.for_each_queue(catalogue.sealed.back().base,
                                              [&](const IndexQueue& line) { know(line.topic, line.queue, line.next); });
          !done)
        return done;
    }
    if (checkpoint_) {
      for (const Checkpoint::Line& line : checkpoint_->queues) know(line.topic, line.queue, line.next);
    }
    if (catalogue.sealed.empty()) {
      // What is not in the open segment was deleted.
      catalogue.queues.for_each([](Queue& queue) { queue.min = queue.readable; });
      return {};
    }
    return indexes_.for_each_queue(catalogue.sealed.front().base,
                                   [&](const IndexQueue& line) { catalogue.queues.get(line.topic, line.queue).min = line.base; });
  }

  void know(std::string_view topic, std::int32_t queue, Offset next) {
    Queue& known = result_.catalogue.queues.get(topic, queue);
    known.readable = std::max(known.readable, next);
  }

  StoreResult<void> replay() {
    Catalogue& catalogue = result_.catalogue;
    if (state_ != nullptr) state_->restore(checkpoint_ ? checkpoint_->state : std::string_view());
    const Position from = checkpoint_ ? checkpoint_->position : 0;
    const auto show = [&](const EntryView& entry) {
      if (state_ == nullptr || entry.type == 0 || entry.index.position < from) return;
      state_->apply(entry);
      ++result_.report.replayed;
    };
    for (const Segment& segment : catalogue.sealed) {
      if (state_ == nullptr || segment.end <= from) continue;
      auto scan =
          scan_segment(files_, path_of(log_name(segment.base)), segment.base, static_cast<std::uint64_t>(segment.end - segment.base),
                       [&](const EntryView& entry, std::uint64_t) { show(entry); });
      if (!scan) return std::unexpected(store_error(scan.error()));
    }
    MemoryIndex& open = *catalogue.open;
    if (!catalogue.epochs.empty()) open.last_epoch = catalogue.epochs.back().first;
    const bool has_file = !result_.log->empty() && !result_.log->damage();
    if (!has_file) return finish();
    auto scan = scan_segment(files_, path_of(log_name(open.base)), open.base, result_.log->segment_octets(),
                             [&](const EntryView& entry, std::uint64_t framed) {
                               Queue* queue = entry.kind == Kind::own ? nullptr : &catalogue.queues.get(entry.topic, entry.queue);
                               open.add(entry, framed, queue);
                               catalogue.add_epoch(entry.epoch, entry.index.position);
                               if (queue != nullptr) {
                                 queue->readable = entry.index.offset + entry.index.count;
                                 queue->newest = entry.index;
                               }
                               show(entry);
                             });
    if (!scan) return std::unexpected(store_error(scan.error()));
    if (!scan->holes.empty()) return base::error(StoreErrc::damaged, path_of(log_name(open.base)) + " changed while it was read");
    return finish();
  }

  StoreResult<void> finish() {
    Catalogue& catalogue = result_.catalogue;
    catalogue.last_time_ms = std::max(catalogue.last_time_ms, catalogue.open->last_time_ms);
    catalogue.queues.for_each([&](Queue& queue) {
      queue.next = queue.readable;
      if (catalogue.sealed.empty()) queue.min = queue.run != nullptr ? queue.run->base : queue.readable;
    });
    return {};
  }

  world::Files& files_;
  const StoreOptions& options_;
  State* const state_;
  IndexFiles indexes_;
  Recovered result_;
  std::vector<Position> index_bases_;
  std::vector<Position> checkpoints_;
  std::vector<std::string> strangers_;  // files to be removed
  std::optional<Checkpoint> checkpoint_;
};

}  // namespace

StoreResult<std::vector<RecoveryReport::Damage>> rebuild_index(world::Files& files, const StoreOptions& options, IndexFiles& indexes,
                                                               const RebuildWhat& what) {
  const auto [base, end, before, after, lost] = what;
  QueueTable queues;
  // What is known of queues without an entry in it.
  if (before >= 0) {
    auto done = indexes.for_each_queue(before, [&](const IndexQueue& line) {
      Queue& queue = queues.get(line.topic, line.queue);
      queue.min = queue.readable = line.next;
    });
    if (!done && done.error().code != StoreErrc::damaged) return std::unexpected(done.error());
  }
  std::vector<IndexQueue> later;
  if (after >= 0) {
    auto done = indexes.for_each_queue(after, [&](const IndexQueue& line) { later.push_back(line); });
    if (!done && done.error().code != StoreErrc::damaged) return std::unexpected(done.error());
  }
  auto index = std::make_shared<MemoryIndex>(base, options.segment_octets);
  const std::string path = options.directory + "/" + log_name(base);
  auto scan = scan_segment(files, path, base, static_cast<std::uint64_t>(end - base), [&](const EntryView& entry, std::uint64_t framed) {
    Queue* queue = entry.kind == Kind::own ? nullptr : &queues.get(entry.topic, entry.queue);
    index->add(entry, framed, queue);
    if (queue != nullptr) queue->readable = std::max(queue->readable, entry.index.offset + entry.index.count);
  });
  if (!scan) return std::unexpected(store_error(scan.error()));
  queues.for_each([lost](Queue& queue) { queue.readable += lost; });
  for (const IndexQueue& line : later) {
    if (line.base == 0) continue;
    const bool is_new = queues.find(line.topic, line.queue) == nullptr;
    Queue& queue = queues.get(line.topic, line.queue);
    if (is_new) queue.min = line.base;
    queue.readable = std::max(queue.readable, line.base);
  }
  std::vector<RecoveryReport::Damage> damage;
  for (const auto& [from, to] : scan->holes) {
    index->add_hole(static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to));
    damage.push_back({path, from, to - from});
  }
  IndexSource source{.index = index, .end = end};
  queues.for_each([&](const Queue& queue) {
    source.queues.push_back({queue.key.topic, queue.key.queue, queue.hash, queue.min, queue.readable, index->run(queue)});
  });
  indexes.forget(base);
  IndexWriter writer(files, options.directory + "/" + index_name(base), std::move(source));
  auto done = writer.step(std::uint64_t(-1) / 2);
  if (!done) return std::unexpected(store_error(done.error()));
  return damage;
}

StoreResult<Recovered> recover(world::Files& files, const StoreOptions& options, State* state) {
  return Recovery(files, options, state).run();
}

}  // namespace chorus::mq::log

namespace chorus::mq {

std::vector<std::string> to_lines(const RecoveryReport& report) {
  std::vector<std::string> lines = report.torn;
  for (const auto& damage : report.damage)
    lines.push_back(
        fmt::format("{}: {} octets at offset {} are damaged; readers pass over what was there", damage.path, damage.octets, damage.offset));
  for (const auto& [from, to] : report.missing)
    lines.push_back(
        fmt::format("the log has nothing from position {} to {}: a file is missing; readers pass over what was there", from, to));
  for (const auto& path : report.rebuilt) lines.push_back(fmt::format("{}: made again from the log", path));
  for (const auto& path : report.unusable_checkpoints)
    lines.push_back(fmt::format("{}: damaged, so an older one is used and more is replayed", path));
  return lines;
}

}  // namespace chorus::mq
