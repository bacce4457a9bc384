// Attributes of a topic: RocketMQ's, and ours. source: common/TopicAttributes.java, common/attribute/AttributeUtil.java,
// AttributeParser.java
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "mq/broker/topics.h"
#include "mq/log/store.h"

namespace chorus::mq {

namespace attribute {
inline constexpr std::string_view cleanup_policy = "cleanup.policy";
inline constexpr std::string_view lite_topic_expiration = "lite.topic.expiration";
inline constexpr std::string_view message_type = "message.type";
inline constexpr std::string_view queue_type = "queue.type";
inline constexpr std::string_view reserve_time = "reserve.time";
/// Ours, in the words of RocketMQ's setting for a whole broker: when a message of the topic is acknowledged.
inline constexpr std::string_view flush_disk_type = "flush.disk.type";
inline constexpr std::string_view sync_flush = "SYNC_FLUSH", async_flush = "ASYNC_FLUSH";
}  // namespace attribute

using TopicAttributeMap = std::map<std::string, std::string>;

/// What the attributes of a topic are after a change.
///   before   those it has; empty: it is being made
///   changes  "+name=value,-other", as mqadmin's updateTopic -a has them
///   errors   invalid: in RocketMQ's words, no such attribute, value, or change
TopicResult<TopicAttributeMap> changed_attributes(const std::optional<TopicAttributeMap>& before, std::string_view changes);

/// Why such a change is refused though it could be made: RocketMQ's broker does something with the value that this one does not, or, as
/// with MIXED, it refuses it before it looks at anything else. Empty: it is not, or changed_attributes() says what is wrong with it.
std::string refuse_unsupported(const std::optional<TopicAttributeMap>& before, std::string_view changes);

/// How durable the topic's messages are when they are acknowledged; empty: as durable as the store's.
std::optional<Flush> flush_of(const TopicConfig& topic);
/// By its name; empty as well when there is no such topic.
std::optional<Flush> flush_of(const TopicTable& topics, std::string_view topic);

}  // namespace chorus::mq
