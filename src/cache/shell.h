// What a server and the shell around it, which has the connections and the clock, say to one another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/tracking.h"

namespace chorus::cache {

/// Both clocks, as the world has them.
struct Now {
  std::int64_t unix_us = 0;
  std::int64_t monotonic_us = 0;
  std::int64_t unix_ms() const { return unix_us / 1000; }
};

/// Something to do for the shell, in the order given.
struct Output {
  ClientId client;
  std::string octets;
  bool closes = false;  // after these
  /// With more than this not taken by the client, these included, its connection is to be broken off: nothing, no limit.
  std::optional<std::size_t> unsent_max = {};
  /// What it says is read though it does not take what it is sent.
  bool is_read_on = false;
};

/// What a server asks of its shell while a script takes long.
class ScriptWatch {
 public:
  virtual ~ScriptWatch() = default;
  virtual Now now() = 0;
  /// Carries out others' events, those of the server among them, before it returns.
  virtual void let_others_in() = 0;
  /// redis.log, DEBUG LOG: 0 debug .. 3 warning.
  virtual void log(int level, std::string_view line) = 0;
};

/// The end of the process, asked for by a client.
struct Shutdown {
  enum class Save : std::uint8_t { by_points, yes, no };
  Save save = Save::by_points;
  bool is_forced = false;         // whatever becomes of the snapshot
  std::vector<ClientId> waiting;  // for it
};

}  // namespace chorus::cache
