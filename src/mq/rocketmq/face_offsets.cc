// Offsets of queues and groups, and single messages. source: broker/processor/ConsumerManageProcessor.java, AdminBrokerProcessor.java,
// QueryMessageProcessor.java
#include <fmt/format.h>

#include <limits>
#include <utility>

#include "mq/rocketmq/broker_face.h"

namespace chorus::mq::rocketmq {
namespace {

/// As clients call it: see Broker::stored_key().
std::string_view topic_of(const Entry& entry) { return std::string_view(entry.queue.topic).substr(0, entry.queue.topic.find('\x01')); }

}  // namespace

void BrokerFace::offsets(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const QueueKey queue{.topic = std::string(header.required_text("topic")), .queue = header.required_i32("queueId")};
  const auto answer_number = [this, asker](std::string_view name, std::int64_t number) {
    Outgoing outgoing;
    outgoing.field(name, number);
    answer(asker, std::move(outgoing));
  };
  switch (command.request()) {
    case RequestCode::query_consumer_offset: {
      const std::string group(header.required_text("consumerGroup"));
      const bool zero_if_none = header.optional_bool("setZeroIfNotFound", true);
      if (refuse_bad_header(asker, header)) return;
      if (const auto offset = broker_.committed(group, queue)) return answer_number("offset", *offset);
      // A group that is new to a queue which still has its first message begins there. source: reference, traps
      if (zero_if_none && broker_.bounds(queue).min <= 0) return answer_number("offset", 0);
      return refuse(asker, ResponseCode::query_not_found, "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first");
    }
    case RequestCode::update_consumer_offset: {
      const std::string group(header.required_text("consumerGroup"));
      const std::int64_t offset = header.required_i64("commitOffset");
      if (refuse_bad_header(asker, header)) return;
      if (const auto config = broker_.reader_group(group); !config) return refuse(asker, config.error());
      if (broker_.topics().find(queue.topic) == nullptr) {
        return refuse(asker, ResponseCode::topic_not_exist, fmt::format("Topic {} not exist!", queue.topic));
      }
      broker_.offsets().commit(group, queue, offset);
      if (asker.oneway) return;
      return broker_.store_offsets(answer_when_done(asker));
    }
    case RequestCode::get_max_offset:
      if (refuse_bad_header(asker, header)) return;
      return answer_number("offset", broker_.bounds(queue).max);
    case RequestCode::get_min_offset:
      if (refuse_bad_header(asker, header)) return;
      return answer_number("offset", broker_.bounds(queue).min);
    case RequestCode::get_earliest_msg_storetime: {
      if (refuse_bad_header(asker, header)) return;
      const auto bounds = broker_.bounds(queue);
      if (bounds.min >= bounds.max) return answer_number("timestamp", -1);
      return broker_.pull({.queue = queue, .from = bounds.min, .limits = {.entries_max = 1}, .connection = from},
                          [answer_number](StoreResult<Batch> batch) {
                            const bool found = batch && batch->status == Batch::Status::found;
                            answer_number("timestamp", found ? batch->entries.front().store_time_ms : -1);
                          });
    }
    default:
      break;
  }
  const std::int64_t time_ms = header.required_i64("timestamp");
  const bool upper = header.optional_text("boundaryType", "LOWER") == "UPPER" || header.optional_text("boundaryType", "LOWER") == "upper";
  if (refuse_bad_header(asker, header)) return;
  // UPPER: the last that is not later, which is the one before the first that is.
  broker_.find_time(queue, upper && time_ms < std::numeric_limits<std::int64_t>::max() ? time_ms + 1 : time_ms,
                    [this, asker, answer_number, upper, queue](StoreResult<Offset> found) {
                      if (!found) return refuse(asker, ResponseCode::system_error, found.error().message);
                      const auto bounds = broker_.bounds(queue);
                      answer_number("offset", upper && *found > bounds.min && bounds.max > bounds.min ? *found - 1 : *found);
                    });
}

void BrokerFace::query(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  if (command.request() == RequestCode::view_message_by_id) {
    const Position position = header.required_i64("offset");
    if (refuse_bad_header(asker, header)) return;
    return broker_.message_at(position, [this, asker, position, may_read = may_read(from, command)](StoreResult<Entry> entry) {
      if (entry && may_read && !may_read(topic_of(*entry))) {
        return refuse(asker, ResponseCode::no_permission, fmt::format("no permission to read the message at offset: {}", position));
      }
      if (!entry || entry->index.kind != Kind::message || entry->index.position != position) {
        return refuse(asker, ResponseCode::system_error, fmt::format("can not find message by the offset, {}", position));
      }
      Outgoing outgoing;
      outgoing.body = std::move(entry->payload);
      answer(asker, std::move(outgoing));
    });
  }
  const std::string topic(header.required_text("topic")), key(header.required_text("key"));
  const std::int32_t most = header.required_i32("maxNum");
  const std::int64_t begin_ms = header.required_i64("beginTimestamp"), end_ms = header.required_i64("endTimestamp");
  if (refuse_bad_header(asker, header)) return;
  broker_.find_key(topic, key, begin_ms, end_ms, static_cast<std::uint32_t>(std::clamp(most, 1, 1024)),
                   [this, asker](StoreResult<std::vector<std::string>> found) {
                     if (!found) return refuse(asker, ResponseCode::system_error, found.error().message);
                     Outgoing outgoing;
                     const auto statistics = broker_.store().statistics();
                     outgoing.field("indexLastUpdateTimestamp", world_.wall_now().time_since_epoch().count())
                         .field("indexLastUpdatePhyoffset", statistics.end);
                     if (found->empty()) {
                       outgoing.code = static_cast<std::int32_t>(ResponseCode::query_not_found);
                       outgoing.remark = "can not find message, maybe time range not correct";
                     }
                     for (const std::string& message : *found) outgoing.body += message;
                     answer(asker, std::move(outgoing));
                   });
}

}  // namespace chorus::mq::rocketmq
