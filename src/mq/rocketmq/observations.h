// What a broker learns of consumers only by asking them, or by reading: for metrics.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mq/rocketmq/body/clients.h"

namespace chorus::mq::rocketmq {

/// What a consumer said of itself.
struct ClientReport {
  std::string group, client_id, address;
  std::map<std::string, ConsumeStatus> topics;
};

struct Observations {
  std::vector<ClientReport> clients;
  /// By group and topic: when the oldest message was stored that the group has not consumed; 0: it has consumed all.
  std::map<std::pair<std::string, std::string>, std::int64_t> waiting_since_ms;
  std::int64_t oldest_ms = -1;  // when the oldest message of all was stored; -1: there is none
};

}  // namespace chorus::mq::rocketmq
