#include "mq/broker/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace chorus::mq {
namespace {

// source: common/MixAll.java, SubscriptionGroupManager.init()
constexpr std::array<std::string_view, 8> own_groups{"TOOLS_CONSUMER",  "FILTERSRV_CONSUMER",    "SELF_TEST_C_GROUP", "CID_ONS-HTTP-PROXY",
                                                     "CID_ONSAPI_PULL", "CID_ONSAPI_PERMISSION", "CID_ONSAPI_OWNER",  "CID_RMQ_SYS_TRANS"};
constexpr std::string_view system_prefix = "CID_RMQ_SYS_";

}  // namespace

std::string refuse_group_name(std::string_view group) {
  if (base::trim(group).empty()) return "The specified group is blank";
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '%' || c == '|';
  };
  if (!std::ranges::all_of(group, allowed)) {
    return fmt::format("The specified group: {}, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$", group);
  }
  if (group.size() > group_octets_max) return fmt::format("the specified group is longer than group max length {}.", group_octets_max);
  return {};
}

bool is_system_group(std::string_view group) {
  return (std::ranges::find(own_groups, group) != own_groups.end()) || group.starts_with(system_prefix);
}

GroupTable::GroupTable(GroupDefaults defaults, std::int64_t now_ms) : defaults_(defaults) {
  for (const std::string_view name : own_groups) put({.name = std::string(name)});
  version_ = {.state_version = 0, .timestamp_ms = now_ms, .counter = 1};
}

const GroupConfig* GroupTable::find(std::string_view group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : &found->second;
}

GroupResult<const GroupConfig*> GroupTable::find_or_create(std::string_view group, std::int64_t now_ms) {
  if (const GroupConfig* config = find(group)) return config;
  if (std::string why = refuse_group_name(group); !why.empty()) return base::error(GroupErrc::illegal_name, std::move(why));
  if (!defaults_.auto_create && !is_system_group(group)) {
    return base::error(GroupErrc::unknown, fmt::format("subscription group [{}] does not exist", group));
  }
  return &change({.name = std::string(group)}, now_ms);
}

GroupResult<const GroupConfig*> GroupTable::update(GroupConfig config, std::int64_t now_ms) {
  if (std::string why = refuse_group_name(config.name); !why.empty()) return base::error(GroupErrc::illegal_name, std::move(why));
  if (const GroupConfig* before = find(config.name)) {
    config.forbidden_topics = before->forbidden_topics;
    if (*before == config) return before;
  }
  return &change(std::move(config), now_ms);
}

GroupResult<void> GroupTable::remove(std::string_view group, std::int64_t now_ms) {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return base::error(GroupErrc::unknown, fmt::format("subscription group [{}] does not exist", group));
  changed_.emplace_back(group);
  groups_.erase(found);
  version_.timestamp_ms = now_ms;
  ++version_.counter;
  return {};
}

const GroupConfig& GroupTable::change(GroupConfig config, std::int64_t now_ms) {
  changed_.push_back(config.name);
  version_.timestamp_ms = now_ms;
  ++version_.counter;
  const std::string name = config.name;
  return groups_[name] = std::move(config);
}

GroupResult<void> GroupTable::forbid(std::string_view group, std::string_view topic, bool forbidden, std::int64_t now_ms) {
  const auto before = find_or_create(group, now_ms);
  if (!before) return std::unexpected(before.error());
  if ((*before)->forbidden_topics.contains(topic) == forbidden) return {};
  GroupConfig config = **before;
  if (forbidden) {
    config.forbidden_topics.emplace(topic);
  } else {
    config.forbidden_topics.erase(config.forbidden_topics.find(topic));
  }
  change(std::move(config), now_ms);
  return {};
}

bool GroupTable::is_forbidden(std::string_view group, std::string_view topic) const {
  const GroupConfig* config = find(group);
  return config != nullptr && config->forbidden_topics.contains(topic);
}

void GroupTable::put(GroupConfig config) {
  const std::string name = config.name;
  groups_[name] = std::move(config);
  ++version_.counter;
}

void GroupTable::take_out(std::string_view group) {
  if (const auto found = groups_.find(group); found != groups_.end()) {
    groups_.erase(found);
    ++version_.counter;
  }
}

std::vector<std::string> GroupTable::take_changes() { return std::exchange(changed_, {}); }

}  // namespace chorus::mq
