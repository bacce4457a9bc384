// What befalls an ensemble, drawn beforehand as a list, so that any part of it can be left out.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "world/sim/simulation.h"

namespace chorus::coord_sim {

enum class FaultKind : std::uint8_t {
  crash,             // power failure
  crash_on_disk,     // power failure before one of the next file operations
  crash_everywhere,  // of all members at once
  kill,              // the process only
  pause,
  break_links,  // all connections of one member
  partition,    // some machines from the others
  one_way_partition,
  slow_link,  // all that one member sends is held up for a while, and then arrives
  step_clock,
  full_disk,
  slow_disk,
  bad_disk,  // operations fail by chance
  // A power failure, and before the restart:
  flipped_bit,  // in a log or snapshot file
  torn_file,    // the end or some sectors of one are gone
  emptied_disk,
  reconfiguration,  // members join, leave, change their role
  // From the beginning to the end.
  lossy_network,  // connections break by chance
  slow_network,   // segments take long by chance
  refused_connects,
  slow_disks,
  drifting_clocks,
};
inline constexpr std::size_t fault_kinds = static_cast<std::size_t>(FaultKind::drifting_clocks) + 1;
const char* name_of(FaultKind kind);

struct Fault {
  static constexpr std::uint32_t leader = ~std::uint32_t{0};

  FaultKind kind;
  sim::Duration at{};        // since the faults began
  sim::Duration length{};    // a crash or kill: until the restart
  std::uint32_t target = 0;  // index of a member; leader: whoever leads then
  /// crash_on_disk: file operations; full_disk: blocks left; partitions: machines of one side, a bit each; damage, reconfiguration: dice
  std::uint64_t amount = 0;
  std::uint32_t way = 0;  // one_way_partition: 0 from that side to the other, 1 the reverse; bad_disk: reads, writes, syncs
  double chance = 0;      // of those from the beginning to the end
};
std::string describe(const Fault& fault);

struct FaultBounds {
  std::size_t members = 3;
  std::size_t machines = 3;  // with those of clients
  sim::Duration length{};    // faults begin within
  sim::Duration partition_max = std::chrono::seconds(2);
  sim::Duration pause_max = std::chrono::milliseconds(700);
  std::vector<std::uint32_t> damageable = {};  // members whose files may be harmed
  bool reconfigurations = false;
};
std::vector<Fault> draw_faults(base::Random dice, const FaultBounds& bounds);

/// Lives as long as the simulation. Starts members again that are down, for whatever reason, also after stop(), if they are wanted.
class FaultInjector {
 public:
  struct Hooks {
    /// The index of a member that leads, as far as is known.
    std::function<std::optional<std::size_t>()> leader;
    /// Harms the files of a machine that is down; false: there was nothing to harm.
    std::function<bool(const Fault& fault, std::size_t member)> damage;
    std::function<bool(const Fault& fault)> reconfigure;
  };
  /// machines: the members first, all wanted.
  FaultInjector(sim::Simulation& simulation, std::vector<sim::Node*> machines, std::size_t members, std::vector<Fault> faults, Hooks hooks);

  void begin();
  /// Heals everything and strikes no more.
  void stop();
  /// Whether it is to run.
  void want(std::size_t member, bool wanted) { wanted_[member] = wanted; }
  bool is_wanted(std::size_t member) const { return wanted_[member]; }
  /// How many were struck, by kind.
  const std::array<std::uint64_t, fault_kinds>& struck() const { return struck_; }
  std::uint64_t restarts() const { return restarts_; }

 private:
  void strike(const Fault& fault);
  void strike_member(const Fault& fault, std::size_t member);
  void strike_all(const Fault& fault);
  void damage(const Fault& fault, std::size_t member);
  void block(const Fault& fault, std::size_t member);
  void block(std::size_t from, std::size_t to, bool blocked);
  void watch(std::size_t member);

  sim::Simulation& simulation_;
  const std::vector<sim::Node*> machines_;
  const std::size_t members_;
  const std::vector<Fault> faults_;
  const Hooks hooks_;
  const sim::Options healthy_;
  base::Random random_;
  std::vector<sim::Duration> down_until_;
  std::vector<bool> wanted_;
  std::map<std::pair<std::size_t, std::size_t>, int> blocked_;  // by how many faults
  std::array<std::uint64_t, fault_kinds> struck_{};
  std::uint64_t restarts_ = 0;
  bool stopped_ = false;
};

}  // namespace chorus::coord_sim
