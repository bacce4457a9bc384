// The RocketMQ client against our broker in simulated machines.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <charconv>
#include <cstdlib>
#include <map>
#include <set>

#include "base/ensure.h"
#include "coord/node.h"
#include "mq/client/outbox.h"
#include "mq/client/producer.h"
#include "mq/client/push_consumer.h"
#include "mq/node.h"
#include "world/sim/simulation.h"

namespace chorus {
namespace {

using namespace std::chrono_literals;
using mqclient::Client;
using mqclient::Message;
using mqclient::Outcome;
using mqclient::Producer;
using mqclient::PushConsumer;
using mqclient::Received;
using mqclient::Sent;
using mqclient::Verdict;

/// Coordination and messaging in one process, as `chorus serve` has them.
struct Served {
  Served(world::World& world, const std::string& address, spdlog::logger& log) {
    coord::Options coord_options;
    coord_options.client_address = world::Address{address, 2181};
    coord_options.pre_alloc_size_kb = 64;
    auto coord_node = coord::Node::start(world, coord_options, log);
    ENSURE(coord_node.has_value(), coord_node.error().message);
    coord = std::move(*coord_node);
    mq::Options options;
    options.name_server_address = world::Address{address, 9876};
    options.broker_address = world::Address{address, 10911};
    options.tree = address + ":2181";
    options.store.directory = "mq";
    options.store.segment_octets = 1 << 20;
    options.broker.transaction_timeout = 2s;
    options.broker.transaction_check_interval = 1s;
    auto mq_node = mq::Node::start(world, options, log);
    ENSURE(mq_node.has_value(), mq_node.error());
    mq = std::move(*mq_node);
  }
  std::unique_ptr<coord::Node> coord;
  std::unique_ptr<mq::Node> mq;
};

struct Cluster {
  explicit Cluster(std::uint64_t seed) : simulation(seed), log("null", std::make_shared<spdlog::sinks::null_sink_st>()) {
    server = &simulation.add_node("server");
    server->set_boot([this](world::World& world) -> std::shared_ptr<void> {
      auto life = std::make_shared<Served>(world, server->address(), log);
      served = life;
      return life;
    });
    server->start();
    ENSURE(simulation.run_until([&] { return is_serving(); }, 60s));
  }
  bool is_serving() const {
    const auto life = served.lock();
    return life && life->mq->is_serving();
  }
  sim::Node& machine(const std::string& name) {
    auto& machine = simulation.add_node(name);
    machine.set_boot([](world::World&) { return std::make_shared<int>(0); });
    machine.start();
    return machine;
  }
  std::unique_ptr<Client> client(sim::Node& machine) {
    return std::make_unique<Client>(machine.world(),
                                    mqclient::ClientOptions{.name_servers = {{server->address(), 9876}}, .id = machine.address() + "@1"});
  }
  bool until(const std::function<bool()>& done, world::Duration limit = 120s) { return simulation.run_until(done, limit); }
  /// Waits for one completion.
  template <class T>
  mqclient::Result<T> wait_for(const std::function<void(mqclient::Completion<T>)>& start) {
    std::optional<mqclient::Result<T>> result;
    start([&](mqclient::Result<T> each) { result = std::move(each); });
    ENSURE(until([&] { return result.has_value(); }));
    return std::move(*result);
  }

