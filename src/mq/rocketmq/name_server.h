// The NameServer's requests. source: namesrv/processor/DefaultRequestProcessor.java, ClientRequestProcessor.java
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "mq/rocketmq/command.h"
#include "mq/rocketmq/routes.h"

namespace chorus::mq::rocketmq {

/// Pure: one request in, its answer out.
class NameServer {
 public:
  /// port: that it listens on, for its settings.
  explicit NameServer(std::uint16_t port = 9876) { listens_on(port); }
  void listens_on(std::uint16_t port);
  Outgoing on(ConnectionId from, const Command& request, world::Instant now);
  using KeyValues = std::map<std::string, std::map<std::string, std::string>>;  // namespace, key
  const KeyValues& key_values() const { return key_values_; }
  /// From where they are kept; what was put meanwhile stays.
  void load(const KeyValues& kept);
  void closed(ConnectionId connection) { routes_.closed(connection); }
  Routes& routes() { return routes_; }
  const Routes& routes() const { return routes_; }

 private:
  Outgoing register_broker(ConnectionId from, const Command& request, world::Instant now);
  Outgoing route(const Command& request);
  Outgoing key_value(const Command& request);
  Outgoing change_settings(const Command& request) const;

  Routes routes_;
  KeyValues key_values_;
  std::map<std::string, std::string> settings_;  // under RocketMQ's names
};

}  // namespace chorus::mq::rocketmq
