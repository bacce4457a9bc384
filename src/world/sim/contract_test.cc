#include "world/contract.h"

#include "world/sim/simulation.h"

namespace chorus::world::contract {

/// Two machines that reach each other over a network that delays but breaks nothing.
struct SimRig {
  static constexpr bool threads = false;
  SimRig() {
    simulation.network().options.split = 0;  // the suite asks for small writes to arrive whole
    near.start();
    far.start();
    EXPECT_TRUE(far.world().files().make_directories("/data").has_value());
  }
  World& server() { return far.world(); }
  World& client() { return near.world(); }
  Address address() { return {far.address(), 0}; }
  std::string directory() { return "/data"; }
  bool run_until(const std::function<bool()>& done) { return simulation.run_until(done, std::chrono::seconds(30)); }

  sim::Simulation simulation{7};
  sim::Node& near = simulation.add_node("near");
  sim::Node& far = simulation.add_node("far");
};

/// Both ends in one process.
struct OneNodeRig {
  static constexpr bool threads = false;
  OneNodeRig() {
    simulation.network().options.split = 0;
    node.start();
    EXPECT_TRUE(node.world().files().make_directories("/data").has_value());
  }
  World& server() { return node.world(); }
  World& client() { return node.world(); }
  Address address() { return {"127.0.0.1", 0}; }
  std::string directory() { return "/data"; }
  bool run_until(const std::function<bool()>& done) { return simulation.run_until(done, std::chrono::seconds(30)); }

  sim::Simulation simulation{8};
  sim::Node& node = simulation.add_node("node");
};

INSTANTIATE_TYPED_TEST_SUITE_P(TwoNodes, WorldContract, SimRig);
INSTANTIATE_TYPED_TEST_SUITE_P(OneNode, WorldContract, OneNodeRig);

}  // namespace chorus::world::contract
