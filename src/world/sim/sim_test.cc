#include <gtest/gtest.h>

#include "world/sim/simulation.h"

namespace chorus::sim {
namespace {

using world::FileErrc;
using world::NetErrc;
using world::OpenMode;

/// Sends back what it receives and keeps what it was told.
struct Peer : world::ConnectionHandler {
  explicit Peer(std::unique_ptr<world::Connection> c, bool echo_back = false) : connection(std::move(c)), echo(echo_back) {
    connection->start(*this);
  }
  void on_data(std::string_view octets) override {
    received += octets;
    ++pieces;
    if (echo) connection->write(std::string(octets));
  }
  void on_closed(const world::NetError& why) override { closed = why.code; }

  std::unique_ptr<world::Connection> connection;
  bool echo;
  std::string received;
  int pieces = 0;
  std::optional<NetErrc> closed;
};

struct Server {
  explicit Server(world::World& world) {
    listener =
        std::move(*world.listen({"0.0.0.0", 9}, {}, [this](auto c) { peers.push_back(std::make_unique<Peer>(std::move(c), true)); }));
  }
  std::unique_ptr<world::Listener> listener;
  std::vector<std::unique_ptr<Peer>> peers;
};

struct Two {
  explicit Two(std::uint64_t seed, const Options& options = {}) : simulation(seed, options) {
    server.set_boot([this](world::World& world) {
      auto made = std::make_shared<Server>(world);
      process = made;
      return made;
    });
    server.start();
    client.start();
  }
  void connect() {
    client.world().connect({"server", 9}, {}, [this](auto result) {
      if (result) {
        peer = std::make_unique<Peer>(std::move(*result));
      } else {
        error = result.error().code;
      }
    });
    ASSERT_TRUE(simulation.run_until([this] { return peer != nullptr || error; }, 60s));
  }

  Simulation simulation;
  Node& server = simulation.add_node("server");
  Node& client = simulation.add_node("client");
  std::weak_ptr<Server> process;
  std::unique_ptr<Peer> peer;
  std::optional<NetErrc> error;
};

std::string pattern(std::size_t size) {
  std::string octets(size, '\0');
  for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<char>(i * 2654435761U >> 11);
  return octets;
}

std::uint64_t history(std::uint64_t seed) {
  Options options;
  options.network.slow = 0.05;
  options.network.reset = 0.001;
  options.disk.sync_error = 0.05;
  options.disk.write_error = 0.05;
  Two two(seed, options);
  two.connect();
  for (int round = 0; round < 50; ++round) {
    if (two.peer != nullptr) two.peer->connection->write(pattern(3000));
    if (two.server.running()) {
      two.server.world().run_on_disk(
          [&files = two.server.world().files(), round] {
            auto file = files.open("/f", OpenMode::create);
            if (!file) return;
            (void)(*file)->write_at(static_cast<std::uint64_t>(round) * 777, pattern(5000));
            (void)(*file)->sync();
          },
          [] {});
    }
    if (round == 20) two.server.pause(30ms);
    if (round == 30) two.server.crash();
    if (round == 35) two.server.start();
    two.simulation.run_for(5ms);
  }
  return two.simulation.trace().hash();
}

TEST(Simulation, EqualSeedsGiveEqualHistories) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::uint64_t hash = history(seed);
    EXPECT_EQ(hash, history(seed)) << seed;
    hashes.insert(hash);
  }
  EXPECT_EQ(hashes.size(), 20U) << "and different seeds different ones";
}

TEST(Simulation, TraceTellsTheLastEvents) {
  Two two(3);
  two.connect();
  two.simulation.note("here");
  two.server.crash();
  const std::string tail = two.simulation.trace().tail(50);
  EXPECT_NE(tail.find("accepted"), std::string::npos) << tail;
  EXPECT_LT(tail.find("here"), tail.find("crashed")) << tail;
}

