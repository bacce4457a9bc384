#include "world/sim/life.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "world/sim/simulation.h"

namespace chorus::sim {

namespace {

constexpr std::int64_t start_of_time_ms = 1'767'225'600'000;  // 2026-01-01T00:00:00Z

}  // namespace

Life::Life(Simulation& simulation, Node& node, base::Random random)
    : simulation_(simulation),
      node_(node),
      random_(random),
      files_(make_files(*this)),
      timer_grain_(1 + static_cast<std::int64_t>(node.random_.below(static_cast<std::uint64_t>(simulation.options.timer_late.count())))) {
  Owner::node = node.number();
}

Life::~Life() = default;

world::Instant Life::now() { return world::Instant(world::Duration(node_.monotonic_ns() + (in_job_ ? job_ns_ : 0))); }

world::WallTime Life::wall_now() {
  const std::int64_t passed = simulation_.scheduler_.now_ns() + (in_job_ ? job_ns_ : 0);
  const std::int64_t since = simulation_.scheduler_.now_ns() - node_.clock_since_ns_;
  const std::int64_t drifted = static_cast<std::int64_t>(static_cast<double>(since) * node_.drift_);
  return world::WallTime(std::chrono::milliseconds(start_of_time_ms + (passed + drifted + node_.wall_offset_ns_) / 1'000'000));
}

world::TimerId Life::after(world::Duration delay, world::Callback callback) {
  ENSURE(!in_job_ || !alive);
  if (!alive) return world::TimerId{1};
  const double own = static_cast<double>(std::max<std::int64_t>(delay.count(), 0));
  const std::int64_t due = simulation_.scheduler_.now_ns() + static_cast<std::int64_t>(own / (1 + node_.drift_)) + 1;
  return world::TimerId{simulation_.scheduler_.schedule((due + timer_grain_ - 1) / timer_grain_ * timer_grain_, std::move(callback), this)};
}

void Life::cancel(world::TimerId timer) {
  ENSURE(!in_job_ || !alive);
  if (alive) simulation_.scheduler_.cancel(timer.value);
}

void Life::post(world::Callback callback) {
  if (alive) simulation_.scheduler_.schedule(simulation_.scheduler_.now_ns(), std::move(callback), this);
}

world::NetResult<std::unique_ptr<world::Listener>> Life::listen(const world::Address& address, const world::ListenOptions& options,
                                                                world::OnAccept on_accept) {
  ENSURE(!in_job_ || !alive);
  return simulation_.network_.listen(*this, address, options, std::move(on_accept));
}

void Life::connect(const world::Address& address, const world::ConnectOptions& options, world::OnConnect on_connect) {
  ENSURE(!in_job_ || !alive);
  if (alive) simulation_.network_.connect(*this, address, options, std::move(on_connect));
}

bool Life::file_operation() {
  if (!alive) return false;
  ++node_.disk_counts_.operations;
  if (node_.crash_countdown_ == 0 || --node_.crash_countdown_ != 0) return true;
  simulation_.scheduler_.trace.add(simulation_.scheduler_.now_ns(), node_.number(), Happening::crash_point);
  node_.crash();
  return false;
}

void Life::run_job(Jobs& jobs, world::Callback job, world::Callback done) {
  ENSURE(!in_job_ || !alive);
  if (!alive) return;
  jobs.push_back({std::move(job), std::move(done)});
  if (jobs.size() == 1) simulation_.scheduler_.schedule(simulation_.scheduler_.now_ns(), [this, &jobs] { run_next_job(jobs); }, this);
}

void Life::run_next_job(Jobs& jobs) {
  in_job_ = true;
  job_ns_ = node_.random_.between(500, 5'000);  // to wake the thread
  simulation_.scheduler_.trace.add(simulation_.scheduler_.now_ns(), node_.number(), Happening::job, jobs.size());
  {
    world::Callback run = std::move(jobs.front().run);
    run();
  }
  in_job_ = false;
  if (!alive) return;
  simulation_.scheduler_.schedule(
      simulation_.scheduler_.now_ns() + job_ns_,
      [this, &jobs] {
        world::Callback done = std::move(jobs.front().done);
        jobs.pop_front();
        if (!jobs.empty()) simulation_.scheduler_.schedule(simulation_.scheduler_.now_ns(), [this, &jobs] { run_next_job(jobs); }, this);
        if (done) done();
      },
      this);
}

}  // namespace chorus::sim
