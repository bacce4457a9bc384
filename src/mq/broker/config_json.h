// Configurations of topics and groups as they stand in the tree: JSON with RocketMQ's names, for people and other releases to read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mq/broker/groups.h"
#include "mq/broker/topics.h"

namespace chorus::mq {

std::string to_json(const TopicConfig& topic);
std::string to_json(const GroupConfig& group);
/// Empty: it is no such thing. Unknown members are passed over.
std::optional<TopicConfig> topic_from_json(std::string_view json);
std::optional<GroupConfig> group_from_json(std::string_view json);

}  // namespace chorus::mq
