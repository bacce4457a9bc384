// What the simulated machines and the network between them are like. All may be changed while a simulation runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "world/world.h"

namespace chorus::sim {

using world::Duration;
using namespace std::chrono_literals;

/// Chances are probabilities in [0, 1]; times are virtual.
struct NetworkOptions {
  Duration delay_min = 50us;  // one way, per segment; segments of one direction of a connection never overtake one another
  Duration delay_max = 400us;
  double slow = 0;  // a segment (and all behind it) takes up to slow_max instead
  Duration slow_max = 300ms;
  double split = 0.2;  // a stretch of octets is cut at arbitrary places
  double reset = 0;    // a segment never arrives and its connection breaks, seen by both ends at different times
  double refuse = 0;   // a connect is refused although somebody listens
  double unreachable = 0;
  std::size_t window = 64 << 10;  // octets under way or unread in one direction; what is beyond stays unsent
};

struct DiskOptions {
  std::uint64_t capacity = std::uint64_t{1} << 40;  // octets, counted in blocks of 4 KiB
  double read_error = 0;
  double write_error = 0;  // any part of it may have been written
  double sync_error = 0;   // what was not synced may be lost for good, later syncs succeed
  Duration write_time = 4us;
  Duration sync_min = 40us;
  Duration sync_max = 300us;
  double slow = 0;  // a write or sync takes up to slow_max
  Duration slow_max = 1500ms;
};

/// What a power failure does to octets, sizes and names that were not synced.
enum class PowerLoss {
  random,  // each file and name by chance: lost, kept, or torn per sector of 512 octets
  lose,    // exactly what was synced is left
  keep,
};

struct Options {
  NetworkOptions network;
  DiskOptions disk;            // of each new node
  Duration timer_late = 50us;  // a timer fires up to this much late
  std::size_t trace_length = 400;
};

}  // namespace chorus::sim
