#include "mq/rocketmq/needs.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/text.h"
#include "mq/broker/topics.h"
#include "mq/rocketmq/body/clients.h"
#include "mq/rocketmq/body/group_config.h"
#include "mq/rocketmq/body/heartbeat.h"
#include "mq/rocketmq/body/pop.h"
#include "mq/rocketmq/body/topic_config.h"

namespace chorus::mq::rocketmq {
namespace {

using acl::Action;
using acl::Resource;
using acl::ResourceType;

struct Field {
  std::string_view name;  // empty: no further one
  ResourceType type = ResourceType::topic;
  char separator = 0;  // of several
};
/// A request whose header names what it is about; without such a field, or where it is missing, it is about the cluster if `of_cluster`.
struct Row {
  RequestCode code;
  Action action;
  bool of_cluster = false;
  std::array<Field, 3> fields = {};
};
constexpr Field topic_field{"topic"}, consumer_group_field{"consumerGroup", ResourceType::group}, group_field{"group", ResourceType::group},
    cluster_field{"clusterName", ResourceType::cluster};
constexpr Row rows[] = {
    {RequestCode::recall_message, Action::pub, false, {topic_field}},
    {RequestCode::end_transaction, Action::pub, false, {topic_field}},
    {RequestCode::consumer_send_msg_back, Action::sub, false, {group_field}},
    {RequestCode::unregister_client, Action::sub, false, {consumer_group_field}},
    {RequestCode::ack_message, Action::sub, false, {consumer_group_field, topic_field}},
    {RequestCode::change_message_invisibletime, Action::sub, false, {consumer_group_field, topic_field}},
    {RequestCode::pop_message, Action::sub, false, {consumer_group_field, topic_field}},
    {RequestCode::peek_message, Action::sub, false, {consumer_group_field, topic_field}},
    {RequestCode::notification, Action::sub, false, {consumer_group_field, topic_field}},
    {RequestCode::polling_info, Action::get, false, {consumer_group_field, topic_field}},
    {RequestCode::consume_message_directly, Action::sub, false, {consumer_group_field, topic_field}},
    {RequestCode::get_consumer_connection_list, Action::get, false, {consumer_group_field}},
    {RequestCode::get_consumer_running_info, Action::get, false, {consumer_group_field}},
    {RequestCode::get_consume_stats, Action::get, false, {consumer_group_field, topic_field, {"topicList", ResourceType::topic, ';'}}},
    {RequestCode::query_consume_queue, Action::get, false, {topic_field, consumer_group_field}},
    {RequestCode::query_consume_time_span, Action::get, false, {topic_field, group_field}},
    {RequestCode::query_correction_offset,
     Action::get,
     false,
     {Field{"filterGroups", ResourceType::group, ','}, Field{"compareGroup", ResourceType::group}, topic_field}},
    {RequestCode::query_subscription_by_consumer, Action::get, false, {group_field, topic_field}},
    {RequestCode::query_topic_consume_by_who, Action::get, false, {topic_field}},
    {RequestCode::query_topics_by_consumer, Action::get, false, {group_field}},
    {RequestCode::invoke_broker_to_get_consumer_status, Action::get, false, {topic_field, group_field}},
    {RequestCode::invoke_broker_to_reset_offset, Action::update, false, {group_field, topic_field}},
    {RequestCode::clone_group_offset, Action::update, false, {Field{"destGroup", ResourceType::group}, topic_field}},
    {RequestCode::get_earliest_msg_storetime, Action::get, false, {topic_field}},
    {RequestCode::get_max_offset, Action::get, false, {topic_field}},
    {RequestCode::get_min_offset, Action::get, false, {topic_field}},
    {RequestCode::search_offset_by_timestamp, Action::get, false, {topic_field}},
    {RequestCode::get_topic_stats_info, Action::get, false, {topic_field}},
    {RequestCode::get_topic_config, Action::get, false, {topic_field}},
    {RequestCode::get_subscriptiongroup_config, Action::get, false, {group_field}},
    {RequestCode::view_message_by_id, Action::get, false, {topic_field}},
    {RequestCode::resume_check_half_message, Action::update, false, {topic_field}},
    {RequestCode::update_and_create_topic, Action::create, false, {topic_field}},
    {RequestCode::update_and_create_static_topic, Action::create, false, {topic_field}},
    {RequestCode::delete_topic_in_broker, Action::remove, false, {topic_field}},
    {RequestCode::delete_subscriptiongroup, Action::remove, false, {Field{"groupName", ResourceType::group}}},
    {RequestCode::update_and_get_group_forbidden, Action::update, false, {group_field, topic_field}},
    {RequestCode::get_all_producer_info, Action::get, true},
    {RequestCode::get_broker_consume_stats, Action::get, true},
    {RequestCode::get_producer_connection_list, Action::get, true},
    {RequestCode::view_broker_stats_data, Action::get, true},
    {RequestCode::export_rocksdb_config_to_json, Action::get, true},
    {RequestCode::update_broker_config, Action::update, true},
    {RequestCode::clean_expired_consumequeue, Action::update, true},
    {RequestCode::clean_unused_topic, Action::update, true},
    {RequestCode::delete_expired_commitlog, Action::update, true},
    {RequestCode::update_cold_data_flow_ctr_config, Action::update, true},
    {RequestCode::remove_cold_data_flow_ctr_config, Action::update, true},
    {RequestCode::set_commitlog_read_mode, Action::update, true},
    {RequestCode::auth_create_user, Action::update, true},
    {RequestCode::auth_update_user, Action::update, true},
    {RequestCode::auth_delete_user, Action::update, true},
    {RequestCode::auth_get_user, Action::get, true},
    {RequestCode::auth_list_user, Action::get, true},
    {RequestCode::auth_create_acl, Action::update, true},
    {RequestCode::auth_update_acl, Action::update, true},
    {RequestCode::auth_delete_acl, Action::update, true},
    {RequestCode::auth_get_acl, Action::get, true},
    {RequestCode::auth_list_acl, Action::get, true},
    {RequestCode::get_broker_member_group, Action::get, false, {cluster_field}},
    // Of the name server.
    {RequestCode::register_broker, Action::update, true, {cluster_field}},
    {RequestCode::unregister_broker, Action::update, true, {cluster_field}},
    {RequestCode::broker_heartbeat, Action::update, true, {cluster_field}},
    {RequestCode::query_data_version, Action::get, true, {cluster_field}},
    {RequestCode::put_kv_config, Action::update, true},
    {RequestCode::delete_kv_config, Action::update, true},
    {RequestCode::get_kv_config, Action::get, true},
    {RequestCode::get_kvlist_by_namespace, Action::get, true},
    {RequestCode::wipe_write_perm_of_broker, Action::update, true},
    {RequestCode::add_write_perm_of_broker, Action::update, true},
    {RequestCode::delete_topic_in_namesrv, Action::update, true, {cluster_field}},
    {RequestCode::register_topic_in_namesrv, Action::update, true},
    {RequestCode::update_namesrv_config, Action::update, true},
};

/// Collects what is needed.
class Collector {
 public:
  void group(std::string_view name, std::vector<Action> one_of) {
    if (topic::is_retry(name)) name = topic::group_of(name);
    needs_.push_back({Resource::literal(ResourceType::group, name), std::move(one_of)});
  }
  /// A retry topic is its group's.
  void topic(std::string_view name, std::vector<Action> one_of) {
    if (topic::is_retry(name)) return group(name, std::move(one_of));
    needs_.push_back({Resource::literal(ResourceType::topic, name), std::move(one_of)});
  }
  /// Of a retry topic only the group counts, which is named beside it.
  void topic_unless_retry(std::string_view name, std::vector<Action> one_of) {
    if (!topic::is_retry(name)) topic(name, std::move(one_of));
  }
  void cluster(std::string_view name, Action action) { needs_.push_back({Resource::literal(ResourceType::cluster, name), {action}}); }
  bool empty() const { return needs_.empty(); }
  std::vector<Need> take() { return std::move(needs_); }

