#include "ensemble_shape.h"

#include <algorithm>

#include "base/ensure.h"

namespace chorus::coord_sim {

using std::chrono::milliseconds;

Shape::Shape(base::Random& dice, const EnsembleRunOptions& options)
    // The bug is in a configuration that a reconfiguration would refuse.
    : reconfigures(dice.below(5) < 2 && options.plant != "alone-is-quorum"),
      damages(dice.below(5) < 2),
      standalone_enabled(!reconfigures || dice.below(2) == 0) {
  participants = pick<std::size_t>(dice, {3, 3, 3, 3, 5, 5, 7});
  if (reconfigures) participants = pick<std::size_t>(dice, {1, 2, 3, 3, 3, 5});
  participants = std::max(options.members.value_or(participants), voters_min());
  observers = pick<std::size_t>(dice, {0, 0, 1, 2});
  spares = reconfigures ? 1 + dice.below(3) : 0;
}

void allow_to_begin(sim::Disk& disk, const coord::Options& options) {
  const std::string directory = options.data_log_dir.empty() ? options.data_dir : options.data_log_dir;
  ENSURE(disk.make_directories(directory).has_value());
  const auto marker = disk.open(directory + "/initialize", world::OpenMode::create);
  ENSURE(marker.has_value());
  disk.sync(**marker);
  ENSURE(disk.sync_directory("/").has_value() && disk.sync_directory(directory).has_value());
}

namespace {

/// Where the epochs of one seed in eight end for lack of zxids: soon. Of dice of its own: the others of a seed fall as they always did.
std::int64_t draw_counter_end(std::uint64_t seed) {
  base::Random dice(seed + 0x636f'756e'7465'7273);
  return dice.below(8) == 0 ? dice.between(20, 300) : coord::EnsembleOptions().counter_end;
}

}  // namespace

coord::Options draw_options(base::Random& dice, const Shape& shape, std::uint64_t seed) {
  coord::Options options;
  options.client_address = world::Address{"0.0.0.0", client_port};
  options.data_dir = "/data";
  options.data_log_dir = pick(dice, {"", "", "/log"});
  options.tick_time = milliseconds(dice.between(40, 150));
  options.snap_count = dice.between(10, 400);
  options.pre_alloc_size_kb = pick(dice, {4, 16, 64});
  options.txn_log_size_limit_kb = pick(dice, {0, 0, 8, 64});
  options.container_check_interval = milliseconds(dice.between(100, 1500));
  coord::EnsembleOptions& ensemble = options.ensemble;
  ensemble.init_limit = static_cast<int>(dice.between(6, 12));
  ensemble.sync_limit = static_cast<int>(dice.between(3, 6));
  ensemble.notification_interval_min = milliseconds(dice.between(20, 200));
  ensemble.notification_interval_max = milliseconds(dice.between(400, 1000));
  ensemble.connect_timeout = milliseconds(dice.between(200, 1000));
  ensemble.leader_connect_delay = milliseconds(dice.between(10, 100));
  ensemble.observer_election_delay = milliseconds(20);
  ensemble.commit_log_count = pick<std::int64_t>(dice, {2, 20, 100, 500});
  ensemble.force_snapshot_sync = dice.below(8) == 0;
  ensemble.standalone_enabled = shape.standalone_enabled;
  ensemble.database_autocreate = !shape.damages;
  ensemble.counter_end = draw_counter_end(seed);
  if (shape.reconfigures) {
    ensemble.reconfig_enabled = true;
    ensemble.config_path = config_path;
    options.super_digest = "super:lK75jTNcA+U9vtVEw5vB51mj/w4=";
  }
  return options;
}

void EnsembleCounts::add(const EnsembleCounts& other) {
  simulated_ns += other.simulated_ns;
  events += other.events;
  restarts += other.restarts;
  leaders += other.leaders;
  acknowledged += other.acknowledged;
  unknown_kept += other.unknown_kept;
  unknown_lost += other.unknown_lost;
  reads_and_others += other.reads_and_others;
  sessions += other.sessions;
  reconnects += other.reconnects;
  transactions += other.transactions;
  left_out += other.left_out;
  checks += other.checks;
  refused_starts += other.refused_starts;
  snapshots += other.snapshots;
  syncs.diffs += other.syncs.diffs;
  syncs.truncations += other.syncs.truncations;
  syncs.snapshots += other.syncs.snapshots;
  for (std::size_t i = 0; i < fault_kinds; ++i) faults[i] += other.faults[i];
}

}  // namespace chorus::coord_sim
