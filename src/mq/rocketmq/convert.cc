#include "mq/rocketmq/convert.h"

namespace chorus::mq::rocketmq {

DataVersion shown(const mq::DataVersion& version) {
  return {.counter = version.counter, .state_version = version.state_version, .timestamp_ms = version.timestamp_ms};
}

TopicConfig shown(const mq::TopicConfig& topic) {
  return {.name = topic.name,
          .read_queues = topic.read_queues,
          .write_queues = topic.write_queues,
          .perm = topic.perm,
          .filter_type = topic.multi_tags ? TopicFilterType::multi_tag : TopicFilterType::single_tag,
          .sys_flag = topic.sys_flag,
          .order = topic.order,
          .attributes = topic.attributes};
}

mq::TopicConfig topic_of(const TopicConfig& body) {
  return {.name = body.name,
          .read_queues = body.read_queues,
          .write_queues = body.write_queues,
          .perm = body.perm,
          .multi_tags = body.filter_type == TopicFilterType::multi_tag,
          .sys_flag = body.sys_flag,
          .order = body.order,
          .attributes = body.attributes};
}

SubscriptionGroupConfig shown(const GroupConfig& group) {
  SubscriptionGroupConfig body{.name = group.name,
                               .consume_enable = group.consume_enable,
                               .consume_from_min_enable = group.consume_from_min_enable,
                               .consume_broadcast_enable = group.consume_broadcast_enable,
                               .consume_message_orderly = group.consume_message_orderly,
                               .retry_queues = group.retry_queues,
                               .retry_times_max = group.retry_max_times,
                               .broker_id = group.broker_id,
                               .which_broker_when_slow = group.which_broker_when_slow,
                               .notify_consumer_ids_changed_enable = group.notify_consumer_ids_changed_enable,
                               .sys_flag = group.sys_flag,
                               .consume_timeout_minutes = group.consume_timeout_minutes,
                               .attributes = group.attributes};
  if (group.retry_policy) {
    const RetryPolicy& policy = *group.retry_policy;
    if (policy.type == RetryPolicy::Type::exponential) {
      body.retry_policy.type = RetryPolicyType::exponential;
      body.retry_policy.exponential =
          ExponentialRetryPolicy{.initial_ms = policy.initial_ms, .max_ms = policy.max_ms, .multiplier = policy.multiplier};
    } else if (!policy.next_ms.empty()) {
      body.retry_policy.customized = CustomizedRetryPolicy{.next_ms = policy.next_ms};
    }
  }
  return body;
}

GroupConfig group_of(const SubscriptionGroupConfig& body) {
  GroupConfig group{.name = body.name,
                    .consume_enable = body.consume_enable,
                    .consume_from_min_enable = body.consume_from_min_enable,
                    .consume_broadcast_enable = body.consume_broadcast_enable,
                    .consume_message_orderly = body.consume_message_orderly,
                    .retry_queues = body.retry_queues,
                    .retry_max_times = body.retry_times_max,
                    .broker_id = body.broker_id,
                    .which_broker_when_slow = body.which_broker_when_slow,
                    .notify_consumer_ids_changed_enable = body.notify_consumer_ids_changed_enable,
                    .sys_flag = body.sys_flag,
                    .consume_timeout_minutes = body.consume_timeout_minutes,
                    .attributes = body.attributes};
  if (body.retry_policy.type == RetryPolicyType::exponential) {
    const auto said = body.retry_policy.exponential.value_or(ExponentialRetryPolicy{});
    group.retry_policy = RetryPolicy{
        .type = RetryPolicy::Type::exponential, .initial_ms = said.initial_ms, .max_ms = said.max_ms, .multiplier = said.multiplier};
  } else if (body.retry_policy.customized) {
    group.retry_policy = RetryPolicy{.next_ms = body.retry_policy.customized->next_ms};
  }
  return group;
}

SubscriptionData shown(const Subscription& subscription) {
  return {.topic = subscription.topic,
          .sub_string = subscription.expression,
          .expression_type = subscription.expression_type,
          .tags_set = {subscription.tags.begin(), subscription.tags.end()},
          .code_set = {subscription.codes.begin(), subscription.codes.end()},
          .sub_version = subscription.version,
          .class_filter_mode = subscription.class_filter};
}

Connection shown(const ClientInfo& client) {
  return {.client_address = client.address,
          .client_id = client.client_id,
          .language = std::string(name_of(static_cast<Language>(client.language))),
          .version = client.version};
}

}  // namespace chorus::mq::rocketmq
