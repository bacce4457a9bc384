// The simulator's recording clients, bound to any world: here to this machine, where the servers are processes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client.h"
#include "workload.h"
#include "world/world.h"

namespace chorus::chaos {

struct RecorderOptions {
  std::vector<world::Address> servers;
  std::uint32_t clients = 4;
  std::uint64_t seed = 1;
  std::chrono::milliseconds session_timeout_min{1500}, session_timeout_max{4000};
  std::chrono::milliseconds think_max{25};
  /// How long an abandoned session lasts at most, beyond its timeout.
  std::chrono::milliseconds expiry_slack{5000};
  double register_chance = 0.4;
  bool create2_in_multis = true;
};

class Recorder {
 public:
  /// What it has to say of its own accord, for whoever drives it: "progress 10 20 12" (writes acknowledged, by client), "quiet", "audited".
  using Say = std::function<void(const std::string& line)>;

  Recorder(world::World& world, RecorderOptions options, Say say);

  void start();
  /// The clients ask for nothing more; "quiet" when everything is answered and abandoned sessions must have ended.
  void quiesce();
  /// Reads the whole tree from every server; "audited" when it is read. After quiesce().
  void audit();
  const coord_sim::History& history() const { return history_; }
  /// Clients and readers, one a line.
  std::string describe() const;

 private:
  std::unique_ptr<coord_sim::Client> add_client(std::uint32_t number, const std::string& name, std::vector<world::Address> servers);
  void tell_progress();
  void await(std::vector<coord_sim::Client*> clients, std::function<void()> then);

  world::World& world_;
  const RecorderOptions options_;
  const Say say_;
  const world::Instant began_;
  base::Random random_;
  coord_sim::History history_;
  coord_sim::Workload workload_;
  std::vector<std::unique_ptr<coord_sim::Client>> clients_;
  std::vector<std::unique_ptr<coord_sim::Client>> auditors_;  // one for each server
  bool auditors_began_ = false;
  std::vector<std::uint64_t> acknowledged_;
};

}  // namespace chorus::chaos
