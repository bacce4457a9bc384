// The election port in the simulated world: with its like, and with strangers that do as they please.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <spdlog/sinks/null_sink.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "world/recorder.h"
#include "world/sim/simulation.h"
#include "zab/election_port.h"

namespace chorus::zab {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using world::Address;
using world::contract::Recorder;

inline constexpr std::uint16_t port_number = 3888;

inline spdlog::logger& silent_logger() {
  static spdlog::logger logger("test", std::make_shared<spdlog::sinks::null_sink_mt>());
  return logger;
}

/// One server's port, as a process.
struct Server final : ElectionPort::Handler {
  Server(world::World& world, const ElectionPortOptions& options, const EnsembleConfig& config)
      : port(world, options, *this, silent_logger()) {
    port.set_members(config, config);
    const auto listening = port.listen({{"0.0.0.0", port_number}});
    EXPECT_TRUE(listening) << listening.error();
  }
  void on_notification(ServerId from, Notification notification) override {
    heard.push_back(fmt::format("{}: {}", from, notification.vote.zxid));
    if (react) react(from, notification);
  }
  void on_down(ServerId member) override { down.push_back(member); }
  std::vector<std::string> take() { return std::exchange(heard, {}); }

  ElectionPort port;
  std::vector<std::string> heard;
  std::vector<ServerId> down;
  std::function<void(ServerId, const Notification&)> react;
};

inline Notification say(std::int64_t number, std::size_t octets = 0) {
  return {.vote = {.zxid = number}, .config = std::string(octets, 'x')};
}

inline std::string frame(const std::string& body) {
  std::string out;
  base::Writer(out).u32(static_cast<std::uint32_t>(body.size()));
  return out + body;
}

inline std::string greeting(ServerId from, const std::vector<Address>& addresses = {{"0.0.0.0", 1}}) {
  return encode(InitialMessage{from, addresses}, true);
}

/// Servers 1 to `count` on machines "s1" ..., and a machine "stranger".
class ElectionPortTest : public testing::Test {
 protected:
  void make(int count, sim::Options options = {}) {
    simulation = std::make_unique<sim::Simulation>(7, options);
    for (int id = 1; id <= count; ++id) {
      Member member{.quorum_addresses = {{fmt::format("s{}", id), 2888}}, .election_addresses = {{fmt::format("s{}", id), port_number}}};
      config.members[id] = member;
      machines.push_back(&simulation->add_node(fmt::format("s{}", id)));
    }
    stranger = &simulation->add_node("stranger");
    stranger->start();
  }
  ~ElectionPortTest() override {
    raw.clear();
    listeners.clear();
  }
  Server& start(ServerId id, ElectionPortOptions options = {}) {
    options.self = id;
    sim::Node& machine = *machines.at(static_cast<std::size_t>(id - 1));
    machine.set_boot([this, id, options](world::World& world) {
      auto server = std::make_shared<Server>(world, options, config);
      servers[id] = server.get();
      return server;
    });
    machine.start();
    return *servers.at(id);
  }
  sim::Node& machine(ServerId id) { return *machines.at(static_cast<std::size_t>(id - 1)); }
  [[nodiscard]] bool until(const std::function<bool()>& done, sim::Duration limit = 60s) { return simulation->run_until(done, limit); }
  void pass(sim::Duration length) { simulation->run_for(length); }

  /// A connection of the stranger's machine to a server's port.
  Recorder& connect(ServerId to) {
    Recorder* made = nullptr;
    stranger->world().connect({fmt::format("s{}", to), port_number}, {}, [&](world::NetResult<std::unique_ptr<world::Connection>> c) {
      ASSERT_TRUE(c.has_value()) << c.error().message;
      raw.push_back(std::make_unique<Recorder>(std::move(*c)));
      made = raw.back().get();
    });
    EXPECT_TRUE(until([&] { return made != nullptr; }));
    return *made;
  }
  /// What connects to that machine is kept in `raw`.
  void listen_raw(sim::Node& machine, std::uint16_t port = port_number) {
    auto listener = machine.world().listen(
        {"0.0.0.0", port}, {}, [this](std::unique_ptr<world::Connection> c) { raw.push_back(std::make_unique<Recorder>(std::move(c))); });
    ASSERT_TRUE(listener.has_value());
    listeners.push_back(std::move(*listener));
  }

  std::unique_ptr<sim::Simulation> simulation;
  EnsembleConfig config;
  std::vector<sim::Node*> machines;
  sim::Node* stranger = nullptr;
  std::map<ServerId, Server*> servers;  // of the present lives
  std::vector<std::unique_ptr<Recorder>> raw;
  std::vector<std::unique_ptr<world::Listener>> listeners;
};

}  // namespace chorus::zab
