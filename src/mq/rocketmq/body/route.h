// Where topics are: what a NameServer answers. source: remoting/protocol/route/, body/ClusterInfo.java
#pragma once

#include "mq/rocketmq/body/body.h"

namespace chorus::mq::rocketmq {

/// Bits of `perm`.
inline constexpr std::int32_t perm_priority = 8;
inline constexpr std::int32_t perm_read = 4;
inline constexpr std::int32_t perm_write = 2;
inline constexpr std::int32_t perm_inherit = 1;

struct QueueData {
  std::string broker_name;
  std::int32_t perm = perm_read | perm_write;
  std::int32_t read_queues = 0;
  std::int32_t write_queues = 0;
  std::int32_t topic_sys_flag = 0;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("brokerName", self.broker_name);
    member("perm", self.perm);
    member("readQueueNums", self.read_queues);
    member("topicSysFlag", self.topic_sys_flag, "topicSynFlag");  // before 5.0 the name was misspelt
    member("writeQueueNums", self.write_queues);
  }
  friend bool operator==(const QueueData&, const QueueData&) = default;
};

struct BrokerData {
  std::string cluster;
  std::string broker_name;
  std::map<std::int64_t, std::string> addresses;  // by broker id: 0 is the master
  bool enable_acting_master = false;
  std::optional<std::string> zone_name;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("brokerAddrs", self.addresses);
    member("brokerName", self.broker_name);
    member("cluster", self.cluster);
    member("enableActingMaster", self.enable_acting_master);
    member("zoneName", self.zone_name);
  }
  friend bool operator==(const BrokerData&, const BrokerData&) = default;
};

/// Answer to 105, body of 217.
struct TopicRoute {
  std::vector<BrokerData> brokers;
  std::vector<QueueData> queues;
  std::map<std::string, std::vector<std::string>> filter_servers;
  std::optional<std::string> order_topic_conf;
  std::optional<RawJson> queue_mapping_by_broker;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("brokerDatas", self.brokers);
    member("filterServerTable", self.filter_servers);
    member("orderTopicConf", self.order_topic_conf);
    member("queueDatas", self.queues);
    member("topicQueueMappingByBroker", self.queue_mapping_by_broker);
  }
  friend bool operator==(const TopicRoute&, const TopicRoute&) = default;
};

/// Answer to 106.
struct ClusterInfo {
  std::map<std::string, BrokerData> brokers;                 // by their names
  std::map<std::string, std::vector<std::string>> clusters;  // names of brokers

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("brokerAddrTable", self.brokers);
    member("clusterAddrTable", self.clusters);
  }
  friend bool operator==(const ClusterInfo&, const ClusterInfo&) = default;
};

/// Answer to 206, 224, 304, 305, 311 to 313, 343.
struct TopicList {
  std::vector<std::string> topics;
  std::optional<std::string> broker_address;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("brokerAddr", self.broker_address);
    member("topicList", self.topics);
  }
  friend bool operator==(const TopicList&, const TopicList&) = default;
};

/// Answer to 300.
struct GroupList {
  std::vector<std::string> groups;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("groupList", self.groups);
  }
  friend bool operator==(const GroupList&, const GroupList&) = default;
};

/// Answer to 28, 103, 219.
struct KvTable {
  std::map<std::string, std::string> table;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("table", self.table);
  }
  friend bool operator==(const KvTable&, const KvTable&) = default;
};

struct BrokerMemberGroup {
  std::map<std::int64_t, std::string> addresses;
  std::string broker_name;
  std::string cluster;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("brokerAddrs", self.addresses);
    member("brokerName", self.broker_name);
    member("cluster", self.cluster);
  }
  friend bool operator==(const BrokerMemberGroup&, const BrokerMemberGroup&) = default;
};

/// Answer to 901.
struct BrokerMemberGroupAnswer {
  std::optional<BrokerMemberGroup> group;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("brokerMemberGroup", self.group);
  }
  friend bool operator==(const BrokerMemberGroupAnswer&, const BrokerMemberGroupAnswer&) = default;
};

}  // namespace chorus::mq::rocketmq
