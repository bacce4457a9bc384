// What a NameServer knows: which brokers are there, and where the queues of each topic are. source: RouteInfoManager.java
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mq/broker/hold.h"
#include "mq/rocketmq/body/route.h"
#include "mq/rocketmq/body/topic_config.h"
#include "world/world.h"

namespace chorus::mq::rocketmq {

struct BrokerRegistration {
  std::string cluster;
  std::string broker;
  std::string address;
  std::int64_t id = 0;  // 0: master
  std::string ha_address;
  bool enable_acting_master = false;
  std::optional<std::chrono::milliseconds> silence_max;  // empty: 120 s
  std::optional<ConnectionId> connection;                // empty: not by a connection of ours, and never silent
  std::optional<DataVersion> version;
  std::optional<std::map<std::string, TopicConfig>> topics;  // empty: as they were
  std::vector<std::string> filter_servers;
};

/// Pure.
class Routes {
 public:
  struct Registered {
    std::string master_address;
    std::string ha_address;
  };
  Registered add(BrokerRegistration registration, world::Instant now);
  /// False: there is no such broker.
  void remove(const std::string& broker, const std::string& address);
  void closed(ConnectionId connection);
  /// The broker is alive; false: it is not known.
  bool heard(const std::string& address, world::Instant now);
  /// Drops who is silent; their connections are to be closed.
  std::vector<ConnectionId> expire(world::Instant now);

  /// One topic of a registered broker changed; empty: it is gone.
  void put_topic(const std::string& broker, const std::string& topic, const TopicConfig* config);
  void remove_topic(const std::string& topic, const std::string& cluster);
  void put_queues(const std::string& topic, const std::vector<QueueData>& queues);

  /// order: of the topic, from the table of key and value
  std::optional<TopicRoute> route(const std::string& topic, std::optional<std::string> order) const;
  ClusterInfo clusters() const;
  std::vector<std::string> topics() const;
  std::vector<std::string> topics_of_cluster(const std::string& cluster) const;
  /// Names of clusters and brokers, and an address of one.
  std::vector<std::string> system_topics() const;
  std::string any_address() const;
  /// Where clients reach the broker with that name and id; empty: there is none.
  std::optional<std::string> address_of(const std::string& broker, std::int64_t id) const;
  std::optional<BrokerMemberGroup> members(const std::string& broker) const;
  std::optional<DataVersion> version_of(const std::string& address) const;
  /// Unit topics: those whose sys flag has one of the bits and not the others.
  std::vector<std::string> topics_with_flag(std::int32_t with, std::int32_t without) const;

  /// Sets or takes the bits of each topic of the broker; returns how many there are.
  std::int32_t set_write_permission(const std::string& broker, bool writable);

 private:
  struct Live {
    std::string broker;
    std::string ha_address;
    std::optional<ConnectionId> connection;
    world::Instant heard;
    std::chrono::milliseconds silence_max;
    std::optional<DataVersion> version;
    std::vector<std::string> filter_servers;
  };
  void drop(const std::string& address);

  std::map<std::string, BrokerData> brokers_;
  std::map<std::string, Live> live_;                                // by address
  std::map<std::string, std::map<std::string, QueueData>> topics_;  // topic, broker
};

}  // namespace chorus::mq::rocketmq
