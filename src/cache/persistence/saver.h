// Snapshots of a server on the disk of a World: the one that is there at the start is read, later ones take its place.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cache/server.h"
#include "world/world.h"

namespace chorus::cache {

/// Lives on the server's reactor; the disk's work is done in the background. A file is written beside the old one, synced, and put in its
/// place: there is always one that is whole. No more than some chunks wait to be written.
class Saver {
 public:
  using Clock = std::function<Now()>;
  /// delivered: called when the server has outputs because of what happened here.
  Saver(world::World& world, Server& server, spdlog::logger& logger, Clock clock, std::function<void()> delivered);
  ~Saver();
  Saver(const Saver&) = delete;
  Saver& operator=(const Saver&) = delete;

  /// Reads the file where there is one; the server is loading until it is read. failed: for a person; the server stays as it is then.
  /// loaded: it was read.
  void load(std::function<void(std::string why)> failed, std::function<void()> loaded = {});
  /// Whether there is one.
  bool has_file() const;
  /// To be called after each event of the server: writes what it began.
  void poll();
  /// Writes the base of an append log, which the server has begun, to that path. done: with its octets, or why it is not there.
  void write_base(std::string path, bool syncs_often, std::function<void(std::string error, std::uint64_t octets)> done);
  /// The base under way is not needed.
  void abandon_base();
  /// Takes a snapshot of a moment from now on; what is under way ends first. done: with why it was not kept, empty where it was.
  void save_then(std::function<void(std::string error)> done);
  /// What is under way is finished, and what was not saved is: as far as save points promise it, in any case, or not. Then `done`.
  enum class AtStop : std::uint8_t { by_points, always, never };
  void stop(AtStop saves, std::function<void()> done);

 private:
  struct Target;
  struct Source;
  void begin(std::string path, bool syncs_often);
  void begin_file();
  void go_on();
  void schedule(world::Duration pause);
  void submit(std::string octets, bool is_last);
  void wrote(bool is_last);
  void end(std::string error);
  void read_next();
  void took(std::size_t octets);
  /// `work` in the background, then `done` here, if there is still a here.
  void in_background(world::Callback work, std::function<void()> done);
  void reload();
  void open_source(const std::string& path);

  world::World& world_;
  Server& server_;
  spdlog::logger& log_;
  Clock clock_;
  std::function<void()> delivered_;
  std::shared_ptr<Target> target_;  // being written
  std::shared_ptr<Source> source_;  // being read
  std::function<void(std::string)> failed_;
  std::function<void()> stopped_, loaded_;
  AtStop saves_at_stop_ = AtStop::by_points;
  std::function<void(std::string, std::uint64_t)> base_done_;  // what is being written is a base
  std::function<void(std::string)> saved_;
  bool is_save_wanted_ = false;  // by save_then(), and not begun yet
  std::size_t in_flight_ = 0;
  bool is_scheduled_ = false, is_all_submitted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::cache
