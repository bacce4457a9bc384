// The client against our server in simulated machines: a counter that one client advances and another watches, under faults.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <charconv>
#include <cstdlib>

#include "base/ensure.h"
#include "base/text.h"
#include "client/client.h"
#include "coord/node.h"
#include "world/sim/simulation.h"

namespace chorus {
namespace {

using namespace std::chrono_literals;
using client::Client;
using client::Code;

client::ClientOptions options_for(const std::string& server) {
  client::ClientOptions options;
  options.session.servers = {{server, 2181}};
  options.session.timeout = 10s;
  options.chroot = "/tally";
  return options;
}

/// Adds one again and again, each time only to what it has read.
struct Adder {
  Client client;
  std::int64_t acknowledged = 0;
  std::int64_t unknown = 0;
  std::int64_t lost_count = 0;
  bool stop = false, idle = false;
  std::string wrong;  // what should never be answered

  Adder(world::World& world, const std::string& server) : client(world, options_for(server)) {
    client.start();
    client.create("/mine", "x", {.mode = client::CreateMode::ephemeral}, [this](client::Result<client::Created> made) {
      if (!made && made.error().code != Code::connection_loss) wrong = made.error().message;
    });
    next();
  }
  void next() {
    idle = stop || client::is_final(client.state());
    if (idle) return;
    client.get("/counter", [this](client::Result<client::Data> data) {
      if (!data) return retry(data.error());
      const std::int64_t value = *base::parse_int(data->data);
      client.set("/counter", std::to_string(value + 1), data->stat.version, [this](client::Result<client::Stat> stat) {
        if (stat) {
          ++acknowledged;
          return next();
        }
        if (stat.error().code == Code::connection_loss) ++unknown;
        // Nobody else writes, so another version can only be one whose answer was lost.
        if (stat.error().code == Code::bad_version && unknown == 0) wrong = stat.error().message;
        retry(stat.error());
      });
    });
  }
  void retry(const client::Error& error) {
    if (error.code == Code::connection_loss) ++lost_count;
    if (error.code != Code::connection_loss && error.code != Code::bad_version) wrong = error.message;
    next();
  }
};

/// Knows the counter by one-shot watches alone.
struct Reader {
  Client client;
  std::int64_t seen = -1;
  std::int64_t changes = 0;
  std::int64_t events = 0;  // of a recursive watch
  client::Watcher watcher;
  std::string wrong;

  Reader(world::World& world, const std::string& server) : client(world, options_for(server)) {
    watcher = client::make_watcher([this](const client::WatchEvent& event) {
      if (event.type == client::EventType::none) return void(wrong = "the session ended");
      if (event.path != "/counter") wrong = "an event of " + event.path;
      look();
    });
    client.start();
    client.add_watch("/", client::AddWatchMode::persistent_recursive, client::make_watcher([this](const client::WatchEvent&) { ++events; }),
                     [this](client::Result<void> done) {
                       if (!done && done.error().code != Code::connection_loss) wrong = done.error().message;
                     });
    look();
  }
  void look() {
    client.get(
        "/counter",
        [this](client::Result<client::Data> data) {
          if (!data) {
            if (data.error().code != Code::connection_loss) return void(wrong = data.error().message);
            return look();
          }
          const std::int64_t value = *base::parse_int(data->data);
          if (value < seen) wrong = fmt::format("the counter went back from {} to {}", seen, value);
          if (value > seen) ++changes;
          seen = value;
        },
        watcher);
  }
};

struct Cluster {
  explicit Cluster(std::uint64_t seed) : simulation(seed), log("null", std::make_shared<spdlog::sinks::null_sink_st>()) {
    server = &simulation.add_node("server");
    server->set_boot([this](world::World& world) -> std::shared_ptr<void> {
      coord::Options options;
      options.client_address = world::Address{server->address(), 2181};
      options.tick_time = coord::milliseconds(2000);
      options.pre_alloc_size_kb = 64;
      options.snap_count = 500;
      auto node = coord::Node::start(world, options, log);
      ENSURE(node.has_value(), node.error().message);
      return std::shared_ptr<coord::Node>(std::move(*node));
    });
    server->start();
    setup();
    adder = start<Adder>("adder");
    reader = start<Reader>("reader");
  }
  void setup() {
    auto& machine = simulation.add_node("setup");
    machine.set_boot([](world::World&) { return std::make_shared<int>(0); });
    machine.start();
    client::ClientOptions options = options_for(server->address());
    options.chroot.clear();
    Client client(machine.world(), options);
    bool made = false;
    client.start();
    client.create("/tally", "", {}, {});
    client.create("/tally/counter", "0", {}, [&](client::Result<client::Created> created) { made = created.has_value(); });
    ENSURE(simulation.run_until([&] { return made; }, 60s));
    client.close();
    simulation.run_for(1s);
  }
  template <class Program>
  std::shared_ptr<Program> start(const std::string& name) {
    auto& machine = simulation.add_node(name);
    std::shared_ptr<Program> program;
    machine.set_boot([&](world::World& world) { return program = std::make_shared<Program>(world, server->address()); });
    machine.start();
    return program;
  }
  sim::Node& machine(const std::string& name) {
    for (const auto& node : simulation.nodes()) {
      if (node->name() == name) return *node;
    }
    ENSURE(false, name);
    std::abort();
  }
  /// Asks until that is the answer; gives up after a minute.
  bool sees_mine(Client& client, bool there) {
    const auto seen = std::make_shared<bool>(false);
    for (int i = 0; i < 60 && !*seen; ++i) {
      client.exists("/mine", [seen, there](client::Result<std::optional<client::Stat>> stat) {
        if (stat && stat->has_value() == there) *seen = true;
      });
      simulation.run_for(1s);
    }
    return *seen;
  }
  void fault() {
    base::Random& random = simulation.random();
    sim::Node& victim = machine(random.chance(0.5) ? "adder" : "reader");
    switch (random.below(4)) {
      case 0:
        simulation.network().break_connections(victim, *server);
        break;
      case 1:
        simulation.network().partition({&victim}, {server});
        simulation.run_for(std::chrono::milliseconds(random.between(1, 2000)));
        simulation.network().heal();
        break;
      case 2:
        server->kill();
        simulation.run_for(std::chrono::milliseconds(random.between(1, 1500)));
        server->start();
        break;
      default:
        server->crash();
        simulation.run_for(std::chrono::milliseconds(random.between(1, 1500)));
        server->start();
        break;
    }
  }

