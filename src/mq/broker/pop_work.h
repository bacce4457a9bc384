// What popping keeps in memory while a broker runs: of this broker's own files.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>

#include "mq/broker/broker.h"
#include "mq/broker/recent_acks.h"

namespace chorus::mq {

struct Broker::PopWork {
  static constexpr std::size_t recent_acks_max = 1 << 16;

  /// Queues popped in order of which an entry on its way to the log acknowledges or changes something.
  absl::flat_hash_map<GroupQueue, int> orders_busy;
  RecentAcks recent_acks{recent_acks_max};
};

}  // namespace chorus::mq
