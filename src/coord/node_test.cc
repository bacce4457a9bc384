// How a node stops: with busy clients, and with a disk that fails meanwhile.
#include "coord/node.h"

#include "coord/member_fixture.h"

namespace chorus::coord {
namespace {

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
