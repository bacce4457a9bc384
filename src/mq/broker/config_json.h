// Configurations of topics and groups as they stand in the tree: JSON with RocketMQ's names, for people and other releases to read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mq/broker/groups.h"
#include "mq/broker/topics.h"

namespace chorus::mq {

/// What a broker tells of itself while it runs.
struct Announcement {
  std::string address;  // host:port, as clients reach it
  std::int64_t id = 0;
  std::int32_t permission = perm::read | perm::write;  // brokerPermission: of all its topics
  std::vector<TopicConfig> system_topics;              // they follow from its settings, and so do not stand among those that were made
  friend bool operator==(const Announcement&, const Announcement&) = default;
};

std::string to_json(const Announcement& announcement);
std::string to_json(const TopicConfig& topic);
std::string to_json(const GroupConfig& group);
/// Empty: it is no such thing. Unknown members are passed over.
std::optional<TopicConfig> topic_from_json(std::string_view json);
std::optional<GroupConfig> group_from_json(std::string_view json);
std::optional<Announcement> announcement_from_json(std::string_view json);

}  // namespace chorus::mq
