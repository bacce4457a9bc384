#include "mq/rocketmq/broker_face.h"

#include <fmt/format.h>

#include <utility>

#include "mq/rocketmq/upkeep.h"

namespace chorus::mq::rocketmq {

ResponseCode code_of(BrokerErrc code) {
  switch (code) {
    case BrokerErrc::illegal_message:
      return ResponseCode::message_illegal;
    case BrokerErrc::no_queue:
      return ResponseCode::invalid_parameter;
    case BrokerErrc::topic_unknown:
      return ResponseCode::topic_not_exist;
    case BrokerErrc::group_unknown:
      return ResponseCode::subscription_group_not_exist;
    case BrokerErrc::no_permission:
      return ResponseCode::no_permission;
    case BrokerErrc::unavailable:
      return ResponseCode::service_not_available;
    case BrokerErrc::busy:
      return ResponseCode::system_busy;
    case BrokerErrc::invalid:
    case BrokerErrc::not_found:
    case BrokerErrc::failed:
      break;
  }
  return ResponseCode::system_error;
}

BrokerFace::BrokerFace(world::World& world, Broker& broker, FaceOptions options, Sender& sender, spdlog::logger& logger)
    : world_(world),
      broker_(broker),
      options_(options),
      sender_(sender),
      log_(logger),
      started_ms_(world.wall_now().time_since_epoch().count()) {
  broker_.on_check([this](const TransactionCheck& check) { ask_about(check); });
  broker_.on_silent([this](ConnectionId connection) { sender_.close(connection); });
}

BrokerFace::~BrokerFace() = default;

void BrokerFace::answer(const Asker& asker, Outgoing outgoing) {
  if (asker.oneway) return;
  outgoing.opaque = asker.opaque;
  sender_.send(asker.connection, encode(outgoing), asker.opaque);
}

void BrokerFace::refuse(const Asker& asker, ResponseCode code, std::string remark) {
  Outgoing outgoing;
  outgoing.code = static_cast<std::int32_t>(code);
  outgoing.remark = std::move(remark);
  answer(asker, std::move(outgoing));
}

void BrokerFace::refuse(const Asker& asker, const BrokerError& error) { refuse(asker, code_of(error.code), error.message); }

bool BrokerFace::refuse_bad_header(const Asker& asker, const HeaderReader& header) {
  if (header.ok()) return false;
  refuse(asker, ResponseCode::system_error, header.error());
  return true;
}

Done BrokerFace::answer_when_done(const Asker& asker) {
  return [this, asker](BrokerResult<void> result) {
    if (!result) return refuse(asker, result.error());
    answer(asker, {});
  };
}

void BrokerFace::tell(ConnectionId to, Outgoing request) {
  request.opaque = static_cast<std::int32_t>(++last_opaque_);
  sender_.request(to, encode(request));
}

void BrokerFace::ask(ConnectionId to, Outgoing request, std::chrono::milliseconds limit, std::function<void(const Command* answer)> done) {
  const auto opaque = static_cast<std::int32_t>(++last_opaque_);
  pending_[opaque] = {.to = to, .done = std::move(done)};
  request.opaque = opaque;
  sender_.request(to, encode(request));
  world_.after(limit, [this, opaque, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.lock()) return;
    auto pending = pending_.extract(opaque);
    if (!pending.empty()) pending.mapped().done(nullptr);
  });
}

void BrokerFace::on_closed(ConnectionId connection) {
  broker_.forget(connection);
  std::vector<std::function<void(const Command*)>> lost;
  absl::erase_if(pending_, [&](auto& pending) {
    if (pending.second.to != connection) return false;
    lost.push_back(std::move(pending.second.done));
    return true;
  });
  for (const auto& done : lost) done(nullptr);
  tell_changed_groups();
}

