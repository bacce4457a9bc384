// The files of a log that is being written: what the disk thread does for it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/append/append_file.h"
#include "cache/append/recovery.h"

namespace chorus::cache::append {

/// Calls block and come one after another, in jobs of the disk thread. Units are known by their positions.
///
/// Groups are kept in order: what there is no room for waits, and is tried again with the next call. After any other error of the disk
/// nothing is written any more, until begin_anew().
class LogDisk {
 public:
  LogDisk(world::Files& files, Place place) : files_(files), place_(std::move(place)) {}

  struct Report {
    std::string error{};        // in the system's words; empty: all is well
    bool is_full = false;       // it is a matter of room
    std::uint64_t written = 0;  // the last unit that the system has, and the last that is durable and that a start would find
    std::uint64_t synced = 0;
    std::uint64_t octets = 0;  // of all files that a start would read
    std::uint64_t base_octets = 0;
    std::uint64_t syncs = 0;  // so far
  };
  Report report() const;

  /// Goes on with a log that was found. position: of its last unit.
  void go_on(const Recovered& log, std::uint64_t position);
  /// A log that is complete only with the base that commit() brings; what there was is left as it is until then. appends: false where only
  /// a base is wanted. Units up to `position` are in the base. Returns why it cannot be begun.
  std::string begin_anew(bool appends, std::uint64_t position);
  /// Further units go to a new file, so that a base of this moment and that file are all. Returns why not; then all goes on as before.
  std::string roll();
  /// base: its name, a file that is durable. It takes the place of all that came before begin_anew() or roll(). Returns why not; then all
  /// goes on as before.
  std::string commit(const Manifest::File& base, std::uint64_t octets);
  /// group: as AppendFile::append() takes it; empty: only what waits.
  void write(std::string group, std::uint64_t last);
  void sync();
  /// Says that all is durable, where it is. The log may be gone on with later.
  void close();

  const Manifest& manifest() const { return manifest_; }
  const Place& place() const { return place_; }

 private:
  struct Waiting {
    std::string group;
    std::uint64_t last;
  };
  void drain();
  void fail(const world::FileError& why);
  void fail_sync(const world::FileError& why);
  std::uint64_t free_number() const;
  std::string begin_increment();
  std::string keep(const Manifest& manifest);
  void remove_history();
  void remove_first_mark();

  world::Files& files_;
  const Place place_;
  Manifest manifest_;  // as it is on the disk
  std::unique_ptr<AppendFile> file_;
  std::optional<Manifest::File> fresh_;       // the file's, as long as the manifest does not name it
  std::uint64_t kept_from_ = 0;               // number of the first increment that the base under way does not stand for
  std::vector<std::uint64_t> sealed_octets_;  // of the manifest's increments, but the one that is appended to
  std::uint64_t base_octets_ = 0;
  std::deque<Waiting> waiting_;
  std::uint64_t written_ = 0, synced_ = 0, syncs_ = 0;
  std::string error_;
  bool is_full_ = false, is_broken_ = false;
};

/// As strerror() has it, for MISCONF.
std::string system_words(const world::FileError& error);

}  // namespace chorus::cache::append
