// Nodes that follow one another on simulated machines: the shell's part, with its connections and its disk.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include "cache/node.h"
#include "cache/peer_fixture.h"
#include "world/sim/simulation.h"

namespace chorus::cache {
namespace {

using namespace std::chrono_literals;

class NodeLinks : public testing::Test {
 protected:
  struct Machine {
    sim::Node* at = nullptr;
    std::shared_ptr<Node> node;
    std::unique_ptr<Peer> peer;
  };
  NodeLinks() { clients_.start(); }
  ~NodeLinks() override {
    for (auto& machine : machines_) {
      machine->peer.reset();
      machine->node.reset();
    }
  }
  Machine& start(const std::string& name, Options options) {
    Machine& machine = *machines_.emplace_back(std::make_unique<Machine>());
    machine.at = &simulation_.add_node(name);
    options.address = world::Address{"0.0.0.0", 6379};
    options.save.points = points_;
    options.replication.sync_delay_seconds = 0;
    machine.at->set_boot([this, &machine, options](world::World& world) {
      auto node = Node::start(world, options, logger_);
      EXPECT_TRUE(node);
      machine.node = node ? std::shared_ptr<Node>(std::move(*node)) : nullptr;
      return std::shared_ptr<Node>(machine.node);
    });
    machine.at->start();
    return machine;
  }
  bool run_until(const std::function<bool()>& is_true) { return simulation_.run_until(is_true, 120s); }
  std::string ask(Machine& machine, const std::string& octets) {
    if (machine.peer == nullptr) {
      bool is_over = false;
      clients_.world().connect({machine.at->address(), 6379}, {}, [&](auto result) {
        is_over = true;
        if (result) machine.peer = std::make_unique<Peer>(std::move(*result));
      });
      EXPECT_TRUE(run_until([&] { return is_over; }));
      if (machine.peer == nullptr) return {};
    }
    machine.peer->received.clear();
    machine.peer->connection().write(octets);
    EXPECT_TRUE(run_until([&] { return machine.peer->received.ends_with("\r\n"); }));
    return machine.peer->received;
  }
  void fill(Machine& machine, std::size_t octets_each = 100'000) {
    for (int i = 0; i < 20; ++i) {
      const std::string value(octets_each, static_cast<char>('a' + i));
      EXPECT_EQ(ask(machine, fmt::format("*3\r\n$3\r\nset\r\n$3\r\nk{:02}\r\n${}\r\n{}\r\n", i, value.size(), value)), "+OK\r\n");
    }
    EXPECT_EQ(ask(machine, "config set rdbcompression no\r\n"), "+OK\r\n");
  }
  bool has_all(Machine& replica) { return replica.node->facts().is_primary_up && replica.node->facts().keys == 20; }

