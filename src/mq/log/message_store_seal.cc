// What becomes of a segment once it is full: an index file and a checkpoint, written by the background thread in steps between which
// reads get their turn; later it is deleted.
#include <algorithm>

#include "base/ensure.h"
#include "mq/log/frame.h"
#include "mq/log/message_store.h"

namespace chorus::mq::log {
namespace {

constexpr std::uint64_t step_octets = 1 << 20;
constexpr auto retry_after = std::chrono::seconds(1);

/// Writes it and removes all but the newest ones.
world::FileResult<void> write_checkpoint(world::Files& files, const std::string& directory, const Checkpoint& checkpoint) {
  auto written = world::write_file(files, directory + "/" + checkpoint_name(checkpoint.position), encode_checkpoint(checkpoint));
  if (!written) return written;
  auto entries = files.list(directory);
  if (!entries) return std::unexpected(entries.error());
  std::vector<Position> all;
  for (const world::Entry& entry : *entries) {
    if (const auto position = position_in_name(entry.name, ".state")) all.push_back(*position);
  }
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i + checkpoints_kept < all.size(); ++i) {
    if (auto removed = files.remove(directory + "/" + checkpoint_name(all[i])); !removed) return removed;
  }
  return {};
}

}  // namespace

void MessageStore::seal(Position next_base) {
  MemoryIndex& index = *catalogue_.open;
  auto checkpoint = std::make_shared<Checkpoint>();
  checkpoint->position = next_base;
  if (state_ != nullptr) checkpoint->state = state_->checkpoint();
  IndexSource source{.index = catalogue_.open, .end = index.end};
  source.queues.reserve(catalogue_.queues.size());
  catalogue_.queues.for_each([&](Queue& queue) {
    if (queue.readable == 0) return;
    source.queues.push_back(
        {queue.key.topic, queue.key.queue, queue.hash, queue.run == nullptr ? queue.readable : queue.run->base, queue.readable, queue.run});
    checkpoint->queues.push_back({queue.key.topic, queue.key.queue, queue.readable});
    queue.run = nullptr;
  });
  catalogue_.sealed.push_back({.base = index.base,
                               .end = index.end,
                               .first_time_ms = index.first_time_ms,
                               .last_time_ms = index.last_time_ms,
                               .due_ms_min = index.dues.empty() ? 0 : index.dues.begin()->first,
                               .due_ms_max = index.dues.empty() ? 0 : index.dues.rbegin()->first,
                               .memory = catalogue_.open});
  catalogue_.open = std::make_shared<MemoryIndex>(next_base, options_.segment_octets);
  if (!catalogue_.epochs.empty()) catalogue_.open->last_epoch = catalogue_.epochs.back().first;

  auto sealing = std::make_shared<Sealing>();
  sealing->index = std::make_shared<IndexWriter>(world_.files(), options_.directory + "/" + index_name(index.base), std::move(source));
  sealing->checkpoint = std::move(checkpoint);
  sealing_.push_back(std::move(sealing));
  if (sealing_.size() == 1) go_on_sealing();
}

void MessageStore::go_on_sealing() {
  const std::shared_ptr<Sealing> sealing = sealing_.front();
  in_background(
      [sealing, &files = world_.files(), directory = options_.directory](Cold&) {
        if (!sealing->index_done) {
          sealing->result = sealing->index->step(step_octets);
          if (sealing->result) sealing->index_done = std::exchange(*sealing->result, false);
          if (!sealing->result) sealing->index->restart();
          return;
        }
        auto written = write_checkpoint(files, directory, *sealing->checkpoint);
        if (written) {
          sealing->result = true;
        } else {
          sealing->result = std::unexpected(written.error());
        }
      },
      [this] { sealing_step_done(); });
}

void MessageStore::sealing_step_done() {
  const Sealing& sealing = *sealing_.front();
  if (!sealing.result) {
    // The log has everything: the index stays in memory until there is room.
    world_.after(retry_after, [this, alive = alive_] {
      if (*alive) go_on_sealing();
    });
    return;
  }
  if (!*sealing.result) return go_on_sealing();
  const auto first = catalogue_.first_in_memory();
  ENSURE(first < catalogue_.sealed.size(), first);
  catalogue_.sealed[first].memory = nullptr;
  refresh_cold_segments();
  sealing_.pop_front();
  if (!sealing_.empty()) return go_on_sealing();
  when_quiet([] {});
}

