// How a node stops: with busy clients, and with a disk that fails meanwhile.
#include "coord/node.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

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

}  // namespace
}  // namespace chorus::coord
