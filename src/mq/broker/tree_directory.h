// Which brokers run, and their topics, as the nodes of the tree say; tree_catalogue.h has the paths.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mq/broker/config_json.h"
#include "mq/broker/topics.h"

namespace chorus::mq {

/// Where brokers stand in the tree.
inline constexpr std::string_view brokers_root = "/chorus/mq";

struct BrokerKey {
  std::string cluster, name;
  friend auto operator<=>(const BrokerKey&, const BrokerKey&) = default;
};
/// "/chorus/mq/CLUSTER/BROKER"
std::string path_of(const BrokerKey& broker);

/// It runs, or tells something else of itself than before. Topics may be read and written as far as the broker allows.
struct BrokerUp {
  BrokerKey broker;
  std::string address;
  std::int64_t id = 0;
  std::map<std::string, TopicConfig> topics;
  friend bool operator==(const BrokerUp&, const BrokerUp&) = default;
};
struct BrokerDown {
  BrokerKey broker;
  std::string address;
  friend bool operator==(const BrokerDown&, const BrokerDown&) = default;
};
/// Of a broker that runs; empty: the topic is gone.
struct TopicChanged {
  BrokerKey broker;
  std::string topic;
  std::optional<TopicConfig> config;
  friend bool operator==(const TopicChanged&, const TopicChanged&) = default;
};
/// A node holds what it should not; nothing is known of it.
struct NodeUnreadable {
  std::string path;
  friend bool operator==(const NodeUnreadable&, const NodeUnreadable&) = default;
};
using DirectoryChange = std::variant<BrokerUp, BrokerDown, TopicChanged, NodeUnreadable>;

/// Pure.
class TreeDirectory {
 public:
  /// own: a broker that is known better from elsewhere, and left out
  explicit TreeDirectory(std::optional<BrokerKey> own = std::nullopt) : own_(std::move(own)) {}

  /// What a node holds now; null: it is gone. Paths that say nothing of brokers are passed over.
  void apply(std::string_view path, const std::string* data, std::vector<DirectoryChange>& out);
  void for_each_up(const std::function<void(const BrokerKey& broker, const std::string& address, std::int64_t id)>& visit) const;
  /// Empty: it does not run.
  std::optional<std::string> address_of(const BrokerKey& broker) const;
  std::optional<BrokerUp> find(const BrokerKey& broker) const;

 private:
  struct Broker {
    std::optional<Announcement> live;  // while it runs
    std::map<std::string, TopicConfig> topics;
  };
  void apply_live(const BrokerKey& key, std::string_view path, const std::string* data, std::vector<DirectoryChange>& out);
  void apply_topic(const BrokerKey& key, const std::string& topic, std::string_view path, const std::string* data,
                   std::vector<DirectoryChange>& out);
  void forget_if_empty(const BrokerKey& key);

  const std::optional<BrokerKey> own_;
  std::map<BrokerKey, Broker> brokers_;
};

}  // namespace chorus::mq
