#include "faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace chorus::coord_sim {

using namespace std::chrono_literals;
using sim::Duration;

namespace {

constexpr std::uint64_t no_limit = std::uint64_t{1} << 40;

double ms(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

}  // namespace

const char* name_of(FaultKind kind) {
  static constexpr const char* names[] = {"crash",        "crash on disk",   "crash everywhere",  "kill",         "pause",
                                          "broken links", "partition",       "one-way partition", "slow link",    "clock step",
                                          "full disk",    "slow disk",       "bad disk",          "flipped bit",  "torn file",
                                          "emptied disk", "reconfiguration", "lossy network",     "slow network", "refused connects",
                                          "slow disks",   "drifting clocks"};
  static_assert(std::size(names) == fault_kinds);
  return names[static_cast<std::size_t>(kind)];
}

std::string describe(const Fault& fault) {
  const std::string target = fault.target == Fault::leader ? "the leader" : fmt::format("member {}", fault.target + 1);
  switch (fault.kind) {
    case FaultKind::lossy_network:
    case FaultKind::slow_network:
    case FaultKind::refused_connects:
    case FaultKind::slow_disks:
    case FaultKind::drifting_clocks:
      return fmt::format("always: {}, chance {}", name_of(fault.kind), fault.chance);
    case FaultKind::partition:
    case FaultKind::one_way_partition:
      return fmt::format("{:.3f} ms: {} {} {} and machines {:b} (member 1 last), for {:.3f} ms", ms(fault.at), name_of(fault.kind),
                         fault.kind == FaultKind::partition ? "of"
                         : fault.way == 0                   ? "from"
                                                            : "to",
                         target, fault.amount, ms(fault.length));
    case FaultKind::reconfiguration:
      return fmt::format("{:.3f} ms: reconfiguration, dice {:#x}", ms(fault.at), fault.amount);
    case FaultKind::crash_everywhere:
      return fmt::format("{:.3f} ms: crash everywhere", ms(fault.at));
    case FaultKind::crash_on_disk:
      return fmt::format("{:.3f} ms: crash of {} at its file operation {} from then, for {:.3f} ms", ms(fault.at), target, fault.amount,
                         ms(fault.length));
    case FaultKind::full_disk:
      return fmt::format("{:.3f} ms: full disk of {}, {} blocks left, for {:.3f} ms", ms(fault.at), target, fault.amount, ms(fault.length));
    default:
      return fmt::format("{:.3f} ms: {} of {}, for {:.3f} ms", ms(fault.at), name_of(fault.kind), target, ms(fault.length));
  }
}

std::vector<Fault> draw_faults(base::Random dice, const FaultBounds& bounds) {
  std::vector<Fault> faults;
  const auto up_to = [&](Duration most) { return Duration(dice.between(1, most.count())); };
  const auto always = [&](FaultKind kind, double chance) {
    if (dice.below(3) == 0) faults.push_back({.kind = kind, .chance = chance * dice.unit()});
  };
  always(FaultKind::lossy_network, 0.001);
  always(FaultKind::slow_network, 0.02);
  always(FaultKind::refused_connects, 0.2);
  always(FaultKind::slow_disks, 0.02);
  always(FaultKind::drifting_clocks, 0.01);
  // A kind happens in this seed or does not, so often or so often.
  const auto often = [&](FaultKind kind, Duration least, Duration most, Duration length_max) {
    if (dice.below(5) < 2) return;
    const double every = static_cast<double>(dice.between(least.count(), most.count()));
    double at = 0;
    while ((at += -std::log(1 - dice.unit()) * every) < static_cast<double>(bounds.length.count())) {
      Fault fault{.kind = kind, .at = Duration(static_cast<std::int64_t>(at)), .length = up_to(length_max)};
      fault.target = dice.below(3) == 0 ? Fault::leader : static_cast<std::uint32_t>(dice.below(bounds.members));
      fault.way = static_cast<std::uint32_t>(dice.below(kind == FaultKind::one_way_partition ? 2 : 3));
      switch (kind) {
        case FaultKind::flipped_bit:
        case FaultKind::torn_file:
        case FaultKind::emptied_disk:
          fault.target = bounds.damageable[static_cast<std::size_t>(dice.below(bounds.damageable.size()))];
          fault.amount = dice.next();
          break;
        case FaultKind::reconfiguration:
          fault.amount = dice.next();
          break;
        case FaultKind::crash_on_disk:
          fault.amount = 1 + dice.below(std::uint64_t{4} << dice.below(5));
          break;
        case FaultKind::full_disk:
          fault.amount = dice.below(16);
          break;
        case FaultKind::partition:
        case FaultKind::one_way_partition:
          // One member alone, or any split, so that leaders stay with too few.
          fault.amount = dice.below(3) == 0 ? 0 : dice.below(std::uint64_t{1} << bounds.machines);
          break;
        default:
          break;
      }
      faults.push_back(fault);
    }
  };
  often(FaultKind::crash, 800ms, 5s, 600ms);
  often(FaultKind::crash_on_disk, 500ms, 4s, 600ms);
  often(FaultKind::crash_everywhere, 4s, 15s, 100ms);
  often(FaultKind::kill, 800ms, 5s, 600ms);
  often(FaultKind::pause, 800ms, 5s, bounds.pause_max);
  often(FaultKind::break_links, 500ms, 4s, 1ms);
  often(FaultKind::partition, 1s, 5s, bounds.partition_max);
  often(FaultKind::one_way_partition, 1s, 5s, bounds.partition_max);
  often(FaultKind::slow_link, 800ms, 5s, 150ms);
  often(FaultKind::step_clock, 1s, 5s, 10s);
  often(FaultKind::full_disk, 1500ms, 6s, 600ms);
  often(FaultKind::slow_disk, 1s, 5s, 1s);
  often(FaultKind::bad_disk, 2s, 8s, 100ms);
  if (!bounds.damageable.empty()) {
    for (const FaultKind kind : {FaultKind::flipped_bit, FaultKind::torn_file, FaultKind::emptied_disk}) often(kind, 1s, 6s, 600ms);
  }
  if (bounds.reconfigurations) {
    faults.push_back({.kind = FaultKind::reconfiguration, .at = up_to(bounds.length), .amount = dice.next()});
    often(FaultKind::reconfiguration, 300ms, 2s, 1ms);
  }
  std::sort(faults.begin(), faults.end(),
            [](const Fault& a, const Fault& b) { return std::tie(a.at, a.kind, a.length) < std::tie(b.at, b.kind, b.length); });
  return faults;
}

FaultInjector::FaultInjector(sim::Simulation& simulation, std::vector<sim::Node*> machines, std::size_t members, std::vector<Fault> faults,
                             Hooks hooks)
    : simulation_(simulation),
      machines_(std::move(machines)),
      members_(members),
      faults_(std::move(faults)),
      hooks_(std::move(hooks)),
      healthy_(simulation.options),
      random_(simulation.random().fork()),
      down_until_(members),
      wanted_(members, true) {}

void FaultInjector::begin() {
  for (const Fault& fault : faults_) {
    simulation_.after(fault.at, [this, &fault] {
      if (!stopped_) strike(fault);
    });
  }
  for (std::size_t member = 0; member < members_; ++member) watch(member);
}

void FaultInjector::stop() {
  stopped_ = true;
  blocked_.clear();
  sim::Network& network = simulation_.network();
  network.heal();
  network.options.reset = network.options.slow = network.options.refuse = 0;
  for (std::size_t member = 0; member < members_; ++member) {
    sim::Node& node = *machines_[member];
    const std::uint64_t capacity = no_limit;
    node.disk().options = healthy_.disk;
    node.disk().options.capacity = capacity;
    node.crash_after_file_operations(0);
  }
}

void FaultInjector::watch(std::size_t member) {
  sim::Node& node = *machines_[member];
  if (node.running() || !wanted_[member]) {
    simulation_.after(10ms, [this, member] { watch(member); });
    return;
  }
  const Duration rest = std::max<Duration>(down_until_[member] - simulation_.elapsed(), Duration(random_.between(1, 50'000'000)));
  simulation_.after(rest, [this, member] {
    if (wanted_[member]) restarts_ += machines_[member]->start();
    watch(member);
  });
}

void FaultInjector::strike(const Fault& fault) {
  std::size_t member = fault.target;
  if (fault.target == Fault::leader) {
    const auto leader = hooks_.leader();
    if (!leader) return;
    member = *leader;
  }
  switch (fault.kind) {
    case FaultKind::lossy_network:
    case FaultKind::slow_network:
    case FaultKind::refused_connects:
    case FaultKind::slow_disks:
    case FaultKind::drifting_clocks:
    case FaultKind::crash_everywhere:
      ++struck_[static_cast<std::size_t>(fault.kind)];
      return strike_all(fault);
    case FaultKind::partition:
    case FaultKind::one_way_partition:
      ++struck_[static_cast<std::size_t>(fault.kind)];
      return block(fault, member);
    case FaultKind::reconfiguration:
      struck_[static_cast<std::size_t>(fault.kind)] += hooks_.reconfigure(fault);
      return;
    case FaultKind::flipped_bit:
    case FaultKind::torn_file:
    case FaultKind::emptied_disk:
      if (machines_[member]->running()) damage(fault, member);
      return;
    default:
      if (!machines_[member]->running()) return;
      ++struck_[static_cast<std::size_t>(fault.kind)];
      return strike_member(fault, member);
  }
}

void FaultInjector::strike_all(const Fault& fault) {
  sim::NetworkOptions& network = simulation_.network().options;
  switch (fault.kind) {
    case FaultKind::lossy_network:
      network.reset = fault.chance;
      break;
    case FaultKind::slow_network:
      network.slow = fault.chance;
      break;
    case FaultKind::refused_connects:
      network.refuse = fault.chance;
      break;
    case FaultKind::slow_disks:
      for (std::size_t member = 0; member < members_; ++member) machines_[member]->disk().options.slow = fault.chance;
      break;
    case FaultKind::drifting_clocks:
      for (std::size_t i = 0; i < machines_.size(); ++i) machines_[i]->set_drift(i % 2 == 0 ? fault.chance : -fault.chance);
      break;
    default:
      for (std::size_t member = 0; member < members_; ++member) {
        if (machines_[member]->running()) machines_[member]->crash();
      }
      break;
  }
}

void FaultInjector::strike_member(const Fault& fault, std::size_t member) {
  sim::Node& node = *machines_[member];
  const Duration until = simulation_.elapsed() + fault.length;
  switch (fault.kind) {
    case FaultKind::crash:
      down_until_[member] = until;
      node.crash();
      break;
    case FaultKind::crash_on_disk:
      if (!node.crash_is_planned()) node.crash_after_file_operations(fault.amount);
      break;
    case FaultKind::kill:
      down_until_[member] = until;
      node.kill();
      break;
    case FaultKind::pause:
      node.pause(fault.length);
      break;
    case FaultKind::break_links:
      for (const sim::Node* other : machines_) simulation_.network().break_connections(node, *other);
      break;
    case FaultKind::slow_link:
      for (std::size_t other = 0; other < machines_.size(); ++other) {
        if (other == member) continue;
        block(member, other, true);
        simulation_.after(fault.length, [this, member, other] { block(member, other, false); });
      }
      break;
    case FaultKind::step_clock:
      node.step_wall_clock(fault.way == 0 ? fault.length : -fault.length);
      break;
    case FaultKind::full_disk:
      node.disk().options.capacity = node.disk().options.capacity - node.disk().free_space() + fault.amount * sim::block_size;
      simulation_.after(fault.length, [&node] { node.disk().options.capacity = no_limit; });
      break;
    case FaultKind::slow_disk: {
      sim::DiskOptions& disk = node.disk().options;
      disk.sync_min = 5ms;
      disk.sync_max = 60ms;
      simulation_.after(fault.length, [this, &disk] {
        disk.sync_min = healthy_.disk.sync_min;
        disk.sync_max = healthy_.disk.sync_max;
      });
      break;
    }
    default: {  // bad_disk
      sim::DiskOptions& disk = node.disk().options;
      (fault.way == 0 ? disk.read_error : fault.way == 1 ? disk.write_error : disk.sync_error) = 0.2;
      simulation_.after(fault.length, [&disk] { disk.read_error = disk.write_error = disk.sync_error = 0; });
      break;
    }
  }
}

void FaultInjector::damage(const Fault& fault, std::size_t member) {
  down_until_[member] = simulation_.elapsed() + std::max<Duration>(fault.length, 2ms);
  machines_[member]->crash();
  // When what the power failure did to the disk is done.
  simulation_.after(1ms, [this, fault, member] {
    if (!machines_[member]->running()) struck_[static_cast<std::size_t>(fault.kind)] += hooks_.damage(fault, member);
  });
}

void FaultInjector::block(const Fault& fault, std::size_t member) {
  const std::uint64_t side = fault.amount | std::uint64_t{1} << member;
  for (std::size_t here = 0; here < machines_.size(); ++here) {
    if ((side >> here & 1) == 0) continue;
    for (std::size_t there = 0; there < machines_.size(); ++there) {
      if ((side >> there & 1) != 0) continue;
      for (const auto& [from, to] : {std::pair(here, there), std::pair(there, here)}) {
        if (fault.kind == FaultKind::one_way_partition && (from == here) != (fault.way == 0)) continue;
        block(from, to, true);
        simulation_.after(fault.length, [this, from, to] { block(from, to, false); });
      }
    }
  }
}

void FaultInjector::block(std::size_t from, std::size_t to, bool blocked) {
  if (stopped_) return;
  int& count = blocked_[{from, to}];
  if (blocked) {
    if (count++ == 0) simulation_.network().block(*machines_[from], *machines_[to]);
  } else if (--count == 0) {
    simulation_.network().unblock(*machines_[from], *machines_[to]);
  }
}

}  // namespace chorus::coord_sim
