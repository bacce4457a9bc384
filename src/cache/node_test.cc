// The server on simulated machines: what its connections hold.
#include "cache/node.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include "cache/peer_fixture.h"
#include "world/sim/simulation.h"

namespace chorus::cache {
namespace {

using namespace std::chrono_literals;

class CacheNodeTest : public testing::Test {
 protected:
  CacheNodeTest() {
    machine_.set_boot([this](world::World& world) {
      Options options;
      options.address = world::Address{"0.0.0.0", 6379};
      options.pubsub_output.hard = 4U << 20;
      options.save = {.directory = "data", .points = ""};
      options.debug_access = ProtectedAccess::yes;
      if (has_users_) {
        options.acl_file = "users.acl";
        if (!world.files().exists(options.acl_file))
          EXPECT_TRUE(world::write_file(world.files(), options.acl_file, "user alice on nopass +@all ~*\n"));
      }
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

  /// What comes for an inline line, line ends as '|'.
  std::string ask(Peer& peer, const std::string& line, std::string_view end = "\r\n") {
    peer.received.clear();
    peer.say(line);
    EXPECT_TRUE(run_until([&] { return peer.received.ends_with(end) || peer.is_closed; }));
    std::string text = peer.received;
    for (std::size_t at = 0; (at = text.find("\r\n", at)) != std::string::npos;) text.replace(at, 2, "|");
    return text;
  }

  bool has_users_ = false;
  spdlog::logger logger_{"cache", std::make_shared<spdlog::sinks::null_sink_st>()};
  sim::Simulation simulation_{1};
  sim::Node& machine_ = simulation_.add_node("server");
  sim::Node& clients_ = simulation_.add_node("clients");
  std::shared_ptr<Node> node_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

TEST_F(CacheNodeTest, UsersOutliveTheProcess) {
  has_users_ = true;
  node_.reset();
  machine_.kill();
  machine_.start();
  Peer& peer = connect();
  EXPECT_EQ(ask(peer, "acl users", "default\r\n"), "*2|$5|alice|$7|default|");
  EXPECT_EQ(ask(peer, "acl setuser bob on nopass +get ~*"), "+OK|");
  EXPECT_EQ(ask(peer, "acl deluser alice"), ":1|");
  EXPECT_EQ(ask(peer, "acl save"), "+OK|");
  node_.reset();
  machine_.crash();
  machine_.start();
  Peer& other = connect();
  EXPECT_EQ(ask(other, "acl users", "default\r\n"), "*2|$3|bob|$7|default|");
  EXPECT_EQ(ask(other, "acl setuser carol on"), "+OK|");
  EXPECT_EQ(ask(other, "acl load"), "+OK|");
  EXPECT_EQ(ask(other, "acl users", "default\r\n"), "*2|$3|bob|$7|default|");
}

TEST_F(CacheNodeTest, DataIsReadAgainWhileClientsWait) {
  Peer& peer = connect();
  Peer& other = connect();
  EXPECT_EQ(ask(peer, "rpush l a b c"), ":3|");
  EXPECT_EQ(ask(peer, "select 3"), "+OK|");
  EXPECT_EQ(ask(peer, "set k v ex 1000"), "+OK|");
  const std::string digest = ask(peer, "debug digest");
  peer.received.clear();
  peer.say("debug reload");
  ASSERT_TRUE(run_until([&] { return node_->facts().is_saving; }));
  other.received.clear();
  other.say("rpush l d");
  ASSERT_TRUE(run_until([&] { return !other.received.empty() && !peer.received.empty(); }));
  EXPECT_EQ(peer.received, "+OK\r\n");
  EXPECT_EQ(other.received, ":4\r\n");
  EXPECT_EQ(ask(other, "lrange l 0 -1", "d\r\n"), "*4|$1|a|$1|b|$1|c|$1|d|");
  EXPECT_EQ(ask(other, "rpop l", "d\r\n"), "$1|d|");
  EXPECT_EQ(ask(other, "llen l"), ":3|");
  EXPECT_EQ(ask(peer, "debug digest"), digest);
  // From the file that is there.
  EXPECT_EQ(ask(peer, "set new v"), "+OK|");
  EXPECT_EQ(ask(peer, "debug reload noflush nosave"), "-ERR Error trying to load the RDB dump|") << "keys of the file are there";
  EXPECT_EQ(ask(peer, "debug reload noflush nosave merge"), "+OK|");
  EXPECT_EQ(ask(peer, "exists new k"), ":2|");
  EXPECT_EQ(ask(peer, "debug reload nosave"), "+OK|");
  EXPECT_EQ(ask(peer, "exists new k"), ":1|");
  EXPECT_EQ(ask(peer, "debug digest"), digest);
  EXPECT_EQ(ask(peer, "debug reload bogus"), "-ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.|");
}

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