  spdlog::logger logger_{"cache", std::make_shared<spdlog::sinks::null_sink_st>()};
  sim::Simulation simulation_{1};
  sim::Node& clients_ = simulation_.add_node("clients");
  std::vector<std::unique_ptr<Machine>> machines_;
  std::string points_;
};

struct Deaf final : world::ConnectionHandler {
  void on_data(std::string_view) override {}
  void on_closed(const world::NetError&) override {}
};

TEST_F(NodeLinks, FollowsFromTheStartAndAfterACrash) {
  Machine& primary = start("primary", {});
  fill(primary);
  Options options;
  options.replication.primary = primary.at->address() + " 6379";
  Machine& replica = start("replica", options);
  ASSERT_TRUE(run_until([&] { return has_all(replica) && primary.node->facts().replicas_online == 1; }));
  ask(primary, "append k00 more\r\n");
  EXPECT_EQ(ask(primary, "wait 1 0\r\n"), ":1\r\n");
  EXPECT_EQ(ask(replica, "strlen k00\r\n"), ":100004\r\n");
  replica.peer.reset();
  replica.node.reset();
  replica.at->crash();
  ASSERT_TRUE(run_until([&] { return primary.node->facts().replicas == 0; }));
  replica.at->start();
  ASSERT_TRUE(run_until([&] { return replica.node != nullptr && has_all(replica); }));
  EXPECT_EQ(primary.node->facts().full_syncs, 2U);
  // And the primary goes: what is here stays.
  primary.peer.reset();
  primary.node.reset();
  primary.at->crash();
  ASSERT_TRUE(run_until([&] { return !replica.node->facts().is_primary_up; }));
  EXPECT_EQ(ask(replica, "dbsize\r\n"), ":20\r\n");
}

TEST_F(NodeLinks, ThroughAFileThatCannotBeWrittenAtFirst) {
  Options by_file;
  by_file.replication.is_diskless = false;
  Machine& primary = start("primary", by_file);
  fill(primary);
  primary.at->fail_disk(true);
  Options options;
  options.replication.primary = primary.at->address() + " 6379";
  Machine& replica = start("replica", options);
  ASSERT_TRUE(run_until([&] { return primary.node->facts().full_syncs >= 3; }));  // it comes again and again
  EXPECT_FALSE(replica.node->facts().is_primary_up);
  EXPECT_EQ(ask(primary, "strlen k01\r\n"), ":100000\r\n");
  primary.at->fail_disk(false);
  ASSERT_TRUE(run_until([&] { return has_all(replica); }));
  EXPECT_TRUE(run_until([&] { return !primary.at->world().files().exists("chorus-data/cache/temp-sync.rdb"); }));
}

TEST_F(NodeLinks, ASlowReplicaHoldsUpNobody) {
  points_ = "1 1";
  Machine& primary = start("primary", {});
  fill(primary, 1'000'000);
  bool is_connected = false;
  std::unique_ptr<world::Connection> slow;
  clients_.world().connect({primary.at->address(), 6379}, {}, [&](auto result) {
    is_connected = true;
    if (result) slow = std::move(*result);
  });
  ASSERT_TRUE(run_until([&] { return is_connected; }));
  ASSERT_NE(slow, nullptr);
  Deaf deaf;
  slow->start(deaf);
  slow->pause_reading();
  slow->write("replconf capa eof\r\n");
  simulation_.run_for(1s);
  slow->resume_reading();
  simulation_.run_for(1s);
  slow->pause_reading();
  slow->write("psync ? -1\r\n");
  simulation_.run_for(5s);
  // No more of the snapshot is made than what lies before the replica; others are served.
  EXPECT_LT(primary.node->facts().clients_memory, 4U << 20);
  EXPECT_EQ(primary.node->facts().replicas, 1U);
  EXPECT_EQ(primary.node->facts().replicas_online, 0U);
  EXPECT_EQ(ask(primary, "strlen k01\r\n"), ":1000000\r\n");
  // The end does not wait for it, and what save points promise is kept.
  const auto& save = primary.node->facts().save;
  const std::uint64_t saves = save.saves;
  ask(primary, "set last v\r\n");
  bool is_stopped = false;
  primary.node->stop([&] { is_stopped = true; });
  ASSERT_TRUE(run_until([&] { return is_stopped; }));
  EXPECT_EQ(primary.node->facts().save.saves, saves + 1);
  EXPECT_EQ(primary.node->facts().save.changes, 0U);
}

TEST_F(NodeLinks, WhoTakesNothingIsGivenUp) {
  Machine& primary = start("primary", {});
  fill(primary);
  std::unique_ptr<world::Connection> slow;
  clients_.world().connect({primary.at->address(), 6379}, {}, [&](auto result) { slow = std::move(*result); });
  ASSERT_TRUE(run_until([&] { return slow != nullptr; }));
  Deaf deaf;
  slow->start(deaf);
  slow->pause_reading();
  slow->write("psync ? -1\r\n");
  ASSERT_TRUE(run_until([&] { return primary.node->facts().replicas == 1; }));
  ASSERT_TRUE(run_until([&] { return primary.node->facts().replicas == 0; }));
}

}  // namespace
}  // namespace chorus::cache
