#include "coord/disk/log_writer.h"

#include <algorithm>
#include <mutex>
#include <vector>

namespace chorus::coord::disk {
namespace {

constexpr auto no_space_retry = std::chrono::seconds(1);

struct Waiting {
  LogGroup group;
  bool roll;
  world::Instant since;
};

std::int64_t in_ms(world::Duration duration) { return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count(); }

}  // namespace

// What one job on the disk thread wrote, and what stopped it.
struct LogBatch {
  std::vector<Waiting> durable;
  LogResult<void> result;
  world::Instant submitted;
};

struct LogWriter::Queue {
  std::shared_ptr<TxnLog> log;
  std::mutex mutex;  // guards the rest, which both threads reach
  std::vector<Waiting> waiting;
  bool scheduled = false;  // a job is submitted that has not looked at `waiting` yet
  bool full = false;       // the first of `waiting` did not fit: the others may not overtake it

  void write(LogBatch& batch) {
    std::vector<Waiting> groups;
    {
      const std::lock_guard lock(mutex);
      scheduled = false;
      if (full) return;
      groups.swap(waiting);
    }
    auto next = groups.begin();
    for (; next != groups.end(); ++next) {
      if (next->roll) batch.result = log->roll();
      if (batch.result) batch.result = log->append(next->group.octets, next->group.first_zxid, next->group.last_zxid);
      if (!batch.result) break;
    }
    // What fitted before the disk was full is as good as any.
    if (const auto synced = log->sync(); !synced) {
      batch.result = synced;
      return;
    }
    for (auto done = groups.begin(); done != next; ++done) batch.durable.push_back(std::move(*done));
    if (next == groups.end() || batch.result.error().code != LogErrc::no_space) return;
    const std::lock_guard lock(mutex);
    full = true;
    waiting.insert(waiting.begin(), std::move_iterator(next), std::move_iterator(groups.end()));
  }
};

LogWriter::LogWriter(world::World& world, std::shared_ptr<TxnLog> log, Callbacks callbacks, LogStatistics* statistics)
    : world_(world),
      callbacks_(std::move(callbacks)),
      queue_(std::make_shared<Queue>()),
      statistics_(statistics),
      free_since_(world.now()) {
  queue_->log = std::move(log);
}

LogWriter::~LogWriter() { *alive_ = false; }

void LogWriter::append(LogGroup group) {
  octets_ += group.octets.size();
  if (statistics_ != nullptr) {
    statistics_->txns += group.txns;
    statistics_->waiting.add(txns_);
    txns_ += group.txns;
  }
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->waiting.push_back({std::move(group), std::exchange(roll_, false), world_.now()});
    if (queue_->scheduled || queue_->full) return;
    queue_->scheduled = true;
  }
  submit();
}

void LogWriter::submit() {
  auto batch = std::make_shared<LogBatch>();
  batch->submitted = world_.now();
  world_.run_on_disk([queue = queue_, batch] { queue->write(*batch); },
                     [this, alive = alive_, batch] {
                       if (*alive) finished(*batch);
                     });
}

void LogWriter::count(const LogBatch& batch, world::Instant began, world::Instant now) {
  if (batch.durable.empty()) return;
  std::int64_t together = 0;
  const std::int64_t took_ms = in_ms(now - began);
  for (const Waiting& waiting : batch.durable) {
    const std::int64_t txns = waiting.group.txns;
    together += txns;
    statistics_->queue_time.add(in_ms(began - std::min(waiting.since, began)), txns);
    statistics_->process_time.add(took_ms, txns);
    statistics_->time_to_durable.add(in_ms(now - waiting.since), txns);
  }
  txns_ -= together;
  statistics_->batch.add(together);
  statistics_->flush_time.add(took_ms);
}

void LogWriter::finished(LogBatch& batch) {
  const std::shared_ptr<bool> alive = alive_;
  const world::Instant began = std::max(batch.submitted, free_since_);
  free_since_ = world_.now();
  if (statistics_ != nullptr) count(batch, began, free_since_);
  if (!batch.durable.empty()) callbacks_.on_synced(free_since_ - began);
  for (Waiting& waiting : batch.durable) {
    octets_ -= waiting.group.octets.size();
    callbacks_.on_durable(std::move(waiting.group));
    if (!*alive) return;
  }
  if (batch.result) return;
  if (batch.result.error().code != LogErrc::no_space) return callbacks_.on_failed(batch.result.error());
  world_.after(no_space_retry, [this, alive] {
    if (!*alive) return;
    {
      const std::lock_guard lock(queue_->mutex);
      queue_->full = false;
      queue_->scheduled = true;
    }
    submit();
  });
  callbacks_.on_no_space(batch.result.error());
}

}  // namespace chorus::coord::disk
