// A broker on a simulated machine, for tests: calls wait for their completions.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mq/broker/broker.h"
#include "world/sim/simulation.h"

namespace chorus::mq {

using namespace std::chrono_literals;

/// Answers at once, and keeps what it is told over restarts.
struct MemoryCatalogue final : Catalogue {
  world::World* world = nullptr;
  std::map<std::string, TopicConfig> topics;
  std::map<std::string, GroupConfig> groups;
  std::map<std::string, std::string> settings;
  void later(Stored done) {
    world->post([done = std::move(done)]() mutable { done({}); });
  }
  void put(const TopicConfig& topic, Stored done) override {
    topics[topic.name] = topic;
    later(std::move(done));
  }
  void remove_topic(const std::string& topic, Stored done) override {
    topics.erase(topic);
    later(std::move(done));
  }
  void put(const GroupConfig& group, Stored done) override {
    groups[group.name] = group;
    later(std::move(done));
  }
  void remove_group(const std::string& group, Stored done) override {
    groups.erase(group);
    later(std::move(done));
  }
  void put(const std::map<std::string, std::string>& changed, Stored done) override {
    settings = changed;
    later(std::move(done));
  }
};

struct BrokerWorld {
  sim::Simulation simulation;
  sim::Node& machine{simulation.add_node("machine")};
  MemoryCatalogue catalogue;
  BrokerOptions options;
  spdlog::logger log{"broker"};
  Broker* broker = nullptr;
  Flush flush = Flush::sync;  // from the next start on
  std::vector<TransactionCheck> checks;

  explicit BrokerWorld(std::uint64_t seed = 7) : simulation(seed, {.disk = {.capacity = 64 << 20}}) {
    options.host = *parse_host("10.0.0.1:10911");
    options.transaction_timeout = 2s;
    options.transaction_check_interval = 1s;
    machine.set_boot([this](world::World& world) -> std::shared_ptr<void> {
      auto state = std::make_unique<BrokerState>();
      auto opened =
          open_store(world, {.directory = "/mq", .segment_octets = 1 << 16, .entry_octets_max = 32 << 10, .flush = flush}, state.get());
      if (!opened) return nullptr;
      catalogue.world = &world;
      auto made = std::make_shared<Broker>(world, options, std::move(opened->store), std::move(state), catalogue, log);
      for (const auto& [name, topic] : catalogue.topics) made->put(topic);
      for (const auto& [name, group] : catalogue.groups) made->put(group);
      made->on_check([this](TransactionCheck check) { checks.push_back(std::move(check)); });
      made->start();
      broker = made.get();
      return made;
    });
    machine.start();
    EXPECT_NE(broker, nullptr);
  }
  void restart() {
    machine.kill();
    machine.start();
  }
  template <class Result, class Call>
  Result wait(Call call) {
    auto result = std::make_shared<std::optional<Result>>();
    call([result](Result got) { *result = std::move(got); });
    EXPECT_FALSE(result->has_value()) << "a completion from within the call";
    EXPECT_TRUE(simulation.run_until([&] { return result->has_value(); }, 120s));
    return std::move(**result);
  }
  BrokerResult<StoredMessage> send(std::string_view topic, std::string_view body,
                                   std::vector<std::pair<std::string_view, std::string>> properties = {}, std::int32_t queue = 0,
                                   std::int32_t reconsume_times = 0) {
    return wait<BrokerResult<StoredMessage>>([&](auto done) {
      NewMessage message{.topic = topic, .queue = queue, .reconsume_times = reconsume_times, .body = body};
      for (const auto& [name, value] : properties) append_property(message.properties, name, value);
      broker->send(std::move(message), {.queues = 1}, std::move(done));
    });
  }
  StoreResult<Batch> pull(const QueueKey& queue, Offset from, std::chrono::milliseconds hold = 0ms) {
    return wait<StoreResult<Batch>>([&](auto done) {
      PullRequest request{.queue = queue, .from = from, .connection = ConnectionId(1)};
      if (hold > 0ms) request.hold_until = catalogue.world->now() + hold;
      broker->pull(std::move(request), std::move(done));
    });
  }
  static std::vector<std::string> bodies(const Batch& batch) {
    std::vector<std::string> out;
    std::string_view rest = batch.payloads;
    for (const IndexEntry& entry : batch.entries) {
      out.emplace_back(decode_message(rest.substr(0, entry.size))->body);
      rest.remove_prefix(entry.size);
    }
    return out;
  }
  std::vector<std::string> all(const QueueKey& queue) { return bodies(*pull(queue, broker->bounds(queue).min)); }
  void pass(std::chrono::milliseconds time) {
    simulation.run_until([] { return false; }, time);
  }
  BrokerResult<void> end(const StoredMessage& half, TransactionOutcome outcome, std::string group = "p") {
    return wait<BrokerResult<void>>([&](auto done) {
      broker->end_transaction(
          {.producer_group = std::move(group), .half_offset = half.offset, .half_position = half.position, .outcome = outcome},
          std::move(done));
    });
  }
  std::vector<std::pair<std::string_view, std::string>> half() const {
    return {{property::transaction_prepared, "true"}, {property::producer_group, "p"}};
  }
};

struct BrokerTest : testing::Test, BrokerWorld {};

}  // namespace chorus::mq
