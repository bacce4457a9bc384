// How far groups and queues are, who is connected, and what is asked of clients on behalf of an administrator.
// source: broker/processor/AdminBrokerProcessor.java
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "mq/rocketmq/body/admin.h"
#include "mq/rocketmq/body/offsets.h"
#include "mq/rocketmq/body/route.h"
#include "mq/rocketmq/broker_face.h"
#include "mq/rocketmq/convert.h"

namespace chorus::mq::rocketmq {

MessageQueue BrokerFace::shown_queue(const QueueKey& queue) const {
  return {.topic = queue.topic, .broker_name = broker_.options().name, .queue_id = queue.queue};
}

void BrokerFace::times_at(std::vector<std::pair<QueueKey, Offset>> places, std::function<void(std::vector<std::int64_t>)> done) {
  struct Gathering {
    std::vector<std::int64_t> times;
    std::size_t left = 0;
    std::function<void(std::vector<std::int64_t>)> done;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->times.resize(places.size());
  gathering->left = places.size() + 1;
  gathering->done = std::move(done);
  const auto one = [gathering] {
    if (--gathering->left == 0) gathering->done(std::move(gathering->times));
  };
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& [queue, offset] = places[i];
    if (offset < 0) {
      one();
      continue;
    }
    broker_.store_time_at(queue, offset, [gathering, one, i](std::int64_t store_time_ms) {
      gathering->times[i] = store_time_ms;
      one();
    });
  }
  world_.post([one, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock()) one();
  });
}