  sim::Simulation simulation;
  spdlog::logger log;
  sim::Node* server = nullptr;
  std::weak_ptr<Served> served;
};

Message message(const std::string& body) { return {.topic = "T", .body = body, .properties = {}}; }

/// A consumer that keeps what it was given.
struct Gatherer {
  Gatherer(Client& client, mqclient::ConsumerOptions options, std::function<Verdict(const Received&)> judge = {})
      : consumer(client, std::move(options), [this, judge = std::move(judge)](std::vector<Received> some, PushConsumer::Tell tell) {
          Verdict verdict = Verdict::consumed;
          for (Received& each : some) {
            if (judge && judge(each) == Verdict::later) verdict = Verdict::later;
            bodies.insert(each.body);
            all.push_back(std::move(each));
          }
          tell(verdict);
        }) {}
  PushConsumer consumer;
  std::vector<Received> all;
  std::multiset<std::string> bodies;
};
mqclient::ConsumerOptions from_first(const std::string& group) {
  return {.group = group, .from = mqclient::wire::ConsumeFromWhere::first_offset};
}

TEST(MqClient, ConsumesWhatWasSent) {
  Cluster cluster(1);
  auto& machine = cluster.machine("client");
  const auto client = cluster.client(machine);
  Producer producer(*client, {.group = "P"});
  std::size_t stored = 0;
  std::set<int> queues;
  for (int i = 0; i < 100; ++i) {
    producer.send(message(std::to_string(i)), [&](mqclient::Result<Sent> sent) {
      ASSERT_TRUE(sent) << sent.error().message;
      ++stored;
      queues.insert(sent->queue.queue_id);
      EXPECT_EQ(sent->unique_id.size(), 32U);
    });
  }
  ASSERT_TRUE(cluster.until([&] { return stored == 100; }));
  EXPECT_GT(queues.size(), 1U);
  const auto batch = cluster.wait_for<Sent>([&](auto done) { producer.send_batch({message("a"), message("b")}, std::move(done)); });
  ASSERT_TRUE(batch) << batch.error().message;
  const auto oneway = cluster.wait_for<Sent>([&](auto done) { producer.send_oneway(message("c"), std::move(done)); });
  ASSERT_TRUE(oneway);
  EXPECT_EQ(cluster.wait_for<Sent>([&](auto done) { producer.send(message(""), std::move(done)); }).error().code, mqclient::Code::invalid);

  Gatherer gatherer(*client, from_first("G"));
  gatherer.consumer.subscribe("T");
  gatherer.consumer.start();
  ASSERT_TRUE(cluster.until([&] { return gatherer.all.size() >= 103; })) << gatherer.all.size();
  EXPECT_EQ(std::set(gatherer.bodies.begin(), gatherer.bodies.end()).size(), 103U);
  cluster.simulation.run_for(1s);  // verdicts are worked off
  bool stopped = false;
  gatherer.consumer.stop([&] { stopped = true; });
  ASSERT_TRUE(cluster.until([&] { return stopped; }));

  // What was consumed is committed: the next member of the group begins behind it.
  const auto other = cluster.client(cluster.machine("other"));
  Gatherer next(*other, from_first("G"));
  next.consumer.subscribe("T");
  next.consumer.start();
  ASSERT_TRUE(cluster.until([&] { return !next.consumer.queues().empty(); }));
  std::size_t more = 0;
  producer.send(message("more"), [&](mqclient::Result<Sent> sent) { more += sent.has_value(); });
  ASSERT_TRUE(cluster.until([&] { return !next.all.empty(); }));
  EXPECT_EQ(next.all.front().body, "more");
  EXPECT_EQ(next.all.size(), 1U);
}

TEST(MqClient, MembersShareTheQueues) {
  Cluster cluster(2);
  const auto first = cluster.client(cluster.machine("first")), second = cluster.client(cluster.machine("second"));
  Producer producer(*first, {.group = "P"});
  ASSERT_TRUE(cluster.wait_for<Sent>([&](auto done) { producer.send(message("x"), std::move(done)); }));
  Gatherer one(*first, from_first("G"));
  auto two = std::make_unique<Gatherer>(*second, from_first("G"));
  one.consumer.subscribe("T"), two->consumer.subscribe("T");
  one.consumer.start(), two->consumer.start();
  const auto share = [](const PushConsumer& consumer) {
    const auto queues = consumer.queues();
    return std::ranges::count_if(queues, [](const mqclient::Queue& each) { return each.topic == "T"; });
  };
  ASSERT_TRUE(cluster.until([&] { return share(one.consumer) == 2 && share(two->consumer) == 2; }))
      << share(one.consumer) << " " << share(two->consumer);
  bool left = false;
  two->consumer.stop([&] { left = true; });
  // The one who stays is told, and does not wait for its turn.
  ASSERT_TRUE(cluster.until([&] { return left && share(one.consumer) == 4; }, 10s)) << share(one.consumer);
}

TEST(MqClient, WhatFailsComesAgainAndIsPutAsideInTheEnd) {
  Cluster cluster(3);
  const auto client = cluster.client(cluster.machine("client"));
  Producer producer(*client, {.group = "P"});
  ASSERT_TRUE(cluster.wait_for<Sent>([&](auto done) { producer.send(message("bad"), std::move(done)); }));
  auto options = from_first("G");
  options.reconsume_max = 2;
  Gatherer gatherer(*client, options, [](const Received&) { return Verdict::later; });
  gatherer.consumer.subscribe("T");
  gatherer.consumer.start();
  ASSERT_TRUE(cluster.until([&] { return gatherer.all.size() == 3; }, 300s)) << gatherer.all.size();
  EXPECT_EQ(gatherer.all[2].reconsume_times, 2);
  EXPECT_EQ(gatherer.all[2].topic, "T");
  EXPECT_EQ(gatherer.all[2].id(), gatherer.all[0].id());
  const mqclient::Queue dead{.topic = "%DLQ%G", .broker_name = "chorus", .queue_id = 0};
  std::optional<std::int64_t> end;
  const bool put_aside = cluster.until(
      [&] {
        client->forget_route(dead.topic);
        client->ask_broker_of<std::int64_t>(dead, mqclient::max_offset(dead), [&](mqclient::Result<std::int64_t> offset) {
          if (offset) end = *offset;
        });
        cluster.simulation.run_for(1s);
        return end == 1;
      },
      60s);
  EXPECT_TRUE(put_aside);
}

TEST(MqClient, KeepsTheOrderOfAQueue) {
  Cluster cluster(4);
  const auto client = cluster.client(cluster.machine("client"));
  Producer producer(*client, {.group = "P"});
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(cluster.wait_for<Sent>([&](auto done) { producer.send_by_key(message(std::to_string(i)), "key", std::move(done)); }));
  }
  auto options = from_first("G");
  options.in_order = true;
  std::map<std::string, int> tries;
  Gatherer gatherer(*client, options,
                    [&](const Received& each) { return ++tries[each.body] == 1 && each.body == "7" ? Verdict::later : Verdict::consumed; });
  gatherer.consumer.subscribe("T");
  gatherer.consumer.start();
  ASSERT_TRUE(cluster.until([&] { return gatherer.all.size() == 31; })) << gatherer.all.size();
  std::vector<std::string> got, want;
  for (const Received& each : gatherer.all) got.push_back(each.body);
  for (int i = 0; i < 30; ++i) {
    want.push_back(std::to_string(i));
    if (i == 7) want.emplace_back("7");
  }
  EXPECT_EQ(got, want);
}

TEST(MqClient, TransactionsEndAsTheLocalOnesDo) {
  Cluster cluster(5);
  const auto client = cluster.client(cluster.machine("client"));
  Producer producer(*client, {.group = "P"});
  std::map<std::string, Outcome> answers{{"asked-commit", Outcome::commit}, {"asked-rollback", Outcome::rollback}};
  int checks = 0;
  producer.on_check([&](const Received& half, const std::string& id, Producer::Tell tell) {
    ++checks;
    EXPECT_EQ(half.topic, "T");
    EXPECT_EQ(half.id(), id);
    tell(answers.at(half.body));
  });
  Gatherer gatherer(*client, from_first("G"));
  gatherer.consumer.subscribe("T");
  gatherer.consumer.start();
  const auto send = [&](const std::string& body, Outcome outcome) {
    const auto sent = cluster.wait_for<Producer::InTransaction>([&](auto done) {
      producer.send_in_transaction(
          message(body), [outcome](const Message&, const std::string&, Producer::Tell tell) { tell(outcome); }, std::move(done));
    });
    ASSERT_TRUE(sent) << sent.error().message;
    EXPECT_EQ(sent->outcome, outcome);
  };
  send("committed", Outcome::commit);
  send("rolled-back", Outcome::rollback);
  send("asked-commit", Outcome::unknown);
  send("asked-rollback", Outcome::unknown);
  ASSERT_TRUE(cluster.until([&] { return gatherer.bodies.contains("committed") && gatherer.bodies.contains("asked-commit"); }));
  cluster.simulation.run_for(20s);
  EXPECT_EQ(gatherer.bodies, (std::multiset<std::string>{"asked-commit", "committed"}));
  EXPECT_EQ(checks, 2);
}

TEST(MqClient, AnotherProducerAnswersForOneThatDied) {
  Cluster cluster(6);
  auto& dying = cluster.machine("dying");
  auto dead_client = cluster.client(dying);
  auto dead = std::make_unique<Producer>(*dead_client, mqclient::ProducerOptions{.group = "P"});
  bool half_is_stored = false;
  dead->send_in_transaction(
      message("orphan"), [&](const Message&, const std::string&, const Producer::Tell&) { half_is_stored = true; }, [](const auto&) {});
  ASSERT_TRUE(cluster.until([&] { return half_is_stored; }));
  dead.reset(), dead_client.reset();
  dying.crash();

  const auto client = cluster.client(cluster.machine("client"));
  Producer producer(*client, {.group = "P"});
  std::string asked;
  producer.on_check([&](const Received& half, const std::string&, Producer::Tell tell) {
    asked = half.body;
    tell(Outcome::commit);
  });
  Gatherer gatherer(*client, from_first("G"));
  gatherer.consumer.subscribe("T");
  gatherer.consumer.start();
  client->route("T", [](const auto&) {});
  ASSERT_TRUE(cluster.until([&] { return gatherer.bodies.contains("orphan"); }));
  EXPECT_EQ(asked, "orphan");
}

TEST(MqClient, OutboxFollowsTheDatabase) {
  Cluster cluster(7);
  const auto client = cluster.client(cluster.machine("client"));
  Producer producer(*client, {.group = "P"});
  std::set<std::string> rows;  // the table
  bool database_is_up = true;
  int lookups = 0;
  mqclient::Outbox outbox(*client, producer,
                          [&](const std::string& id, mqclient::Outbox::Committed tell) {
                            ++lookups;
                            tell(database_is_up ? std::optional(rows.contains(id)) : std::nullopt);
                          },
                          {.work_max = 10s});
  ASSERT_TRUE(cluster.wait_for<Sent>([&](auto done) { producer.send(message("first"), std::move(done)); }));
  Gatherer gatherer(*client, from_first("G"));
  gatherer.consumer.subscribe("T");
  gatherer.consumer.start();
  const auto send = [&](const std::string& body, bool writes, std::optional<bool> says) {
    ASSERT_TRUE(cluster.wait_for<Producer::InTransaction>([&](auto done) {
      outbox.send(
          message(body),
          [&, writes, says](const std::string& id, mqclient::Outbox::Committed tell) {
            if (writes) rows.insert(id);
            tell(says);
          },
          std::move(done));
    }));
  };
  send("written", true, true);
  send("failed", false, false);
  send("written, but nobody said so", true, std::nullopt);
  database_is_up = false;
  send("not written, and nobody said so", false, std::nullopt);
  mqclient::Outbox::Committed late;
  outbox.send(
      message("late"),
      [&](const std::string& id, mqclient::Outbox::Committed tell) {
        rows.insert(id);
        late = std::move(tell);
      },
      [](const auto&) {});
  ASSERT_TRUE(cluster.until([&] { return gatherer.bodies.contains("written"); }));
  cluster.simulation.run_for(5s);
  EXPECT_EQ(gatherer.bodies.size(), 2U) << "the database could not be asked";
  EXPECT_EQ(outbox.under_way(), 1U);
  database_is_up = true;
  ASSERT_TRUE(cluster.until([&] { return gatherer.bodies.contains("written, but nobody said so"); }));
  EXPECT_FALSE(gatherer.bodies.contains("late")) << "its row is there, but its work has not ended";
  late(true);
  ASSERT_TRUE(cluster.until([&] { return gatherer.bodies.contains("late"); }));
  cluster.simulation.run_for(30s);
  const int before = lookups;
  cluster.simulation.run_for(30s);
  EXPECT_EQ(lookups, before) << "nothing is open any more";
  EXPECT_EQ(gatherer.bodies, (std::multiset<std::string>{"first", "late", "written", "written, but nobody said so"}));
}

TEST(MqClient, IsResetByAdministrators) {
  Cluster cluster(8);
  const auto client = cluster.client(cluster.machine("client"));
  Producer producer(*client, {.group = "P"});
  mqclient::Queue queue;
  for (int i = 0; i < 3; ++i) {
    const auto sent = cluster.wait_for<Sent>([&](auto done) { producer.send_by_key(message(std::to_string(i)), "k", std::move(done)); });
    ASSERT_TRUE(sent);
    queue = sent->queue;
  }
  Gatherer gatherer(*client, from_first("G"));
  gatherer.consumer.subscribe("T");
  gatherer.consumer.start();
  ASSERT_TRUE(cluster.until([&] { return gatherer.all.size() == 3; }));
  const auto reset = cluster.wait_for<mqclient::wire::ResetOffset>([&](auto done) {
    client->ask_broker_of<mqclient::wire::ResetOffset>(
        queue, mqclient::reset_offsets({.group = "G", .topic = "T", .queue = queue.queue_id, .offset = 1}), std::move(done));
  });
  ASSERT_TRUE(reset) << reset.error().message;
  ASSERT_TRUE(cluster.until([&] { return gatherer.all.size() == 5; })) << gatherer.all.size();
  EXPECT_EQ(gatherer.all[3].body, "1");
}

/// The value of the first series with this name and, among others, these labels.
std::optional<double> found(const mq::Samples& samples, std::string_view name, const std::map<std::string, std::string>& labels) {
  for (const mq::Sample& each : samples.all) {
    const bool is_it = each.name == name && std::ranges::all_of(labels, [&](const auto& label) {
                         const auto at = each.labels.find(label.first);
                         return at != each.labels.end() && at->second == label.second;
                       });
    if (is_it) return each.value;
  }
  return std::nullopt;
}

TEST(MqClient, IsAskedHowItDoes) {
  Cluster cluster(10);
  const auto client = cluster.client(cluster.machine("client"));
  Producer producer(*client, {.group = "P"});
  bool fail = true;
  Gatherer gatherer(*client, from_first("G"),
                    [&](const Received&) { return std::exchange(fail, false) ? Verdict::later : Verdict::consumed; });
  ASSERT_TRUE(cluster.wait_for<Sent>([&](auto done) { producer.send(message("first"), std::move(done)); }));
  gatherer.consumer.subscribe("T");
  gatherer.consumer.start();
  const std::map<std::string, std::string> of_client{{"clientId", client->id()}, {"group", "G"}, {"topic", "T"}};
  const auto told = [&](std::string_view name, const std::map<std::string, std::string>& labels) {
    return found(cluster.served.lock()->mq->samples(), name, labels);
  };
  EXPECT_FALSE(told("rocketmq_client_consume_ok_msg_tps", of_client));
  for (int i = 0; i < 70; ++i) {  // it is asked each minute
    ASSERT_TRUE(cluster.wait_for<Sent>([&](auto done) { producer.send(message(std::to_string(i)), std::move(done)); }));
    cluster.simulation.run_for(1s);
  }
  EXPECT_NEAR(told("rocketmq_client_consume_ok_msg_tps", of_client).value_or(0), 1, 0.5);
  EXPECT_NEAR(told("rocketmq_client_consumer_pull_tps", of_client).value_or(0), 1, 0.5);
  EXPECT_GT(told("rocketmq_client_consumer_pull_rt", of_client).value_or(0), 0);
  EXPECT_EQ(told("rocketmq_client_consume_fail_msg_count", of_client), 1);
  EXPECT_EQ(told("rocketmq_client_consume_rt", of_client), 0);
  EXPECT_TRUE(told("rocketmq_client_consume_fail_msg_tps", of_client));
  const std::map<std::string, std::string> of_group{{"group", "G"}, {"topic", "T"}};
  EXPECT_EQ(told("rocketmq_group_get_latency_by_storetime", of_group), 0);
  bool left = false;
  gatherer.consumer.stop([&] { left = true; });
  ASSERT_TRUE(cluster.until([&] { return left; }));
  ASSERT_TRUE(cluster.wait_for<Sent>([&](auto done) { producer.send(message("waits"), std::move(done)); }));
  cluster.simulation.run_for(100s);
  EXPECT_NEAR(told("rocketmq_group_get_latency_by_storetime", of_group).value_or(0), 100'000, 1'000);
  EXPECT_FALSE(told("rocketmq_client_consume_ok_msg_tps", of_client)) << "it has left";
  // All that RocketMQ's exporter tells of a broker without slaves.
  for (const char* name : {"pmdt_0ms", "pmdt_10stomore", "put_latency_99", "commitlogdir_capacity_free", "gettotal_tps10",
                           "earliest_message_timestamp", "getmessage_entire_time_max", "send_threadpool_queue_size"}) {
    EXPECT_TRUE(told(fmt::format("rocketmq_brokeruntime_{}", name), {{"cluster", "DefaultCluster"}, {"des", "V5_3_0"}})) << name;
  }
  EXPECT_GT(told("rocketmq_brokeruntime_earliest_message_timestamp", {}).value_or(0), 0);
}

TEST(MqClient, MetricsFollowWhatIsSentAndConsumed) {
  Cluster cluster(9);
  const auto client = cluster.client(cluster.machine("client"));
  Producer producer(*client, {.group = "P"});
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(cluster.wait_for<Sent>([&](auto done) { producer.send_by_key(message(std::to_string(i)), "k", std::move(done)); }));
  }
  Gatherer gatherer(*client, from_first("G"));
  gatherer.consumer.subscribe("T");
  gatherer.consumer.start();
  ASSERT_TRUE(cluster.until([&] { return gatherer.all.size() == 5; }));
  cluster.simulation.run_for(15s);  // offsets are committed, and rates sampled
  ASSERT_TRUE(cluster.wait_for<Sent>([&](auto done) { producer.send_by_key(message("6"), "k", std::move(done)); }));
  bool left = false;
  gatherer.consumer.stop([&] { left = true; });
  ASSERT_TRUE(cluster.until([&] { return left; }));
  const mq::Samples samples = cluster.served.lock()->mq->samples();
  const auto value = [&](std::string_view name, const std::map<std::string, std::string>& labels) {
    const auto each = found(samples, name, labels);
    if (!each) ADD_FAILURE() << "there is no " << name;
    return each.value_or(-1);
  };
  EXPECT_EQ(value("rocketmq_producer_offset", {{"cluster", "DefaultCluster"}, {"broker", "chorus"}, {"topic", "T"}}), 6);
  EXPECT_GT(value("rocketmq_producer_tps", {{"topic", "T"}}), 0);
  EXPECT_GT(value("rocketmq_broker_tps", {{"broker", "chorus"}}), 0);
  EXPECT_EQ(value("rocketmq_producer_count", {{"group", "P"}}), 1);
  EXPECT_EQ(value("rocketmq_topic_retry_offset", {{"topic", "%RETRY%G"}}), 0);
  EXPECT_EQ(value("rocketmq_group_diff", {{"group", "G"}, {"topic", "T"}, {"countOfOnlineConsumers", "0"}}),
            value("rocketmq_producer_offset", {{"topic", "T"}}) - value("rocketmq_consumer_offset", {{"group", "G"}, {"topic", "T"}}));
  EXPECT_GT(value("rocketmq_consumer_tps", {{"group", "G"}, {"topic", "T"}}), 0);
  EXPECT_EQ(value("chorus_mq_group_lag", {{"group", "G"}, {"topic", "T"}}), value("rocketmq_group_diff", {{"group", "G"}, {"topic", "T"}}));
  EXPECT_EQ(samples.left_out, 0U);
}

