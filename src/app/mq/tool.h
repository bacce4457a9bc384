// Carries out the commands of `chorus mq` with one client.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/mq/output.h"
#include "app/mq/parse.h"
#include "mq/client/blocking.h"
#include "mq/client/producer.h"

namespace chorus::app::mqtool {

namespace wire = mqclient::wire;

struct Broker {
  std::string name, cluster;
  world::Address address;
};

/// Where a queue is, and how far a group is in it.
struct QueueLag {
  mqclient::Queue queue;
  wire::ConsumeOffsets offsets;
  std::int64_t lag() const { return std::max<std::int64_t>(0, offsets.broker_offset - offsets.consumer_offset); }
};

class Tool {
 public:
  Tool(mqclient::BlockingClient& client, bool json) : client_(client), json_(json) {}
  Exit run(const Command& command);

 private:
  using Handler = Exit (Tool::*)(const Command&);
  static Handler handler_for(std::string_view name);

  // topics.cc
  Exit list_topics(const Command& command);
  Exit show_topic(const Command& command);
  Exit create_topic(const Command& command);
  Exit delete_topic(const Command& command);
  // groups.cc
  Exit list_groups(const Command& command);
  Exit show_group(const Command& command);
  Exit create_group(const Command& command);
  Exit delete_group(const Command& command);
  // produce.cc
  Exit produce(const Command& command);
  Exit produce_lines(const Command& command, const mqclient::Message& like);
  // consume.cc
  Exit consume(const Command& command);
  Exit consume_alone(const Command& command);
  Exit consume_as_member(const Command& command);
  void print_message(const mqclient::Received& message, bool with_head);
  // lag.cc
  Exit lag(const Command& command);
  Exit reset(const Command& command);
  // dead_letters.cc
  Exit list_dead_letters(const Command& command);
  Exit resend_dead_letters(const Command& command);
  mqclient::Result<std::vector<mqclient::Received>> dead_letters(const std::string& group, bool all, std::int64_t count);
  // transactions.cc
  Exit list_transactions(const Command& command);
  Exit resume_transaction(const Command& command);
  // message.cc
  Exit message(const Command& command);
  Exit message_by_id(const Command& command);
  Exit message_by_offset(const Command& command);
  Exit show(const std::vector<mqclient::Received>& messages, bool body_only);

  // What many of them need.
  /// Masters; those of one name or one cluster, where that is not empty.
  mqclient::Result<std::vector<Broker>> masters(const std::string& name = {}, const std::string& cluster = {});
  mqclient::Result<std::vector<mqclient::Queue>> queues_of(const std::string& topic);
  /// From the groups of all masters; RocketMQ's own only with `all`.
  mqclient::Result<std::map<std::string, wire::SubscriptionGroupConfig>> all_groups(bool all);
  /// By topic and queue; of all its topics, or one.
  mqclient::Result<std::vector<QueueLag>> lag_of(const std::string& group, const std::string& topic = {});
  /// Members at whatever broker; none: nobody is connected.
  mqclient::Result<wire::ConsumerConnections> members_of(const std::string& group);
  /// Members of any group that has subscribed to the topic.
  mqclient::Result<std::size_t> consumers_of(const std::string& topic);
  /// Reads messages of a queue from an offset on, at most `count`; `use` returns whether to go on.
  mqclient::Result<void> scan(const mqclient::Queue& queue, std::int64_t from, std::int64_t to,
                              const std::function<bool(mqclient::Received&&)>& use);

  void print(std::string_view text);
  void print_json(const Json& json) { print(line(json)); }
  /// On standard error, when that is a terminal, and a second has passed since the last: "\r...".
  void progress(const std::function<std::string()>& words, bool last = false);
  Exit fail(const mqclient::Error& error, std::string_view hint = {});
  Exit fail(Exit code, std::string_view words);

  mqclient::BlockingClient& client_;
  const bool json_;
  std::chrono::steady_clock::time_point progressed_at_ = std::chrono::steady_clock::now();
  bool has_progress_ = false;
};

/// RocketMQ's own, or of a group's retries or dead letters.
bool is_internal_topic(std::string_view topic);
bool is_internal_group(std::string_view group);
std::int64_t now_ms();
/// The group in whose name the tool reads; brokers have it from the start.
inline constexpr const char* tools_group = "TOOLS_CONSUMER";

}  // namespace chorus::app::mqtool
