// The NameServer's requests. source: namesrv/processor/DefaultRequestProcessor.java, ClientRequestProcessor.java
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "mq/rocketmq/command.h"
#include "mq/rocketmq/routes.h"

namespace chorus::mq::rocketmq {

/// Of the table of keys and values; without a value: the key goes.
struct KeyValueChange {
  std::string space, key;  // RocketMQ calls it a namespace
  std::optional<std::string> value;
  friend bool operator==(const KeyValueChange&, const KeyValueChange&) = default;
};

/// Pure: one request in, its answer out.
class NameServer {
 public:
  /// port: that it listens on, for its settings.
  explicit NameServer(std::uint16_t port = 9876) { listens_on(port); }
  void listens_on(std::uint16_t port);
  Outgoing on(ConnectionId from, const Command& request, world::Instant now);
  /// What the request wants to change of keys and values, which on() does at once and in memory alone: who keeps them elsewhere does that
  /// first, then applies it, and answers. Empty: nothing, or a field is missing.
  static std::optional<KeyValueChange> key_value_change(const Command& request);
  void apply(const KeyValueChange& change);
  void closed(ConnectionId connection) { routes_.closed(connection); }
  Routes& routes() { return routes_; }
  const Routes& routes() const { return routes_; }

 private:
  Outgoing register_broker(ConnectionId from, const Command& request, world::Instant now);
  Outgoing route(const Command& request);
  Outgoing key_value(const Command& request);
  Outgoing change_settings(const Command& request) const;

  Routes routes_;
  std::map<std::string, std::map<std::string, std::string>> key_values_;  // namespace, key
  std::map<std::string, std::string> settings_;                           // under RocketMQ's names
};

}  // namespace chorus::mq::rocketmq
