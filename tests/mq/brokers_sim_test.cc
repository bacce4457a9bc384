// Brokers that share a tree, on simulated machines: each NameServer knows all of them, and what was put into any.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <map>
#include <set>

#include "../client/tree_server.h"
#include "base/ensure.h"
#include "client/client.h"
#include "mq/client/client.h"
#include "mq/node.h"
#include "world/sim/simulation.h"

namespace chorus {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
namespace wire = mq::rocketmq;
using Names = std::set<std::string>;

struct BrokersSim : testing::Test {
  struct Process {
    Process(BrokersSim& test, sim::Node& machine, std::unique_ptr<mq::Node> started)
        : test(test), machine(machine), node(std::move(started)) {
      test.nodes[&machine] = node.get();
    }
    ~Process() { test.nodes.erase(&machine); }
    BrokersSim& test;
    sim::Node& machine;
    std::unique_ptr<mq::Node> node;
  };

  BrokersSim() : log("null", std::make_shared<spdlog::sinks::null_sink_st>()) {
    server = &add_tree_server(simulation, log);
    auto& asking = simulation.add_node("asking");
    asking.set_boot([](world::World&) { return std::make_shared<int>(0); });
    asking.start();
    asker = std::make_unique<mqclient::Client>(asking.world(), mqclient::ClientOptions{});
  }
  ~BrokersSim() override { asker.reset(); }

  mq::Options options_of(const sim::Node& machine, const std::string& broker) const {
    mq::Options options;
    options.name_server_address = world::Address{machine.address(), 9876};
    options.broker_address = world::Address{machine.address(), 10911};
    options.tree = server->address() + ":2181";
    options.store.directory = "/mq";
    options.store.segment_octets = 64 << 10;
    options.store.entry_octets_max = 16 << 10;
    options.store.disk_used_ratio_clean = options.store.disk_used_ratio_refuse = 2;
    options.broker.name = broker;
    return options;
  }
  sim::Node& add(const std::string& broker, const std::function<void(mq::Options&)>& set = {}) {
    auto& machine = simulation.add_node(fmt::format("machine-{}", simulation.nodes().size()));
    mq::Options options = options_of(machine, broker);
    if (set) set(options);
    machine.set_boot([this, &machine, options](world::World& world) -> std::shared_ptr<void> {
      auto node = mq::Node::start(world, options, log);
      ENSURE(node.has_value(), node.error());
      return std::make_shared<Process>(*this, machine, std::move(*node));
    });
    machine.start();
    return machine;
  }
  /// A NameServer without a broker.
  sim::Node& add_names() {
    return add("none", [](mq::Options& options) { options.broker_address.reset(); });
  }
  /// Asked every moment, as it may itself ask somebody.
  bool until(const std::function<bool()>& done) {
    const auto limit = simulation.elapsed() + 120s;
    while (!done()) {
      if (simulation.elapsed() > limit) return false;
      simulation.run_for(20ms);
    }
    return true;
  }
  void wait_ready(const std::vector<sim::Node*>& machines) {
    ASSERT_TRUE(until(
        [&] { return std::ranges::all_of(machines, [&](sim::Node* one) { return nodes.contains(one) && nodes[one]->facts().ready; }); }));
  }

  template <class T>
  mqclient::Result<T> ask(const sim::Node& machine, mqclient::Request<T> request, std::uint16_t port = 9876) {
    std::optional<mqclient::Result<T>> answer;
    asker->ask(world::Address{machine.address(), port}, std::move(request),
               mqclient::Completion<T>([&](mqclient::Result<T> result) { answer = std::move(result); }));
    EXPECT_TRUE(simulation.run_until([&] { return answer.has_value(); }, 120s));
    return std::move(*answer);
  }
  void make_topic(const sim::Node& broker, const std::string& name, std::int32_t queues = 4) {
    const auto done = ask(broker, mqclient::update_topic({.name = name, .read_queues = queues, .write_queues = queues}), 10911);
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }
  /// Names of the brokers that have the topic, as a NameServer says.
  Names brokers_of(const sim::Node& names, const std::string& topic) {
    Names brokers;
    if (const auto route = ask(names, mqclient::route_of(topic))) {
      for (const wire::QueueData& queue : route->queues) brokers.insert(queue.broker_name);
    }
    return brokers;
  }
  std::map<std::string, std::string> masters(const sim::Node& names) {
    std::map<std::string, std::string> all;
    if (const auto info = ask(names, mqclient::cluster_info())) {
      for (const auto& [name, broker] : info->brokers) all[name] = broker.addresses.at(0);
    }
    return all;
  }
  static std::string address(const sim::Node& machine) { return machine.address() + ":10911"; }

