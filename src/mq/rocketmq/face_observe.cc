// Asks consumers how they do, as RocketMQ's exporter asks them through the broker, and looks at what groups have not consumed.
// source: apache/rocketmq-exporter, task/ClientMetricTaskRunnable.java, task/MetricsCollectTask.java
#include <algorithm>
#include <utility>

#include "mq/log/frame.h"
#include "mq/rocketmq/broker_face.h"

namespace chorus::mq::rocketmq {
namespace {

using namespace std::chrono_literals;

// However many there are: so many are asked, or looked up, at a time.
constexpr std::size_t asked_at_a_time = 16, looked_up_at_a_time = 64;
constexpr auto patience = 5s;  // of mqadmin
constexpr auto look_interval = 15s;

}  // namespace

struct BrokerFace::AskingRound {
  struct Consumer {
    ConnectionId connection;
    std::string group, client_id, address;
  };
  std::vector<Consumer> left;  // the next one last
  std::size_t on_way = 0;
  std::vector<ClientReport> reports;
};

struct BrokerFace::LookingRound {
  struct Place {
    std::string group;
    QueueKey queue;
    Offset offset = 0;
  };
  std::vector<Place> left;
  std::map<std::pair<std::string, std::string>, std::int64_t> waiting_since_ms;
};

void BrokerFace::observe() {
  observing_ = true;
  look_at_groups();
  if (options_.client_metrics_interval.count() > 0) ask_consumers_later();
}

void BrokerFace::ask_consumers_later() {
  world_.after(options_.client_metrics_interval, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock()) ask_consumers();
  });
}

void BrokerFace::ask_consumers() {
  if (!observing_) return;
  auto round = std::make_shared<AskingRound>();
  for (const auto& [group, consumers] : broker_.clients().all_consumers()) {
    for (const auto& [connection, client] : consumers.members) {
      if (round->left.size() >= options_.client_metrics_max) break;
      round->left.push_back({.connection = connection, .group = group, .client_id = client.client_id, .address = client.address});
    }
  }
  ask_next_consumers(round);
}

void BrokerFace::ask_next_consumers(const std::shared_ptr<AskingRound>& round) {
  if (!observing_) return;
  while (!round->left.empty() && round->on_way < asked_at_a_time) {
    AskingRound::Consumer consumer = std::move(round->left.back());
    round->left.pop_back();
    if (broker_.clients().find_consumer(consumer.group, consumer.client_id) == nullptr) continue;  // it has left meanwhile
    Outgoing request = Outgoing::request(RequestCode::get_consumer_running_info, 0);
    request.field("consumerGroup", consumer.group).field("clientId", consumer.client_id).field("jstackEnable", false);
    request.field("brokerName", broker_.options().name);
    ++round->on_way;
    const ConnectionId to = consumer.connection;
    ask(to, std::move(request), patience, [this, round, consumer = std::move(consumer)](const Command* said) mutable {
      --round->on_way;
      // Clients of some languages know nothing of it: neither they nor those that are late are told of.
      const auto status = said && said->code == 0 ? decode_body<ConsumerStatusTable>(said->body) : std::nullopt;
      if (status && !status->topics.empty()) {
        round->reports.push_back({.group = std::move(consumer.group),
                                  .client_id = std::move(consumer.client_id),
                                  .address = std::move(consumer.address),
                                  .topics = std::move(status->topics)});
      }
      ask_next_consumers(round);
    });
  }
  if (!round->left.empty() || round->on_way > 0) return;
  observed_.clients = std::move(round->reports);
  ask_consumers_later();
}

void BrokerFace::look_at_groups() {
  if (!observing_) return;
  auto round = std::make_shared<LookingRound>();
  for (const auto& [group, config] : broker_.groups().all()) {
    const ConsumerGroup* const consumers = broker_.clients().consumers(group);
    if (consumers != nullptr && consumers->model == mq::MessageModel::broadcasting) continue;  // their offsets are their own
    for (const Offsets::Of& of : broker_.offsets().of_group(group)) {
      if (topic::is_dead_letter(of.queue.topic) || broker_.topics().find(of.queue.topic) == nullptr) continue;
      round->waiting_since_ms.try_emplace({group, of.queue.topic}, 0);
      const auto bounds = broker_.bounds(of.queue);
      if (of.offset >= bounds.max) continue;
      round->left.push_back({.group = group, .queue = of.queue, .offset = std::max(of.offset, bounds.min)});
    }
  }
  const auto first = broker_.store().statistics().begin + static_cast<Position>(log::segment_header_octets);
  broker_.message_at(first, [this, round, alive = std::weak_ptr<bool>(alive_)](const StoreResult<Entry>& oldest) {
    if (!alive.lock()) return;
    observed_.oldest_ms = oldest ? oldest->index.store_time_ms : -1;
    look_at_more(round);
  });
}

void BrokerFace::look_at_more(const std::shared_ptr<LookingRound>& round) {
  if (!observing_) return;
  if (round->left.empty()) {
    observed_.waiting_since_ms = std::move(round->waiting_since_ms);
    world_.after(look_interval, [this, alive = std::weak_ptr<bool>(alive_)] {
      if (alive.lock()) look_at_groups();
    });
    return;
  }
  auto some = std::make_shared<std::vector<LookingRound::Place>>();
  std::vector<std::pair<QueueKey, Offset>> places;
  for (; !round->left.empty() && some->size() < looked_up_at_a_time; round->left.pop_back()) {
    places.emplace_back(round->left.back().queue, round->left.back().offset);
    some->push_back(std::move(round->left.back()));
  }
  times_at(std::move(places), [this, round, some](const std::vector<std::int64_t>& times) {
    for (std::size_t i = 0; i < times.size(); ++i) {
      if (times[i] <= 0) continue;  // gone meanwhile
      std::int64_t& since = round->waiting_since_ms[{(*some)[i].group, (*some)[i].queue.topic}];
      if (since == 0 || times[i] < since) since = times[i];
    }
    look_at_more(round);
  });
}

}  // namespace chorus::mq::rocketmq
