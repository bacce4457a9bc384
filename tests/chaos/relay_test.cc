#include "relay.h"

#include <gmock/gmock.h>

#include "base/ensure.h"
#include "world/sim/simulation.h"

namespace chorus::chaos {
namespace {

using namespace std::chrono_literals;

/// Sends back whatever it receives, on every connection.
struct Echo final : world::ConnectionHandler {
  void on_data(std::string_view octets) override { connection->write(std::string(octets)); }
  void on_closed(const world::NetError&) override { closed = true; }
  std::unique_ptr<world::Connection> connection;
  bool closed = false;
};

struct Talker final : world::ConnectionHandler {
  void on_data(std::string_view octets) override {
    heard += octets;
    if (told) told();
  }
  void on_closed(const world::NetError&) override { closed = true; }
  std::unique_ptr<world::Connection> connection;
  std::function<void()> told;
  std::string heard;
  bool closed = false;
};

class RelayTest : public testing::Test {
 protected:
  RelayTest() {
    for (sim::Node* node : {&server, &between, &client}) node->start();
    listener = *server.world().listen({"0.0.0.0", 80}, {}, [this](std::unique_ptr<world::Connection> connection) {
      echoes.push_back(std::make_unique<Echo>());
      echoes.back()->connection = std::move(connection);
      echoes.back()->connection->start(*echoes.back());
    });
    relay.emplace(between.world(), base::Random(5));
    const auto bound = relay->add_route({"0.0.0.0", 0}, {server.address(), 80});
    ENSURE(bound.has_value());
    port = bound->port;
  }
  std::unique_ptr<Talker> connect() {
    auto talker = std::make_unique<Talker>();
    client.world().connect({between.address(), port}, {}, [&talker = *talker](world::NetResult<std::unique_ptr<world::Connection>> made) {
      ENSURE(made.has_value());
      talker.connection = std::move(*made);
      talker.connection->start(talker);
    });
    const std::size_t before = echoes.size();
    EXPECT_TRUE(simulation.run_until([&] { return talker->connection && echoes.size() > before; }, 10s));
    return talker;
  }

  sim::Simulation simulation{3};
  sim::Node& server = simulation.add_node("server");
  sim::Node& between = simulation.add_node("between");
  sim::Node& client = simulation.add_node("client");
  std::unique_ptr<world::Listener> listener;
  std::vector<std::unique_ptr<Echo>> echoes;
  std::optional<Relay> relay;
  std::uint16_t port = 0;
};

TEST_F(RelayTest, KeepsTheOrderWithinAConnection) {
  const auto talker = connect();
  relay->set_delay(1ms, 50ms);
  std::string sent;
  for (int i = 0; i < 300; ++i) {
    const std::string word = std::to_string(i) + " ";
    talker->connection->write(word);
    sent += word;
    simulation.run_for(1ms);
  }
  EXPECT_TRUE(simulation.run_until([&] { return talker->heard.size() == sent.size(); }, 10s));
  EXPECT_EQ(talker->heard, sent);
}

TEST_F(RelayTest, ChangesTheOrderBetweenConnections) {
  const auto one = connect(), other = connect();
  relay->set_delay(1ms, 50ms);
  int as_sent = 0, otherwise = 0;
  for (int i = 0; i < 60; ++i) {
    one->heard.clear();
    other->heard.clear();
    std::string order;
    one->told = [&] { order += "1"; };
    other->told = [&] { order += "2"; };
    one->connection->write("x");
    simulation.run_for(1ms);
    other->connection->write("x");
    ASSERT_TRUE(simulation.run_until([&] { return order.size() == 2; }, 10s));
    ++(order == "12" ? as_sent : otherwise);
  }
  EXPECT_GT(as_sent, 5);
  EXPECT_GT(otherwise, 5);
}

TEST_F(RelayTest, CarriesMuchThroughAndSlowsItsSenderDown) {
  const auto talker = connect();
  relay->set_delay(200ms, 200ms);
  const std::string octets(8 << 20, 'x');
  talker->connection->write(octets);
  simulation.run_for(150ms);
  EXPECT_GT(talker->connection->unsent(), octets.size() / 2);
  EXPECT_TRUE(simulation.run_until([&] { return talker->heard.size() == octets.size(); }, 600s)) << talker->heard.size();
}

TEST_F(RelayTest, AnEndGoesThroughAfterWhatWasOnTheWay) {
  const auto talker = connect();
  relay->set_delay(300ms, 300ms);
  talker->connection->write("last words");
  simulation.run_for(350ms);  // echoed, and on the way back
  echoes[0]->connection->close();
  EXPECT_TRUE(simulation.run_until([&] { return talker->closed; }, 10s));
  EXPECT_EQ(talker->heard, "last words");
  EXPECT_TRUE(simulation.run_until([&] { return relay->connections() == 0; }, 10s));
}

TEST_F(RelayTest, BreaksOffWhatNobodyListensTo) {
  listener.reset();
  Talker talker;
  client.world().connect({between.address(), port}, {}, [&](world::NetResult<std::unique_ptr<world::Connection>> made) {
    if (!made) return void(talker.closed = true);
    talker.connection = std::move(*made);
    talker.connection->start(talker);
  });
  EXPECT_TRUE(simulation.run_until([&] { return talker.closed; }, 20s));
  EXPECT_EQ(relay->connections(), 0U);
}

}  // namespace
}  // namespace chorus::chaos
