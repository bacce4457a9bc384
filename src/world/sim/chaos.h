// Faults at random times, so many a second, drawn from the simulation's seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "world/sim/simulation.h"

namespace chorus::sim {

/// Means of the times between faults, over all nodes together; zero: never.
struct ChaosOptions {
  Duration crash_every{};          // power failure between two events
  Duration crash_on_disk_every{};  // power failure before one of the next file operations
  std::uint64_t crash_on_disk_within = 40;
  Duration kill_every{};  // SIGKILL
  Duration down_max = 300ms;
  Duration pause_every{};
  Duration pause_max = 500ms;
  Duration break_every{};      // all connections of one node
  Duration partition_every{};  // one node from all others, both ways or one
  Duration partition_max = 1s;
  Duration step_every{};  // of the date
  Duration step_max = 10s;
  Duration full_disk_every{};
  Duration full_disk_max = 400ms;
  Duration bad_disk_every{};  // a while in which operations fail by chance
  Duration bad_disk_max = 100ms;
  double bad_disk_chance = 0.2;
};

struct ChaosCounts {
  std::uint64_t crashes = 0;  // power failures ordered, and process deaths other than kills found
  std::uint64_t kills = 0;
  std::uint64_t restarts = 0;
  std::uint64_t pauses = 0;
  std::uint64_t breaks = 0;
  std::uint64_t partitions = 0;
  std::uint64_t clock_steps = 0;
  std::uint64_t full_disks = 0;
  std::uint64_t bad_disks = 0;
  std::uint64_t total() const { return crashes + kills + pauses + breaks + partitions + clock_steps + full_disks + bad_disks; }
};

/// Strikes the given nodes until stop(), and starts again those that are down. Lives as long as the simulation.
class Chaos {
 public:
  Chaos(Simulation& simulation, std::vector<Node*> nodes, const ChaosOptions& options);

  void begin();
  /// Heals the network and the disks; goes on restarting nodes that are down.
  void stop();
  const ChaosCounts& counts() const { return counts_; }

 private:
  using Strike = void (Chaos::*)(Node&);
  void schedule(Duration every, Strike strike);
  void crash(Node& node);
  void crash_on_disk(Node& node);
  void kill(Node& node);
  void pause(Node& node);
  void break_connections(Node& node);
  void partition(Node& node);
  void step_clock(Node& node);
  void fill_disk(Node& node);
  void harm_disk(Node& node);
  void watch(Node& node);
  Duration up_to(Duration most) { return Duration(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most.count()) + 1))); }

  Simulation& simulation_;
  const std::vector<Node*> nodes_;
  const ChaosOptions options_;
  base::Random random_;
  ChaosCounts counts_;
  bool stopped_ = false;
};

}  // namespace chorus::sim
