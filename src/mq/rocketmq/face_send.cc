// Sending, and what producers have to do with it. source: broker/processor/SendMessageProcessor.java and others
#include <fmt/format.h>

#include <utility>

#include "mq/rocketmq/body/pop.h"
#include "mq/rocketmq/broker_face.h"

namespace chorus::mq::rocketmq {
namespace {

/// Header fields of 10, and the letters that 310 and 320 have in their place.
struct SendNames {
  std::string_view producer_group, topic, default_topic, default_queues, queue, sys_flag, born_time, flag, properties, reconsume_times,
      batch, max_reconsume_times;
};
constexpr SendNames long_names{"producerGroup", "topic", "defaultTopic", "defaultTopicQueueNums", "queueId", "sysFlag",
                               "bornTimestamp", "flag",  "properties",   "reconsumeTimes",        "batch",   "maxReconsumeTimes"};
constexpr SendNames short_names{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "m", "l"};

void fill(Outgoing& outgoing, const StoredMessage& stored, const BrokerOptions& options) {
  outgoing.field("queueId", stored.queue).field("queueOffset", stored.offset);
  if (!stored.unique_key.empty()) outgoing.field("transactionId", stored.unique_key);
  outgoing.field("MSG_REGION", options.region).field("TRACE_ON", options.trace_on);
}

}  // namespace

void BrokerFace::send_message(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  const SendNames& names = command.request() == RequestCode::send_message ? long_names : short_names;
  HeaderReader header(command);
  header.required_text(names.producer_group);
  NewMessage message{.topic = header.required_text(names.topic)};
  TopicHint hint{.like = header.required_text(names.default_topic), .queues = header.required_i32(names.default_queues)};
  message.queue = header.required_i32(names.queue);
  message.sys_flag = header.required_i32(names.sys_flag);
  message.born_time_ms = header.required_i64(names.born_time);
  message.flag = header.required_i32(names.flag);
  message.properties = std::string(header.optional_text(names.properties, ""));
  message.reconsume_times = header.optional_i32(names.reconsume_times);
  const bool batch = command.request() == RequestCode::send_batch_message || header.optional_bool(names.batch);
  const std::int32_t max_reconsume_times = header.optional_i32(names.max_reconsume_times, -1);
  if (refuse_bad_header(asker, header)) return;
  message.born_host = parse_host(sender_.address_of(from)).value_or(Host{});
  message.body = command.body;

  if (batch) {
    const auto items = decode_batch(command.body);
    if (!items) return refuse(asker, ResponseCode::message_illegal, "the body of the batch cannot be read");
    std::string key(Properties(message.properties).get(property::unique_key).value_or(""));  // of the batch as a whole
    message.properties.clear();
    std::vector<NewMessage> messages;
    messages.reserve(items->size());
    for (const BatchItem& item : *items) {
      NewMessage one = message;
      one.flag = item.flag;
      one.body = item.body;
      one.properties = std::string(item.properties_text);
      messages.push_back(std::move(one));
    }
    return broker_.send_batch(message.topic, message.queue, std::move(messages), hint,
                              [this, asker, key = std::move(key)](BrokerResult<std::vector<StoredMessage>> stored) mutable {
                                if (!stored) return refuse(asker, stored.error());
                                std::string ids;
                                for (const StoredMessage& one : *stored) {
                                  if (!ids.empty()) ids += ',';
                                  ids += one.message_id;
                                }
                                Outgoing outgoing;
                                outgoing.field("msgId", std::move(ids));
                                stored->front().unique_key = std::move(key);
                                fill(outgoing, stored->front(), broker_.options());
                                answer(asker, std::move(outgoing));
                              });
  }
  if (max_reconsume_times >= 0 && topic::is_retry(message.topic)) {
    set_property(message.properties, property::max_reconsume_times, std::to_string(max_reconsume_times));
  }
  broker_.send(std::move(message), hint, [this, asker](BrokerResult<StoredMessage> stored) {
    if (!stored) return refuse(asker, stored.error());
    Outgoing outgoing;
    outgoing.field("msgId", stored->message_id);
    fill(outgoing, *stored, broker_.options());
    if (stored->recall_due_ms > 0) {
      outgoing.field("recallHandle", to_string(RecallHandle{.topic = stored->topic,
                                                            .broker_name = broker_.options().name,
                                                            .deliver_time_ms = stored->recall_due_ms,
                                                            .unique_key = stored->unique_key}));
    }
    answer(asker, std::move(outgoing));
  });
}

void BrokerFace::send_back(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  SendBack request{.position = header.required_i64("offset"),
                   .group = std::string(header.required_text("group")),
                   .delay_level = header.required_i32("delayLevel"),
                   .may_read = may_read(from, command)};
  const std::int32_t most = header.optional_i32("maxReconsumeTimes", -1);
  if (refuse_bad_header(asker, header)) return;
  if (most >= 0) request.max_reconsume_times = most;
  broker_.send_back(std::move(request), answer_when_done(asker));
}

void BrokerFace::end_transaction(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  EndTransaction request{.producer_group = std::string(header.required_text("producerGroup")),
                         .half_offset = header.required_i64("tranStateTableOffset"),
                         .half_position = header.required_i64("commitLogOffset")};
  const std::int32_t outcome = header.required_i32("commitOrRollback");
  if (refuse_bad_header(asker, header)) return;
  switch (outcome) {
    case sys_flag::transaction_commit:
      request.outcome = TransactionOutcome::commit;
      break;
    case sys_flag::transaction_rollback:
      request.outcome = TransactionOutcome::rollback;
      break;
    case sys_flag::transaction_none:
      request.outcome = TransactionOutcome::unknown;
      break;
    default:
      return refuse(asker, ResponseCode::system_error, fmt::format("commitOrRollback {} is none of 0, 8 and 12", outcome));
  }
  broker_.end_transaction(std::move(request), [this, asker](BrokerResult<void> result) {
    if (!result && asker.oneway) log_.warn("a transaction was not ended: {}", result.error().message);
    answer_when_done(asker)(std::move(result));
  });
}

void BrokerFace::ask_about(const TransactionCheck& check) {
  const auto shown = decode_message(check.message);
  if (!shown) return;
  Outgoing request = Outgoing::request(RequestCode::check_transaction_state, 0, true);
  request.field("topic", std::string(topic::half))
      .field("tranStateTableOffset", check.half_offset)
      .field("commitLogOffset", check.half_position)
      .field("msgId", check.unique_key)
      .field("transactionId", check.unique_key)
      .field("offsetMsgId", shown->offset_id())
      .field("bname", broker_.options().name);
  request.body = check.message;
  tell(check.producer.connection, std::move(request));
}

void BrokerFace::recall(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const std::string_view topic = header.required_text("topic");
  const std::string_view text = header.required_text("recallHandle");
  if (refuse_bad_header(asker, header)) return;
  const auto handle = parse_recall_handle(text);
  if (!handle || handle->topic != topic) return refuse(asker, ResponseCode::illegal_operation, "recall failed, handle is invalid");
  broker_.recall(topic, handle->unique_key, handle->deliver_time_ms, [this, asker, id = handle->unique_key](BrokerResult<void> result) {
    if (!result) return refuse(asker, result.error());
    Outgoing outgoing;
    outgoing.field("msgId", id);
    answer(asker, std::move(outgoing));
  });
}

}  // namespace chorus::mq::rocketmq