  sim::Simulation simulation;
  spdlog::logger log;
  sim::Node* server = nullptr;
  std::shared_ptr<Adder> adder;
  std::shared_ptr<Reader> reader;
};

// What must hold: no acknowledged addition is lost and no lost answer counts twice; whoever watches ends up knowing the last value; the
// sessions, with their ephemeral nodes, outlive everything.
void run(std::uint64_t seed) {
  SCOPED_TRACE(fmt::format("CHORUS_SEED={}", seed));
  Cluster cluster(seed);
  sim::Simulation& simulation = cluster.simulation;
  for (int i = 0; i < 12; ++i) {
    simulation.run_for(std::chrono::milliseconds(simulation.random().between(10, 500)));
    cluster.fault();
  }
  cluster.adder->stop = true;
  Client& client = cluster.adder->client;
  std::int64_t value = -1;
  bool asked = false;
  const auto ask = [&] {
    if (std::exchange(asked, true)) return;
    client.get("/counter", [&](client::Result<client::Data> data) {
      if (data) value = *base::parse_int(data->data);
      asked = false;
    });
  };
  const bool settled = simulation.run_until(
      [&] {
        if (!cluster.adder->idle) return false;
        if (value < 0) ask();
        return value >= 0 && cluster.reader->seen == value;
      },
      60s);
  EXPECT_TRUE(settled) << "the counter is " << value << ", the reader has seen " << cluster.reader->seen << "; " << client.last_failure()
                       << "; trace:\n"
                       << simulation.trace().tail(60);
  EXPECT_EQ(cluster.adder->wrong, "");
  EXPECT_EQ(cluster.reader->wrong, "");
  EXPECT_GE(value, cluster.adder->acknowledged);
  EXPECT_LE(value, cluster.adder->acknowledged + cluster.adder->unknown);
  EXPECT_GT(cluster.adder->acknowledged, 100);
  EXPECT_GT(cluster.reader->changes, 10);
  EXPECT_GT(cluster.reader->events, 100);
  EXPECT_EQ(client.state(), client::State::connected);
  EXPECT_TRUE(cluster.sees_mine(client, true));
  bool closed = false;
  client.close([&] { closed = true; });
  EXPECT_TRUE(simulation.run_until([&] { return closed; }, 10s));
  EXPECT_TRUE(cluster.sees_mine(cluster.reader->client, false));
}

TEST(ClientSim, SurvivesWhatHappens) {
  if (const char* seed = std::getenv("CHORUS_SEED"); seed != nullptr) {
    std::uint64_t number = 0;
    std::from_chars(seed, seed + std::string_view(seed).size(), number);
    return run(number);
  }
  for (std::uint64_t seed = 1; seed <= 40 && !testing::Test::HasFailure(); ++seed) run(seed);
}

TEST(ClientSim, EqualSeedsMakeEqualHistories) {
  const auto history = [] {
    Cluster cluster(7);
    cluster.simulation.run_for(200ms);
    cluster.fault();
    cluster.simulation.run_for(200ms);
    return std::pair(cluster.simulation.events(), cluster.adder->acknowledged);
  };
  EXPECT_EQ(history(), history());
}

TEST(ClientSim, ExpiryIsTold) {
  Cluster cluster(3);
  sim::Simulation& simulation = cluster.simulation;
  std::vector<client::State> states;
  cluster.adder->client.on_state([&](client::State state, const std::string&) { states.push_back(state); });
  simulation.run_for(200ms);
  simulation.network().partition({&cluster.machine("adder")}, {cluster.server});
  EXPECT_TRUE(cluster.sees_mine(cluster.reader->client, false));
  simulation.network().heal();
  EXPECT_TRUE(simulation.run_until([&] { return client::is_final(cluster.adder->client.state()); }, 60s));
  EXPECT_EQ(cluster.adder->client.state(), client::State::expired);
  ASSERT_FALSE(states.empty());
  EXPECT_EQ(states.back(), client::State::expired);
}

}  // namespace
}  // namespace chorus
