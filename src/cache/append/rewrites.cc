// When and how the append log gets a new base; turning it on and off.
#include <algorithm>

#include "cache/append/append_log.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {
namespace {

constexpr std::int64_t heal_interval_us = 5'000'000;
constexpr std::int64_t minute_us = 60'000'000;
/// Rewrites that begin by themselves wait after so many failures, twice as long after each: a minute up to an hour. source: Redis 7.0
constexpr std::uint64_t failures_least = 3;
constexpr std::int64_t wait_minutes_max = 60;

}  // namespace

void AppendLog::turn_on(bool is_strict) {
  log_.info("append log begins directory={}/{}", server_.options().save.directory, options().directory);
  stage_ = Stage::beginning;
  is_strict_ = is_strict;
  disk_ = std::make_shared<append::LogDisk>(world_.files(), append::place_of(server_.options().save.directory, options()));
  report_ = {};
  last_ = server_.effects().position().sequence;  // none of what there is is durable yet
  broken_.clear();
  tried_us_ = clock_().monotonic_us - heal_interval_us;
  note();
}

void AppendLog::turn_off() {
  log_.info("append log ends");
  if (rewrite_ != nullptr) saver_.abandon_base();
  const bool was_written = is_following_;
  follow(false);
  const auto ended = [this](const std::string& error) {
    if (!error.empty()) log_.error("append log ends without its last commands why=\"{}\"", error);
    is_ending_ = false;
    stage_ = Stage::off;
    report_ = {};
    broken_.clear();
    pending_.clear();
    pending_units_ = 0;
    outstanding_.clear();
    outstanding_octets_ = 0;
    note();
    if (server_.append_state().reload_wanted_for != 0) server_.end_reload("ERR Error trying to load the AOF files, check server logs.");
  };
  if (!was_written) return ended({});
  is_ending_ = true;
  if (has_pending()) begin_write(true);
  on_disk(
      [](append::LogDisk& disk) {
        disk.close();
        return disk.report().error;
      },
      ended);
}

bool AppendLog::has_grown() const {
  if (stage_ != Stage::on || options().rewrite_percentage <= 0 || report_.octets <= options().rewrite_octets_min) return false;
  const std::uint64_t before = std::max<std::uint64_t>(octets_at_rewrite_, 1);
  if (report_.octets <= before) return false;
  return static_cast<double>(report_.octets - before) * 100 >=
         static_cast<double>(options().rewrite_percentage) * static_cast<double>(before);
}

void AppendLog::rewrite_what_is_due(std::int64_t now_us) {
  // Its moment is between two units, and one snapshot is made at a time.
  if (rewrite_ != nullptr || server_.has_snapshot() || server_.scripts().running() != nullptr) return;
  const AppendState& state = server_.append_state();
  if (stage_ == Stage::beginning || is_stale_ || !broken_.empty()) {
    if (now_us - tried_us_ >= heal_interval_us) rewrite(true);
    return;
  }
  if (!report_.error.empty()) return;
  if (state.is_rewrite_due) return rewrite(stage_ == Stage::off);
  if (!has_grown()) return;
  if (state.rewrites_failed >= failures_least) {
    const auto doubled = std::min<std::uint64_t>(state.rewrites_failed - failures_least, 6);
    if (now_us - rewrite_ended_us_ < std::min(std::int64_t{1} << doubled, wait_minutes_max) * minute_us) return;
  }
  log_.info("append log has grown octets={} from={}", report_.octets, octets_at_rewrite_);
  rewrite(false);
}

void AppendLog::rewrite(bool is_anew) {
  const bool appends = stage_ != Stage::off;
  if (!appends) disk_ = std::make_shared<append::LogDisk>(world_.files(), append::place_of(server_.options().save.directory, options()));
  rewrite_ = std::make_shared<Rewrite>();
  rewrite_->is_anew = is_anew;
  rewrite_->begun_us = tried_us_ = clock_().monotonic_us;
  log_.info("append log is rewritten keys={}", server_.keys());
  // The moment: what comes from here on is for the new file.
  server_.begin_save(SavePurpose::base);
  const std::uint64_t position = server_.effects().position().sequence;
  if (is_anew) {
    pending_.clear();
    pending_units_ = 0;
    outstanding_.clear();
    outstanding_octets_ = 0;
    if (appends) {
      last_ = position;
      follow(true);
    }
  } else if (has_pending()) {
    begin_write(false);
  }
  commands_.reset();
  timestamp_s_ = 0;
  AppendState state = server_.append_state();
  state.is_rewrite_due = false;
  ++state.rewrites;
  server_.note_log(std::move(state), clock_());
  note();
  on_disk(
      [rewrite = rewrite_, appends, position](append::LogDisk& disk) {
        std::string error = rewrite->is_anew ? disk.begin_anew(appends, position) : disk.roll();
        const std::uint64_t number = disk.manifest().next_base();
        rewrite->base = {.name = append::base_name(disk.place().file, number), .sequence = number};
        return error;
      },
      [this](std::string error) {
        if (!error.empty() || is_given_up()) {
          if (error.empty()) error = "it was given up";
          server_.end_save(error, clock_());
          return rewritten(std::move(error));
        }
        const append::Place place = append::place_of(server_.options().save.directory, options());
        saver_.write_base(place.path(rewrite_->base.name), options().syncs_rewrite,
                          [this](std::string why, std::uint64_t octets) { base_written(std::move(why), octets); });
      });
}

void AppendLog::base_written(std::string error, std::uint64_t octets) {
  if (!error.empty() || is_given_up()) return rewritten(error.empty() ? "it was given up" : std::move(error));
  on_disk([base = rewrite_->base, octets](append::LogDisk& disk) { return disk.commit(base, octets); },
          [this](std::string why) { rewritten(std::move(why)); });
}

void AppendLog::rewritten(std::string error) {
  const std::int64_t now_us = clock_().monotonic_us;
  const auto rewrite = std::exchange(rewrite_, nullptr);
  rewrite_ended_us_ = now_us;
  AppendState state = server_.append_state();
  state.last_rewrite_took_us = now_us - rewrite->begun_us;
  state.has_rewrite_failed = !error.empty();
  if (error.empty()) {
    log_.info("append log rewritten base={} octets={}", rewrite->base.name, report_.octets);
    state.rewrites_failed = 0;
    octets_at_rewrite_ = report_.octets;
    if (stage_ == Stage::beginning) stage_ = Stage::on;
    if (stage_ == Stage::on) broken_.clear();
    if (rewrite->is_anew) is_stale_ = false;
  } else {
    log_.error("append log was not rewritten why=\"{}\"", error);
    ++state.rewrites_failed;
    tried_us_ = now_us;
  }
  if (stage_ == Stage::off) {  // it was of a base alone
    disk_ = nullptr;
    report_ = {};
    broken_.clear();
  }
  server_.note_log(std::move(state), clock_());
  note();
  if (std::exchange(is_base_awaited_, false)) end_at_stop();
}

}  // namespace chorus::cache
