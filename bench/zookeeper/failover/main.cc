// zk_failover: makes the leader of an ensemble go under load, and prints how long no write was acknowledged, as one JSON object.
#include <fmt/format.h>
#include <sys/types.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <exception>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "zookeeper/failover/client.h"

namespace {

using namespace chorus::bench;

class Clients {
 public:
  Clients(const std::vector<Target>& targets, std::size_t count) : record_(count) {
    Link link(targets.front());
    link.send_all(connect_frame(30'000));
    link.receive();
    create(link, std::string(kBase));
    for (std::size_t i = 0; i < count; ++i) {
      const std::string path = Stamp::path('f', i);
      create(link, path);
      clients_.push_back(std::make_unique<Client>(targets, i, path, record_));
    }
  }

  Record& record() { return record_; }
  std::uint64_t expired() const {
    std::uint64_t sum = 0;
    for (const auto& client : clients_) sum += client->expired();
    return sum;
  }

  /// Lets them write until `done`; false when it was not by `end`.
  template <class Done>
  bool run_until(Clock::time_point end, Done done) {
    std::vector<pollfd> wanted(clients_.size());
    for (Clock::time_point now = Clock::now(); !done(now); now = Clock::now()) {
      if (now >= end) return false;
      Clock::time_point next = std::min(end, now + std::chrono::milliseconds(10));
      for (std::size_t i = 0; i < clients_.size(); ++i) {
        wanted[i] = clients_[i]->wanted();
        next = std::min(next, clients_[i]->deadline());
      }
      const auto wait = std::max(next - now, Clock::duration::zero());
      const timespec timeout{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(wait).count()};
      if (::ppoll(wanted.data(), wanted.size(), &timeout, nullptr) < 0 && errno != EINTR)
        throw std::system_error(errno, std::generic_category(), "ppoll");
      now = Clock::now();
      for (std::size_t i = 0; i < clients_.size(); ++i) {
        if (wanted[i].revents != 0) clients_[i]->on_ready(now);
        clients_[i]->on_time(now);
      }
    }
    return true;
  }

 private:
  static void create(Link& link, const std::string& path) {
    constexpr std::int32_t node_exists = -110;
    link.send_all(write_frame(1, Op::create, path, ""));
    const std::int32_t error = link.receive_error();
    if (error != 0 && error != node_exists) throw std::runtime_error(fmt::format("creating {}: error {}", path, error));
  }

  Record record_;
  std::vector<std::unique_ptr<Client>> clients_;
};

double milliseconds(const std::optional<Clock::duration>& time) { return std::chrono::duration<double, std::milli>(time.value()).count(); }

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Writes through all members of an ensemble, makes its leader go, and prints a JSON object about how long no write was acknowledged. "
      "The nodes written, below /chorus-bench, are left there.");
  std::vector<std::string> servers;
  pid_t pid = 0;
  std::string signal = "KILL";
  std::size_t sessions = 8;
  double before = 1;
  double limit = 60;
  const std::map<std::string, int> signals = {{"KILL", SIGKILL}, {"TERM", SIGTERM}};
  app.add_option("--server", servers, "HOST:PORT of each member, IPv4, with commas")->delimiter(',')->required();
  app.add_option("--leader-pid", pid, "the leader's process")->required()->check(CLI::Range(2, 1 << 30));
  app.add_option("--signal", signal, "how it goes: KILL or TERM")->check(CLI::IsMember(signals))->capture_default_str();
  app.add_option("--sessions", sessions, "sessions, each with one write on its way")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--before", before, "seconds of load before")->check(CLI::Range(0.0, 600.0))->capture_default_str();
  app.add_option("--limit", limit, "seconds to wait for writes afterwards")->check(CLI::Range(0.1, 600.0))->capture_default_str();
  try {
    app.parse(argc, argv);
    const auto after = [](double seconds) {
      return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    };
    const std::vector<Target> targets = parse_targets(servers);
    Clients clients(targets, sessions);
    Record& record = clients.record();
    if (!clients.run_until(after(limit), [&](auto) { return record.all_write(); })) throw std::runtime_error("not every session can write");
    clients.run_until(after(before), [](auto) { return false; });
    const std::uint64_t acknowledged = record.acknowledged_before();
    record.leader_goes(Clock::now());
    if (::kill(pid, signals.at(signal)) != 0) throw std::system_error(errno, std::generic_category(), fmt::format("process {}", pid));
    if (!clients.run_until(after(limit), [&](auto) { return record.all_are_back(); }))
      throw std::runtime_error(fmt::format("not every session could write again within {} s", limit));
    const nlohmann::ordered_json out = {{"signal", signal},
                                        {"sessions", sessions},
                                        {"acknowledged_before", acknowledged},
                                        {"first_ms", milliseconds(record.first())},
                                        {"pause_ms", milliseconds(record.pause())},
                                        {"all_ms", milliseconds(record.all())},
                                        {"sessions_expired", clients.expired()}};
    fmt::print("{}\n", out.dump(2));
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    fmt::print(stderr, "zk_failover: {}\n", error.what());
    return 1;
  }
}
