// Groups of consumers as a broker keeps them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "mq/broker/topics.h"

namespace chorus::mq {

/// When a message that could not be consumed comes again. source: SubscriptionGroupConfig.java, GroupRetryPolicy.java
struct RetryPolicy {
  enum class Type { customized, exponential };
  Type type = Type::customized;
  std::vector<std::int64_t> next_ms;                                    // customized; empty: the delay levels
  std::int64_t initial_ms = 5'000, max_ms = 7'200'000, multiplier = 2;  // exponential
  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

struct GroupConfig {
  std::string name;
  bool consume_enable = true;
  bool consume_from_min_enable = true;
  bool consume_broadcast_enable = true;
  bool consume_message_orderly = false;
  std::int32_t retry_queues = 1;
  std::int32_t retry_max_times = 16;
  std::optional<RetryPolicy> retry_policy;
  std::int64_t broker_id = 0;
  std::int64_t which_broker_when_slow = 1;
  bool notify_consumer_ids_changed_enable = true;
  std::int32_t sys_flag = 0;
  std::int32_t consume_timeout_minutes = 15;
  std::map<std::string, std::string> attributes;
  std::set<std::string, std::less<>> forbidden_topics;  // it may not read them. source: updateAndGetGroupForbidden
  friend bool operator==(const GroupConfig&, const GroupConfig&) = default;
};

struct GroupDefaults {
  bool auto_create = true;  // autoCreateSubscriptionGroup
};

enum class GroupErrc { illegal_name, unknown };
using GroupError = base::Error<GroupErrc>;
template <class T>
using GroupResult = base::Result<T, GroupError>;

inline constexpr std::size_t group_octets_max = 120;
/// Why a group may not be named so, in RocketMQ's words; empty: it may.
std::string refuse_group_name(std::string_view group);
/// Whether RocketMQ made it for itself, so that it is there without being made.
bool is_system_group(std::string_view group);

/// All groups of one broker. Pure.
class GroupTable {
 public:
  GroupTable(GroupDefaults defaults, std::int64_t now_ms);

  const GroupConfig* find(std::string_view group) const;
  /// errors: illegal_name, unknown (and none is made by itself)
  GroupResult<const GroupConfig*> find_or_create(std::string_view group, std::int64_t now_ms);
  GroupResult<const GroupConfig*> update(GroupConfig config, std::int64_t now_ms);
  GroupResult<void> remove(std::string_view group, std::int64_t now_ms);
  const std::map<std::string, GroupConfig, std::less<>>& all() const { return groups_; }
  const DataVersion& version() const { return version_; }

  /// Reading a topic may be forbidden to a group, which is made for it if it may be.
  GroupResult<void> forbid(std::string_view group, std::string_view topic, bool forbidden, std::int64_t now_ms);
  bool is_forbidden(std::string_view group, std::string_view topic) const;

  void put(GroupConfig config);
  void auto_create(bool enabled) { defaults_.auto_create = enabled; }
  void take_out(std::string_view group);
  std::vector<std::string> take_changes();
  bool has_changes() const { return !changed_.empty(); }
  /// What was taken did not get to where it is kept.
  void mark_changed(std::string name) { changed_.push_back(std::move(name)); }

 private:
  const GroupConfig& change(GroupConfig config, std::int64_t now_ms);

  GroupDefaults defaults_;
  std::map<std::string, GroupConfig, std::less<>> groups_;
  std::vector<std::string> changed_;
  DataVersion version_;
};

}  // namespace chorus::mq
