#include "mq/rocketmq/port.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <memory>
#include <vector>

#include "world/sim/simulation.h"

namespace chorus::mq::rocketmq {
namespace {

using namespace std::chrono_literals;

/// One end of a client's connection.
struct Client : world::ConnectionHandler {
  void on_data(std::string_view octets) override {
    if (takes) received += octets;
  }
  void on_closed(const world::NetError&) override { closed = true; }
  std::unique_ptr<world::Connection> connection;
  std::string received;
  bool takes = true, closed = false;

  /// The codes of the answers so far.
  std::vector<std::int32_t> codes() const {
    std::vector<std::int32_t> codes;
    FrameDecoder frames;
    const auto done = frames.receive(received, [&](const Frame& frame) { codes.push_back(Command::decode(frame)->code); });
    EXPECT_TRUE(done.has_value());
    return codes;
  }
};

struct PortTest : testing::Test, Port::Handler {
  PortTest() : log("null", std::make_shared<spdlog::sinks::null_sink_mt>()) {}
  void listen(Limits limits) {
    server.set_boot([this, limits](world::World& world) -> std::shared_ptr<void> {
      auto made = std::make_shared<Port>(world, PortOptions{.addresses = {{server.address(), 10911}}, .limits = limits}, *this, log);
      EXPECT_TRUE(made->listen().has_value());
      port = made.get();
      return made;
    });
    server.start();
    for (sim::Node* node : {&one, &two}) {
      node->set_boot([](world::World&) { return std::make_shared<int>(); });
      node->start();
    }
  }
  std::unique_ptr<Client> connect(sim::Node& from) {
    auto client = std::make_unique<Client>();
    from.world().connect({server.address(), 10911}, {}, [client = client.get()](auto result) {
      ASSERT_TRUE(result.has_value());
      client->connection = std::move(*result);
      client->connection->start(*client);
    });
    EXPECT_TRUE(simulation.run_until([&] { return client->connection != nullptr; }, 10s));
    simulation.run_for(1s);
    return client;
  }
  static std::string request(std::int32_t opaque, std::size_t body = 0, bool oneway = false) {
    Outgoing outgoing = Outgoing::request(RequestCode::heart_beat, opaque, oneway);
    outgoing.body.assign(body, 'x');
    return encode(outgoing);
  }
  void on_command(ConnectionId from, const Command& command) override { seen.emplace_back(from, command.opaque); }
  void on_closed(ConnectionId) override { ++gone; }
  void answer(std::size_t which, std::size_t body = 0) {
    Outgoing outgoing;
    outgoing.opaque = seen[which].second;
    outgoing.body.assign(body, 'y');
    port->send(seen[which].first, encode(outgoing), outgoing.opaque);
  }

  sim::Simulation simulation{7};
  sim::Node &server{simulation.add_node("server")}, &one{simulation.add_node("one")}, &two{simulation.add_node("two")};
  spdlog::logger log;
  Port* port = nullptr;
  std::vector<std::pair<ConnectionId, std::int32_t>> seen;
  int gone = 0;
};

TEST_F(PortTest, TakesSoManyConnections) {
  listen({.connections_max = 3, .connections_per_address_max = 2});
  const auto a = connect(one), b = connect(one), c = connect(one), d = connect(two), e = connect(two);
  EXPECT_FALSE(a->closed || b->closed || d->closed);
  EXPECT_TRUE(c->closed) << "the third from one address";
  EXPECT_TRUE(e->closed) << "the fourth of all";
  EXPECT_EQ(port->counters().connections_refused, 2u);
  a->connection->close();
  simulation.run_for(1s);
  EXPECT_FALSE(connect(one)->closed);
}

TEST_F(PortTest, AnswersBusyBeyondSoManyRequests) {
  listen({.requests_max = 2});
  const auto client = connect(one);
  for (int i = 1; i <= 3; ++i) client->connection->write(request(i));
  client->connection->write(request(4, 0, true));  // which nobody answers
  simulation.run_for(1s);
  EXPECT_EQ(seen.size(), 3u);
  EXPECT_EQ(client->codes(), std::vector<std::int32_t>{2});
  EXPECT_EQ(port->counters().requests_refused, 1u);
  answer(0);
  port->request(seen[0].first, request(9));  // ours: it answers nothing
  client->connection->write(request(5));
  client->connection->write(request(6));
  simulation.run_for(1s);
  EXPECT_EQ(seen.size(), 4u);
  EXPECT_EQ(port->counters().requests_refused, 2u);
}

TEST_F(PortTest, ReadsNoMoreWhileTooMuchIsQueued) {
  listen({.queued_octets_max = 64 << 10});
  const auto client = connect(one);
  for (int i = 1; i <= 40; ++i) client->connection->write(request(i, 16 << 10));
  simulation.run_for(5s);
  const std::size_t before = seen.size();
  EXPECT_GE(before, 4u);
  EXPECT_LT(before, 15u) << "what one read brought goes on";
  EXPECT_EQ(port->counters().pauses, 1u);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    answer(i);
    simulation.run_for(100ms);
  }
  EXPECT_EQ(seen.size(), 40u);
  EXPECT_FALSE(client->closed);
}

TEST_F(PortTest, EndsWhoLeavesItsAnswersUnread) {
  listen({.unsent_octets_max = 4 << 20});
  const auto client = connect(one);
  for (int i = 1; i <= 8; ++i) client->connection->write(request(i));
  simulation.run_for(1s);
  ASSERT_EQ(seen.size(), 8u);
  client->connection->pause_reading();
  for (std::size_t i = 0; i < 8; ++i) {
    answer(i, 1 << 20);
    simulation.run_for(100ms);
  }
  EXPECT_EQ(gone, 1);
  EXPECT_EQ(port->counters().connections_ended, 1u);
  EXPECT_GE(port->counters().pauses, 1u);
}

TEST_F(PortTest, EndsWhoSendsTooLongAFrame) {
  listen({.frame_octets_max = 64 << 10});
  const auto client = connect(one);
  client->connection->write(request(1, 60 << 10));
  simulation.run_for(1s);
  EXPECT_EQ(seen.size(), 1u);
  client->connection->write(request(2, 70 << 10));
  simulation.run_for(1s);
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_TRUE(client->closed);
}

}  // namespace
}  // namespace chorus::mq::rocketmq
