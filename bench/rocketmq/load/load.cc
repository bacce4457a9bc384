#include "rocketmq/load/load.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <system_error>

#include "rocketmq/load/pacer.h"
#include "rocketmq/load/setup.h"
#include "zookeeper/load/process.h"

namespace chorus::bench::rocketmq {
namespace {

using Seconds = std::chrono::duration<double>;
// So many behind a fixed rate that its latencies say nothing any more.
constexpr std::uint64_t behind_max = 100'000;
constexpr std::chrono::seconds drain_max{60};
constexpr std::chrono::nanoseconds turn_max = std::chrono::seconds(1);

Clock::time_point after(Seconds time) { return Clock::now() + std::chrono::duration_cast<Clock::duration>(time); }

class Loop {
 public:
  Loop(const Target& broker, const Plan& plan) : broker_(broker), plan_(plan), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    // A fixed rate is kept to the microsecond, not to the 50 us that the kernel may add to a sleep.
    ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  }
  ~Loop() { ::close(epoll_); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void start_consumers() {
    Setup setup(broker_);
    const Production& production = plan_.production;
    const auto queues = setup.queues_from_end(production.shape.topic, production.topics, production.queues);
    start_reading(queues, plan_.consumers, "bench-head", Consumer::Where::head, consumed_);
  }

  void start_producers() {
    const Production& production = plan_.production;
    // Ids of earlier runs are not used again, since a broker looks messages up by them: 10,000 for each millisecond.
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto now_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    const std::uint64_t first_unique = now_ms % 100'000'000 * 10'000;
    for (std::uint32_t i = 0; i < production.producers; ++i) {
      producers_.push_back(std::make_unique<Producer>(broker_, production, i, first_unique));
      add(*producers_.back(), produced_);
    }
    if (producers_.empty()) return;
    if (production.rate > 0) {
      pacer_.emplace(production.rate / production.shape.batch, Clock::now());
    } else {
      for (const auto& producer : producers_) producer->start();
    }
  }

  void start_readers() {
    if (plan_.readers == 0) return;
    const auto queues = Setup(broker_).queues_from_begin(plan_.backlog, 1, plan_.production.queues);
    if (queues.empty()) throw std::runtime_error(fmt::format("there is nothing in {}", topic_name(plan_.backlog, 0)));
    start_reading(queues, plan_.readers, "bench-backlog", Consumer::Where::backlog, read_);
  }

  /// Runs until `deadline`, or until `count` messages are acknowledged.
  void run(Clock::time_point deadline, std::uint64_t count) {
    while (produced_.messages < count && Clock::now() < deadline) turn(deadline);
  }

  void empty_tallies() {
    for (Tally* tally : {&produced_, &consumed_, &read_}) *tally = Tally{};
  }
  void give_tallies(Outcome& outcome) const {
    outcome.produced = produced_;
    outcome.consumed = consumed_;
    outcome.read = read_;
  }

  /// Takes in what is still on its way.
  void drain() {
    pacer_.reset();
    for (const auto& producer : producers_) producer->stop();
    const Clock::time_point deadline = Clock::now() + drain_max;
    while (in_flight() > 0) {
      turn(deadline);
      if (Clock::now() >= deadline)
        throw std::runtime_error(fmt::format("{} requests were still unanswered after {} s", in_flight(), drain_max.count()));
    }
  }

 private:
  struct Watched {
    Party* party;
    Tally* tally;
  };

  void start_reading(const std::vector<QueueRead>& queues, std::uint32_t connections, std::string_view group, Consumer::Where where,
                     Tally& tally) {
    for (std::uint32_t i = 0; i < connections; ++i) {
      std::vector<QueueRead> own;
      for (std::size_t at = i; at < queues.size(); at += connections) own.push_back(queues[at]);
      if (own.empty()) break;
      consumers_.push_back(std::make_unique<Consumer>(broker_, group, own, where));
      add(*consumers_.back(), tally);
    }
  }

  // Edge-triggered, once and for all: the kernel need not be told what is waited for, nor look again at each socket that it told of.
  void add(Party& party, Tally& tally) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u64 = watched_.size();
    watched_.push_back({&party, &tally});
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, party.fd(), &event) != 0) throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }

  std::uint64_t in_flight() const {
    return std::accumulate(producers_.begin(), producers_.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const auto& one) { return sum + one->in_flight(); });
  }

  void send_what_is_due() {
    const Clock::time_point now = Clock::now();
    while (pacer_->next() <= now) {
      Producer& producer = *producers_[next_producer_++ % producers_.size()];
      producer.send_one(pacer_->take());
      producer.flush();
    }
    if (in_flight() > behind_max)
      throw std::runtime_error(fmt::format("the server does not keep up with {} messages a second", plan_.production.rate));
  }

  void turn(Clock::time_point deadline) {
    if (pacer_) send_what_is_due();
    const Clock::time_point until = pacer_ ? std::min(deadline, pacer_->next()) : deadline;
    const auto wait =
        std::clamp(std::chrono::duration_cast<std::chrono::nanoseconds>(until - Clock::now()), std::chrono::nanoseconds(0), turn_max);
    const timespec timeout{.tv_sec = wait.count() / 1'000'000'000, .tv_nsec = wait.count() % 1'000'000'000};
    std::array<epoll_event, 256> events;
    const int ready = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "epoll_pwait2");
    for (int i = 0; i < ready; ++i) {
      const Watched& watched = watched_[events[static_cast<std::size_t>(i)].data.u64];
      watched.party->turn(scratch_, *watched.tally);
    }
  }

  const Target broker_;
  const Plan& plan_;
  int epoll_;
  std::vector<std::unique_ptr<Producer>> producers_;
  std::vector<std::unique_ptr<Consumer>> consumers_;
  std::vector<Watched> watched_;
  std::vector<char> scratch_;
  std::optional<Pacer> pacer_;
  std::uint64_t next_producer_ = 0;
  Tally produced_, consumed_, read_;
};

}  // namespace

Outcome run_load(const Target& broker, const Plan& plan) {
  const Production& production = plan.production;
  if (production.shape.body_octets < stamp_octets) throw std::runtime_error(fmt::format("a body has {} octets at least", stamp_octets));
  const Clock::time_point before = Clock::now();
  if (production.producers > 0) Setup(broker).create_topics(production.shape.topic, production.topics, production.queues);
  Outcome outcome;
  outcome.create_seconds = Seconds(Clock::now() - before).count();
  Loop loop(broker, plan);
  if (plan.consumers > 0) loop.start_consumers();
  loop.start_producers();
  loop.run(after(plan.warm_up), UINT64_MAX);

  loop.start_readers();
  loop.empty_tallies();
  const double client_before = own_cpu_seconds();
  const std::optional<double> server_before = cpu_seconds_of_all(plan.server_pids);
  const Clock::time_point start = Clock::now();
  loop.run(after(plan.count ? Seconds(3600) : plan.measure), plan.count ? plan.count : UINT64_MAX);
  outcome.seconds = Seconds(Clock::now() - start).count();
  outcome.client_cpu_seconds = own_cpu_seconds() - client_before;
  if (server_before) {
    outcome.server_cpu_seconds = *cpu_seconds_of_all(plan.server_pids) - *server_before;
    outcome.server_resident_bytes = 0;
    for (const int pid : plan.server_pids) *outcome.server_resident_bytes += resident_bytes(pid);
  }
  loop.give_tallies(outcome);
  loop.drain();
  return outcome;
}

}  // namespace chorus::bench::rocketmq
