// One reactor under load: clients with a number of small requests outstanding each, answered one by one, as a server does.
// The clients are bare sockets in a thread of their own, so that what is measured is the reactor.
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/ensure.h"
#include "world/real/reactor.h"

namespace chorus::world::real {
namespace {

constexpr std::size_t request_size = 64;

/// Answers each request by a write of its own.
struct EchoEnd : ConnectionHandler {
  explicit EchoEnd(std::unique_ptr<Connection> c) : connection(std::move(c)) { connection->start(*this); }
  void on_data(std::string_view octets) override {
    partial += octets.size();
    for (; partial >= request_size; partial -= request_size) connection->write(std::string(request_size, 'a'));
  }
  void on_closed(const NetError&) override { connection.reset(); }
  std::unique_ptr<Connection> connection;
  std::size_t partial = 0;
};

/// A reactor with an echo server on it, in its own thread.
class EchoServer {
 public:
  EchoServer() {
    auto listening = reactor_.listen({"127.0.0.1", 0}, {}, [this](auto c) { ends_.push_back(std::make_unique<EchoEnd>(std::move(c))); });
    ENSURE(listening.has_value());
    listener_ = std::move(*listening);
    thread_ = std::thread([this] { reactor_.run(); });
    pthread_getcpuclockid(thread_.native_handle(), &clock_);
  }
  ~EchoServer() {
    reactor_.post([this] { reactor_.stop(); });
    thread_.join();
  }
  std::uint16_t port() const { return listener_->address().port; }
  double cpu_seconds() const {
    timespec time{};
    clock_gettime(clock_, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }

 private:
  Reactor reactor_;
  std::vector<std::unique_ptr<EchoEnd>> ends_;
  std::unique_ptr<Listener> listener_;
  std::thread thread_;
  clockid_t clock_{};
};

class Clients {
 public:
  Clients(std::uint16_t port, int count, int outstanding) : requests_(request_size * static_cast<std::size_t>(outstanding), 'r') {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < count; ++i) {
      const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
      ENSURE(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
      const int one = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
      fds_.push_back(fd);
      ENSURE(::send(fd, requests_.data(), requests_.size(), 0) == static_cast<ssize_t>(requests_.size()));
    }
  }
  ~Clients() {
    for (const int fd : fds_) ::close(fd);
    ::close(epoll_);
  }
  /// Waits for answers and sends as much anew; returns their number, in whole requests and parts.
  double turn() {
    epoll_event events[64];
    const int count = ::epoll_wait(epoll_, events, 64, -1);
    std::size_t octets = 0;
    for (int i = 0; i < count; ++i) {
      const ssize_t got = ::recv(events[i].data.fd, buffer_.get(), buffer_size, MSG_DONTWAIT);
      if (got <= 0) continue;
      octets += static_cast<std::size_t>(got);
      ENSURE(::send(events[i].data.fd, requests_.data(), static_cast<std::size_t>(got), 0) == got);
    }
    return static_cast<double>(octets) / request_size;
  }

 private:
  static constexpr std::size_t buffer_size = 256 << 10;
  const int epoll_ = ::epoll_create1(0);
  const std::string requests_;
  const std::unique_ptr<char[]> buffer_{new char[buffer_size]};
  std::vector<int> fds_;
};

void echo(benchmark::State& state) {
  EchoServer server;
  Clients clients(server.port(), static_cast<int>(state.range(0)), static_cast<int>(state.range(1)));
  double answers = 0;
  const double cpu = server.cpu_seconds();
  for (auto _ : state) answers += clients.turn();
  state.counters["requests/s"] = benchmark::Counter(answers, benchmark::Counter::kIsRate);
  state.counters["server_cpu_us/request"] = (server.cpu_seconds() - cpu) / answers * 1e6;
}
BENCHMARK(echo)->ArgNames({"clients", "outstanding"})->Args({1, 1})->Args({16, 1})->Args({64, 1})->Args({64, 100})->UseRealTime();

/// A lone job: to the disk thread and back.
void disk_round_trip(benchmark::State& state) {
  Reactor reactor;
  for (auto _ : state) {
    bool done = false;
    reactor.run_on_disk([] {}, [&] { done = true; });
    reactor.run_until([&] { return done; }, std::chrono::seconds(10));
  }
}
BENCHMARK(disk_round_trip)->UseRealTime();

/// A time-out that is set and cancelled with every request, beside `others` that stay.
void timer_set_and_cancel(benchmark::State& state) {
  Reactor reactor;
  for (int i = 0; i < state.range(0); ++i) reactor.after(std::chrono::hours(1), [] {});
  for (auto _ : state) reactor.cancel(reactor.after(std::chrono::seconds(10), [] {}));
}
BENCHMARK(timer_set_and_cancel)->ArgName("others")->Arg(0)->Arg(10'000);

void post_and_run(benchmark::State& state) {
  Reactor reactor;
  for (auto _ : state) {
    int ran = 0;
    for (int i = 0; i < 100; ++i) reactor.post([&] { ++ran; });
    reactor.run_until([&] { return ran == 100; }, std::chrono::seconds(10));
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(post_and_run);

}  // namespace
}  // namespace chorus::world::real