void BrokerFace::statistics(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  switch (command.request()) {
    case RequestCode::get_topic_stats_info: {
      const std::string topic(header.required_text("topic"));
      if (refuse_bad_header(asker, header)) return;
      const mq::TopicConfig* config = broker_.topics().find(topic);
      if (config == nullptr) return refuse(asker, ResponseCode::topic_not_exist, fmt::format("topic[{}] not exist", topic));
      std::vector<std::pair<QueueKey, Offset>> last;
      for (std::int32_t queue = 0; queue < std::max(config->read_queues, config->write_queues); ++queue) {
        const QueueKey key{.topic = topic, .queue = queue};
        last.emplace_back(key, broker_.bounds(key).max - 1);
      }
      return times_at(last, [this, asker, last](const std::vector<std::int64_t>& times) {
        TopicStats stats;
        for (std::size_t i = 0; i < last.size(); ++i) {
          const auto bounds = broker_.bounds(last[i].first);
          stats.offsets[shown_queue(last[i].first)] = {.last_update_ms = times[i], .max_offset = bounds.max, .min_offset = bounds.min};
        }
        answer_body(asker, stats);
      });
    }
    case RequestCode::get_consume_stats: {
      const std::string group(header.required_text("consumerGroup")), topic(header.optional_text("topic", ""));
      if (refuse_bad_header(asker, header)) return;
      std::vector<std::pair<QueueKey, Offset>> places;
      for (const std::string& name : topic.empty() ? broker_.offsets().topics_of(group) : std::vector<std::string>{topic}) {
        const mq::TopicConfig* config = broker_.topics().find(name);
        if (config == nullptr) continue;
        for (std::int32_t queue = 0; queue < config->read_queues; ++queue) {
          const QueueKey key{.topic = name, .queue = queue};
          // What was consumed last tells how late the group is.
          places.emplace_back(key, broker_.committed(group, key).value_or(0) - 1);
        }
      }
      return times_at(places, [this, asker, group, places](const std::vector<std::int64_t>& times) {
        ConsumeStats stats;
        for (std::size_t i = 0; i < places.size(); ++i) {
          const Offset committed = broker_.committed(group, places[i].first).value_or(0);
          stats.offsets[shown_queue(places[i].first)] = {.broker_offset = broker_.bounds(places[i].first).max,
                                                         .consumer_offset = committed,
                                                         .last_time_ms = times[i],
                                                         .pull_offset = committed};
        }
        answer_body(asker, stats);
      });
    }
    case RequestCode::query_consume_time_span: {
      const std::string group(header.required_text("group")), topic(header.required_text("topic"));
      if (refuse_bad_header(asker, header)) return;
      const mq::TopicConfig* config = broker_.topics().find(topic);
      if (config == nullptr) return refuse(asker, ResponseCode::topic_not_exist, fmt::format("topic[{}] not exist", topic));
      std::vector<std::pair<QueueKey, Offset>> places;  // three of each queue: first, last, consumed
      for (std::int32_t queue = 0; queue < config->write_queues; ++queue) {
        const QueueKey key{.topic = topic, .queue = queue};
        const auto bounds = broker_.bounds(key);
        places.emplace_back(key, bounds.max > bounds.min ? bounds.min : -1);
        places.emplace_back(key, bounds.max - 1);
        places.emplace_back(key, broker_.committed(group, key).value_or(0) - 1);
      }
      return times_at(places, [this, asker, group, places](const std::vector<std::int64_t>& times) {
        ConsumeTimeSpans spans;
        for (std::size_t i = 0; i < places.size(); i += 3) {
          const bool behind = broker_.committed(group, places[i].first).value_or(0) < broker_.bounds(places[i].first).max;
          spans.spans.push_back({.consume_time_ms = times[i + 2],
                                 .delay_ms = behind && times[i + 2] > 0 ? std::max<std::int64_t>(0, times[i + 1] - times[i + 2]) : 0,
                                 .max_time_ms = times[i + 1],
                                 .queue = shown_queue(places[i].first),
                                 .min_time_ms = times[i]});
        }
        answer_body(asker, spans);
      });
    }
    case RequestCode::clone_group_offset: {
      const std::string source(header.required_text("srcGroup")), target(header.required_text("destGroup"));
      const std::string topic(header.optional_text("topic", ""));
      if (refuse_bad_header(asker, header)) return;
      if (const auto group = broker_.reader_group(target); !group) return refuse(asker, group.error());
      broker_.offsets().copy(source, target, topic);
      return broker_.store_offsets(answer_when_done(asker));
    }
    case RequestCode::invoke_broker_to_reset_offset:
      return reset_offsets(from, command);
    case RequestCode::get_consumer_connection_list: {
      const std::string group(header.required_text("consumerGroup"));
      if (refuse_bad_header(asker, header)) return;
      const ConsumerGroup* consumers = broker_.clients().consumers(group);
      if (consumers == nullptr) {
        return refuse(asker, ResponseCode::consumer_not_online, fmt::format("the consumer group[{}] not online", group));
      }
      ConsumerConnections said;
      for (const auto& [connection, client] : consumers->members) said.connections.push_back(shown(client));
      said.consume_type = static_cast<ConsumeType>(consumers->type);
      said.message_model = consumers->model == mq::MessageModel::broadcasting ? MessageModel::broadcasting : MessageModel::clustering;
      said.consume_from_where = consumers->from == ConsumeFrom::first_offset ? ConsumeFromWhere::first_offset
                                : consumers->from == ConsumeFrom::timestamp  ? ConsumeFromWhere::timestamp
                                                                             : ConsumeFromWhere::last_offset;
      for (const auto& [name, subscription] : consumers->subscriptions) said.subscriptions[name] = shown(subscription);
      return answer_body(asker, said);
    }
    case RequestCode::get_producer_connection_list: {
      const std::string group(header.required_text("producerGroup"));
      if (refuse_bad_header(asker, header)) return;
      const Clients::Producers* producers = broker_.clients().producers(group);
      if (producers == nullptr) return refuse(asker, ResponseCode::system_error, fmt::format("the producer group[{}] not exist", group));
      ProducerConnections said;
      for (const auto& [connection, client] : *producers) said.connections.push_back(shown(client));
      return answer_body(asker, said);
    }
    case RequestCode::get_all_producer_info: {
      ProducerTable table;
      for (const auto& [group, producers] : broker_.clients().all_producers()) {
        for (const auto& [connection, client] : producers) {
          const auto silent = std::chrono::duration_cast<std::chrono::milliseconds>(world_.now() - client.last_seen);
          const Connection shown_client = shown(client);
          table.groups[group].push_back({.client_id = client.client_id,
                                         .language = shown_client.language,
                                         .last_update_ms = (world_.wall_now() - silent).time_since_epoch().count(),
                                         .remote_address = client.address,
                                         .version = client.version});
        }
      }
      return answer_body(asker, table);
    }
    case RequestCode::get_consumer_running_info:
    case RequestCode::consume_message_directly:
      return relay(from, command);
    default:
      break;
  }
  refuse(asker, ResponseCode::request_code_not_supported, fmt::format(" request type {} not supported", command.code));
}