void BrokerFace::on_command(ConnectionId from, const Command& command) {
  if (command.is_response()) {
    auto pending = pending_.extract(command.opaque);
    // Only who was asked may answer.
    if (!pending.empty() && pending.mapped().to == from) return pending.mapped().done(&command);
    if (!pending.empty()) pending_.insert(std::move(pending));
    return;
  }
  switch (command.request()) {
    case RequestCode::send_message:
    case RequestCode::send_message_v2:
    case RequestCode::send_batch_message:
      return send_message(from, command);
    case RequestCode::consumer_send_msg_back:
      return send_back(from, command);
    case RequestCode::end_transaction:
      return end_transaction(from, command);
    case RequestCode::recall_message:
      return recall(from, command);
    case RequestCode::pull_message:
    case RequestCode::lite_pull_message:
      return pull_message(from, command);
    case RequestCode::pop_message:
      return pop_message(from, command);
    case RequestCode::peek_message:
      return peek_message(from, command);
    case RequestCode::notification:
      return notification(from, command);
    case RequestCode::polling_info:
      return polling_info(from, command);
    case RequestCode::ack_message:
      return ack_message(from, command);
    case RequestCode::batch_ack_message:
      return batch_ack(from, command);
    case RequestCode::change_message_invisibletime:
      return change_invisible_time(from, command);
    case RequestCode::query_consumer_offset:
    case RequestCode::update_consumer_offset:
    case RequestCode::get_max_offset:
    case RequestCode::get_min_offset:
    case RequestCode::search_offset_by_timestamp:
    case RequestCode::get_earliest_msg_storetime:
      return offsets(from, command);
    case RequestCode::query_message:
    case RequestCode::view_message_by_id:
      return query(from, command);
    case RequestCode::heart_beat:
      return heart_beat(from, command);
    case RequestCode::unregister_client:
      return unregister_client(from, command);
    case RequestCode::check_client_config:
      return check_client(from, command);
    case RequestCode::get_consumer_list_by_group:
      return consumer_list(from, command);
    case RequestCode::lock_batch_mq:
    case RequestCode::unlock_batch_mq:
      return lock_queues(from, command);
    case RequestCode::update_and_create_topic:
    case RequestCode::update_and_create_topic_list:
    case RequestCode::delete_topic_in_broker:
    case RequestCode::get_topic_config:
    case RequestCode::get_all_topic_config:
    case RequestCode::get_system_topic_list_from_broker:
      return topics(from, command);
    case RequestCode::update_and_create_subscriptiongroup:
    case RequestCode::update_and_create_subscriptiongroup_list:
    case RequestCode::get_subscriptiongroup_config:
    case RequestCode::get_all_subscriptiongroup_config:
    case RequestCode::delete_subscriptiongroup:
    case RequestCode::update_and_get_group_forbidden:
    case RequestCode::query_topics_by_consumer:
    case RequestCode::query_topic_consume_by_who:
    case RequestCode::query_subscription_by_consumer:
      return groups(from, command);
    case RequestCode::get_topic_stats_info:
    case RequestCode::get_consume_stats:
    case RequestCode::query_consume_time_span:
    case RequestCode::clone_group_offset:
    case RequestCode::invoke_broker_to_reset_offset:
    case RequestCode::get_consumer_connection_list:
    case RequestCode::get_producer_connection_list:
    case RequestCode::get_all_producer_info:
    case RequestCode::get_consumer_running_info:
    case RequestCode::consume_message_directly:
      return statistics(from, command);
    case RequestCode::query_consume_queue:
    case RequestCode::get_broker_consume_stats:
    case RequestCode::view_broker_stats_data:
    case RequestCode::query_correction_offset:
    case RequestCode::resume_check_half_message:
    case RequestCode::clean_expired_consumequeue:
    case RequestCode::clean_unused_topic:
    case RequestCode::delete_expired_commitlog:
    case RequestCode::get_all_consumer_offset:
    case RequestCode::get_broker_ha_status:
    case RequestCode::get_broker_epoch_cache:
    case RequestCode::update_and_create_static_topic:
    case RequestCode::get_all_delay_offset:
      return inspect(from, command);
    case RequestCode::query_assignment:
      return assignment(from, command);
    case RequestCode::set_message_request_mode:
      return set_request_mode(from, command);
    case RequestCode::get_all_message_request_mode:
      return request_modes(from, command);
    case RequestCode::invoke_broker_to_get_consumer_status:
      return consumer_status(from, command);
    case RequestCode::send_reply_message:
    case RequestCode::send_reply_message_v2:
      return reply(from, command);
    case RequestCode::auth_create_user:
    case RequestCode::auth_update_user:
    case RequestCode::auth_delete_user:
    case RequestCode::auth_get_user:
    case RequestCode::auth_list_user:
      return users(from, command);
    case RequestCode::auth_create_acl:
    case RequestCode::auth_update_acl:
    case RequestCode::auth_delete_acl:
    case RequestCode::auth_get_acl:
    case RequestCode::auth_list_acl:
      return policies(from, command);
    case RequestCode::update_and_create_acl_config:
    case RequestCode::delete_acl_config:
    case RequestCode::get_broker_cluster_acl_info:
    case RequestCode::update_global_white_addrs_config:
    case RequestCode::get_broker_cluster_acl_config:
      return accounts(from, command);
    case RequestCode::get_broker_config:
    case RequestCode::update_broker_config:
    case RequestCode::get_broker_runtime_info:
      return configuration(from, command);
    default:
      break;
  }
  if (auto outgoing = answer_upkeep(command)) return answer(asker_of(from, command), std::move(*outgoing));
  refuse(asker_of(from, command), ResponseCode::request_code_not_supported, fmt::format(" request type {} not supported", command.code));
}

}  // namespace chorus::mq::rocketmq
