// The append log of a server on the disk of a World: read at the start, written behind every unit of effects, rewritten when it has grown.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cache/append/log_disk.h"
#include "cache/effect_commands.h"
#include "cache/persistence/saver.h"
#include "cache/server.h"
#include "world/world.h"

namespace chorus::cache {

/// Lives on the server's reactor; the disk's work is done by the disk thread, one write at a time, and what comes meanwhile is the next.
///
/// A rewrite has three steps, none of which stops anybody: further units go to a new file; the snapshot of that moment is written as the
/// new base (Saver); the manifest names both. A log that is turned on, or that the disk has broken, is begun in the same way: its file is
/// named only together with its base.
class AppendLog final : public EffectSink {
 public:
  using Clock = std::function<Now()>;
  /// delivered: called when the server has outputs because of what happened here, or more of them may go.
  AppendLog(world::World& world, Server& server, Saver& saver, spdlog::logger& logger, Clock clock, std::function<void()> delivered);
  ~AppendLog() override;
  AppendLog(const AppendLog&) = delete;
  AppendLog& operator=(const AppendLog&) = delete;

  /// Reads what there is: the log where it is on, else the snapshot. failed: for a person; the server is loading from then on.
  void start(std::function<void(std::string why)> failed);
  /// To be called after each event of the server.
  void poll();
  /// What the server says now depends on this unit, ...
  std::uint64_t position() const { return last_; }
  /// ... and may be said when this one has been reached.
  std::uint64_t released() const;
  /// Writes what there is and syncs it, if the disk lets it; then `done`. Nothing is written any more.
  void stop(std::function<void()> done);

  void on_unit(Position at, std::span<const Effect> unit) override;

 private:
  enum class Stage : std::uint8_t { off, loading, beginning, on };
  struct Loading;
  using Job = std::move_only_function<std::string(append::LogDisk&)>;
  const AppendOptions& options() const { return server_.options().append; }
  /// `job` on the disk thread; then `done` here with what it returned, after the report was taken.
  void on_disk(Job job, std::function<void(std::string)> done = {});
  void took(const append::LogDisk::Report& report);
  void note();
  void begin_write(bool syncs);
  void write_later(std::int64_t us);
  void write_what_is_due(std::int64_t now_us);
  void sync_what_is_due(std::int64_t now_us);
  bool has_pending() const { return !pending_.empty(); }
  bool is_writing() const { return writes_ > 0; }
  // --- the start
  void recover();
  void recovered();
  void load_next();
  void took_octets();
  void end_loading();
  void fail(std::string why);
  void begin_without_log();
  void reload();
  // --- rewrites
  void rewrite_what_is_due(std::int64_t now_us);
  bool has_grown() const;
  void turn_on(bool is_strict);
  void turn_off();
  void rewrite(bool is_anew);
  void base_written(std::string error, std::uint64_t octets);
  void rewritten(std::string error);
  bool is_given_up() const { return (is_stopped_ && stage_ != Stage::beginning) || is_ending_; }
  void end_at_stop();
  void follow(bool on);

  world::World& world_;
  Server& server_;
  Saver& saver_;
  spdlog::logger& log_;
  Clock clock_;
  std::function<void()> delivered_;
  std::function<void(std::string)> failed_;
  std::function<void()> stopped_;
  bool is_base_awaited_ = false;           // before the end
  std::shared_ptr<append::LogDisk> disk_;  // touched by jobs only
  append::LogDisk::Report report_;         // the last
  std::shared_ptr<Loading> loading_;
  Stage stage_ = Stage::off;
  bool is_stale_ = false;  // all data was replaced: only a new base has what there is
  std::uint64_t replaced_ = 0;
  bool is_strict_ = false;  // beginning: nothing is released before there is a base
  bool is_following_ = false, is_ending_ = false, is_stopped_ = false;
  bool is_reloading_ = false;  // DEBUG LOADAOF

  EffectCommands commands_{EffectCommands::For::log};
  std::string pending_;                                            // a group, with room for its line; empty: nothing is to be written
  std::uint64_t last_ = 0;                                         // the last unit with something for the log
  std::int64_t timestamp_s_ = 0;                                   // the last that was put in
  std::deque<std::pair<std::uint64_t, std::size_t>> outstanding_;  // handed over and not written: last unit, octets
  std::size_t outstanding_octets_ = 0;
  std::uint64_t pending_units_ = 0;
  unsigned writes_ = 0;                // under way
  std::uint64_t gathered_units_ = 0;   // the next write waits for so many, ...
  std::int64_t gathers_until_us_ = 0;  // ... or until then
  bool is_write_planned_ = false, is_syncing_ = false;
  std::int64_t written_us_ = 0, synced_us_ = 0, tried_us_ = 0;
  std::string broken_;  // why nothing can be written until there is a new base
  struct Rewrite {
    append::Manifest::File base;  // set by the disk
    std::int64_t begun_us = 0;
    bool is_anew = false;
  };
  std::shared_ptr<Rewrite> rewrite_;  // null: none is under way
  std::int64_t rewrite_ended_us_ = 0;
  std::uint64_t octets_at_rewrite_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::cache
