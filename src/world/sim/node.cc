#include "world/sim/node.h"

#include <utility>

#include "base/ensure.h"
#include "world/sim/life.h"
#include "world/sim/simulation.h"

namespace chorus::sim {

Node::Node(Simulation& simulation, std::uint32_t number, std::string name, std::string address)
    : simulation_(simulation),
      number_(number),
      name_(std::move(name)),
      address_(std::move(address)),
      disk_(simulation.options.disk, simulation.random_.fork()),
      random_(simulation.random_.fork()) {}

Node::~Node() = default;

bool Node::running() const { return life_ != nullptr && life_->alive; }

world::World& Node::world() {
  ENSURE(life_ != nullptr, name_);
  return *life_;
}

bool Node::start() {
  if (life_ != nullptr) return false;
  ++lives_;
  simulation_.scheduler_.trace.add(simulation_.scheduler_.now_ns(), number_, Happening::started, lives_);
  simulation_.lives_.push_back(std::make_unique<Life>(simulation_, *this, random_.fork()));
  Life* life = simulation_.lives_.back().get();
  life_ = life;
  if (clock_base_ns_ == 0) clock_base_ns_ = random_.between(1, std::int64_t{3'600'000'000'000});
  simulation_.network_.retry_held();
  if (boot_) {
    ++simulation_.depth_;
    std::shared_ptr<void> process = boot_(*life);
    life->process = std::move(process);
    --simulation_.depth_;
    if (simulation_.depth_ == 0) simulation_.bury();
  }
  return true;
}

void Node::die(bool power) {
  if (life_ == nullptr || dying_) return;
  dying_ = true;
  power_fails_ = power;
  life_->alive = false;
  simulation_.scheduler_.trace.add(simulation_.scheduler_.now_ns(), number_, power ? Happening::crashed : Happening::killed, lives_);
  simulation_.dying_.push_back(this);
  if (simulation_.depth_ == 0) simulation_.bury();
}

void Node::bury() {
  Life* life = std::exchange(life_, nullptr);
  dying_ = false;
  crash_countdown_ = 0;
  life->process.reset();
  simulation_.scheduler_.end(*life);
  simulation_.network_.end(*life, power_fails_);
  locks_.clear();
  if (!power_fails_) return;
  disk_.lose_power();
  clock_base_ns_ = 0;  // the monotonic clock counts from the start of the machine
  clock_since_ns_ = simulation_.scheduler_.now_ns();
}

bool Node::paused() const { return life_ != nullptr && life_->paused; }

void Node::pause(Duration length) {
  if (!running() || life_->paused) return;
  Scheduler& scheduler = simulation_.scheduler_;
  scheduler.trace.add(scheduler.now_ns(), number_, Happening::paused, static_cast<std::uint64_t>(length.count()));
  scheduler.pause(*life_);
  scheduler.schedule(scheduler.now_ns() + length.count(), [&scheduler, life = life_, number = number_] {
    if (!life->alive) return;
    scheduler.trace.add(scheduler.now_ns(), number, Happening::resumed);
    scheduler.resume(*life);
  });
}

std::int64_t Node::monotonic_ns() const {
  const std::int64_t passed = simulation_.scheduler_.now_ns() - clock_since_ns_;
  return clock_base_ns_ + passed + static_cast<std::int64_t>(static_cast<double>(passed) * drift_);
}

void Node::step_wall_clock(Duration by) {
  simulation_.scheduler_.trace.add(simulation_.scheduler_.now_ns(), number_, Happening::clock_step, static_cast<std::uint64_t>(by.count()));
  wall_offset_ns_ += by.count();
}

void Node::set_drift(double drift) {
  ENSURE(drift > -0.5 && drift < 1.0, drift);
  const std::int64_t monotonic = monotonic_ns();
  wall_offset_ns_ -= static_cast<std::int64_t>(static_cast<double>(simulation_.scheduler_.now_ns() - clock_since_ns_) * -drift_);
  clock_base_ns_ = monotonic;
  clock_since_ns_ = simulation_.scheduler_.now_ns();
  drift_ = drift;
}

}  // namespace chorus::sim
