// Messages as users of the client give and get them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mq/client/error.h"
#include "mq/message/message.h"
#include "mq/message/names.h"
#include "mq/rocketmq/body/body.h"

namespace chorus::mqclient {

using Queue = wire::MessageQueue;

/// To be sent. Names of properties are those of mq/message/names.h and the user's own; none may hold octet 1 or 2.
struct Message {
  std::string topic;
  std::string body;
  std::map<std::string, std::string> properties;
  std::int32_t flag = 0;

  Message& tag(std::string_view value) { return set(mq::property::tags, value); }
  /// One or more, separated by spaces: a message is found by each.
  Message& keys(std::string_view value) { return set(mq::property::keys, value); }
  /// 1 .. 18: 1s 5s 10s 30s 1m .. 2h.
  Message& delay_level(int level) { return set(mq::property::delay_level, std::to_string(level)); }
  Message& deliver_at(std::int64_t unix_ms) { return set(mq::property::timer_deliver_ms, std::to_string(unix_ms)); }
  Message& deliver_after_ms(std::int64_t ms) { return set(mq::property::timer_delay_ms, std::to_string(ms)); }
  Message& set(std::string_view name, std::string_view value) {
    properties.insert_or_assign(std::string(name), std::string(value));
    return *this;
  }
};

/// As it was stored; the body decompressed, unless it is damaged.
struct Received {
  std::string topic;
  std::string body;
  std::map<std::string, std::string> properties;
  std::int32_t flag = 0;
  std::int32_t sys_flag = 0;
  std::int32_t queue_id = 0;
  std::int64_t queue_offset = 0;
  std::int64_t position = 0;
  std::int64_t born_time_ms = 0;
  std::int64_t store_time_ms = 0;
  std::string born_host;
  std::string store_host;
  std::int32_t reconsume_times = 0;
  std::int64_t prepared_offset = 0;
  std::string broker_name;  // set by who asked for it
  std::string offset_id;    // where it is: finds it by VIEW_MESSAGE_BY_ID
  bool is_intact = true;    // the body is the one that its CRC was made of

  std::string_view property(std::string_view name) const;
  /// As RocketMQ's clients call the message: the id that its producer gave, else offset_id.
  std::string id() const;
  /// Its own topic, where it is a copy in a retry, delay or half topic.
  std::string real_topic() const;
};

/// Properties as the wire has them, or why they cannot be written.
Result<std::string> properties_text(const std::map<std::string, std::string>& properties);
/// Decodes what a pull or query answered: messages back to back.
Result<std::vector<Received>> decode_messages(std::string_view octets, std::string_view broker_name = {});

/// Ids for messages, as Java's client makes them: where, who, when and a count.
class UniqueIds {
 public:
  /// host: of this machine; salt: tells clients of one process apart.
  UniqueIds(mq::Host host, std::uint16_t pid, std::int32_t salt) : id_{.host = host, .pid = pid, .loader_hash = salt} {}
  std::string next(std::int64_t unix_ms);

 private:
  mq::UniqueId id_;
};

}  // namespace chorus::mqclient
