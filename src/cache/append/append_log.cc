#include "cache/append/append_log.h"

#include <algorithm>
#include <limits>

#include "base/ensure.h"
#include "cache/append/group.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {
namespace {

/// Where nobody waits for the disk, units are written this much apart at least.
constexpr std::int64_t write_interval_us = 1000;
constexpr std::int64_t sync_interval_us = 1'000'000;
constexpr std::int64_t retry_interval_us = 1'000'000;
constexpr std::int64_t late_us = 2'000'000;
/// A write waits at most for this part of the time that the last took, and for so long.
constexpr std::int64_t gather_part = 16, gather_us_max = 1000;
/// With more than this to be written, nothing is done that would add to it.
constexpr std::size_t behind_octets_max = 64U << 20;

}  // namespace

AppendLog::AppendLog(world::World& world, Server& server, Saver& saver, spdlog::logger& logger, Clock clock,
                     std::function<void()> delivered)
    : world_(world), server_(server), saver_(saver), log_(logger), clock_(std::move(clock)), delivered_(std::move(delivered)) {}

AppendLog::~AppendLog() { follow(false); }

void AppendLog::follow(bool on) {
  if (std::exchange(is_following_, on) == on) return;
  on ? server_.effects().follow(*this) : server_.effects().leave(*this);
}

void AppendLog::on_unit(Position at, std::span<const Effect> unit) {
  const bool was_empty = pending_.empty();
  if (was_empty) pending_.assign(append::group_line_size, ' ');
  const std::size_t before = pending_.size();
  if (const std::int64_t now_s = server_.now().unix_us / 1'000'000; options().has_timestamps && now_s > timestamp_s_) {
    timestamp_s_ = now_s;
    pending_ += "#TS:" + std::to_string(now_s) + "\r\n";
  }
  const std::size_t begun = pending_.size();
  commands_.append(unit, pending_);
  if (pending_.size() > begun) {
    last_ = at.sequence;
    ++pending_units_;
    return;
  }
  // Nothing of it is for a log.
  pending_.resize(before);
  if (was_empty) pending_.clear();
}

std::uint64_t AppendLog::released() const {
  constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
  const bool waits = (stage_ == Stage::on || (stage_ == Stage::beginning && is_strict_)) && options().sync == SyncPolicy::always;
  return waits || is_ending_ ? report_.synced : all;
}

void AppendLog::poll() {
  if (is_stopped_ || is_ending_) return;
  const bool is_off = stage_ == Stage::off && !options().is_on && rewrite_ == nullptr;
  if (is_off && !server_.append_state().is_rewrite_due) return;
  const std::int64_t now_us = clock_().monotonic_us;
  const bool is_written = stage_ == Stage::on || stage_ == Stage::beginning;
  if (options().is_on && stage_ == Stage::off && rewrite_ == nullptr) {
    turn_on(false);
  } else if (!options().is_on && is_written) {
    return turn_off();
  }
  if (stage_ == Stage::loading) return;
  if (stage_ == Stage::on && server_.append_state().reload_wanted_for != 0 && !is_reloading_ && rewrite_ == nullptr &&
      server_.scripts().running() == nullptr) {
    return reload();
  }
  if (is_following_) {
    write_what_is_due(now_us);
    sync_what_is_due(now_us);
  }
  if (const std::uint64_t replaced = server_.append_state().replaced; std::exchange(replaced_, replaced) != replaced && is_following_) {
    is_stale_ = true;
    tried_us_ = now_us - retry_interval_us * 10;
    if (rewrite_ != nullptr) saver_.abandon_base();  // of what was before
  }
  rewrite_what_is_due(now_us);
  // Units that are for replicas only are as durable as what came before them.
  const bool has_moved = is_following_ && report_.synced >= last_ && server_.append_state().synced < server_.effects().position().sequence;
  if (has_pending() || has_moved || is_writing()) note();
}

void AppendLog::write_what_is_due(std::int64_t now_us) {
  const bool is_always = options().sync == SyncPolicy::always;
  if (report_.is_full && !is_writing() && now_us - written_us_ >= retry_interval_us) return begin_write(is_always);
  if (!has_pending() || is_writing() || report_.is_full) return;
  if (is_always) {
    if (pending_units_ >= gathered_units_ || now_us >= gathers_until_us_) return begin_write(true);
    return write_later(gathers_until_us_ - now_us);
  }
  if (now_us - written_us_ >= write_interval_us) return begin_write(false);
  write_later(write_interval_us);
}

void AppendLog::write_later(std::int64_t us) {
  if (std::exchange(is_write_planned_, true)) return;
  world_.after(std::chrono::microseconds(us), [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.lock()) return;
    is_write_planned_ = false;
    poll();
  });
}

void AppendLog::begin_write(bool syncs) {
  ++writes_;
  written_us_ = clock_().monotonic_us;
  outstanding_.emplace_back(last_, pending_.size());
  outstanding_octets_ += pending_.size();
  on_disk(
      [group = std::exchange(pending_, {}), last = last_, syncs](append::LogDisk& disk) mutable {
        disk.write(std::move(group), last);
        if (syncs) disk.sync();
        return std::string();
      },
      [this, syncs, units = std::exchange(pending_units_, 0), begun_us = written_us_](const std::string&) {
        --writes_;
        if (!syncs) return;
        // Who is answered now is likely to write again. Without them the next sync would serve half of the clients, and the one after it
        // the others.
        const std::int64_t now_us = clock_().monotonic_us;
        gathered_units_ = units + pending_units_;
        gathers_until_us_ = now_us + std::min((now_us - begun_us) / gather_part, gather_us_max);
      });
}

