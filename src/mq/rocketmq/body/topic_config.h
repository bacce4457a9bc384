// Topics as a broker keeps them, and how it registers them with a NameServer. source: common/TopicConfig.java,
// remoting/protocol/body/RegisterBrokerBody.java
#pragma once

#include <array>

#include "base/result.h"
#include "mq/rocketmq/body/body.h"

namespace chorus::mq::rocketmq {

/// Which change a table of configurations is at.
struct DataVersion {
  std::int64_t counter = 0;
  std::int64_t state_version = 0;
  std::int64_t timestamp_ms = 0;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("counter", self.counter);
    member("stateVersion", self.state_version, "stateMachineVersion");
    member("timestamp", self.timestamp_ms);
  }
  friend bool operator==(const DataVersion&, const DataVersion&) = default;
};

enum class TopicFilterType { single_tag, multi_tag };
inline std::span<const std::string_view> names_of(TopicFilterType) {
  static constexpr std::array<std::string_view, 2> names{"SINGLE_TAG", "MULTI_TAG"};
  return names;
}

struct TopicConfig {
  std::string name;
  std::int32_t read_queues = 16;
  std::int32_t write_queues = 16;
  std::int32_t perm = 6;
  TopicFilterType filter_type = TopicFilterType::single_tag;
  std::int32_t sys_flag = 0;
  bool order = false;
  std::map<std::string, std::string> attributes;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("attributes", self.attributes);
    member("order", self.order);
    member("perm", self.perm);
    member("readQueueNums", self.read_queues);
    member("topicFilterType", self.filter_type);
    member("topicName", self.name);
    member("topicSysFlag", self.sys_flag);
    member("writeQueueNums", self.write_queues);
  }
  friend bool operator==(const TopicConfig&, const TopicConfig&) = default;
};

/// Answer to 21.
struct TopicConfigTable {
  DataVersion version;
  std::map<std::string, TopicConfig> topics;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("dataVersion", self.version);
    member("topicConfigTable", self.topics);
  }
  friend bool operator==(const TopicConfigTable&, const TopicConfigTable&) = default;
};

/// Body of 18.
struct TopicConfigList {
  std::vector<TopicConfig> topics;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("topicConfigList", self.topics);
  }
  friend bool operator==(const TopicConfigList&, const TopicConfigList&) = default;
};

/// Body of 103. What concerns static topics is passed on.
struct RegisterBroker {
  struct Topics {
    DataVersion version;
    std::optional<RawJson> mapping_version;
    std::map<std::string, TopicConfig> topics;
    std::optional<RawJson> mapping_details;
    std::map<std::string, RawJson> mappings;

    template <class Self, class F>
    static void describe(Self& self, F&& member) {
      member("dataVersion", self.version);
      member("mappingDataVersion", self.mapping_version);
      member("topicConfigTable", self.topics);
      member("topicQueueMappingDetailMap", self.mapping_details);
      member("topicQueueMappingInfoMap", self.mappings);
    }
    friend bool operator==(const Topics&, const Topics&) = default;
  };
  std::vector<std::string> filter_servers;
  Topics topics;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("filterServerList", self.filter_servers);
    member("topicConfigSerializeWrapper", self.topics);
  }
  friend bool operator==(const RegisterBroker&, const RegisterBroker&) = default;
};

/// The compressed form (header field `compressed`): a zlib stream. `with_mappings`: brokers from 5.0.0 on write mappings of static topics
/// at its end, readers ask the version in the header. What it holds may be `octets_max` at most. Empty: it is damaged or larger.
inline constexpr std::size_t inflated_octets_max = 64 << 20;
inline constexpr std::int32_t version_v5_0_0 = 413;
std::optional<RegisterBroker> decode_compressed_registration(std::string_view body, bool with_mappings,
                                                             std::size_t octets_max = inflated_octets_max);
std::string encode_compressed_registration(const RegisterBroker& registration, bool with_mappings);

}  // namespace chorus::mq::rocketmq
