// Who runs the ensemble: changes its members while it works, starts those that are to join and stops those that have left.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client.h"
#include "world/sim/simulation.h"
#include "zab/config.h"

namespace chorus::coord_sim {

/// Lives as long as the simulation.
class Operator {
 public:
  struct Hooks {
    /// In force, as the leader has it; empty: nobody leads.
    std::function<std::optional<zab::EnsembleConfig>()> config;
    /// A member that does not run, with these in its configuration file.
    std::function<void(std::size_t member, const zab::EnsembleConfig& members)> start;
    std::function<void(std::size_t member)> stop;
    std::function<bool(std::size_t member)> is_started;
  };
  /// voters_min: not fewer remain. Requests go out through `client`.
  Operator(sim::Simulation& simulation, Client& client, std::vector<sim::Node*> machines, std::size_t voters_min, Hooks hooks);

  /// Sees to it from now on that whoever is in the configuration is started, and all that ever were when nobody leads for long.
  void begin() { tend(); }
  /// What it asks for follows from `dice` and the present configuration. False: nobody leads, or another request is under way.
  bool reconfigure(std::uint64_t dice);
  /// False: it has thought of a request that its client does not know of yet.
  bool idle() const { return !is_busy_; }

  /// "host:quorum:election:role;host:client", as a member's line has it.
  static zab::Member describe(const sim::Node& machine, bool is_observer);

 private:
  void tend();
  Op incremental(const zab::EnsembleConfig& now, zab::EnsembleConfig& next, base::Random& dice) const;
  Op whole(const zab::EnsembleConfig& now, zab::EnsembleConfig& next, base::Random& dice) const;
  void answered(const zab::EnsembleConfig& before, const zab::EnsembleConfig& after);
  zab::ServerId id_of(std::size_t member) const { return static_cast<zab::ServerId>(member + 1); }

  sim::Simulation& simulation_;
  Client& client_;
  const std::vector<sim::Node*> machines_;
  const std::size_t voters_min_;
  const Hooks hooks_;
  base::Random random_;
  zab::EnsembleConfig last_;  // that was in force
  sim::Duration leaderless_since_{};
  bool is_busy_ = false;  // a request was thought of and not given to the client
};

}  // namespace chorus::coord_sim
