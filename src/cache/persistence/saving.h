// When a snapshot is due, and how the last ones went: what SAVE, BGSAVE, LASTSAVE, save points and INFO go by.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/client.h"

namespace chorus::cache {

/// A save after that many seconds, if there were at least so many changes.
struct SavePoint {
  std::int64_t seconds = 0;
  std::uint64_t changes = 0;
};
/// "3600 1 300 100", as `save` has it; empty text: none. No value: it cannot be read.
std::optional<std::vector<SavePoint>> parse_save_points(std::string_view text);
std::string to_string(const std::vector<SavePoint>& points);

/// What a snapshot is made for.
enum class SavePurpose : std::uint8_t {
  file,  // dump.rdb
  base,  // of the append log
};

/// Where and how snapshots are kept.
struct SaveOptions {
  std::string directory = "chorus-data/cache";     // dir
  std::string file = "dump.rdb";                   // dbfilename
  std::string points = "3600 1 300 100 60 10000";  // save
  bool has_checksum = true;                        // rdbchecksum
  bool stops_writes_on_error = true;               // stop-writes-on-bgsave-error
};

/// Times are in microseconds of the monotonic clock, but for last_save_s (Unix).
struct SaveState {
  std::uint64_t changes = 0;  // since the last snapshot that was kept
  std::uint64_t changes_before = 0;
  std::int64_t last_save_s = 0;
  std::int64_t begun_us = 0;  // of the one under way, or of the last
  std::optional<std::int64_t> last_took_us;
  std::uint64_t saves = 0;
  bool has_failed = false;        // the last one
  bool is_scheduled = false;      // SAVE, or BGSAVE SCHEDULE, that waits for another snapshot's end
  std::vector<ClientId> waiting;  // SAVE

  /// Of those that are there when the node begins.
  bool is_loading = false;
  std::int64_t load_begun_s = 0;
  std::uint64_t load_octets = 0, load_octets_done = 0;
  std::uint64_t keys_loaded = 0, keys_expired = 0;

  /// By the save points; none is under way. After a failure not before some seconds have passed.
  bool is_due(const std::vector<SavePoint>& points, std::int64_t unix_s, std::int64_t monotonic_us) const;
};

}  // namespace chorus::cache
