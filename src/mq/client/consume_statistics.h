// What a consumer can tell of itself: how much it pulls and consumes of each topic, and how long that takes.
// source: client/stat/ConsumerStatsManager.java
#pragma once

#include <cstdint>
#include <string_view>

#include "mq/broker/statistics.h"
#include "mq/client/message.h"
#include "mq/rocketmq/body/clients.h"

namespace chorus::mqclient {

/// Pure; the times are its user's.
class ConsumeStatistics {
 public:
  void pulled(std::string_view topic, std::size_t messages, std::int64_t took_ms, std::int64_t now_ms);
  /// One call of the listener.
  void consumed(std::string_view topic, std::size_t messages, bool is_ok, std::int64_t took_ms, std::int64_t now_ms);
  /// Each 10 s.
  void sample(std::int64_t now_ms) { counts_.sample(now_ms); }
  wire::ConsumeStatus of(std::string_view topic, std::int64_t now_ms) const;

 private:
  mq::Statistics counts_;
};

}  // namespace chorus::mqclient
