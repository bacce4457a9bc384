// A cluster of simulated machines in one thread, from one seed: equal seeds, equal histories.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "world/sim/network.h"
#include "world/sim/node.h"
#include "world/sim/options.h"
#include "world/sim/scheduler.h"

namespace chorus::sim {

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed, const Options& options = {});
  /// Ends all lives first.
  ~Simulation();

  /// Not started. Nodes live as long as the simulation. address: numeric; "10.0.0.N" by default.
  Node& add_node(std::string name, std::string address = "");
  const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }
  Network& network() { return network_; }

  /// Since the start.
  Duration elapsed() const { return Duration(scheduler_.now_ns()); }
  /// For the test itself; nodes and faults have generators of their own.
  base::Random& random() { return random_; }
  /// Runs outside of all nodes.
  void after(Duration delay, world::Callback callback);

  /// Runs the next event; false when there is none left.
  bool step();
  void run_for(Duration length);
  /// Until `done`, asked after every event; false when `limit` passed before.
  bool run_until(const std::function<bool()>& done, Duration limit);

  void note(std::string_view text) { scheduler_.trace.note(scheduler_.now_ns(), 0, text); }
  const Trace& trace() const { return scheduler_.trace; }
  std::uint64_t events() const { return scheduler_.events(); }

  Options options;

 private:
  friend class Node;
  friend class Life;
  friend class DiskAccess;
  friend class SimFiles;

  bool step_until(std::int64_t until_ns);
  void bury();

  base::Random random_;
  Scheduler scheduler_;
  Network network_;
  std::vector<std::unique_ptr<Life>> lives_;  // all there were: handles of a dead process still point to its world
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Node*> dying_;
  int depth_ = 0;  // of calls into processes: the dead are buried when it is zero
};

}  // namespace chorus::sim
