#include "world/sim/chaos.h"

#include <algorithm>
#include <cmath>

namespace chorus::sim {

namespace {

constexpr std::uint64_t no_limit = std::uint64_t{1} << 40;

}  // namespace

Chaos::Chaos(Simulation& simulation, std::vector<Node*> nodes, const ChaosOptions& options)
    : simulation_(simulation), nodes_(std::move(nodes)), options_(options), random_(simulation.random().fork()) {}

void Chaos::begin() {
  schedule(options_.crash_every, &Chaos::crash);
  schedule(options_.crash_on_disk_every, &Chaos::crash_on_disk);
  schedule(options_.kill_every, &Chaos::kill);
  schedule(options_.pause_every, &Chaos::pause);
  schedule(options_.break_every, &Chaos::break_connections);
  schedule(options_.partition_every, &Chaos::partition);
  schedule(options_.step_every, &Chaos::step_clock);
  schedule(options_.full_disk_every, &Chaos::fill_disk);
  schedule(options_.bad_disk_every, &Chaos::harm_disk);
  for (Node* node : nodes_) watch(*node);
}

void Chaos::stop() {
  stopped_ = true;
  simulation_.network().heal();
  for (Node* node : nodes_) {
    DiskOptions& disk = node->disk().options;
    disk.capacity = no_limit;
    disk.read_error = disk.write_error = disk.sync_error = 0;
    node->crash_after_file_operations(0);
  }
}

void Chaos::schedule(Duration every, Strike strike) {
  if (every == Duration{} || stopped_) return;
  const double wait = -std::log(1 - random_.unit()) * static_cast<double>(every.count());
  simulation_.after(Duration(static_cast<std::int64_t>(wait) + 1), [this, every, strike] {
    if (stopped_) return;
    Node& node = *nodes_[static_cast<std::size_t>(random_.below(nodes_.size()))];
    if (node.running()) (this->*strike)(node);
    schedule(every, strike);
  });
}

void Chaos::watch(Node& node) {
  if (node.running()) {
    simulation_.after(10ms, [this, &node] { watch(node); });
    return;
  }
  simulation_.after(up_to(options_.down_max), [this, &node] {
    counts_.restarts += node.start();
    watch(node);
  });
}

void Chaos::crash(Node& node) {
  ++counts_.crashes;
  node.crash();
}

void Chaos::crash_on_disk(Node& node) {
  if (node.crash_is_planned()) return;
  ++counts_.crashes;
  node.crash_after_file_operations(1 + random_.below(options_.crash_on_disk_within));
}

void Chaos::kill(Node& node) {
  ++counts_.kills;
  node.kill();
}

void Chaos::pause(Node& node) {
  ++counts_.pauses;
  node.pause(up_to(options_.pause_max));
}

void Chaos::break_connections(Node& node) {
  ++counts_.breaks;
  for (const auto& other : simulation_.nodes()) simulation_.network().break_connections(node, *other);
}

void Chaos::partition(Node& node) {
  ++counts_.partitions;
  const std::uint64_t kind = random_.below(4);  // both ways more often than one
  Network& network = simulation_.network();
  for (const auto& other : simulation_.nodes()) {
    if (other.get() == &node) continue;
    if (kind != 0) network.block(node, *other);
    if (kind != 1) network.block(*other, node);
  }
  simulation_.after(up_to(options_.partition_max), [this, &node] {
    for (const auto& other : simulation_.nodes()) {
      if (other.get() == &node) continue;
      simulation_.network().unblock(node, *other);
      simulation_.network().unblock(*other, node);
    }
  });
}

void Chaos::step_clock(Node& node) {
  ++counts_.clock_steps;
  node.step_wall_clock(random_.below(2) == 0 ? up_to(options_.step_max) : -up_to(options_.step_max));
}

void Chaos::fill_disk(Node& node) {
  ++counts_.full_disks;
  DiskOptions& disk = node.disk().options;
  const std::uint64_t used = disk.capacity - node.disk().free_space();
  disk.capacity = used + random_.below(16) * block_size;
  simulation_.after(up_to(options_.full_disk_max), [&node] { node.disk().options.capacity = no_limit; });
}

void Chaos::harm_disk(Node& node) {
  ++counts_.bad_disks;
  DiskOptions& disk = node.disk().options;
  const std::uint64_t kinds = 1 + random_.below(7);
  if ((kinds & 1) != 0) disk.read_error = options_.bad_disk_chance;
  if ((kinds & 2) != 0) disk.write_error = options_.bad_disk_chance;
  if ((kinds & 4) != 0) disk.sync_error = options_.bad_disk_chance;
  simulation_.after(up_to(options_.bad_disk_max), [&disk] { disk.read_error = disk.write_error = disk.sync_error = 0; });
}

}  // namespace chorus::sim
