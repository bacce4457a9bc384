// The World of one life of a simulated process. Inside of the simulator only.
#pragma once

#include <deque>
#include <memory>

#include "base/random.h"
#include "world/sim/node.h"
#include "world/sim/scheduler.h"
#include "world/world.h"

namespace chorus::sim {

class Life final : public world::World, public Owner {
 public:
  Life(Simulation& simulation, Node& node, base::Random random);
  ~Life() override;

  world::Instant now() override;
  world::WallTime wall_now() override;
  base::Random& random() override { return random_; }
  world::TimerId after(world::Duration delay, world::Callback callback) override;
  void cancel(world::TimerId timer) override;
  void post(world::Callback callback) override;
  world::NetResult<std::unique_ptr<world::Listener>> listen(const world::Address& address, const world::ListenOptions& options,
                                                            world::OnAccept on_accept) override;
  void connect(const world::Address& address, const world::ConnectOptions& options, world::OnConnect on_connect) override;
  world::Files& files() override { return *files_; }
  void run_on_disk(world::Callback job, world::Callback done) override { run_job(disk_thread_, std::move(job), std::move(done)); }
  void run_in_background(world::Callback job, world::Callback done) override { run_job(background_, std::move(job), std::move(done)); }

  Node& host() { return node_; }
  Simulation& simulation() { return simulation_; }
  /// Called by every file operation before it does anything: false when the process is dead by now.
  bool file_operation();
  void spend(std::int64_t ns) { job_ns_ += ns; }

  std::shared_ptr<void> process;

 private:
  struct Job {
    world::Callback run;
    world::Callback done;
  };
  /// All of a job happens at one instant of virtual time; its operations then decide how long the thread was busy with it.
  using Jobs = std::deque<Job>;  // the first one is under way
  void run_job(Jobs& jobs, world::Callback job, world::Callback done);
  void run_next_job(Jobs& jobs);

  Simulation& simulation_;
  Node& node_;
  base::Random random_;
  std::unique_ptr<world::Files> files_;
  Jobs disk_thread_;
  Jobs background_;
  bool in_job_ = false;
  std::int64_t job_ns_ = 0;   // that the operations of the present job took
  std::int64_t timer_grain_;  // timers fire at multiples of it: late by up to that much, in order
};

std::unique_ptr<world::Files> make_files(Life& life);

}  // namespace chorus::sim