  static mqclient::Request<std::string> key_value(wire::RequestCode code, const std::string& key, std::optional<std::string> value = {}) {
    wire::Outgoing request = wire::Outgoing::request(code, 0);
    request.field("namespace", "ORDER/TOPIC").field("key", key);
    if (value) request.field("value", *value);
    return {std::move(request), [](mqclient::Incoming&& answer) -> mqclient::Result<std::string> {
              if (answer.code != 0) return std::unexpected(mqclient::refusal(answer));
              return std::string(answer.field("value").value_or(""));
            }};
  }
  std::string value_at(const sim::Node& names, const std::string& key) {
    return ask(names, key_value(wire::RequestCode::get_kv_config, key)).value_or("none");
  }

  spdlog::logger log;
  std::map<const sim::Node*, mq::Node*> nodes;  // that run
  sim::Simulation simulation{5};
  sim::Node* server = nullptr;
  std::unique_ptr<mqclient::Client> asker;
};

TEST_F(BrokersSim, EachNameServerKnowsAllOfThem) {
  auto &a = add("a"), &b = add("b"), &names = add_names();
  wait_ready({&a, &b, &names});
  make_topic(b, "of-b");
  make_topic(a, "of-both", 2);
  make_topic(b, "of-both", 3);
  for (sim::Node* one : {&a, &b, &names}) {
    ASSERT_TRUE(until([&] { return brokers_of(*one, "of-b") == Names{"b"} && brokers_of(*one, "of-both") == Names{"a", "b"}; }))
        << one->name();
    EXPECT_THAT(masters(*one), ElementsAre(Pair("a", address(a)), Pair("b", address(b))));
    EXPECT_EQ(brokers_of(*one, "TBW102"), (Names{"a", "b"})) << "topics can be made by sending to them";
    EXPECT_EQ(brokers_of(*one, "DefaultCluster"), (Names{"a", "b"}));
    const auto topics = ask(*one, mqclient::all_topics());
    ASSERT_TRUE(topics.has_value());
    EXPECT_EQ(std::ranges::count(topics->topics, "of-b"), 1);
  }
  const auto queues = ask(names, mqclient::route_of("of-both"))->queues;
  EXPECT_EQ(queues.at(0).read_queues, 2);
  EXPECT_EQ(queues.at(1).read_queues, 3);
  ASSERT_TRUE(ask(b, mqclient::delete_topic("of-both"), 10911).has_value());
  EXPECT_TRUE(until([&] { return brokers_of(a, "of-both") == Names{"a"} && brokers_of(names, "of-both") == Names{"a"}; }));
}

TEST_F(BrokersSim, OneThatDiesLeavesAndComesBack) {
  auto &a = add("a"), &b = add("b");
  wait_ready({&a, &b});
  make_topic(b, "t");
  ASSERT_TRUE(until([&] { return brokers_of(a, "t") == Names{"b"}; }));
  b.crash();
  EXPECT_TRUE(until([&] { return brokers_of(a, "t").empty(); })) << "its session is over";
  EXPECT_THAT(masters(a), ElementsAre(Pair("a", address(a))));
  b.start();
  EXPECT_TRUE(until([&] { return brokers_of(a, "t") == Names{"b"}; }));
  // Back before its session has ended: the announcement is taken over.
  b.kill();
  b.start();
  wait_ready({&b});
  EXPECT_TRUE(until([&] { return brokers_of(a, "t") == Names{"b"}; }));
  simulation.run_for(60s);
  EXPECT_EQ(brokers_of(a, "t"), Names{"b"});
}

TEST_F(BrokersSim, AStoppedOneIsGoneAtOnce) {
  auto &a = add("a"), &b = add("b");
  wait_ready({&a, &b});
  ASSERT_TRUE(until([&] { return masters(a).size() == 2; }));
  const auto before = simulation.elapsed();
  bool stopped = false;
  nodes[&b]->stop([&] { stopped = true; });
  ASSERT_TRUE(until([&] { return stopped && masters(a).size() == 1; }));
  EXPECT_LT(simulation.elapsed() - before, 3s);
}

TEST_F(BrokersSim, ANameServerThatIsCutOffKeepsWhatItKnows) {
  auto &a = add("a"), &b = add("b");
  wait_ready({&a, &b});
  make_topic(b, "t");
  ASSERT_TRUE(until([&] { return brokers_of(a, "t") == Names{"b"}; }));
  for (const auto length : {3s, 60s}) {  // within the session, and beyond it
    simulation.network().partition({&a}, {server});
    const std::string name = fmt::format("meanwhile-{}", length.count());
    make_topic(b, name);
    simulation.run_for(length);
    EXPECT_EQ(brokers_of(a, "t"), Names{"b"});
    EXPECT_THAT(brokers_of(a, name), IsEmpty());
    EXPECT_EQ(masters(a).size(), 2u) << "itself as well";
    simulation.network().heal();
    EXPECT_TRUE(until([&] { return brokers_of(a, name) == Names{"b"} && masters(b).size() == 2; }));
  }
}

TEST_F(BrokersSim, WhatABrokerForbidsIsSeenEverywhere) {
  auto &a = add("a"), &b = add("b");
  wait_ready({&a, &b});
  make_topic(b, "t");
  ASSERT_TRUE(until([&] { return brokers_of(a, "t") == Names{"b"}; }));
  wire::Outgoing request = wire::Outgoing::request(wire::RequestCode::update_broker_config, 0);
  request.body = "brokerPermission=4\nautoCreateTopicEnable=false\n";
  mqclient::Request<void> change{std::move(request), [](mqclient::Incoming&& answer) -> mqclient::Result<void> {
                                   if (answer.code != 0) return std::unexpected(mqclient::refusal(answer));
                                   return {};
                                 }};
  ASSERT_TRUE(ask(b, std::move(change), 10911).has_value());
  EXPECT_TRUE(until([&] {
    const auto route = ask(a, mqclient::route_of("t"));
    return route && route->queues.at(0).perm == wire::perm_read && brokers_of(a, "TBW102") == Names{"a"};
  }));
}

TEST_F(BrokersSim, TheSecondOfOneNameWaits) {
  auto& names = add_names();
  auto& first = add("same");
  wait_ready({&names, &first});
  ASSERT_TRUE(until([&] { return masters(names).size() == 1; }));
  auto& second = add("same");
  wait_ready({&second});
  simulation.run_for(60s);
  EXPECT_THAT(masters(names), ElementsAre(Pair("same", address(first))));
  first.crash();
  EXPECT_TRUE(until([&] { return masters(names) == std::map<std::string, std::string>{{"same", address(second)}}; }));
  first.start();
  simulation.run_for(60s);
  EXPECT_THAT(masters(names), ElementsAre(Pair("same", address(second))));
}

TEST_F(BrokersSim, NameServersShareKeysAndValues) {
  auto &names = add_names(), &others = add_names(), &broker = add("a");
  wait_ready({&names, &others, &broker});
  ASSERT_TRUE(ask(names, key_value(wire::RequestCode::put_kv_config, "t", "a:4")).has_value());
  EXPECT_EQ(value_at(names, "t"), "a:4") << "at once";
  EXPECT_TRUE(until([&] { return value_at(others, "t") == "a:4" && value_at(broker, "t") == "a:4"; }));
  ASSERT_TRUE(ask(broker, key_value(wire::RequestCode::put_kv_config, "t", "a:8")).has_value());
  ASSERT_TRUE(ask(others, key_value(wire::RequestCode::put_kv_config, "u", "b:1")).has_value());
  // Kept, whatever crashes.
  for (sim::Node* one : {&names, &others, &broker, server}) one->crash();
  server->start();
  names.start();
  wait_ready({&names});
  // Not at once: the client has a connection to who was there before.
  EXPECT_TRUE(until([&] { return value_at(names, "t") == "a:8"; }));
  ASSERT_TRUE(ask(names, key_value(wire::RequestCode::delete_kv_config, "u")).has_value());
  EXPECT_EQ(value_at(names, "u"), "none");
  others.start();
  wait_ready({&others});
  EXPECT_TRUE(until([&] { return value_at(others, "t") == "a:8"; }));
  EXPECT_EQ(value_at(others, "u"), "none");
  // Not said to be kept when it is not.
  simulation.network().partition({&names}, {server});
  simulation.run_for(30s);
  const auto refused = ask(names, key_value(wire::RequestCode::put_kv_config, "t", "lost"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, testing::HasSubstr("it cannot be kept in the tree"));
  EXPECT_EQ(value_at(names, "t"), "a:8");
  simulation.network().heal();
}

TEST_F(BrokersSim, AnAnnouncementThatIsTakenAwayIsMadeAgain) {
  auto &a = add("a"), &b = add("b");
  wait_ready({&a, &b});
  ASSERT_TRUE(until([&] { return masters(a).size() == 2; }));
  auto& machine = simulation.add_node("operator");
  machine.set_boot([](world::World&) { return std::make_shared<int>(0); });
  machine.start();
  auto options = client::options_for(server->address() + ":2181");
  client::Client tree(machine.world(), *options);
  tree.start();
  bool removed = false;
  tree.remove("/chorus/mq/DefaultCluster/b/live", -1, [&](client::Result<void> done) { removed = done.has_value(); });
  ASSERT_TRUE(until([&] { return removed; }));
  simulation.run_for(5s);
  EXPECT_TRUE(until([&] { return masters(a).size() == 2; }));
}

}  // namespace
}  // namespace chorus