 private:
  std::vector<Need> needs_;
};

void by_row(const Command& command, const Row& row, std::string_view cluster, Collector& needs) {
  for (const Field& field : row.fields) {
    const auto value = field.name.empty() ? std::nullopt : command.field(field.name);
    if (!value || base::trim(*value).empty()) continue;
    for (const std::string_view one : field.separator ? base::split(*value, field.separator) : std::vector<std::string_view>{*value}) {
      if (one.empty()) continue;
      if (field.type == ResourceType::cluster) {
        needs.cluster(one, row.action);
      } else if (field.type == ResourceType::group) {
        needs.group(one, {row.action});
      } else {
        needs.topic(one, {row.action});
      }
    }
  }
  if (needs.empty() && row.of_cluster) needs.cluster(cluster, row.action);
}

void of_send(std::string_view topic_name, Collector& needs) {
  if (!topic::is_retry(topic_name)) return needs.topic(topic_name, {Action::pub});
  // Sent back by a consumer. RocketMQ believes the group that the sender names, which is another one when clients do it by themselves.
  needs.group(topic_name, {Action::sub});
}

}  // namespace

std::vector<Need> needs_of(const Command& command, std::string_view cluster) {
  Collector needs;
  const auto field = [&](std::string_view name) { return command.field(name).value_or(""); };
  // Whoever reads it next may see something in it.
  const auto unreadable = [&] { needs.cluster(cluster, Action::update); };
  switch (command.request()) {
    case RequestCode::get_routeinfo_by_topic:
      if (topic::is_retry(field("topic"))) {
        needs.group(field("topic"), {Action::sub, Action::get});
      } else {
        needs.topic(field("topic"), {Action::pub, Action::sub, Action::get});
      }
      break;
    case RequestCode::send_message:
      of_send(field("topic"), needs);
      break;
    case RequestCode::send_message_v2:
    case RequestCode::send_batch_message:
      of_send(field("b"), needs);
      break;
    case RequestCode::pull_message:
    case RequestCode::lite_pull_message:
      needs.topic_unless_retry(field("topic"), {Action::sub});
      needs.group(field("consumerGroup"), {Action::sub});
      break;
    case RequestCode::query_message:
      needs.topic(field("topic"), {Action::sub, Action::get});
      break;
    case RequestCode::get_consumer_list_by_group:
      needs.group(field("consumerGroup"), {Action::sub, Action::get});
      break;
    case RequestCode::query_consumer_offset:
      needs.topic_unless_retry(field("topic"), {Action::sub, Action::get});
      needs.group(field("consumerGroup"), {Action::sub, Action::get});
      break;
    case RequestCode::update_consumer_offset:
      needs.topic_unless_retry(field("topic"), {Action::sub, Action::update});
      needs.group(field("consumerGroup"), {Action::sub, Action::update});
      break;
    case RequestCode::heart_beat:
      if (const auto heartbeat = decode_body<HeartbeatData>(command.body)) {
        for (const ConsumerData& consumer : heartbeat->consumers) {
          needs.group(consumer.group_name, {Action::sub});
          for (const SubscriptionData& subscription : consumer.subscriptions) needs.topic_unless_retry(subscription.topic, {Action::sub});
        }
      } else {
        unreadable();
      }
      break;
    case RequestCode::lock_batch_mq:
    case RequestCode::unlock_batch_mq:
      if (const auto lock = decode_body<LockBatch>(command.body)) {
        needs.group(lock->consumer_group, {Action::sub});
        for (const MessageQueue& queue : lock->queues) needs.topic_unless_retry(queue.topic, {Action::sub});
      } else {
        unreadable();
      }
      break;
    case RequestCode::batch_ack_message:
      if (const auto batch = decode_body<BatchAck>(command.body)) {
        for (const BatchAck::Ack& ack : batch->acks) {
          needs.group(ack.consumer_group, {Action::sub});
          needs.topic_unless_retry(ack.topic, {Action::sub});
        }
      } else {
        unreadable();
      }
      break;
    case RequestCode::update_and_create_topic_list:
      if (const auto list = decode_body<TopicConfigList>(command.body)) {
        for (const TopicConfig& topic : list->topics) needs.topic(topic.name, {Action::create});
      } else {
        unreadable();
      }
      break;
    case RequestCode::update_and_create_subscriptiongroup:
      if (const auto group = decode_body<SubscriptionGroupConfig>(command.body)) {
        needs.group(group->name, {Action::create});
      } else {
        unreadable();
      }
      break;
    case RequestCode::update_and_create_subscriptiongroup_list:
      if (const auto list = decode_body<SubscriptionGroupList>(command.body)) {
        for (const SubscriptionGroupConfig& group : list->groups) needs.group(group.name, {Action::create});
      } else {
        unreadable();
      }
      break;
    case RequestCode::set_message_request_mode:
      if (const auto mode = decode_body<SetRequestMode>(command.body)) {
        needs.group(mode->consumer_group, {Action::update});
        needs.topic(mode->topic, {Action::update});
      } else {
        unreadable();
      }
      break;
    default: {
      const auto* const row = std::ranges::find(rows, command.request(), &Row::code);
      if (row != std::end(rows)) by_row(command, *row, cluster, needs);
      break;
    }
  }
  return needs.take();
}

acl::PlainNeeds plain_needs_of(const Command& command) {
  acl::PlainNeeds needs;
  const auto topic = [&](std::string_view name, std::uint8_t perm = acl::plain_perm::sub) {
    if (!name.empty()) needs.insert_or_assign(std::string(name), perm);
  };
  const auto group = [&](std::string_view name) {
    if (!name.empty()) needs.insert_or_assign(topic::is_retry(name) ? std::string(name) : topic::retry_of(name), acl::plain_perm::sub);
  };
  const auto field = [&](std::string_view name) { return command.field(name).value_or(""); };
  const auto send = [&](std::string_view name) {
    if (topic::is_retry(name)) return group(name);
    topic(name, acl::plain_perm::pub);
  };
  switch (command.request()) {
    case RequestCode::send_message:
      send(field("topic"));
      break;
    case RequestCode::send_message_v2:
    case RequestCode::send_batch_message:
      send(field("b"));
      break;
    case RequestCode::consumer_send_msg_back:
      group(field("group"));
      break;
    case RequestCode::pull_message:
    case RequestCode::lite_pull_message:
    case RequestCode::pop_message:
    case RequestCode::peek_message:
    case RequestCode::ack_message:
    case RequestCode::change_message_invisibletime:
    case RequestCode::update_consumer_offset:
      topic(field("topic"));
      group(field("consumerGroup"));
      break;
    case RequestCode::batch_ack_message:
      if (const auto batch = decode_body<BatchAck>(command.body)) {
        for (const BatchAck::Ack& ack : batch->acks) {
          topic(ack.topic);
          group(ack.consumer_group);
        }
      }
      break;
    case RequestCode::query_message:
      topic(field("topic"));
      break;
    case RequestCode::heart_beat:
      if (const auto heartbeat = decode_body<HeartbeatData>(command.body)) {
        for (const ConsumerData& consumer : heartbeat->consumers) {
          group(consumer.group_name);
          for (const SubscriptionData& subscription : consumer.subscriptions) topic(subscription.topic);
        }
      }
      break;
    case RequestCode::unregister_client:
    case RequestCode::get_consumer_list_by_group:
      group(field("consumerGroup"));
      break;
    default:
      break;
  }
  return needs;
}

bool plain_needs_admin(RequestCode code) {
  switch (code) {
    case RequestCode::update_and_create_topic:
    case RequestCode::update_and_create_topic_list:
    case RequestCode::update_and_create_static_topic:
    case RequestCode::update_broker_config:
    case RequestCode::delete_topic_in_broker:
    case RequestCode::update_and_create_subscriptiongroup:
    case RequestCode::update_and_create_subscriptiongroup_list:
    case RequestCode::delete_subscriptiongroup:
    // RocketMQ 4 asks for no more than an account here, so that any account can make itself an administrator.
    case RequestCode::update_and_create_acl_config:
    case RequestCode::delete_acl_config:
    case RequestCode::get_broker_cluster_acl_config:
    case RequestCode::update_global_white_addrs_config:
      return true;
    default:
      return changes_name_server(code);
  }
}

bool changes_name_server(RequestCode code) {
  switch (code) {
    case RequestCode::register_broker:
    case RequestCode::unregister_broker:
    case RequestCode::broker_heartbeat:
    case RequestCode::put_kv_config:
    case RequestCode::delete_kv_config:
    case RequestCode::wipe_write_perm_of_broker:
    case RequestCode::add_write_perm_of_broker:
    case RequestCode::delete_topic_in_namesrv:
    case RequestCode::register_topic_in_namesrv:
    case RequestCode::update_namesrv_config:
      return true;
    default:
      return false;
  }
}

}  // namespace chorus::mq::rocketmq
