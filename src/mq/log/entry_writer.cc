#include "mq/log/entry_writer.h"

#include <algorithm>
#include <iterator>

#include "mq/log/frame.h"

namespace chorus::mq::log {
namespace {

constexpr std::uint64_t group_octets_max = 1 << 20;

}  // namespace

struct EntryWriter::Job {
  std::vector<EntryGroup> groups;
  std::size_t written = 0;
  bool sync = false;
  bool synced = false;
  store::LogResult<void> result;
  Work work;  // empty: none
  Done work_done;
  store::LogResult<void> work_result;

  void run(store::Log& log) {
    for (EntryGroup& group : groups) {
      fill_checksums(group.octets);
      if (group.begins_segment) result = log.roll();
      if (result) result = log.append(group.octets, group.first, group.last);
      if (!result) break;
      sync = sync || group.sync;
      ++written;
    }
    if (sync) {
      if (auto done = log.sync(); !done) {
        written = 0;
        result = done;
      } else {
        synced = true;
      }
    }
    if (work) work_result = result ? work(log) : result;
  }
};

EntryWriter::EntryWriter(world::World& world, std::shared_ptr<store::Log> log, world::Duration flush_interval, Callbacks callbacks)
    : world_(world), log_(std::move(log)), flush_interval_(flush_interval), callbacks_(std::move(callbacks)) {}

EntryWriter::~EntryWriter() { *alive_ = false; }

EntryGroup& EntryWriter::group_for(std::uint64_t octets, bool begins_segment) {
  if (waiting_.empty() || begins_segment || waiting_.back().octets.size() + octets > group_octets_max) {
    waiting_.emplace_back();
    waiting_.back().begins_segment = begins_segment;
  }
  return waiting_.back();
}

void EntryWriter::filled(EntryGroup& group, std::uint64_t octets, bool sync) {
  octets_ += octets;
  group.sync = group.sync || sync;
  if (busy_ || std::exchange(posted_, true)) return;
  world_.post([this, alive = alive_] {
    if (!*alive) return;
    posted_ = false;
    submit();
  });
}

void EntryWriter::run(Work work, Done done) {
  works_.emplace_back(std::move(work), std::move(done));
  submit();
}

void EntryWriter::submit() {
  if (busy_ || (waiting_.empty() && works_.empty() && !flush_now_)) return;
  busy_ = true;
  auto job = std::make_shared<Job>();
  job->groups.swap(waiting_);
  job->sync = std::exchange(flush_now_, false);
  if (!works_.empty()) {
    // Entries appended behind it wait, so that there is one order.
    job->work = std::move(works_.front().first);
    job->work_done = std::move(works_.front().second);
    works_.erase(works_.begin());
  }
  world_.run_on_disk([log = log_, job] { job->run(*log); },
                     [this, alive = alive_, job] {
                       if (*alive) finished(*job);
                     });
}

void EntryWriter::finished(Job& job) {
  const std::shared_ptr<bool> alive = alive_;
  busy_ = false;
  unsynced_ = !job.synced && (unsynced_ || job.written > 0);
  groups_written_ += job.written;
  std::vector<EntryGroup> refused;
  if (!job.result) {
    failed_ = failed_ || job.result.error().code != store::LogErrc::no_space;
    refused.assign(std::move_iterator(job.groups.begin() + static_cast<std::ptrdiff_t>(job.written)), std::move_iterator(job.groups.end()));
    std::move(waiting_.begin(), waiting_.end(), std::back_inserter(refused));
    waiting_.clear();
    job.groups.resize(job.written);
  }
  for (const EntryGroup& group : job.groups) octets_ -= group.octets.size();
  for (const EntryGroup& group : refused) octets_ -= group.octets.size();
  // What waits is on its way before anybody is told, so that the disk has work.
  if (job.result) submit();
  if (!job.result) refusing_ = &job.result.error();
  if (!job.groups.empty()) callbacks_.on_written(std::move(job.groups));
  if (*alive) refusing_ = nullptr;
  if (*alive && !job.result) callbacks_.on_refused(job.result.error(), std::move(refused));
  if (*alive && job.work) job.work_done(std::move(job.work_result));
  if (!*alive) return;
  submit();
  if (unsynced_) arm_flush();
}

void EntryWriter::arm_flush() {
  if (std::exchange(flush_armed_, true)) return;
  world_.after(flush_interval_, [this, alive = alive_] {
    if (!*alive) return;
    flush_armed_ = false;
    if (!unsynced_) return;
    flush_now_ = true;
    submit();
  });
}

}  // namespace chorus::mq::log
