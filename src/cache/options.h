// How a cache server is set up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cache/notify.h"
#include "cache/value/type.h"
#include "world/net.h"

namespace chorus::cache {

/// The part that the state machine knows.
struct ServerOptions {
  unsigned databases = 16;
  std::string password;  // requirepass: of the user "default"; empty: none
  std::size_t clients_max = 10'000;
  std::size_t bulk_octets_max = 512U << 20;  // proto-max-bulk-len
  std::size_t query_octets_max = 1U << 30;   // client-query-buffer-limit
  std::size_t reply_octets_max = 1U << 30;   // replies to one command, or one EXEC: whoever asks for more is let go
  std::size_t push_octets_max = 32U << 20;   // messages that a client does not take (client-output-buffer-limit pubsub)
  NotifySettings notify;                     // notify-keyspace-events
  Thresholds thresholds;
  std::uint16_t port = 6379;  // as INFO says
};

struct Options : ServerOptions {
  std::optional<world::Address> address = world::Address{"127.0.0.1", 6379};
};

}  // namespace chorus::cache
