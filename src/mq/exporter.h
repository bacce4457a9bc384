// What RocketMQ's exporter tells Prometheus of a broker, under its names and with its labels, without the exporter; and lag by queue.
// source: apache/rocketmq-exporter, service/collector/RMQMetricsCollector.java, task/MetricsCollectTask.java
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mq/broker/broker.h"

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

/// At most `samples_max`, the broker's own first, then topics and groups by name: a broker with many of them does not flood who asks.
/// address: the broker's, as the exporter has it in `brokerIP`. Takes as long as there are topics, and queues of groups.
Samples exporter_samples(Broker& broker, const std::string& address, std::int64_t now_ms, std::size_t samples_max);

}  // namespace chorus::mq