TEST(Simulation, StreamsArriveWholeThoughCutAnywhere) {
  Options options;
  options.network.split = 0.9;
  Two two(1, options);
  two.connect();
  const std::string sent = pattern(300'000);
  two.peer->connection->write(sent);
  ASSERT_TRUE(two.simulation.run_until([&] { return two.peer->received.size() == sent.size(); }, 60s));
  EXPECT_TRUE(two.peer->received == sent);
  EXPECT_GT(two.peer->pieces, 20);
}

TEST(Simulation, CrashEndsEverythingOfThatLife) {
  Two two(1);
  two.connect();
  world::World& old = two.server.world();
  int ran = 0;
  old.after(1ms, [&] { ++ran; });
  old.post([&] { ++ran; });
  old.run_on_disk([&] { ++ran; }, [&] { ++ran; });
  two.server.crash();
  EXPECT_TRUE(two.process.expired());
  old.after(1ms, [&] { ++ran; });
  old.post([&] { ++ran; });
  EXPECT_FALSE(old.files().open("/x", OpenMode::create).has_value());
  two.simulation.run_for(1s);
  EXPECT_EQ(ran, 0);
  EXPECT_FALSE(two.peer->closed.has_value()) << "a machine without power tells nobody";
  two.peer->connection->write("are you there?");
  two.simulation.run_for(1s);
  EXPECT_FALSE(two.peer->closed.has_value());
  two.server.start();
  EXPECT_TRUE(two.simulation.run_until([&] { return two.peer->closed == NetErrc::reset; }, 5s)) << "the new life knows no such connection";
}

TEST(Simulation, KillKeepsWhatWasWrittenAndClosesConnections) {
  Two two(1);
  two.connect();
  ASSERT_TRUE((*two.server.world().files().open("/f", OpenMode::create))->write_at(0, "written").has_value());
  two.server.kill();
  EXPECT_TRUE(two.simulation.run_until([&] { return two.peer->closed.has_value(); }, 1s));
  EXPECT_EQ(two.server.disk().contents("/f"), "written");
}

TEST(Simulation, ProcessMayDieInItsOwnCallback) {
  Two two(1);
  two.connect();
  bool after = false;
  two.server.world().post([&] {
    two.server.crash();
    two.server.world().post([&] { after = true; });
    two.process.lock()->peers.front()->connection->write("not sent");
  });
  two.simulation.run_for(1s);
  EXPECT_FALSE(after);
  EXPECT_EQ(two.peer->received, "");
  EXPECT_TRUE(two.process.expired());
  EXPECT_TRUE(two.server.start());
}

TEST(Simulation, PauseHoldsEverythingUpAndThenItComesAtOnce) {
  Two two(1);
  two.connect();
  std::vector<Duration> at;
  two.server.pause(500ms);
  const Duration start = two.simulation.elapsed();
  for (int i = 1; i <= 5; ++i) two.server.world().after(i * 10ms, [&] { at.push_back(two.simulation.elapsed() - start); });
  two.peer->connection->write("ping");
  two.simulation.run_for(400ms);
  EXPECT_TRUE(at.empty());
  EXPECT_EQ(two.peer->received, "");
  two.simulation.run_for(200ms);
  ASSERT_EQ(at.size(), 5U);
  for (const Duration t : at) EXPECT_EQ(t, 500ms);
  EXPECT_EQ(two.peer->received, "ping");
}

TEST(Simulation, OneWayPartitionHoldsOneDirection) {
  Two two(1);
  two.connect();
  two.simulation.network().block(two.server, two.client);
  two.peer->connection->write("ping");
  two.simulation.run_for(1s);
  EXPECT_EQ(two.process.lock()->peers.front()->received, "ping");
  EXPECT_EQ(two.peer->received, "");
  two.simulation.network().heal();
  EXPECT_TRUE(two.simulation.run_until([&] { return two.peer->received == "ping"; }, 1s));
}

TEST(Simulation, ConnectThroughPartitionTimesOutOrComesLater) {
  Two two(1);
  two.simulation.network().partition({&two.server}, {&two.client});
  two.simulation.after(3500ms, [&] { two.simulation.network().heal(); });
  two.connect();
  EXPECT_NE(two.peer, nullptr);
  EXPECT_GT(two.simulation.elapsed(), 3500ms);
  two.peer.reset();
  two.simulation.network().partition({&two.server}, {&two.client});
  two.connect();
  EXPECT_EQ(two.error, NetErrc::timed_out);
}

TEST(Simulation, ConnectsFailByChance) {
  for (const bool refuse : {true, false}) {
    Options options;
    (refuse ? options.network.refuse : options.network.unreachable) = 1;
    Two two(1, options);
    two.connect();
    EXPECT_EQ(two.error, refuse ? NetErrc::refused : NetErrc::unreachable);
  }
}

TEST(Simulation, BrokenConnectionIsSeenByBothEnds) {
  Two two(1);
  two.connect();
  EXPECT_EQ(two.simulation.network().break_connections(two.server, two.client), 1U);
  two.simulation.run_for(1s);
  EXPECT_EQ(two.peer->closed, NetErrc::reset);
  EXPECT_EQ(two.process.lock()->peers.front()->closed, NetErrc::reset);
}

TEST(Simulation, TlsCarriesTheNamedIdentity) {
  Simulation simulation(1);
  Node& server = simulation.add_node("server");
  Node& client = simulation.add_node("client");
  server.start();
  client.start();
  std::unique_ptr<world::Connection> far;
  world::ListenOptions listening;
  listening.tls = world::TlsOptions{.certificate_file = "CN=server", .key_file = "", .ca_file = ""};
  const auto listener = server.world().listen({"server", 99}, listening, [&](auto c) { far = std::move(c); });
  ASSERT_TRUE(listener.has_value());
  std::unique_ptr<world::Connection> near;
  std::optional<NetErrc> error;
  const auto on_connect = [&](auto result) {
    if (result) {
      near = std::move(*result);
    } else {
      error = result.error().code;
    }
  };
  world::ConnectOptions options;
  options.tls = world::TlsOptions{.certificate_file = "CN=client", .key_file = "", .ca_file = ""};
  client.world().connect({"server", 99}, options, on_connect);
  ASSERT_TRUE(simulation.run_until([&] { return near && far; }, 1s));
  EXPECT_TRUE(near->is_tls());
  EXPECT_EQ(near->peer_subject(), "CN=server");
  EXPECT_EQ(far->peer_subject(), "CN=client");
  options.tls->certificate_file.clear();
  client.world().connect({"server", 99}, options, on_connect);
  ASSERT_TRUE(simulation.run_until([&] { return error.has_value(); }, 1s));
  EXPECT_EQ(error, NetErrc::tls) << "a certificate is demanded";
}

TEST(Simulation, ClocksStepAndDrift) {
  Simulation simulation(1);
  Node& right = simulation.add_node("right");
  Node& fast = simulation.add_node("fast");
  right.start();
  fast.start();
  fast.set_drift(0.1);
  const auto right_start = right.world().now();
  const auto fast_start = fast.world().now();
  const auto wall_start = fast.world().wall_now();
  simulation.run_for(10s);
  EXPECT_EQ(right.world().now() - right_start, 10s);
  EXPECT_EQ(fast.world().now() - fast_start, 11s);
  EXPECT_EQ(fast.world().wall_now() - wall_start, 11s);
  fast.step_wall_clock(-60s);
  EXPECT_EQ(fast.world().wall_now() - wall_start, -49s);
  EXPECT_EQ(fast.world().now() - fast_start, 11s) << "the monotonic clock never steps";
  std::optional<Duration> fired;
  const Duration before = simulation.elapsed();
  fast.world().after(11s, [&] { fired = simulation.elapsed() - before; });
  simulation.run_for(20s);
  EXPECT_GE(*fired, 10s);
  EXPECT_LT(*fired, 10s + 1ms) << "timers run by the node's own clock";
}

TEST(Simulation, EventsAreCheap) {
  Simulation simulation(1);
  Node& node = simulation.add_node("node");
  node.start();
  std::uint64_t count = 0;
  std::function<void()> again = [&] {
    ++count;
    node.world().after(Duration(1000 + count % 977), [&] { again(); });
  };
  for (int i = 0; i < 100; ++i) again();
  const auto start = std::chrono::steady_clock::now();
  while (count < 1'000'000) simulation.step();
  const auto took = std::chrono::steady_clock::now() - start;
  RecordProperty("nanoseconds_an_event", static_cast<int>(took.count() / 1'000'000));
  EXPECT_LT(took, 10s) << "bound with room for sanitizers and a loaded machine";
}

}  // namespace
}  // namespace chorus::sim