void BrokerFace::reset_offsets(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const std::string group(header.required_text("group")), topic(header.required_text("topic"));
  const std::int32_t queue = header.optional_i32("queueId", -1);
  const std::int64_t offset = header.optional_i64("offset", -1);
  const std::int64_t time_ms = header.required_i64("timestamp");
  const bool force = header.optional_bool("isForce", true);
  if (refuse_bad_header(asker, header)) return;
  const mq::TopicConfig* config = broker_.topics().find(topic);
  if (config == nullptr) return refuse(asker, ResponseCode::topic_not_exist, fmt::format("topic[{}] not exist", topic));
  if (broker_.groups().find(group) == nullptr) {
    return refuse(asker, ResponseCode::subscription_group_not_exist, fmt::format("Group {} does not exist", group));
  }
  struct Reset {
    ResetOffset said;
    std::size_t left = 0;
  };
  auto reset = std::make_shared<Reset>();
  std::vector<QueueKey> queues;
  for (std::int32_t id = 0; id < config->write_queues; ++id) {
    if (queue < 0 || id == queue) queues.push_back({.topic = topic, .queue = id});
  }
  if (queues.empty()) return refuse(asker, ResponseCode::system_error, fmt::format("queueId[{}] is illegal", queue));
  reset->left = queues.size();
  const auto found = [this, asker, group, reset, force](const QueueKey& key, Offset to) {
    const auto committed = broker_.committed(group, key);
    // Without force nobody is set forward. source: AdminBrokerProcessor.resetOffsetInner
    if (!force && committed && *committed < to) to = *committed;
    const auto bounds = broker_.bounds(key);
    to = std::clamp(to, bounds.min, bounds.max);
    broker_.offsets().reset(group, key, to);
    broker_.wake_pops({.group = group, .queue = key});
    reset->said.offsets[shown_queue(key)] = to;
    if (--reset->left > 0) return;
    broker_.store_offsets([this, asker, reset](BrokerResult<void> stored) {
      if (!stored) return refuse(asker, stored.error());
      answer_body(asker, reset->said);
    });
  };
  for (const QueueKey& key : queues) {
    if (queue >= 0 && offset >= 0) {
      found(key, offset);
    } else if (time_ms < 0) {
      found(key, broker_.bounds(key).max);
    } else {
      broker_.find_time(key, time_ms, [found, key](StoreResult<Offset> at) { found(key, at.value_or(0)); });
    }
  }
}

void BrokerFace::relay(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const std::string group(header.required_text("consumerGroup")), client_id(header.optional_text("clientId", ""));
  if (refuse_bad_header(asker, header)) return;
  const ClientInfo* client = broker_.clients().find_consumer(group, client_id);
  if (client == nullptr)
    return refuse(asker, ResponseCode::system_error, fmt::format("The Consumer <{}> <{}> not online", group, client_id));
  Outgoing request = Outgoing::request(command.request(), 0);
  for (const std::string_view name : {"consumerGroup", "clientId", "jstackEnable", "msgId", "topic", "topicSysFlag", "groupSysFlag"}) {
    if (const auto value = command.field(name)) request.field(name, *value);
  }
  request.field("brokerName", broker_.options().name);
  const auto pass_on = [this, asker, group, client_id](const Command* said) {
    if (said == nullptr) {
      return refuse(asker, ResponseCode::consume_msg_timeout, fmt::format("consumer <{}> <{}> Timeout", group, client_id));
    }
    Outgoing outgoing;
    outgoing.code = said->code;
    outgoing.remark = std::string(said->remark.value_or(""));
    outgoing.body = std::string(said->body);
    answer(asker, std::move(outgoing));
  };
  const ConnectionId to = client->connection;
  const std::string message_id(header.optional_text("msgId", ""));
  const auto id = parse_offset_id(message_id);
  if (command.request() == RequestCode::get_consumer_running_info || !id) {
    request.body = std::string(command.body);
    return ask(to, std::move(request), std::chrono::seconds(10), pass_on);
  }
  broker_.message_at(id->position, [this, asker, to, pass_on, may_read = may_read(from, command),
                                    request = std::move(request)](StoreResult<Entry> entry) mutable {
    if (entry && may_read && !may_read(std::string_view(entry->queue.topic).substr(0, entry->queue.topic.find('\x01')))) {
      return refuse(asker, ResponseCode::no_permission,
                    fmt::format("no permission to read the message at offset: {}", entry->index.position));
    }
    if (!entry) return refuse(asker, ResponseCode::system_error, "the message to be consumed is not there");
    request.body = std::move(entry->payload);
    ask(to, std::move(request), std::chrono::seconds(10), pass_on);
  });
}

}  // namespace chorus::mq::rocketmq