// What must hold: what was acknowledged is consumed, whatever breaks meanwhile.
void run(std::uint64_t seed) {
  SCOPED_TRACE(fmt::format("CHORUS_SEED={}", seed));
  Cluster cluster(seed);
  sim::Simulation& simulation = cluster.simulation;
  auto& machine = cluster.machine("client");
  const auto client = cluster.client(machine);
  Producer producer(*client, {.group = "P", .timeout = 2s});
  Gatherer gatherer(*client, from_first("G"));
  gatherer.consumer.subscribe("T");
  ASSERT_TRUE(cluster.wait_for<Sent>([&](auto done) { producer.send(message("first"), std::move(done)); }));
  gatherer.consumer.start();
  std::set<std::string> acknowledged;
  int number = 0, answered = 0;
  const auto send_some = [&] {
    for (int i = 0; i < 10; ++i) {
      const std::string body = std::to_string(++number);
      producer.send(message(body), [&, body](mqclient::Result<Sent> sent) {
        ++answered;
        if (sent) acknowledged.insert(body);
      });
    }
  };
  base::Random& random = simulation.random();
  for (int i = 0; i < 10; ++i) {
    send_some();
    simulation.run_for(std::chrono::milliseconds(random.between(1, 300)));
    switch (random.below(4)) {
      case 0:
        simulation.network().break_connections(machine, *cluster.server);
        break;
      case 1:
        simulation.network().partition({&machine}, {cluster.server});
        simulation.run_for(std::chrono::milliseconds(random.between(1, 3000)));
        simulation.network().heal();
        break;
      case 2:
        cluster.server->kill();
        simulation.run_for(std::chrono::milliseconds(random.between(1, 500)));
        cluster.server->start();
        break;
      default:
        cluster.server->crash();
        simulation.run_for(std::chrono::milliseconds(random.between(1, 500)));
        cluster.server->start();
        break;
    }
    send_some();
    ASSERT_TRUE(cluster.until([&] { return cluster.is_serving(); }));
  }
  ASSERT_TRUE(cluster.until([&] { return answered == number; })) << answered << " of " << number;
  const auto all_came = [&] {
    return std::ranges::all_of(acknowledged, [&](const std::string& body) { return gatherer.bodies.contains(body); });
  };
  EXPECT_TRUE(cluster.until(all_came, 300s)) << acknowledged.size() << " acknowledged, " << gatherer.bodies.size() << " came; trace:\n"
                                             << simulation.trace().tail(60);
  EXPECT_GT(acknowledged.size(), 50U);
}

TEST(MqClientSim, ConsumesWhatWasAcknowledgedWhateverHappens) {
  if (const char* seed = std::getenv("CHORUS_SEED"); seed != nullptr) {
    std::uint64_t number = 0;
    std::from_chars(seed, seed + std::string_view(seed).size(), number);
    return run(number);
  }
  for (std::uint64_t seed = 1; seed <= 30 && !testing::Test::HasFailure(); ++seed) run(seed);
}

}  // namespace
}  // namespace chorus
