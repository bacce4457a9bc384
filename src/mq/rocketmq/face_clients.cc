// Who is connected, and which of them holds a queue. source: broker/processor/ClientManageProcessor.java, ConsumerManageProcessor.java,
// AdminBrokerProcessor.java
#include <fmt/format.h>

#include <utility>

#include "mq/rocketmq/body/clients.h"
#include "mq/rocketmq/broker_face.h"

namespace chorus::mq::rocketmq {
namespace {

Subscription subscription_of(const SubscriptionData& data) {
  return {.topic = data.topic,
          .expression_type = data.expression_type.empty() ? "TAG" : data.expression_type,
          .expression = data.sub_string,
          .version = data.sub_version,
          .class_filter = data.class_filter_mode,
          .tags = {data.tags_set.begin(), data.tags_set.end()},
          .codes = {data.code_set.begin(), data.code_set.end()}};
}

mq::ConsumeType type_of(ConsumeType type) {
  switch (type) {
    case ConsumeType::actively:
      return mq::ConsumeType::actively;
    case ConsumeType::passively:
      return mq::ConsumeType::passively;
    case ConsumeType::pop:
      break;
  }
  return mq::ConsumeType::pop;
}

ConsumeFrom from_of(ConsumeFromWhere where) {
  switch (where) {
    case ConsumeFromWhere::first_offset:
    case ConsumeFromWhere::min_offset:
      return ConsumeFrom::first_offset;
    case ConsumeFromWhere::timestamp:
      return ConsumeFrom::timestamp;
    case ConsumeFromWhere::last_offset:
    case ConsumeFromWhere::last_offset_and_from_min:
    case ConsumeFromWhere::max_offset:
      break;
  }
  return ConsumeFrom::last_offset;
}

}  // namespace

void BrokerFace::tell_changed_groups() {
  for (const std::string& group : broker_.clients().take_changed_groups()) {
    const GroupConfig* config = broker_.groups().find(group);
    if (config && !config->notify_consumer_ids_changed_enable) continue;
    const ConsumerGroup* consumers = broker_.clients().consumers(group);
    if (consumers == nullptr) continue;
    for (const auto& [connection, client] : consumers->members) {
      tell(connection, std::move(Outgoing::request(RequestCode::notify_consumer_ids_changed, 0, true).field("consumerGroup", group)));
    }
  }
}

void BrokerFace::heart_beat(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  const auto heartbeat = decode_body<HeartbeatData>(command.body);
  if (!heartbeat) return refuse(asker, ResponseCode::system_error, "the body of the heartbeat cannot be read");
  const ClientInfo client{.client_id = heartbeat->client_id,
                          .connection = from,
                          .address = sender_.address_of(from),
                          .language = static_cast<std::uint8_t>(command.language),
                          .version = command.version,
                          .last_seen = world_.now()};
  for (const ConsumerData& data : heartbeat->consumers) {
    if (const auto group = broker_.ensure_group(data.group_name); !group) {
      log_.warn("a consumer is not taken: {} client={}", group.error().message, client.client_id);
      continue;
    }
    ConsumerHeartbeat consumer{
        .group = data.group_name,
        .type = type_of(data.consume_type),
        .model = data.message_model == MessageModel::broadcasting ? mq::MessageModel::broadcasting : mq::MessageModel::clustering,
        .from = from_of(data.consume_from_where)};
    for (const SubscriptionData& subscription : data.subscriptions) consumer.subscriptions.push_back(subscription_of(subscription));
    broker_.clients().consumer(consumer, client);
  }
  for (const ProducerData& data : heartbeat->producers) broker_.clients().producer(data.group_name, client);
  Outgoing outgoing;
  outgoing.field("IS_SUPPORT_HEART_BEAT_V2", false).field("IS_SUB_CHANGE", true);
  answer(asker, std::move(outgoing));
  // The answer comes first: Java's client leaves its next heartbeat out when it is told of a change before this one is answered.
  tell_changed_groups();
}

void BrokerFace::unregister_client(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const std::string client(header.required_text("clientID"));
  const std::string producer(header.optional_text("producerGroup", "")), consumer(header.optional_text("consumerGroup", ""));
  if (refuse_bad_header(asker, header)) return;
  broker_.clients().unregister(from, client, producer, consumer);
  tell_changed_groups();
  answer(asker, {});
}

void BrokerFace::check_client(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  const auto request = decode_body<CheckClientRequest>(command.body);
  if (!request) return refuse(asker, ResponseCode::system_error, "the body cannot be read");
  const SubscriptionData& subscription = request->subscription;
  if (is_tag_type(subscription.expression_type)) return answer(asker, {});
  if (!options_.property_filter) {
    return refuse(asker, ResponseCode::system_error,
                  fmt::format("The broker does not support consumer to filter message by {}", subscription.expression_type));
  }
  std::string why;
  if (!compiled(subscription.sub_string, why)) return refuse(asker, ResponseCode::subscription_parse_failed, std::move(why));
  answer(asker, {});
}

void BrokerFace::consumer_list(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const std::string group(header.required_text("consumerGroup"));
  if (refuse_bad_header(asker, header)) return;
  ConsumerIdList list{.ids = broker_.clients().consumer_ids(group)};
  if (list.ids.empty()) return refuse(asker, ResponseCode::system_error, fmt::format("no consumer for this group, {}", group));
  answer_body(asker, list);
}

void BrokerFace::lock_queues(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  const auto request = decode_body<LockBatch>(command.body);
  if (!request) return refuse(asker, ResponseCode::system_error, "the body cannot be read");
  std::vector<QueueKey> queues;
  for (const MessageQueue& queue : request->queues) {
    if (queue.broker_name == broker_.options().name) queues.push_back({.topic = queue.topic, .queue = queue.queue_id});
  }
  if (command.request() == RequestCode::unlock_batch_mq) {
    broker_.locks().unlock(request->consumer_group, request->client_id, queues);
    return answer(asker, {});
  }
  LockBatchAnswer locked;
  for (const QueueKey& queue : broker_.locks().lock(request->consumer_group, request->client_id, queues, world_.now())) {
    locked.locked.push_back({.topic = queue.topic, .broker_name = broker_.options().name, .queue_id = queue.queue});
  }
  answer_body(asker, locked);
}

}  // namespace chorus::mq::rocketmq
