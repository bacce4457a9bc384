// A node of a cluster whose process stands still between a write and its acknowledgement.
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include "../client/tree_server.h"
#include "cache/node.h"
#include "cache_client.h"

namespace chorus::cache_sim {
namespace {

using namespace std::chrono_literals;

/// Its clock stands far ahead from the second look at it on.
class StallingWorld final : public world::World {
 public:
  explicit StallingWorld(world::World& inner) : inner_(inner) {}
  void stall() { looks_ = 1; }
  int ticks = 0;

  world::Instant now() override {
    if (looks_ == 0) return inner_.now();
    return inner_.now() + (looks_++ > 1 ? 3600s : 0s);
  }
  world::WallTime wall_now() override { return inner_.wall_now(); }
  base::Random& random() override { return inner_.random(); }
  world::TimerId after(world::Duration delay, world::Callback callback) override {
    if (delay == 100ms) ++ticks;
    return inner_.after(delay, std::move(callback));
  }
  void cancel(world::TimerId timer) override { inner_.cancel(timer); }
  void post(world::Callback callback) override { inner_.post(std::move(callback)); }
  world::NetResult<std::unique_ptr<world::Listener>> listen(const world::Address& address, const world::ListenOptions& options,
                                                            world::OnAccept on_accept) override {
    return inner_.listen(address, options, std::move(on_accept));
  }
  void connect(const world::Address& address, const world::ConnectOptions& options, world::OnConnect on_connect) override {
    inner_.connect(address, options, std::move(on_connect));
  }
  world::Files& files() override { return inner_.files(); }
  void run_on_disk(world::Callback job, world::Callback done) override { inner_.run_on_disk(std::move(job), std::move(done)); }
  void run_in_background(world::Callback job, world::Callback done) override { inner_.run_in_background(std::move(job), std::move(done)); }

 private:
  world::World& inner_;
  int looks_ = 0;
};

struct Life {
  explicit Life(world::World& inner) : world(inner) {}
  StallingWorld world;
  std::unique_ptr<cache::Node> node;
};

TEST(CacheLease, WhatIsAcknowledgedTooLateIsNotAcknowledged) {
  spdlog::logger log{"cache", std::make_shared<spdlog::sinks::null_sink_st>()};
  sim::Simulation simulation(1);
  sim::Node& server = add_tree_server(simulation, log);
  sim::Node& machine = simulation.add_node("cache");
  sim::Node& outside = simulation.add_node("outside");
  Life* life = nullptr;
  machine.set_boot([&](world::World& world) -> std::shared_ptr<void> {
    auto made = std::make_shared<Life>(world);
    cache::Options options;
    options.address = world::Address{machine.address(), 6379};
    options.tree = server.address() + ":2181";
    options.cluster_config_file.clear();
    options.cluster.enabled = true;
    auto node = cache::Node::start(made->world, std::move(options), log);
    ENSURE(node.has_value(), node.error());
    made->node = std::move(*node);
    life = made.get();
    return made;
  });
  outside.set_boot([](world::World&) { return std::make_shared<int>(0); });
  machine.start();
  outside.start();
  auto client = std::make_unique<RedisConnection>(outside.world(), world::Address{machine.address(), 6379}, 60s);
  const auto ask = [&](const std::vector<std::string>& words) {
    std::optional<std::optional<std::string>> reply;
    client->ask(words, [&](std::optional<std::string> came) { reply = std::move(came); });
    EXPECT_TRUE(simulation.run_until([&] { return reply.has_value(); }, 90s));
    return reply.value_or("nothing came").value_or("broken off");
  };
  ASSERT_TRUE(simulation.run_until([&] { return life->node->facts().in_cluster; }, 10s));
  EXPECT_EQ(ask({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"}), "+OK\r\n");
  ASSERT_TRUE(simulation.run_until([&] { return life->node->facts().cluster_ok; }, 10s));
  EXPECT_EQ(ask({"SET", "a", "1"}), "+OK\r\n");
  // Not just before a tick, which would be the first to look.
  ASSERT_TRUE(simulation.run_until([&, before = life->world.ticks] { return life->world.ticks > before; }, 1s));
  life->world.stall();
  EXPECT_EQ(ask({"SET", "a", "2"}), "broken off");
  EXPECT_EQ(ask({"SET", "a", "3"}).substr(0, 12), "-CLUSTERDOWN");
  client.reset();
}

}  // namespace
}  // namespace chorus::cache_sim
