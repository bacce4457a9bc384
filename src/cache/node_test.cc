// The server on simulated machines: what its connections hold.
#include "cache/node.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include "world/sim/simulation.h"

namespace chorus::cache {
namespace {

using namespace std::chrono_literals;

/// A connection of a client that counts replies and may stop reading.
class Peer final : public world::ConnectionHandler {
 public:
  explicit Peer(std::unique_ptr<world::Connection> connection) : connection_(std::move(connection)) { connection_->start(*this); }
  world::Connection& connection() { return *connection_; }
  void on_data(std::string_view octets) override { received += octets; }
  void on_closed(const world::NetError&) override { is_closed = true; }

  std::string received;
  bool is_closed = false;

 private:
  std::unique_ptr<world::Connection> connection_;
};

class CacheNodeTest : public testing::Test {
 protected:
  CacheNodeTest() {
    machine_.set_boot([this](world::World& world) {
      Options options;
      options.address = world::Address{"0.0.0.0", 6379};
      options.pubsub_output.hard = 4U << 20;
      auto node = Node::start(world, options, logger_);
      EXPECT_TRUE(node);
      if (!node) return std::shared_ptr<Node>();
      node_ = std::shared_ptr<Node>(std::move(*node));
      return node_;
    });
    machine_.start();
    clients_.start();
  }
  ~CacheNodeTest() override {
    peers_.clear();
    node_.reset();
  }
  Peer& connect() {
    const std::size_t before = peers_.size();
    clients_.world().connect({machine_.address(), 6379}, {}, [this](auto result) {
      ASSERT_TRUE(result);
      peers_.push_back(std::make_unique<Peer>(std::move(*result)));
    });
    EXPECT_TRUE(simulation_.run_until([&] { return peers_.size() > before; }, 10s));
    return *peers_.back();
  }
  bool run_until(const std::function<bool()>& is_true) { return simulation_.run_until(is_true, 60s); }

  spdlog::logger logger_{"cache", std::make_shared<spdlog::sinks::null_sink_st>()};
  sim::Simulation simulation_{1};
  sim::Node& machine_ = simulation_.add_node("server");
  sim::Node& clients_ = simulation_.add_node("clients");
  std::shared_ptr<Node> node_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

TEST_F(CacheNodeTest, ASubscriberThatDoesNotReadIsLetGo) {
  Peer& slow = connect();
  slow.connection().write("subscribe a\r\n");
  ASSERT_TRUE(run_until([&] { return !slow.received.empty(); }));
  slow.connection().pause_reading();
  Peer& busy = connect();
  const std::string publish = "*3\r\n$7\r\npublish\r\n$1\r\na\r\n$100000\r\n" + std::string(100'000, 'x') + "\r\n";
  for (int i = 0; i < 300 && node_->facts().clients == 2; ++i) {
    busy.received.clear();
    busy.connection().write(publish);
    ASSERT_TRUE(run_until([&] { return busy.received.ends_with("\r\n"); }));
  }
  EXPECT_EQ(node_->facts().clients, 1U);
  // Nobody else is the worse for it.
  busy.received.clear();
  busy.connection().write("publish a x\r\n");
  ASSERT_TRUE(run_until([&] { return busy.received.ends_with("\r\n"); }));
  EXPECT_EQ(busy.received, ":0\r\n");
}

TEST_F(CacheNodeTest, WhatWasTakenIsNotCounted) {
  constexpr std::size_t size = 300'000;
  Peer& other = connect();
  other.connection().write("*3\r\n$3\r\nset\r\n$1\r\nk\r\n$300000\r\n" + std::string(size, 'x') + "\r\n");
  ASSERT_TRUE(run_until([&] { return other.received == "+OK\r\n"; }));
  other.connection().write("ping\r\n");  // what it asked for is not held any more
  ASSERT_TRUE(run_until([&] { return other.received == "+OK\r\n+PONG\r\n"; }));
  Peer& peer = connect();
  peer.connection().write("get k\r\n");
  ASSERT_TRUE(run_until([&] { return peer.received.size() > size; }));
  EXPECT_TRUE(simulation_.run_until([&] { return node_->facts().clients_memory < size / 3; }, 1s)) << node_->facts().clients_memory;
  // The same reply again, and this time it is not taken.
  peer.connection().pause_reading();
  for (int i = 0; i < 5; ++i) peer.connection().write("get k\r\n");
  EXPECT_TRUE(run_until([&] { return node_->facts().clients_memory > size; }));
  peer.connection().resume_reading();
  EXPECT_TRUE(simulation_.run_until([&] { return node_->facts().clients_memory < size / 3; }, 10s)) << node_->facts().clients_memory;
}

TEST_F(CacheNodeTest, ManyKeysThatAreDueGoAtOnce) {
  Peer& peer = connect();
  std::string requests;
  // All are due at once.
  const auto wall = clients_.world().wall_now().time_since_epoch();
  const std::string at = std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(wall).count() + 30'000);
  for (int i = 0; i < 200'000; ++i) requests += "set k" + std::to_string(i) + " v pxat " + at + "\r\n";
  peer.connection().write(requests);
  ASSERT_TRUE(run_until([&] { return node_->facts().statistics.commands == 200'000; }));
  ASSERT_TRUE(run_until([&] { return node_->facts().statistics.expired_keys > 0; }));
  EXPECT_TRUE(simulation_.run_until([&] { return node_->facts().keys == 0; }, 500ms));
}

}  // namespace
}  // namespace chorus::cache
