#include "world/sim/simulation.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "base/ensure.h"
#include "world/sim/life.h"

namespace chorus::sim {

Simulation::Simulation(std::uint64_t seed, const Options& simulation_options)
    : options(simulation_options),
      random_(seed),
      scheduler_(simulation_options.trace_length),
      network_(scheduler_, simulation_options.network, random_.fork()) {}

Simulation::~Simulation() {
  for (const auto& node : nodes_) node->kill();
  bury();
}

Node& Simulation::add_node(std::string name, std::string address) {
  const std::uint32_t number = static_cast<std::uint32_t>(nodes_.size()) + 1;
  if (address.empty()) address = fmt::format("10.0.{}.{}", number / 250, number % 250 + 1);
  ENSURE(network_.find(address) == nullptr && network_.find(name) == nullptr, name, address);
  nodes_.push_back(std::make_unique<Node>(*this, number, std::move(name), std::move(address)));
  network_.add(*nodes_.back());
  return *nodes_.back();
}

void Simulation::after(Duration delay, world::Callback callback) {
  scheduler_.schedule(scheduler_.now_ns() + delay.count(), std::move(callback));
}

bool Simulation::step_until(std::int64_t until_ns) {
  ENSURE(depth_ == 0);  // not from within an event
  ++depth_;
  const bool ran = scheduler_.step(until_ns);
  --depth_;
  bury();
  return ran;
}

bool Simulation::step() { return !scheduler_.empty() && step_until(std::numeric_limits<std::int64_t>::max()); }

void Simulation::run_for(Duration length) {
  const std::int64_t until = scheduler_.now_ns() + length.count();
  while (step_until(until)) {
  }
}

bool Simulation::run_until(const std::function<bool()>& done, Duration limit) {
  const std::int64_t until = scheduler_.now_ns() + limit.count();
  while (!done()) {
    if (!step_until(until)) return done();
  }
  return true;
}

void Simulation::bury() {
  while (!dying_.empty()) {
    Node* node = dying_.back();
    dying_.pop_back();
    ++depth_;  // destructors of the process may order further deaths
    node->bury();
    --depth_;
  }
}

}  // namespace chorus::sim