void MessageStore::when_quiet(world::Callback callback) {
  when_quiet_.push_back(std::move(callback));
  if (!sealing_.empty() || checking_) return;
  auto callbacks = std::exchange(when_quiet_, {});
  for (world::Callback& each : callbacks) {
    world_.post([alive = alive_, each = std::move(each)]() mutable {
      if (*alive) each();
    });
  }
}

void MessageStore::refresh_cold_segments() {
  const auto& sealed = catalogue_.sealed;
  cold_segments_ = std::make_shared<const std::vector<Segment>>(sealed.begin(),
                                                                sealed.begin() + static_cast<std::ptrdiff_t>(catalogue_.first_in_memory()));
}

void MessageStore::arm_retention() {
  world_.after(options_.retain_check_interval, [this, alive = alive_] {
    if (!*alive) return;
    check_retention();
    arm_retention();
  });
}

void MessageStore::check_retention() {
  if (std::exchange(checking_, true)) return;
  struct Disk {
    world::FileResult<std::uint64_t> free;
    world::FileResult<std::uint64_t> total;
  };
  auto disk = std::make_shared<Disk>();
  in_background(
      [disk, &files = world_.files(), directory = options_.directory](Cold&) {
        disk->free = files.free_space(directory);
        disk->total = files.total_space(directory);
      },
      [this, disk] {
        disk_used_ratio_ =
            !disk->free || !disk->total || *disk->total == 0 ? 0 : 1 - static_cast<double>(*disk->free) / static_cast<double>(*disk->total);
        if (!closing_ && !cold_segments_->empty() && wants_to_go(cold_segments_->front())) return delete_oldest();
        checking_ = false;
        when_quiet([] {});
      });
}

bool MessageStore::wants_to_go(const Segment& segment) const {
  if (keep_from_ && *keep_from_ < segment.end) return false;
  const std::int64_t now_ms = world_.wall_now().time_since_epoch().count();
  const StoreStatistics now = statistics();
  return segment.last_time_ms + options_.retain.count() <= now_ms || (options_.retain_octets != 0 && now.octets > options_.retain_octets) ||
         disk_used_ratio_ > options_.disk_used_ratio_clean;
}

/// First nobody begins to read there any more, then the log lets go of it, then its files go, behind the reads that had begun.
void MessageStore::delete_oldest() {
  struct Deletion {
    StoreResult<void> result;
    std::vector<IndexQueue> queues;
    std::vector<std::string> paths;
    world::FileResult<void> removed;
  };
  auto deletion = std::make_shared<Deletion>();
  const auto end_check = [this] {
    checking_ = false;
    when_quiet([] {});
  };
  auto remove_files = [this, deletion, end_check, base = cold_segments_->front().base] {
    deletion->paths.push_back(options_.directory + "/" + index_name(base));
    in_background(
        [deletion, base, &files = world_.files(), directory = options_.directory](Cold& cold) {
          cold.forget(base);
          for (const std::string& path : deletion->paths) {
            deletion->removed = files.remove(path);
            if (!deletion->removed) return;
          }
          deletion->removed = files.sync_directory(directory);
        },
        [this, end_check, deletion] {
          ++statistics_.segments_deleted;
          end_check();
          // The next one, and how full the disk is now.
          if (deletion->removed) check_retention();
        });
  };
  auto take_out = [this, deletion, end_check, remove_files] {
    if (!deletion->result) return end_check();
    for (const IndexQueue& line : deletion->queues) {
      if (Queue* queue = catalogue_.queues.find(line.topic, line.queue)) queue->min = std::max(queue->min, line.next);
    }
    catalogue_.sealed.erase(catalogue_.sealed.begin());
    refresh_cold_segments();
    const Position next = catalogue_.sealed.empty() ? catalogue_.open->base : catalogue_.sealed.front().base;
    writer_->run(
        [deletion, next](store::Log& log) -> store::LogResult<void> {
          deletion->paths = log.release_before(next + static_cast<Position>(segment_header_octets));
          return {};
        },
        [remove_files](const store::LogResult<void>&) { remove_files(); });
  };
  in_background(
      [deletion, segments = cold_segments_](Cold& cold) {
        deletion->result = cold.for_each_queue(segments, 0, [&](const IndexQueue& queue) { deletion->queues.push_back(queue); });
      },
      std::move(take_out));
}

}  // namespace chorus::mq::log
