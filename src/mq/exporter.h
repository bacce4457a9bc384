// What RocketMQ's exporter tells Prometheus of a broker, under its names and with its labels, without the exporter; and lag by queue.
// source: apache/rocketmq-exporter, service/collector/RMQMetricsCollector.java, task/MetricsCollectTask.java
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mq/broker/broker.h"
#include "mq/rocketmq/observations.h"

namespace chorus::mq {

struct Sample {
  std::string_view name, help;
  std::map<std::string, std::string> labels;
  double value = 0;
};
struct Samples {
  std::vector<Sample> all;
  std::size_t left_out = 0;  // beyond what is allowed
};

/// What is not the broker's own to know.
struct ExporterFacts {
  std::string address;                         // the broker's, as the exporter has it in `brokerIP`
  std::map<std::string, std::string> runtime;  // what is answered to who asks for runtime information
  std::optional<std::uint64_t> disk_octets, disk_octets_free;
  const rocketmq::Observations* observed = nullptr;
};

/// At most `samples_max`, the broker's own first, then topics, groups and clients by name: a broker with many of them does not flood who
/// asks. Takes as long as there are topics, and queues of groups.
Samples exporter_samples(Broker& broker, const ExporterFacts& facts, std::int64_t now_ms, std::size_t samples_max);

}  // namespace chorus::mq
