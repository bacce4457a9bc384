// Topics as a broker knows them: how many queues, who may read and write, what kind.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace chorus::mq {

/// Bits of a permission. source: common/constant/PermName.java
namespace perm {
inline constexpr std::int32_t inherit = 1, write = 2, read = 4, priority = 8;
/// "RWX", with '-' for what is missing.
std::string to_string(std::int32_t perm);
}  // namespace perm

struct TopicConfig {
  std::string name;
  std::int32_t read_queues = 8;
  std::int32_t write_queues = 8;
  std::int32_t perm = perm::read | perm::write;
  bool multi_tags = false;  // topicFilterType MULTI_TAG
  std::int32_t sys_flag = 0;
  bool order = false;
  std::map<std::string, std::string> attributes;  // "message.type" and so on
  friend bool operator==(const TopicConfig&, const TopicConfig&) = default;

  bool may_read() const { return perm & perm::read; }
  bool may_write() const { return perm & perm::write; }
};

/// Changes with every change of a table, so that those who copy it can tell. source: remoting/protocol/DataVersion.java
struct DataVersion {
  std::int64_t state_version = 0;
  std::int64_t timestamp_ms = 0;
  std::int64_t counter = 0;
  friend bool operator==(const DataVersion&, const DataVersion&) = default;
};

/// Names that are RocketMQ's own. source: common/topic/TopicValidator.java
namespace topic {
inline constexpr std::string_view auto_create = "TBW102";
inline constexpr std::string_view schedule = "SCHEDULE_TOPIC_XXXX";
inline constexpr std::string_view timer = "rmq_sys_wheel_timer";
inline constexpr std::string_view trace = "RMQ_SYS_TRACE_TOPIC";
inline constexpr std::string_view half = "RMQ_SYS_TRANS_HALF_TOPIC";
inline constexpr std::string_view op_half = "RMQ_SYS_TRANS_OP_HALF_TOPIC";
inline constexpr std::string_view check_max = "TRANS_CHECK_MAX_TIME_TOPIC";
inline constexpr std::string_view self_test = "SELF_TEST_TOPIC";
inline constexpr std::string_view benchmark = "BenchmarkTest";
inline constexpr std::string_view offset_moved = "OFFSET_MOVED_EVENT";
inline constexpr std::string_view retry_prefix = "%RETRY%";
inline constexpr std::string_view dead_letter_prefix = "%DLQ%";
inline constexpr std::string_view system_prefix = "rmq_sys_";
inline constexpr std::size_t octets_max = 127;
inline constexpr std::size_t octets_internal_max = 255;  // of retry and dead-letter topics

std::string retry_of(std::string_view group);
std::string dead_letter_of(std::string_view group);
/// Where what a group popped of a topic comes again: of the old kind, or the new. source: common/KeyBuilder.java
std::string pop_retry_of(std::string_view group, std::string_view topic, bool v2);
/// The group of a retry or dead-letter topic; empty: neither.
std::string_view group_of(std::string_view topic);
bool is_retry(std::string_view topic);
bool is_dead_letter(std::string_view topic);
/// Why clients may not create or name it so, in RocketMQ's words; empty: they may.
std::string refuse_name(std::string_view topic);
/// Whether clients may not write to it.
bool is_read_only(std::string_view topic);
}  // namespace topic

struct TopicDefaults {
  std::string cluster = "DefaultCluster";
  std::string broker = "chorus";
  bool auto_create = true;  // autoCreateTopicEnable
  std::int32_t queues = 8;  // defaultTopicQueueNums
  bool trace_topic = true;  // traceTopicEnable
};

enum class TopicErrc {
  illegal_name,  // the words say why
  unknown,       // no such topic, and none is made
  system,        // it is one of the broker's own
  invalid,       // numbers or attributes that cannot be
};
using TopicError = base::Error<TopicErrc>;
template <class T>
using TopicResult = base::Result<T, TopicError>;

/// All topics of one broker. Pure; whoever changes it stores what on_change() gave.
class TopicTable {
 public:
  TopicTable(TopicDefaults defaults, std::int64_t now_ms);
  TopicTable(const TopicTable&) = delete;
  TopicTable& operator=(const TopicTable&) = delete;

  const TopicConfig* find(std::string_view topic) const;
  const std::map<std::string, TopicConfig, std::less<>>& all() const { return topics_; }
  const DataVersion& version() const { return version_; }
  bool is_system(std::string_view topic) const;
  std::vector<std::string> system_topics() const;

  /// The topic that a message is sent to, made when it is missing and its template may be inherited from.
  ///   like     topic whose configuration is inherited (defaultTopic of a send)
  ///   queues   as many as the client wishes
  ///   errors   illegal_name, unknown
  TopicResult<const TopicConfig*> find_or_create(std::string_view topic, std::string_view like, std::int32_t queues, std::int64_t now_ms);
  /// %RETRY% and %DLQ% topics, and such.
  const TopicConfig& ensure(std::string_view topic, std::int32_t queues, std::int32_t perm, std::int64_t now_ms);
  /// By an operator. attributes: "+name=value" and "-name", as they are asked for.
  TopicResult<const TopicConfig*> update(TopicConfig config, std::string_view attributes, std::int64_t now_ms);
  /// errors: unknown, system
  TopicResult<void> remove(std::string_view topic, std::int64_t now_ms);
  /// From elsewhere (the tree): takes it as it is.
  void put(TopicConfig config);
  void take_out(std::string_view topic);
  /// Of topics that are made from now on.
  void change_defaults(bool auto_create, std::int32_t queues);

  /// Names changed by us since the last call; removed ones are no longer in the table.
  std::vector<std::string> take_changes();
  bool has_changes() const { return !changed_.empty(); }
  /// What was taken did not get to where it is kept.
  void mark_changed(std::string name) { changed_.push_back(std::move(name)); }

 private:
  const TopicConfig& change(TopicConfig config, std::int64_t now_ms);
  const TopicConfig& place(TopicConfig config);

  TopicDefaults defaults_;
  std::map<std::string, TopicConfig, std::less<>> topics_;
  absl::flat_hash_map<absl::string_view, const TopicConfig*> by_name_;  // the same: asked for with every message
  std::vector<std::string> changed_;
  DataVersion version_;
};

}  // namespace chorus::mq
