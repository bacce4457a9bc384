// Messaging at work: a broker and a name server, each if it is wanted, with their ports, store and place in the tree.
#pragma once

#include <spdlog/logger.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "mq/acl/access.h"
#include "mq/broker/broker.h"
#include "mq/exporter.h"
#include "mq/log/store.h"
#include "mq/rocketmq/broker_face.h"
#include "mq/rocketmq/port.h"
#include "world/world.h"

namespace chorus::mq {

struct Options {
  std::optional<world::Address> name_server_address = world::Address{"127.0.0.1", 9876};
  std::optional<world::Address> broker_address = world::Address{"127.0.0.1", 10911};
  std::string advertised_host;  // brokerIP1: what clients are told to connect to; empty: the host of broker_address
  std::optional<world::TlsOptions> tls;
  bool plain_too = true;
  std::string tree;              // connect string of the ZooKeeper ensemble that keeps topics and groups
  std::string tree_credentials;  // "user:password" of its scheme digest, for what access control keeps there; empty: none
  acl::AccessOptions access;
  rocketmq::Limits limits;  // of each port
  StoreOptions store;
  BrokerOptions broker;
  rocketmq::FaceOptions face;
  std::size_t metric_series_max = 10'000;  // of samples()
};

/// Where it stands, for metrics and `chorus status`.
struct Facts {
  bool serving = false;  // the broker takes clients
  bool ready = false;    // all that is to run here does, and knows what is in the tree
  BrokerCounters counters;
  StoreStatistics store;
  std::size_t connections = 0, producers = 0, consumers = 0, waiting = 0, topics = 0, groups = 0, open_transactions = 0;
  std::uint64_t refused_authentication = 0, refused_authorization = 0;
  rocketmq::PortCounters port;  // of both
  std::size_t pops_waiting = 0, pops_in_flight = 0;
};

/// Lives on one reactor.
class Node {
 public:
  /// Opens the store, which blocks, and begins to listen once topics and groups are read. `logger` outlives the node. The words of the
  /// error are for a person.
  static base::Result<std::unique_ptr<Node>, std::string> start(world::World& world, Options options, spdlog::logger& logger);
  ~Node();

  void stop(world::Callback done);
  /// It cannot go on: the words say why.
  void on_failure(std::function<void(const std::string&)> callback);
  bool is_serving() const;
  Facts facts() const;
  /// By topic, group and queue, for metrics; it takes a while where there are many.
  Samples samples() const;
  /// With the ports that the system picked.
  std::optional<world::Address> name_server_address() const;
  std::optional<world::Address> broker_address() const;

 private:
  class Impl;
  explicit Node(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace chorus::mq
