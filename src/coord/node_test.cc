// How a node stops: with busy clients, and with a disk that fails meanwhile. Which members of an ensemble take clients.
#include "coord/node.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <map>
#include <vector>

#include "jute/records.h"
#include "world/sim/simulation.h"

namespace chorus::coord {
namespace {

using namespace std::chrono_literals;

// Writes whether it is answered or not, faster than the disk syncs, so that the server always has something to write.
struct BusyClient final : world::ConnectionHandler {
  BusyClient(world::World& w, std::unique_ptr<world::Connection> c) : world(w), connection(std::move(c)) {
    connection->start(*this);
    send(jute::encode(jute::ConnectRequest{0, 0, 10'000, 0, std::string(16, '\0')}) + '\0');
    write();
  }
  ~BusyClient() override { world.cancel(timer); }
  void send(const std::string& body) {
    std::string octets;
    base::Writer(octets).u32(static_cast<std::uint32_t>(body.size()));
    connection->write(octets + body);
  }
  void write() {
    send(jute::encode(jute::RequestHeader{++xid, static_cast<std::int32_t>(jute::OpCode::set_data)}) +
         jute::encode(jute::SetDataRequest{"/", "x", -1}));
    timer = world.after(5us, [this] { write(); });
  }
  void on_data(std::string_view octets) override {
    input += octets;
    for (;;) {
      base::Reader in(input);
      in.octets(in.u32());
      if (!in.ok()) return;
      input.erase(0, in.offset());
      ++replies;
    }
  }
  void on_closed(const world::NetError&) override { closed = true; }

  world::World& world;
  std::unique_ptr<world::Connection> connection;
  world::TimerId timer;
  std::string input;
  std::int32_t xid = 0;
  int replies = 0;
  bool closed = false;
};

class NodeStops : public testing::Test {
 protected:
  NodeStops() {
    machine_.set_boot([this](world::World& world) {
      Options options;
      options.client_address = world::Address{"0.0.0.0", 2181};
      options.data_dir = "/data";
      options.pre_alloc_size_kb = 64;
      auto node = Node::start(world, options, logger_);
      EXPECT_TRUE(node);
      if (!node) return std::shared_ptr<Node>();
      node_ = std::shared_ptr<Node>(std::move(*node));
      node_->on_failure([this](const std::string&) { failed_ = true; });
      return node_;
    });
    machine_.start();
    clients_.start();
    clients_.world().connect({machine_.address(), 2181}, {}, [this](auto result) {
      ASSERT_TRUE(result);
      client_ = std::make_unique<BusyClient>(clients_.world(), std::move(*result));
    });
    EXPECT_TRUE(simulation_.run_until([this] { return client_ && client_->replies > 1000; }, 60s));
  }
  ~NodeStops() override {
    client_.reset();
    node_.reset();
  }

  spdlog::logger logger_{"server", std::make_shared<spdlog::sinks::null_sink_st>()};
  sim::Simulation simulation_{1, {.disk = {.sync_min = 2ms, .sync_max = 3ms}}};
  sim::Node& machine_ = simulation_.add_node("server");
  sim::Node& clients_ = simulation_.add_node("clients");
  std::shared_ptr<Node> node_;
  std::unique_ptr<BusyClient> client_;
  bool failed_ = false;
  bool stopped_ = false;
};

TEST_F(NodeStops, AlthoughItsClientsGoOnWriting) {
  node_->stop([this] { stopped_ = true; });
  EXPECT_TRUE(simulation_.run_until([this] { return stopped_; }, 10s));
  EXPECT_TRUE(simulation_.run_until([this] { return client_->closed; }, 10s));
  EXPECT_FALSE(failed_);
}

TEST_F(NodeStops, AlthoughItsDiskFailsMeanwhile) {
  ASSERT_TRUE(simulation_.run_until([this] { return node_->server().has_unpersisted(); }, 10s));
  machine_.fail_disk(true);
  node_->stop([this] { stopped_ = true; });
  EXPECT_TRUE(simulation_.run_until([this] { return stopped_; }, 10s));
  EXPECT_TRUE(failed_);
}

class Members : public testing::Test {
 protected:
  explicit Members(bool leader_serves = true) {
    for (const zab::ServerId id : {1, 2, 3}) machines_.push_back(&simulation_.add_node(fmt::format("server{}", id)));
    Options options;
    options.client_address = world::Address{"0.0.0.0", 2181};
    options.data_dir = "/data";
    options.pre_alloc_size_kb = 64;
    options.ensemble.leader_serves = leader_serves;
    for (const zab::ServerId id : {1, 2, 3}) {
      const std::string& host = machine(id).address();
      options.ensemble.members.members[id] = {.quorum_addresses = {{host, 2888}}, .election_addresses = {{host, 3888}}};
    }
    for (const zab::ServerId id : {1, 2, 3}) {
      options.server_id = id;
      machine(id).set_boot([this, options, id](world::World& world) {
        auto node = Node::start(world, options, logger_);
        EXPECT_TRUE(node);
        nodes_[id] = node ? std::shared_ptr<Node>(std::move(*node)) : nullptr;
        return nodes_[id];
      });
      machine(id).start();
    }
    clients_.start();
    EXPECT_TRUE(simulation_.run_until([this] { return leader() != 0 && nodes_[1]->is_serving() && nodes_[2]->is_serving(); }, 60s));
  }
  ~Members() override {
    client_.reset();
    nodes_.clear();
  }
  sim::Node& machine(zab::ServerId id) { return *machines_[static_cast<std::size_t>(id) - 1]; }
  zab::ServerId leader() {
    for (const auto& [id, node] : nodes_) {
      if (node->is_serving() && node->server().role() == Serve::Role::leader) return id;
    }
    return 0;
  }
  void connect(zab::ServerId id) {
    clients_.world().connect({machine(id).address(), 2181}, {}, [this](auto result) {
      ASSERT_TRUE(result);
      client_ = std::make_unique<BusyClient>(clients_.world(), std::move(*result));
    });
  }

  spdlog::logger logger_{"server", std::make_shared<spdlog::sinks::null_sink_st>()};
  sim::Simulation simulation_{1};
  std::vector<sim::Node*> machines_;
  sim::Node& clients_ = simulation_.add_node("clients");
  std::map<zab::ServerId, std::shared_ptr<Node>> nodes_;
  std::unique_ptr<BusyClient> client_;
};

TEST_F(Members, EachTakesWrites) {
  for (const zab::ServerId id : {1, 2, 3}) {
    connect(id);
    EXPECT_TRUE(simulation_.run_until([this] { return client_ && client_->replies > 100; }, 60s)) << id;
    client_.reset();
  }
}

struct LeaderOnly : Members {
  LeaderOnly() : Members(false) {}
};

TEST_F(LeaderOnly, TakesNoClients) {
  ASSERT_EQ(leader(), 3);
  connect(3);
  EXPECT_TRUE(simulation_.run_until([this] { return client_ && client_->closed; }, 60s));
  EXPECT_EQ(client_->replies, 0);
  client_.reset();
  connect(1);
  EXPECT_TRUE(simulation_.run_until([this] { return client_ && client_->replies > 100; }, 60s));
}

}  // namespace
}  // namespace chorus::coord