void AppendLog::sync_what_is_due(std::int64_t now_us) {
  const SyncPolicy policy = options().sync;
  if (policy == SyncPolicy::no || stage_ != Stage::on || !report_.error.empty() || report_.written <= report_.synced) return;
  if (options().no_sync_on_rewrite && rewrite_ != nullptr && policy == SyncPolicy::everysec) return;
  if (now_us - synced_us_ < (policy == SyncPolicy::always ? 0 : sync_interval_us)) return;
  if (is_syncing_) {
    if (policy == SyncPolicy::everysec) {
      AppendState state = server_.append_state();
      ++state.delayed_syncs;
      server_.note_log(std::move(state), clock_());
      synced_us_ = now_us;
    }
    return;
  }
  if (policy == SyncPolicy::always && is_writing()) return;  // which syncs as well
  is_syncing_ = true;
  synced_us_ = now_us;
  on_disk(
      [](append::LogDisk& disk) {
        disk.sync();
        return std::string();
      },
      [this](const std::string&) { is_syncing_ = false; });
}

void AppendLog::on_disk(Job job, std::function<void(std::string)> done) {
  struct Result {
    std::string text;
    append::LogDisk::Report report;
  };
  auto result = std::make_shared<Result>();
  world_.run_on_disk(
      [disk = disk_, job = std::move(job), result]() mutable {
        result->text = job(*disk);
        result->report = disk->report();
      },
      [this, disk = disk_, done = std::move(done), result, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.lock()) return;
        if (disk == disk_) took(result->report);
        if (done) done(std::move(result->text));
        delivered_();
      });
}

void AppendLog::took(const append::LogDisk::Report& report) {
  const bool was_well = report_.error.empty();
  report_ = report;
  while (!outstanding_.empty() && outstanding_.front().first <= report_.written) {
    outstanding_octets_ -= outstanding_.front().second;
    outstanding_.pop_front();
  }
  if (!report_.error.empty() && !report_.is_full) {
    broken_ = report_.error;
    outstanding_.clear();
    outstanding_octets_ = 0;
  }
  if (was_well && !report_.error.empty()) {
    log_.error("append log cannot be written why=\"{}\" waits_for_room={}", report_.error, report_.is_full);
  } else if (!was_well && report_.error.empty() && broken_.empty()) {
    log_.info("append log is written again");
  }
  note();
}

void AppendLog::note() {
  AppendState state = server_.append_state();
  state.is_on = stage_ != Stage::off && options().is_on;
  state.is_rewriting = rewrite_ != nullptr;
  if (rewrite_ != nullptr) state.rewrite_begun_us = rewrite_->begun_us;
  state.error = stage_ == Stage::off ? std::string() : report_.error.empty() ? broken_ : report_.error;
  state.octets = report_.octets;
  state.base_octets = octets_at_rewrite_;
  state.buffer_octets = pending_.size() + outstanding_octets_;
  state.is_syncing = is_syncing_;
  state.syncs = report_.syncs;
  // What is not for a log is as durable as what came before it.
  state.synced = report_.synced >= last_ ? server_.effects().position().sequence : report_.synced;
  // Under everysec no more than some seconds are to be lost, so a disk that takes longer is waited for. source: Redis,
  // aof_flush_postponed_start
  const bool is_late = options().sync == SyncPolicy::everysec && is_writing() && clock_().monotonic_us - written_us_ > late_us;
  state.is_behind = state.buffer_octets > behind_octets_max || is_late || is_stopped_ || is_reloading_;
  server_.note_log(std::move(state), clock_());
}

void AppendLog::stop(std::function<void()> done) {
  is_stopped_ = true;
  stopped_ = std::move(done);
  note();  // nothing more is done
  follow(false);
  // Without its first base a log is none: what was written since is in it and nowhere else.
  if (stage_ == Stage::beginning && rewrite_ != nullptr) {
    is_base_awaited_ = true;
    return;
  }
  if (rewrite_ != nullptr) saver_.abandon_base();
  end_at_stop();
}

void AppendLog::end_at_stop() {
  const bool was_written = (stage_ == Stage::on || stage_ == Stage::beginning) && disk_ != nullptr;
  if (!was_written) {
    world_.post([done = std::exchange(stopped_, nullptr)] { done(); });
    return;
  }
  if (has_pending()) begin_write(true);
  on_disk(
      [](append::LogDisk& disk) {
        disk.close();
        return disk.report().error;
      },
      [this](const std::string& error) {
        if (!error.empty()) log_.error("append log ends without its last commands why=\"{}\"", error);
        if (stage_ == Stage::beginning) log_.error("append log ends without a base: it has nothing of what was written");
        delivered_();  // what waited for it
        std::exchange(stopped_, nullptr)();
      });
}

}  // namespace chorus::cache
