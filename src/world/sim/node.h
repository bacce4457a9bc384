// One simulated machine: a disk, a clock, an address, and one process on it, which may die and be started again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "world/sim/disk.h"
#include "world/sim/network.h"
#include "world/sim/scheduler.h"
#include "world/world.h"

namespace chorus::sim {

class Simulation;
class Life;

struct DiskCounts {
  std::uint64_t operations = 0;
  std::uint64_t syncs = 0;
  std::uint64_t faults = 0;
};

class Node {
 public:
  /// Builds the process in a fresh world; what it returns is kept for the length of that life and destroyed when it ends.
  using Boot = std::function<std::shared_ptr<void>(world::World&)>;

  Node(Simulation& simulation, std::uint32_t number, std::string name, std::string address);
  ~Node();

  std::uint32_t number() const { return number_; }  // from 1
  const std::string& name() const { return name_; }
  const std::string& address() const { return address_; }
  Disk& disk() { return disk_; }
  const DiskCounts& disk_counts() const { return disk_counts_; }

  /// What start() runs from now on.
  void set_boot(Boot boot) { boot_ = std::move(boot); }
  /// Begins a life. False when the node is up already. The process may have died in its boot.
  bool start();
  bool running() const;
  /// Of the present life; good for calls until the simulation ends, without effect after that life.
  world::World& world();
  std::uint32_t lives() const { return lives_; }

  /// The power fails: the process ends, its octets not synced are lost, kept or torn; other machines are not told. Fine from anywhere,
  /// from within a call of the process too.
  void crash() { die(true); }
  /// The process ends as by SIGKILL: the machine keeps what was written, and closes the connections.
  void kill() { die(false); }
  /// The power fails at the `operations`-th file operation from now (1 is the next one), which has no effect, nor has any later one.
  void crash_after_file_operations(std::uint64_t operations) { crash_countdown_ = operations; }
  bool crash_is_planned() const { return crash_countdown_ != 0; }
  /// The process stands still; what happens meanwhile reaches it at once afterwards.
  void pause(Duration length);
  bool paused() const;
  /// Steps the date.
  void step_wall_clock(Duration by);
  /// The clocks run faster by this share (0.01: one second in a hundred too many). The monotonic clock never steps.
  void set_drift(double drift);
  /// Fails file operations of the process with code io while set, one chance for each kind in disk().options apart from this.
  void fail_disk(bool broken) { disk_broken_ = broken; }

 private:
  friend class Life;
  friend class Network;
  friend class Simulation;
  friend class DiskAccess;
  friend class SimFiles;

  void die(bool power);
  void bury();
  std::int64_t monotonic_ns() const;

  Simulation& simulation_;
  const std::uint32_t number_;
  const std::string name_;
  const std::string address_;
  Boot boot_;
  Disk disk_;
  DiskCounts disk_counts_;
  base::Random random_;
  Life* life_ = nullptr;  // owned by the simulation
  bool dying_ = false;
  bool power_fails_ = false;
  std::uint64_t crash_countdown_ = 0;
  bool disk_broken_ = false;
  std::uint32_t lives_ = 0;
  std::set<std::string> locks_;
  // monotonic = base + (virtual - since) * (1 + drift)
  double drift_ = 0;
  std::int64_t clock_base_ns_ = 0;
  std::int64_t clock_since_ns_ = 0;
  std::int64_t wall_offset_ns_ = 0;
};

}  // namespace chorus::sim
