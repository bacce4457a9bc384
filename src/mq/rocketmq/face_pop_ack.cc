// What consumers say of messages that they popped. source: broker/processor/AckMessageProcessor.java, ChangeInvisibleTimeProcessor.java
#include <fmt/format.h>

#include <utility>

#include "mq/rocketmq/body/pop.h"
#include "mq/rocketmq/broker_face.h"

namespace chorus::mq::rocketmq {
namespace {

ResponseCode ack_code_of(BrokerErrc code) { return code == BrokerErrc::not_found ? ResponseCode::no_message : code_of(code); }

}  // namespace

std::optional<BrokerFace::HandleInHeader> BrokerFace::handle_in(const Asker& asker, HeaderReader& header) {
  HandleInHeader handle{.of = {.group = std::string(header.required_text("consumerGroup")), .queue = {}}, .point = {}};
  handle.of.queue = {.topic = std::string(header.required_text("topic")), .queue = header.required_i32("queueId")};
  handle.offset = header.required_i64("offset");
  const std::string_view info = header.required_text("extraInfo");
  if (refuse_bad_header(asker, header)) return std::nullopt;
  const QueueKey& queue = handle.of.queue;
  const mq::TopicConfig* topic = broker_.topics().find(queue.topic);
  if (topic == nullptr) {
    refuse(asker, ResponseCode::topic_not_exist, fmt::format("topic[{}] not exist, apply first please!", queue.topic));
    return std::nullopt;
  }
  if (queue.queue < 0 || queue.queue >= topic->read_queues) {
    refuse(asker, ResponseCode::message_illegal,
           fmt::format("queueId[{}] is illegal, topic:[{}] topicConfig.readQueueNums:[{}] consumer:[{}]", queue.queue, queue.topic,
                       topic->read_queues, sender_.address_of(asker.connection)));
    return std::nullopt;
  }
  const auto bounds = broker_.bounds(queue);
  if (handle.offset < bounds.min || handle.offset > bounds.max) {
    refuse(asker, ResponseCode::no_message,
           fmt::format("offset is illegal, key:{}@{}, commit:{}, store:{}~{}", queue.topic, queue.queue, handle.offset, bounds.min,
                       bounds.max));
    return std::nullopt;
  }
  auto point = parse_pop_check_point(info);
  if (!point) {
    refuse(asker, ResponseCode::system_error, fmt::format("extraInfo '{}' is none that this broker gave", info));
    return std::nullopt;
  }
  handle.point = std::move(*point);
  return handle;
}

void BrokerFace::ack_message(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const auto handle = handle_in(asker, header);
  if (!handle) return;
  acknowledge(asker, {{.of = handle->of,
                       .offsets = {handle->offset},
                       .pop_time_ms = handle->point.pop_time_ms,
                       .in_order = handle->point.revive_queue == ordered_revive_queue}});
}

void BrokerFace::batch_ack(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  const auto request = decode_body<BatchAck>(command.body);
  if (!request || request->acks.empty()) return refuse(asker, ResponseCode::no_message, "the body names no message");
  std::vector<PopAck> acks;
  for (const BatchAck::Ack& one : request->acks) {
    if (one.retry != "0" && one.retry != "1" && one.retry != "2") {
      return refuse(asker, ResponseCode::system_error, fmt::format("'{}' tells no kind of topic: 0, 1 or 2 do", one.retry));
    }
    const auto source = static_cast<PopSource>(one.retry[0] - '0');
    PopAck ack{
        .of = {.group = one.consumer_group, .queue = {.topic = pop_topic(source, one.topic, one.consumer_group), .queue = one.queue_id}},
        .offsets = {},
        .pop_time_ms = one.pop_time_ms,
        .in_order = one.revive_queue == ordered_revive_queue};
    const auto bounds = broker_.bounds(ack.of.queue);
    for (const std::uint32_t bit : one.bits.set) {
      // What is out of the queue's bounds is passed over, as by RocketMQ.
      if (one.start_offset < 0 || one.start_offset > bounds.max || one.start_offset + bit < bounds.min) continue;
      if (one.start_offset + bit <= bounds.max) ack.offsets.push_back(one.start_offset + bit);
    }
    if (!ack.offsets.empty()) acks.push_back(std::move(ack));
  }
  acknowledge(asker, std::move(acks));
}

void BrokerFace::acknowledge(const Asker& asker, std::vector<PopAck> acks) {
  broker_.ack(std::move(acks), [this, asker](BrokerResult<void> result) {
    if (!result) return refuse(asker, ack_code_of(result.error().code), result.error().message);
    answer(asker, {});
  });
}

void BrokerFace::change_invisible_time(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const std::int64_t invisible_ms = header.required_i64("invisibleTime");
  const auto handle = handle_in(asker, header);
  if (!handle) return;
  const PopChange change{.of = handle->of,
                         .offset = handle->offset,
                         .pop_time_ms = handle->point.pop_time_ms,
                         .invisible_ms = invisible_ms,
                         .in_order = handle->point.revive_queue == ordered_revive_queue};
  broker_.change_invisible(change, [this, asker, revive = handle->point.revive_queue](BrokerResult<PopChanged> changed) {
    if (!changed) return refuse(asker, ack_code_of(changed.error().code), changed.error().message);
    Outgoing outgoing;
    outgoing.field("popTime", changed->pop_time_ms).field("invisibleTime", changed->invisible_ms).field("reviveQid", revive);
    answer(asker, std::move(outgoing));
  });
}

}  // namespace chorus::mq::rocketmq
