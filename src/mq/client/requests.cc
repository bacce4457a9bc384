#include "mq/client/requests.h"

#include <fmt/format.h>

#include <charconv>

#include "base/text.h"

namespace chorus::mqclient {
namespace {

using wire::Outgoing;
using wire::RequestCode;
using wire::ResponseCode;

Outgoing outgoing(RequestCode code, bool oneway = false) {
  Outgoing out = Outgoing::request(code, 0, oneway);
  out.language = wire::Language::cpp;
  return out;
}

bool is_success(const Incoming& answer) { return answer.code == static_cast<std::int32_t>(ResponseCode::success); }
bool is(const Incoming& answer, ResponseCode code) { return answer.code == static_cast<std::int32_t>(code); }

Request<void> plain(Outgoing out) {
  return {std::move(out), [](Incoming&& answer) -> Result<void> {
            if (!is_success(answer)) return std::unexpected(refusal(answer));
            return {};
          }};
}

template <class T>
Request<T> with_body(Outgoing out) {
  return {std::move(out), [](Incoming&& answer) -> Result<T> {
            if (!is_success(answer)) return std::unexpected(refusal(answer));
            if (auto body = wire::decode_body<T>(answer.body)) return std::move(*body);
            return error(Code::malformed, "the answer's body is not what was asked for");
          }};
}

template <class T>
Outgoing with_json(RequestCode code, const T& body, bool oneway = false) {
  Outgoing out = outgoing(code, oneway);
  out.body = wire::encode_body(body);
  return out;
}

Request<std::int64_t> with_number(Outgoing out, std::string name) {
  return {std::move(out), [name = std::move(name)](Incoming&& answer) -> Result<std::int64_t> {
            if (!is_success(answer)) return std::unexpected(refusal(answer));
            const auto text = answer.field(name);
            const auto value = text ? base::parse_int(*text) : std::nullopt;
            if (!value) return error(Code::malformed, fmt::format("the answer has no number \"{}\"", name));
            return *value;
          }};
}

Outgoing on_queue(RequestCode code, const Queue& queue) {
  Outgoing out = outgoing(code);
  out.field("topic", queue.topic).field("queueId", queue.queue_id).field("bname", queue.broker_name);
  return out;
}

constexpr std::int32_t pull_commit = 1, pull_suspend = 2, pull_subscription = 4;

}  // namespace

Error refusal(const Incoming& answer) {
  const auto code = static_cast<ResponseCode>(answer.code);
  const std::string_view name = wire::name_of(code);
  const std::string words = answer.remark.empty() ? "no reason was given" : answer.remark;
  if (code == ResponseCode::topic_not_exist) return {Code::unknown_topic, words, code};
  return {Code::refused, fmt::format("{} ({} {})", words, answer.code, name.empty() ? "unknown" : name), code};
}

Request<wire::TopicRoute> route_of(const std::string& topic) {
  Outgoing out = outgoing(RequestCode::get_routeinfo_by_topic);
  out.field("topic", topic).field("acceptStandardJsonOnly", true);
  return with_body<wire::TopicRoute>(std::move(out));
}
Request<wire::ClusterInfo> cluster_info() { return with_body<wire::ClusterInfo>(outgoing(RequestCode::get_broker_cluster_info)); }
Request<wire::TopicList> all_topics() { return with_body<wire::TopicList>(outgoing(RequestCode::get_all_topic_list_from_nameserver)); }
Request<void> forget_topic(const std::string& topic) {
  return plain(std::move(outgoing(RequestCode::delete_topic_in_namesrv).field("topic", topic)));
}

Request<void> update_topic(const wire::TopicConfig& config, const std::string& attribute_changes) {
  Outgoing out = outgoing(RequestCode::update_and_create_topic);
  out.field("topic", config.name)
      .field("defaultTopic", "TBW102")
      .field("readQueueNums", config.read_queues)
      .field("writeQueueNums", config.write_queues)
      .field("perm", config.perm)
      .field("topicFilterType", config.filter_type == wire::TopicFilterType::multi_tag ? "MULTI_TAG" : "SINGLE_TAG")
      .field("topicSysFlag", config.sys_flag)
      .field("order", config.order);
  if (!attribute_changes.empty()) out.field("attributes", attribute_changes);
  return plain(std::move(out));
}
Request<void> delete_topic(const std::string& topic) {
  return plain(std::move(outgoing(RequestCode::delete_topic_in_broker).field("topic", topic)));
}
Request<wire::TopicConfig> topic_config(const std::string& topic) {
  return with_body<wire::TopicConfig>(std::move(outgoing(RequestCode::get_topic_config).field("topic", topic).field("lo", true)));
}
Request<wire::TopicStats> topic_stats(const std::string& topic) {
  return with_body<wire::TopicStats>(std::move(outgoing(RequestCode::get_topic_stats_info).field("topic", topic)));
}
Request<wire::GroupList> groups_of_topic(const std::string& topic) {
  return with_body<wire::GroupList>(std::move(outgoing(RequestCode::query_topic_consume_by_who).field("topic", topic)));
}
Request<wire::TopicList> topics_of_group(const std::string& group) {
  return with_body<wire::TopicList>(std::move(outgoing(RequestCode::query_topics_by_consumer).field("group", group)));
}
Request<wire::SubscriptionGroupTable> all_groups() {
  return with_body<wire::SubscriptionGroupTable>(outgoing(RequestCode::get_all_subscriptiongroup_config));
}
Request<void> update_group(const wire::SubscriptionGroupConfig& config) {
  return plain(with_json(RequestCode::update_and_create_subscriptiongroup, config));
}
Request<void> delete_group(const std::string& group, bool with_offsets) {
  return plain(std::move(outgoing(RequestCode::delete_subscriptiongroup).field("groupName", group).field("cleanOffset", with_offsets)));
}
Request<wire::ConsumerConnections> consumer_connections(const std::string& group) {
  return with_body<wire::ConsumerConnections>(std::move(outgoing(RequestCode::get_consumer_connection_list).field("consumerGroup", group)));
}
Request<wire::ConsumerIdList> consumer_ids(const std::string& group) {
  return with_body<wire::ConsumerIdList>(std::move(outgoing(RequestCode::get_consumer_list_by_group).field("consumerGroup", group)));
}
Request<wire::KvTable> runtime_info() { return with_body<wire::KvTable>(outgoing(RequestCode::get_broker_runtime_info)); }

Request<wire::ConsumeStats> consume_stats(const std::string& group, const std::string& topic) {
  Outgoing out = outgoing(RequestCode::get_consume_stats);
  out.field("consumerGroup", group);
  if (!topic.empty()) out.field("topic", topic);
  return with_body<wire::ConsumeStats>(std::move(out));
}

Request<std::optional<std::int64_t>> committed_offset(const std::string& group, const Queue& queue, bool from_zero) {
  Outgoing out = on_queue(RequestCode::query_consumer_offset, queue);
  out.field("consumerGroup", group).field("setZeroIfNotFound", from_zero);
  auto number = with_number({}, "offset").read;
  return {std::move(out), [number = std::move(number)](Incoming&& answer) -> Result<std::optional<std::int64_t>> {
            if (is(answer, ResponseCode::query_not_found)) return std::optional<std::int64_t>();
            const auto offset = number(std::move(answer));
            if (!offset) return std::unexpected(offset.error());
            return std::optional(*offset);
          }};
}
Request<void> commit_offset(const std::string& group, const Queue& queue, std::int64_t offset, bool oneway) {
  Outgoing out = on_queue(RequestCode::update_consumer_offset, queue);
  if (oneway) out.flag |= wire::flag_oneway;
  out.field("consumerGroup", group).field("commitOffset", offset);
  return plain(std::move(out));
}
Request<std::int64_t> max_offset(const Queue& queue) { return with_number(on_queue(RequestCode::get_max_offset, queue), "offset"); }
Request<std::int64_t> min_offset(const Queue& queue) { return with_number(on_queue(RequestCode::get_min_offset, queue), "offset"); }
Request<std::int64_t> offset_at(const Queue& queue, std::int64_t unix_ms) {
  Outgoing out = on_queue(RequestCode::search_offset_by_timestamp, queue);
  out.field("timestamp", unix_ms);
  return with_number(std::move(out), "offset");
}
Request<wire::ResetOffset> reset_offsets(const ResetPlan& plan) {
  Outgoing out = outgoing(RequestCode::invoke_broker_to_reset_offset);
  out.field("group", plan.group).field("topic", plan.topic).field("timestamp", plan.unix_ms).field("isForce", plan.force);
  if (plan.offset) out.field("queueId", plan.queue.value_or(-1)).field("offset", *plan.offset);
  return with_body<wire::ResetOffset>(std::move(out));
}

Request<Sent> send(const SendRequest& request) {
  Outgoing out = outgoing(request.batch ? RequestCode::send_batch_message : RequestCode::send_message_v2, request.oneway);
  out.field("a", request.group)
      .field("b", request.topic)
      .field("c", "TBW102")
      .field("d", std::int32_t{4})
      .field("e", request.queue_id)
      .field("f", request.sys_flag)
      .field("g", request.born_time_ms)
      .field("h", request.flag)
      .field("i", request.properties)
      .field("j", request.reconsume_times)
      .field("k", false)
      .field("m", request.batch)
      .field("n", request.broker_name);
  if (request.max_reconsume_times) out.field("l", *request.max_reconsume_times);
  out.body = request.body;
  Sent at{.queue = {.topic = request.topic, .broker_name = request.broker_name, .queue_id = request.queue_id}};
  return {std::move(out), [at = std::move(at), oneway = request.oneway](Incoming&& answer) -> Result<Sent> {
            Sent sent = at;
            if (oneway) return sent;
            const auto code = static_cast<ResponseCode>(answer.code);
            const bool is_stored = code == ResponseCode::success || code == ResponseCode::flush_disk_timeout ||
                                   code == ResponseCode::slave_not_available || code == ResponseCode::flush_slave_timeout;
            if (!is_stored) return std::unexpected(refusal(answer));
            if (!answer.field("msgId")) return error(Code::malformed, "the broker's answer to a message has no msgId");
            sent.flushed = code;
            sent.queue.queue_id = static_cast<std::int32_t>(answer.number("queueId", at.queue.queue_id));
            sent.offset = answer.number("queueOffset");
            sent.offset_id = std::string(answer.field("msgId").value_or(""));
            sent.transaction_id = std::string(answer.field("transactionId").value_or(""));
            sent.recall_handle = std::string(answer.field("recallHandle").value_or(""));
            return sent;
          }};
}

Request<Pulled> pull(const PullRequest& request) {
  Outgoing out = on_queue(RequestCode::pull_message, request.queue);
  const auto wait_ms = std::chrono::duration_cast<std::chrono::milliseconds>(request.wait).count();
  out.field("consumerGroup", request.group)
      .field("queueOffset", request.offset)
      .field("maxMsgNums", request.count_max)
      .field("sysFlag", pull_subscription | (request.commit ? pull_commit : 0) | (wait_ms > 0 ? pull_suspend : 0))
      .field("commitOffset", request.commit.value_or(0))
      .field("suspendTimeoutMillis", std::int64_t{wait_ms})
      .field("subscription", request.expression)
      .field("subVersion", request.version)
      .field("expressionType", request.expression_type);
  return {std::move(out), [broker = request.queue.broker_name](Incoming&& answer) -> Result<Pulled> {
            Pulled pulled;
            switch (static_cast<ResponseCode>(answer.code)) {
              case ResponseCode::success:
                pulled.status = Pulled::Status::found;
                break;
              case ResponseCode::pull_not_found:
                pulled.status = Pulled::Status::none;
                break;
              case ResponseCode::pull_retry_immediately:
                pulled.status = Pulled::Status::filtered_out;
                break;
              case ResponseCode::pull_offset_moved:
                pulled.status = Pulled::Status::moved;
                break;
              default:
                return std::unexpected(refusal(answer));
            }
            if (!answer.field("nextBeginOffset")) return error(Code::malformed, "the broker's answer to a pull has no nextBeginOffset");
            pulled.next = answer.number("nextBeginOffset");
            pulled.min = answer.number("minOffset");
            pulled.max = answer.number("maxOffset");
            if (pulled.status != Pulled::Status::found) return pulled;
            auto messages = decode_messages(answer.body, broker);
            if (!messages) return std::unexpected(messages.error());
            pulled.messages = std::move(*messages);
            return pulled;
          }};
}

Request<std::vector<Received>> find_messages(const std::string& topic, const std::string& key, std::int32_t count_max, std::int64_t from_ms,
                                             std::int64_t to_ms, bool unique) {
  Outgoing out = outgoing(RequestCode::query_message);
  out.field("topic", topic).field("key", key).field("maxNum", count_max).field("beginTimestamp", from_ms).field("endTimestamp", to_ms);
  if (unique) out.field("_UNIQUE_KEY_QUERY", true);
  return {std::move(out), [](Incoming&& answer) -> Result<std::vector<Received>> {
            if (is(answer, ResponseCode::query_not_found)) return std::vector<Received>();
            if (!is_success(answer)) return std::unexpected(refusal(answer));
            return decode_messages(answer.body);
          }};
}
Request<Received> message_at(std::int64_t position, const std::string& topic) {
  Outgoing out = outgoing(RequestCode::view_message_by_id);
  out.field("offset", position);
  if (!topic.empty()) out.field("topic", topic);
  return {std::move(out), [](Incoming&& answer) -> Result<Received> {
            if (!is_success(answer)) return std::unexpected(refusal(answer));
            auto messages = decode_messages(answer.body);
            if (!messages) return std::unexpected(messages.error());
            if (messages->size() != 1) return error(Code::malformed, "the broker's answer holds no message");
            return std::move(messages->front());
          }};
}
Request<void> send_back(const std::string& group, const Received& message, std::int32_t delay_level,
                        std::optional<std::int32_t> max_reconsume_times) {
  Outgoing out = outgoing(RequestCode::consumer_send_msg_back);
  out.field("offset", message.position)
      .field("group", group)
      .field("delayLevel", delay_level)
      .field("originMsgId", message.id())
      .field("originTopic", message.topic)
      .field("unitMode", false)
      .field("bname", message.broker_name);
  if (max_reconsume_times) out.field("maxReconsumeTimes", *max_reconsume_times);
  return plain(std::move(out));
}
Request<std::string> recall(const std::string& group, const std::string& topic, const std::string& handle) {
  Outgoing out = outgoing(RequestCode::recall_message);
  out.field("producerGroup", group).field("topic", topic).field("recallHandle", handle);
  return {std::move(out), [](Incoming&& answer) -> Result<std::string> {
            if (!is_success(answer)) return std::unexpected(refusal(answer));
            return std::string(answer.field("msgId").value_or(""));
          }};
}

Request<void> end_transaction(const TransactionEnd& end) {
  Outgoing out = outgoing(RequestCode::end_transaction, true);
  const std::int32_t outcome = end.outcome == Outcome::commit     ? mq::sys_flag::transaction_commit
                               : end.outcome == Outcome::rollback ? mq::sys_flag::transaction_rollback
                                                                  : mq::sys_flag::transaction_none;
  out.field("topic", end.topic)
      .field("producerGroup", end.group)
      .field("tranStateTableOffset", end.half_offset)
      .field("commitLogOffset", end.half_position)
      .field("commitOrRollback", outcome)
      .field("fromTransactionCheck", end.from_check)
      .field("msgId", end.unique_id)
      .field("transactionId", end.transaction_id);
  return {std::move(out), [](Incoming&&) -> Result<void> { return {}; }};
}
Request<void> resume_check(const std::string& topic, const std::string& message_id) {
  return plain(std::move(outgoing(RequestCode::resume_check_half_message).field("topic", topic).field("msgId", message_id)));
}

Request<void> heartbeat(const wire::HeartbeatData& data) { return plain(with_json(RequestCode::heart_beat, data)); }
Request<void> unregister(const std::string& client_id, const std::string& producer_group, const std::string& consumer_group) {
  Outgoing out = outgoing(RequestCode::unregister_client);
  out.field("clientID", client_id);
  if (!producer_group.empty()) out.field("producerGroup", producer_group);
  if (!consumer_group.empty()) out.field("consumerGroup", consumer_group);
  return plain(std::move(out));
}
Request<std::vector<Queue>> lock_queues(const wire::LockBatch& batch) {
  return {with_json(RequestCode::lock_batch_mq, batch), [](Incoming&& answer) -> Result<std::vector<Queue>> {
            if (!is_success(answer)) return std::unexpected(refusal(answer));
            auto body = wire::decode_body<wire::LockBatchAnswer>(answer.body);
            if (!body) return error(Code::malformed, "the answer to a lock is none");
            return std::move(body->locked);
          }};
}
Request<void> unlock_queues(const wire::LockBatch& batch, bool oneway) {
  Request<void> request = plain(with_json(RequestCode::unlock_batch_mq, batch, oneway));
  if (oneway) request.read = [](Incoming&&) -> Result<void> { return {}; };
  return request;
}

}  // namespace chorus::mqclient
