// Who is connected: producers and consumers by group, as their heartbeats tell.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mq/broker/hold.h"
#include "world/world.h"

namespace chorus::mq {

enum class ConsumeType { actively, passively, pop };
enum class MessageModel { clustering, broadcasting };
enum class ConsumeFrom { last_offset, first_offset, timestamp };

struct Subscription {
  std::string topic;
  std::string expression_type = "TAG";  // TAG or SQL92
  std::string expression = "*";
  std::int64_t version = 0;
  bool class_filter = false;
  std::set<std::string> tags;
  std::set<std::int32_t> codes;  // their hashes
  friend bool operator==(const Subscription&, const Subscription&) = default;
};

struct ClientInfo {
  std::string client_id;
  ConnectionId connection;
  std::string address;  // "127.0.0.1:40312"
  std::uint8_t language = 0;
  std::int32_t version = 0;
  world::Instant last_seen;
};

struct ConsumerGroup {
  ConsumeType type = ConsumeType::passively;
  MessageModel model = MessageModel::clustering;
  ConsumeFrom from = ConsumeFrom::last_offset;
  std::map<std::string, Subscription> subscriptions;  // by topic
  std::map<ConnectionId, ClientInfo> members;
};

/// What a heartbeat says of one group of consumers.
struct ConsumerHeartbeat {
  std::string group;
  ConsumeType type = ConsumeType::passively;
  MessageModel model = MessageModel::clustering;
  ConsumeFrom from = ConsumeFrom::last_offset;
  std::vector<Subscription> subscriptions;
};

/// Pure. A client is known by its connection. What others of a group have to be told is collected until taken.
class Clients {
 public:
  explicit Clients(std::chrono::milliseconds silence_max = std::chrono::seconds(120)) : silence_max_(silence_max) {}

  /// Returns whether the group's members or subscriptions changed: all its members are then told (take_changed_groups()).
  bool consumer(const ConsumerHeartbeat& heartbeat, const ClientInfo& client);
  void producer(const std::string& group, const ClientInfo& client);
  /// Empty group: not of that kind.
  void unregister(ConnectionId connection, const std::string& client_id, const std::string& producer_group,
                  const std::string& consumer_group);
  void closed(ConnectionId connection);
  /// Connections that were silent for too long: they are forgotten, and to be closed.
  std::vector<ConnectionId> expire(world::Instant now);

  const ConsumerGroup* consumers(std::string_view group) const;
  const std::map<std::string, ConsumerGroup, std::less<>>& all_consumers() const { return consumers_; }
  const Subscription* subscription(std::string_view group, std::string_view topic) const;
  /// Sorted client ids, each once.
  std::vector<std::string> consumer_ids(std::string_view group) const;
  const ClientInfo* find_consumer(std::string_view group, std::string_view client_id) const;
  std::vector<std::string> groups_subscribed(std::string_view topic) const;

  using Producers = std::map<ConnectionId, ClientInfo>;
  const Producers* producers(std::string_view group) const;
  const std::map<std::string, Producers, std::less<>>& all_producers() const { return producers_; }
  /// A producer of the group, another one each time, to be asked about a transaction.
  const ClientInfo* any_producer(std::string_view group);
  /// By client id, in whatever group.
  const ClientInfo* find_producer(std::string_view client_id) const;

  /// Groups whose members have to be told that the set of consumers or subscriptions is another one.
  std::vector<std::string> take_changed_groups();

 private:
  void remove_consumer(std::string_view group, ConnectionId connection);
  void remove_producer(std::string_view group, ConnectionId connection);

  std::chrono::milliseconds silence_max_;
  std::map<std::string, ConsumerGroup, std::less<>> consumers_;
  std::map<std::string, Producers, std::less<>> producers_;
  std::map<ConnectionId, std::set<std::string>> consumer_groups_of_;
  std::map<ConnectionId, std::set<std::string>> producer_groups_of_;
  std::set<std::string> changed_;
  std::size_t turn_ = 0;
};

}  // namespace chorus::mq
