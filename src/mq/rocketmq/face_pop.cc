// Popping, and asking what there is to pop. source: broker/processor/PopMessageProcessor.java, PeekMessageProcessor.java,
// NotificationProcessor.java, PollingInfoProcessor.java
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "mq/rocketmq/body/pop.h"
#include "mq/rocketmq/broker_face.h"

namespace chorus::mq::rocketmq {
namespace {

constexpr std::int32_t pop_messages_max = 32;
constexpr std::int32_t init_mode_max = 1;  // source: common/constant/ConsumeInitMode.java
constexpr std::int64_t late_ms_max = 500;  // PopMessageRequestHeader.isTimeoutTooMuch
constexpr std::int32_t revive_queues = 8;  // reviveQueueNum: there are none here, and clients give back what they were told

/// The message as it came again, under the topic that was asked for: with what it has to be acknowledged by, as its topic does not tell.
void append_retry(std::string& body, std::string_view octets, std::string_view topic, PopCheckPoint point) {
  auto message = decode_message(octets);
  if (!message) return;
  std::string properties(message->properties_text);
  if (!message->properties().has(property::pop_ck)) {
    point.offset = message->queue_offset;
    if (!properties.empty() && properties.back() != property_end_mark) properties.push_back(property_end_mark);
    append_property(properties, property::pop_ck, to_string(point));
  }
  // One whose properties fill all the room there is goes without: the client then makes it of the header.
  if (properties.size() <= properties_octets_max) message->properties_text = properties;
  message->topic = topic;
  encode_message(*message, body);
}

}  // namespace

std::optional<PopRequest> BrokerFace::pop_request(ConnectionId from, const Asker& asker, HeaderReader& header) {
  PopRequest request{.group = std::string(header.required_text("consumerGroup")),
                     .topic = std::string(header.required_text("topic")),
                     .queue = header.required_i32("queueId"),
                     .connection = from};
  if (refuse_bad_header(asker, header)) return std::nullopt;
  if (!(broker_.options().permission & perm::read)) {
    refuse(asker, ResponseCode::no_permission, fmt::format("the broker[{}] pop message is forbidden", to_string(broker_.options().host)));
    return std::nullopt;
  }
  const mq::TopicConfig* topic = broker_.topics().find(request.topic);
  if (topic == nullptr) {
    refuse(asker, ResponseCode::topic_not_exist, fmt::format("topic[{}] not exist, apply first please!", request.topic));
    return std::nullopt;
  }
  if (!topic->may_read() || broker_.groups().is_forbidden(request.group, request.topic)) {
    refuse(asker, ResponseCode::no_permission, fmt::format("the topic[{}] peeking message is forbidden", request.topic));
    return std::nullopt;
  }
  if (request.queue >= topic->read_queues) {
    refuse(asker, ResponseCode::invalid_parameter,
           fmt::format("queueId[{}] is illegal, topic:[{}] topicConfig.readQueueNums:[{}] consumer:[{}]", request.queue, request.topic,
                       topic->read_queues, sender_.address_of(from)));
    return std::nullopt;
  }
  const auto group = broker_.reader_group(request.group);
  if (!group) {
    refuse(asker, group.error());
    return std::nullopt;
  }
  if (!(*group)->consume_enable) {
    refuse(asker, ResponseCode::no_permission, fmt::format("subscription group no permission, {}", request.group));
    return std::nullopt;
  }
  return request;
}

bool BrokerFace::pop_filter(const Asker& asker, std::string_view type, std::string_view expression, PopRequest& request) {
  if (expression.empty()) return true;
  if (is_tag_type(type)) {
    auto filter = TagFilter::parse(expression);
    if (!filter) {
      refuse(asker, ResponseCode::subscription_parse_failed, "parse the consumer's subscription failed");
      return false;
    }
    if (filter->wants_all()) return true;
    request.wanted = [filter = std::make_shared<const TagFilter>(std::move(*filter))](const IndexEntry& entry) {
      return entry.count > 1 || filter->wants(entry.tag_hash);
    };
    return true;
  }
  if (!options_.property_filter) {
    refuse(asker, ResponseCode::system_error, fmt::format("The broker does not support consumer to filter message by {}", type));
    return false;
  }
  std::string why;
  const auto filter = compiled(expression, why);
  if (!filter) {
    refuse(asker, ResponseCode::subscription_parse_failed, fmt::format("parse the consumer's subscription failed: {}", why));
    return false;
  }
  request.match = [filter = *filter](std::string_view octets) {
    const auto message = decode_message(octets);
    return message && filter.matches(message->properties());
  };
  return true;
}

void BrokerFace::hold(PopRequest& request, std::int64_t born_ms, std::int64_t poll_ms) {
  const std::int64_t now = world_.wall_now().time_since_epoch().count();
  if (born_ms == 0) born_ms = now;
  // The client's clock tells how much of its time is gone; it may be anything.
  const std::int64_t gone = std::clamp<std::int64_t>(now - std::clamp<std::int64_t>(born_ms, 0, now + options_.hold_max.count()), 0, now);
  const std::int64_t left = std::min<std::int64_t>(poll_ms, options_.hold_max.count()) - gone;
  if (poll_ms > 0 && left > 0) request.hold_until = world_.now() + std::chrono::milliseconds(left);
}

void BrokerFace::pop_message(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const std::int32_t most = header.required_i32("maxMsgNums");
  const std::int64_t invisible_ms = header.required_i64("invisibleTime");
  const std::int64_t poll_ms = header.required_i64("pollTime");
  const std::int64_t born_ms = header.required_i64("bornTime");
  const std::int32_t init_mode = header.required_i32("initMode");
  const std::string type(header.optional_text("expType", ""));
  const std::string expression(header.optional_text("exp", ""));
  const bool in_order = header.optional_bool("order", false);
  const std::string attempt(header.optional_text("attemptId", ""));
  if (refuse_bad_header(asker, header)) return;
  const std::int64_t now = world_.wall_now().time_since_epoch().count();
  if (born_ms > 0 && poll_ms >= 0 && born_ms < now - late_ms_max && now - late_ms_max - born_ms > poll_ms) {
    return refuse(asker, ResponseCode::polling_timeout,
                  fmt::format("the broker[{}] pop message is timeout too much", broker_.options().name));
  }
  if (most > pop_messages_max) {
    return refuse(asker, ResponseCode::invalid_parameter,
                  fmt::format("the broker[{}] pop message's num is greater than {}", broker_.options().name, pop_messages_max));
  }
  if (attempt.size() > 1024) return refuse(asker, ResponseCode::invalid_parameter, "attemptId is longer than 1024 octets");
  auto request = pop_request(from, asker, header);
  if (!request || !pop_filter(asker, type, expression, *request)) return;
  request->messages_max = static_cast<std::uint32_t>(std::max(most, 1));
  request->octets_max = options_.pull_octets_max;
  request->invisible_ms = invisible_ms;
  request->from_newest = init_mode == init_mode_max;
  request->in_order = in_order;
  request->attempt_id = attempt;
  hold(*request, born_ms, poll_ms);
  const std::int32_t revive_queue = in_order ? ordered_revive_queue : static_cast<std::int32_t>(pops_++ % revive_queues);
  const PopCheckPoint point{.invisible_ms = invisible_ms, .revive_queue = revive_queue};
  auto tell = [this, asker, topic = request->topic, point, in_order](BrokerResult<PopAnswer> answered) {
    if (!answered) return refuse(asker, answered.error());
    popped(asker, topic, point, in_order, *answered);
  };
  broker_.pop(std::move(*request), std::move(tell));
}

void BrokerFace::popped(const Asker& asker, const std::string& topic, PopCheckPoint point, bool in_order, const PopAnswer& said) {
  Outgoing outgoing;
  outgoing.opaque = asker.opaque;
  point.pop_time_ms = said.pop_time_ms;
  point.broker_name = broker_.options().name;
  std::string starts, offsets, counts, body;
  for (const Popped& queue : said.queues) {
    const PopSource source = pop_source_of(queue.queue.topic);
    append_start_offset(starts, source, queue.queue.queue, queue.start);
    append_message_offsets(offsets, source, queue.queue.queue, queue.offsets);
    if (in_order) {
      // Of each message that was given before, and of the queue: the least of all of them, for clients that know no more.
      std::int32_t least = queue.counts.size() == queue.offsets.size() ? std::numeric_limits<std::int32_t>::max() : 0;
      for (const auto& [offset, count] : queue.counts) {
        append_order_count(counts, source, queue.queue.queue, offset, count);
        least = std::min(least, count);
      }
      append_order_count(counts, source, queue.queue.queue, least);
    }
    if (source == PopSource::normal) {
      body += queue.payloads;
      continue;
    }
    point.source = source;
    point.queue_id = queue.queue.queue;
    point.start_offset = queue.start;
    std::string_view rest = queue.payloads;
    for (const std::uint32_t size : queue.sizes) {
      append_retry(body, rest.substr(0, size), topic, point);
      rest.remove_prefix(size);
    }
  }
  const bool found = said.status == PopAnswer::Status::found;
  const ResponseCode none = said.status == PopAnswer::Status::full ? ResponseCode::polling_full : ResponseCode::polling_timeout;
  outgoing.code = static_cast<std::int32_t>(found ? ResponseCode::success : none);
  outgoing.remark = found ? "FOUND" : "NO_MESSAGE_IN_QUEUE";
  outgoing.field("popTime", said.pop_time_ms)
      .field("invisibleTime", point.invisible_ms)
      .field("reviveQid", point.revive_queue)
      .field("restNum", said.rest)
      .field("startOffsetInfo", starts)
      .field("msgOffsetInfo", offsets);
  if (in_order) outgoing.field("orderCountInfo", counts);
  std::string frame;
  frame.reserve(1024 + body.size());
  encode_head(outgoing, body.size(), frame);
  frame += body;
  if (!asker.oneway) sender_.send(asker.connection, std::move(frame), asker.opaque);
}

void BrokerFace::peek_message(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const std::int32_t most = header.required_i32("maxMsgNums");
  auto request = pop_request(from, asker, header);
  if (!request) return;
  request->messages_max = static_cast<std::uint32_t>(std::clamp(most, 1, options_.pull_messages_max));
  request->octets_max = options_.pull_octets_max;
  broker_.peek(std::move(*request), [this, asker](BrokerResult<PopAnswer> said) {
    if (!said) return refuse(asker, said.error());
    Outgoing outgoing;
    const bool found = said->status == PopAnswer::Status::found;
    outgoing.code = static_cast<std::int32_t>(found ? ResponseCode::success : ResponseCode::pull_not_found);
    outgoing.remark = found ? "FOUND" : "NO_MESSAGE_IN_QUEUE";
    outgoing.field("popTime", 0).field("invisibleTime", 0).field("reviveQid", 0).field("restNum", said->rest);
    for (const Popped& queue : said->queues) outgoing.body += queue.payloads;
    answer(asker, std::move(outgoing));
  });
}

void BrokerFace::notification(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const std::int64_t poll_ms = header.required_i64("pollTime");
  const std::int64_t born_ms = header.required_i64("bornTime");
  const bool in_order = header.optional_bool("order", false);
  const std::string attempt(header.optional_text("attemptId", ""));
  auto request = pop_request(from, asker, header);
  if (!request) return;
  request->in_order = in_order;
  request->attempt_id = attempt;
  hold(*request, born_ms, poll_ms);
  broker_.await_message(std::move(*request), [this, asker](PopAnswer::Status status) {
    Outgoing outgoing;
    outgoing.field("hasMsg", status == PopAnswer::Status::found).field("pollingFull", status == PopAnswer::Status::full);
    answer(asker, std::move(outgoing));
  });
}

void BrokerFace::polling_info(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const auto request = pop_request(from, asker, header);
  if (!request) return;
  const QueueKey queue{.topic = request->topic, .queue = std::max(request->queue, -1)};
  Outgoing outgoing;
  outgoing.field("pollingNum", static_cast<std::int64_t>(broker_.pops_waiting(request->group, queue)));
  answer(asker, std::move(outgoing));
}

}  // namespace chorus::mq::rocketmq
