// Request and reply: an answer is pushed to the client that asked. source: broker/processor/ReplyMessageProcessor.java
#include <fmt/format.h>

#include <utility>

#include "mq/rocketmq/broker_face.h"

namespace chorus::mq::rocketmq {

void BrokerFace::reply(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  const bool is_short = command.request() == RequestCode::send_reply_message_v2;
  const auto name = [is_short](std::string_view long_name, std::string_view letter) { return is_short ? letter : long_name; };
  HeaderReader header(command);
  Outgoing push = Outgoing::request(RequestCode::push_reply_message_to_client, 0);
  push.field("producerGroup", header.required_text(name("producerGroup", "a")))
      .field("topic", header.required_text(name("topic", "b")))
      .field("defaultTopic", header.required_text(name("defaultTopic", "c")))
      .field("defaultTopicQueueNums", header.required_i32(name("defaultTopicQueueNums", "d")))
      .field("queueId", header.required_i32(name("queueId", "e")))
      .field("sysFlag", header.required_i32(name("sysFlag", "f")))
      .field("bornTimestamp", header.required_i64(name("bornTimestamp", "g")))
      .field("flag", header.required_i32(name("flag", "h")))
      .field("reconsumeTimes", header.optional_i32(name("reconsumeTimes", "j")))
      .field("unitMode", header.optional_bool(name("unitMode", "k")));
  std::string properties(header.optional_text(name("properties", "i"), ""));
  if (refuse_bad_header(asker, header)) return;
  const std::string client_id(Properties(properties).get(property::reply_to_client).value_or(""));
  if (client_id.empty()) {
    return refuse(asker, ResponseCode::system_error, fmt::format("reply message properties[{}] is null", property::reply_to_client));
  }
  const std::int64_t now_ms = world_.wall_now().time_since_epoch().count();
  set_property(properties, property::push_reply_time, std::to_string(now_ms));
  const ClientInfo* client = broker_.clients().find_producer(client_id);
  if (client == nullptr) {
    return refuse(asker, ResponseCode::system_error, fmt::format("push reply message fail, channel of <{}> not found.", client_id));
  }
  push.field("properties", properties)
      .field("bornHost", sender_.address_of(from))
      .field("storeHost", to_string(broker_.options().host))
      .field("storeTimestamp", now_ms);
  push.body = std::string(command.body);
  ask(client->connection, std::move(push), std::chrono::seconds(3), [this, asker, client_id](const Command* said) {
    if (said == nullptr || said->code != 0) {
      return refuse(asker, ResponseCode::system_error, fmt::format("push reply message to {} fail.", client_id));
    }
    Outgoing outgoing;
    outgoing.field("msgId", "0").field("queueId", 0).field("queueOffset", std::int64_t{0});
    answer(asker, std::move(outgoing));
  });
}

}  // namespace chorus::mq::rocketmq
