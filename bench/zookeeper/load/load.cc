#include "zookeeper/load/load.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "base/bytes.h"
#include "zookeeper/load/process.h"

namespace chorus::bench {
namespace {

using Seconds = std::chrono::duration<double>;
constexpr std::int32_t kNodeExists = -110;
// With so many requests on their way a reply has waited for milliseconds. Then the replies to several sessions are let gather and are taken
// in by one turn, which saves the generator a wake-up for each.
constexpr std::uint64_t kManyOutstanding = 5000;
constexpr timespec kGathering{.tv_sec = 0, .tv_nsec = 1'200'000};
constexpr std::int32_t kNoNode = -101;

/// A session for what happens before and after the load.
class Janitor {
 public:
  explicit Janitor(const Target& target) : link_(target) {
    link_.send_all(connect_frame(30'000));
    link_.receive();
  }

  void create_keys(const Workload& workload) {
    const std::string value(workload.value_bytes, 'v');
    add(write_frame(1, Op::create, kBase, ""));
    for (std::uint64_t key = 0; key < workload.keys; ++key) add(write_frame(1, Op::create, Stamp::path('k', key), value));
    finish(kNodeExists);
  }

  /// Until this server has all that any of the ensemble acknowledged.
  void sync() {
    add(path_frame(1, Op::sync, "/"));
    finish(0);
  }

  /// Removes every node below kBase, and kBase.
  void remove_all() {
    link_.send_all(path_frame(1, Op::children, kBase));
    const std::string reply = link_.receive();
    base::Reader in(reply);
    in.octets(12);
    if (in.i32() != 0) return;
    const std::uint32_t count = in.u32();
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) add(path_frame(1, Op::remove, fmt::format("{}/{}", kBase, in.octets(in.u32()))));
    add(path_frame(1, Op::remove, kBase));
    finish(kNoNode);
  }

  void close() {
    link_.send_all(bare_frame(1, Op::close));
    link_.receive();
  }

 private:
  static constexpr std::size_t kBatch = 500;

  void add(const std::string& frame) {
    batch_ += frame;
    if (++pending_ == kBatch) send();
  }
  void send() {
    link_.send_all(batch_);
    for (; pending_ > 0; --pending_) {
      const std::int32_t error = link_.receive_error();
      if (error != 0) last_error_ = error;
    }
    batch_.clear();
  }
  void finish(std::int32_t fine) {
    send();
    if (last_error_ != 0 && last_error_ != fine) throw std::runtime_error(fmt::format("preparing the nodes: error {}", last_error_));
    last_error_ = 0;
  }

  Link link_;
  std::string batch_;
  std::size_t pending_ = 0;
  std::int32_t last_error_ = 0;
};

class Loop {
 public:
  Loop(const std::vector<Target>& targets, const Workload& workload) : epoll_(::epoll_create1(EPOLL_CLOEXEC)), scratch_(256 << 10) {
    if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    gathers_ = std::uint64_t{workload.sessions} * workload.outstanding >= kManyOutstanding;
    for (std::uint32_t i = 0; i < workload.sessions; ++i) {
      sessions_.push_back(std::make_unique<Session>(targets[i % targets.size()], workload, i));
      watch(i);
    }
  }
  ~Loop() { ::close(epoll_); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void start() {
    for (const auto& session : sessions_) session->fill(Clock::now());
  }

  /// Runs until `deadline` or until `count` more replies came; returns the number of replies.
  std::uint64_t run(Clock::time_point deadline, std::uint64_t count) {
    std::uint64_t replies = 0;
    while (replies < count) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) break;
      replies += turn(static_cast<int>(std::min<long>(left.count(), 1000)));
    }
    return replies;
  }

  /// Takes in what is still on its way.
  void drain() {
    sending_ = false;
    const auto deadline = Clock::now() + std::chrono::seconds(30);
    while (std::ranges::any_of(sessions_, [](const auto& s) { return s->in_flight() > 0; })) {
      turn(1000);
      if (Clock::now() > deadline) throw std::runtime_error("requests were still unanswered after 30 s");
    }
    for (const auto& session : sessions_) session->close();
  }

  Tally& tally() { return tally_; }

 private:
  std::uint64_t turn(int timeout_ms) {
    if (gathers_ && sending_) ::nanosleep(&kGathering, nullptr);
    std::array<epoll_event, 256> events;
    const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms);
    if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "epoll_wait");
    std::uint64_t replies = 0;
    for (int i = 0; i < ready; ++i) {
      Session& session = *sessions_[events[static_cast<std::size_t>(i)].data.u32];
      session.flush();
      replies += session.receive(scratch_, tally_);
      if (sending_) session.fill(Clock::now());
    }
    return replies;
  }

  // Edge-triggered, once and for all: the kernel need not look again at each socket that it told of, nor be told what is waited for.
  void watch(std::uint32_t index) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u32 = index;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, sessions_[index]->fd(), &event) != 0)
      throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }

  int epoll_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<char> scratch_;
  Tally tally_;
  bool sending_ = true;
  bool gathers_ = false;
};

}  // namespace

Outcome run_load(const std::vector<Target>& targets, const Workload& workload, const Plan& plan) {
  Janitor janitor(targets.front());
  janitor.remove_all();
  janitor.create_keys(workload);
  for (const Target& target : targets) {
    Janitor there(target);
    there.sync();
    there.close();
  }
  Loop loop(targets, workload);
  loop.start();
  const auto after = [](Seconds time) { return Clock::now() + std::chrono::duration_cast<Clock::duration>(time); };
  loop.run(after(plan.warm_up), UINT64_MAX);

  Outcome outcome;
  loop.tally() = Tally{};
  const double client_before = own_cpu_seconds();
  const std::optional<double> server_before = cpu_seconds_of_all(plan.server_pids);
  const Clock::time_point start = Clock::now();
  outcome.requests = plan.count ? loop.run(after(Seconds(3600)), plan.count) : loop.run(after(plan.measure), UINT64_MAX);
  outcome.seconds = Seconds(Clock::now() - start).count();
  outcome.client_cpu_seconds = own_cpu_seconds() - client_before;
  if (server_before) {
    outcome.server_cpu_seconds = *cpu_seconds_of_all(plan.server_pids) - *server_before;
    outcome.server_resident_bytes = 0;
    for (const int pid : plan.server_pids) *outcome.server_resident_bytes += resident_bytes(pid);
  }
  outcome.tally = loop.tally();
  loop.drain();
  if (!plan.keep_nodes) janitor.remove_all();
  janitor.close();
  return outcome;
}

}  // namespace chorus::bench
