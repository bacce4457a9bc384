// Pulling. source: broker/processor/PullMessageProcessor.java
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mq/rocketmq/broker_face.h"

namespace chorus::mq::rocketmq {
namespace {

constexpr std::int32_t flag_commit = 1, flag_suspend = 2, flag_subscription = 4, flag_class_filter = 8;

std::string_view name_of(Batch::Status status) {
  switch (status) {
    case Batch::Status::found:
      return "FOUND";
    case Batch::Status::none_wanted:
      return "NO_MATCHED_MESSAGE";
    case Batch::Status::at_end:
      return "OFFSET_OVERFLOW_ONE";
    case Batch::Status::beyond_end:
      return "OFFSET_OVERFLOW_BADLY";
    case Batch::Status::before_begin:
      return "OFFSET_TOO_SMALL";
    case Batch::Status::unknown_queue:
      return "NO_MATCHED_LOGIC_QUEUE";
    case Batch::Status::empty_queue:
      return "NO_MESSAGE_IN_QUEUE";
    case Batch::Status::lost:
      return "MESSAGE_WAS_REMOVING";
  }
  return "";
}

ResponseCode code_of(Batch::Status status, Offset from) {
  switch (status) {
    case Batch::Status::found:
      return ResponseCode::success;
    case Batch::Status::none_wanted:
    case Batch::Status::lost:
      return ResponseCode::pull_retry_immediately;
    case Batch::Status::at_end:
      return ResponseCode::pull_not_found;
    case Batch::Status::unknown_queue:
    case Batch::Status::empty_queue:
      return from == 0 ? ResponseCode::pull_not_found : ResponseCode::pull_offset_moved;
    case Batch::Status::beyond_end:
    case Batch::Status::before_begin:
      break;
  }
  return ResponseCode::pull_offset_moved;
}

template <class Flags>
Outgoing pull_answer(ResponseCode code, std::string_view remark, Offset next, Offset min, Offset max, const Flags& flags) {
  Outgoing outgoing;
  outgoing.code = static_cast<std::int32_t>(code);
  outgoing.remark = std::string(remark);
  outgoing.field("suggestWhichBrokerId", std::int64_t{0}).field("nextBeginOffset", next).field("minOffset", min).field("maxOffset", max);
  outgoing.field("topicSysFlag", flags.topic).field("groupSysFlag", flags.group);
  return outgoing;
}

}  // namespace

std::optional<SqlFilter> BrokerFace::compiled(std::string_view expression, std::string& why) {
  const auto found = std::ranges::find_if(filters_, [&](const SqlFilter& filter) { return filter.expression() == expression; });
  if (found != filters_.end()) {
    filters_.splice(filters_.begin(), filters_, found);
    return filters_.front();
  }
  auto filter = SqlFilter::compile(expression);
  if (!filter) {
    why = filter.error();
    return std::nullopt;
  }
  filters_.push_front(*filter);
  if (filters_.size() > options_.filters_max) filters_.pop_back();
  return *filter;
}

void BrokerFace::pull_message(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const std::string group(header.required_text("consumerGroup"));
  PullRequest request{.queue = {.topic = std::string(header.required_text("topic")), .queue = header.required_i32("queueId")},
                      .from = header.required_i64("queueOffset"),
                      .connection = from,
                      .group = group};
  const std::int32_t most = header.required_i32("maxMsgNums");
  const std::int32_t flags = header.required_i32("sysFlag");
  const std::int64_t commit = header.required_i64("commitOffset");
  const std::int64_t suspend_ms = header.required_i64("suspendTimeoutMillis");
  const std::int64_t version = header.required_i64("subVersion");
  std::string expression(header.optional_text("subscription", ""));
  std::string type(header.optional_text("expressionType", ""));
  const std::int32_t octets_max = header.optional_i32("maxMsgBytes", 0);
  if (refuse_bad_header(asker, header)) return;

  if (!(broker_.options().permission & perm::read)) {
    return refuse(asker, ResponseCode::no_permission,
                  fmt::format("the broker[{}] pulling message is forbidden", to_string(broker_.options().host)));
  }
  const auto config = broker_.reader_group(group);
  if (!config) return refuse(asker, config.error());
  if (!(*config)->consume_enable)
    return refuse(asker, ResponseCode::no_permission, fmt::format("subscription group no permission, {}", group));
  const mq::TopicConfig* topic = broker_.topics().find(request.queue.topic);
  if (topic == nullptr) {
    return refuse(asker, ResponseCode::topic_not_exist, fmt::format("topic[{}] not exist, apply first please!", request.queue.topic));
  }
  if (!topic->may_read() || broker_.groups().is_forbidden(group, request.queue.topic)) {
    return refuse(asker, ResponseCode::no_permission, fmt::format("the topic[{}] pulling message is forbidden", request.queue.topic));
  }
  if (request.queue.queue < 0 || request.queue.queue >= topic->read_queues) {
    return refuse(asker, ResponseCode::system_error,
                  fmt::format("queueId[{}] is illegal, topic:[{}] topicConfig.readQueueNums:[{}] consumer:[{}]", request.queue.queue,
                              request.queue.topic, topic->read_queues, sender_.address_of(from)));
  }
  if (flags & flag_class_filter) return refuse(asker, ResponseCode::request_code_not_supported, "filtering by classes is not supported");
  if (!(flags & flag_subscription)) {
    const ConsumerGroup* consumers = broker_.clients().consumers(group);
    if (consumers == nullptr) return refuse(asker, ResponseCode::subscription_not_exist, "the consumer's group info not exist");
    if (!(*config)->consume_broadcast_enable && consumers->model == mq::MessageModel::broadcasting) {
      return refuse(asker, ResponseCode::no_permission, fmt::format("the consumer group[{}] can not consume by broadcast way", group));
    }
    const Subscription* subscription = broker_.clients().subscription(group, request.queue.topic);
    if (subscription == nullptr) return refuse(asker, ResponseCode::subscription_not_exist, "the consumer's subscription not exist");
    if (subscription->version < version)
      return refuse(asker, ResponseCode::subscription_not_latest, "the consumer's subscription not latest");
    expression = subscription->expression;
    type = subscription->expression_type;
  }
  if (is_tag_type(type)) {
    auto filter = TagFilter::parse(expression);
    if (!filter)
      return refuse(asker, ResponseCode::subscription_parse_failed,
                    fmt::format("parse the consumer's subscription failed: '{}'", expression));
    if (!filter->wants_all()) {
      request.wanted = [filter = std::make_shared<const TagFilter>(std::move(*filter))](const IndexEntry& entry) {
        // A batch has no tag of its own: it has to be looked into.
        return entry.count > 1 || filter->wants(entry.tag_hash);
      };
    }
  } else {
    if (!options_.property_filter) {
      return refuse(asker, ResponseCode::system_error, fmt::format("The broker does not support consumer to filter message by {}", type));
    }
    std::string why;
    const auto filter = compiled(expression, why);
    if (!filter)
      return refuse(asker, ResponseCode::subscription_parse_failed, fmt::format("parse the consumer's subscription failed: {}", why));
    request.match = [filter = *filter](std::string_view octets) {
      const auto message = decode_message(octets);
      return message && filter.matches(message->properties());
    };
  }

  if (request.queue.topic == topic::half) {
    // Who looks into it wants to know which transactions are open; those that have ended stay in the log until their segment goes.
    request.match = [this, match = std::move(request.match)](std::string_view octets) {
      const auto half = decode_message(octets);
      return half && broker_.state().halves().contains(half->position) && (!match || match(octets));
    };
  }

  const QueueKey queue = request.queue;
  const SysFlags sys_flags{.topic = topic->sys_flag, .group = (*config)->sys_flag};
  if (const auto reset = broker_.offsets().take_reset(group, queue)) {
    const auto bounds = broker_.bounds(queue);
    return answer(asker, pull_answer(ResponseCode::pull_offset_moved, "OFFSET_RESET", *reset, bounds.min, bounds.max, sys_flags));
  }
  if (flags & flag_commit) broker_.offsets().commit(group, queue, commit);
  if (flags & flag_suspend && suspend_ms > 0) {
    request.hold_until = world_.now() + std::min(std::chrono::milliseconds(suspend_ms), options_.hold_max);
  }
  request.limits = {
      .entries_max = static_cast<std::uint32_t>(std::clamp(most, 1, options_.pull_messages_max)),
      .octets_max = octets_max > 0 ? std::min<std::uint64_t>(static_cast<std::uint64_t>(octets_max), 4 << 20) : options_.pull_octets_max};
  const Offset offset = request.from;
  broker_.pull(std::move(request),
               [this, asker, sys_flags, offset](StoreResult<Batch> batch) { pulled(asker, sys_flags, offset, std::move(batch)); });
}

void BrokerFace::pulled(const Asker& asker, SysFlags flags, Offset from, StoreResult<Batch> batch) {
  if (!batch) return refuse(asker, ResponseCode::system_error, batch.error().message);
  Outgoing outgoing = pull_answer(code_of(batch->status, from), name_of(batch->status), batch->next, batch->min, batch->max, flags);
  if (batch->status != Batch::Status::found) return answer(asker, std::move(outgoing));
  outgoing.opaque = asker.opaque;
  std::string frame;
  frame.reserve(256 + batch->payloads.size());
  encode_head(outgoing, batch->payloads.size(), frame);
  frame += batch->payloads;
  sender_.send(asker.connection, std::move(frame), asker.opaque);
}

}  // namespace chorus::mq::rocketmq
