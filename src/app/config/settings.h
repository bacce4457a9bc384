// Everything that a person may set, by role.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cache/options.h"
#include "coord/options.h"
#include "mq/node.h"
#include "world/net.h"

namespace chorus::app {

struct NodeSettings {
  std::set<std::string> roles{"coord", "mq", "cache"};
  /// See world::real::Reactor::poll_disk().
  std::chrono::microseconds disk_poll{400};
};

struct AdminSettings {
  std::optional<world::Address> address = world::Address{"127.0.0.1", 8080};
  std::optional<world::Address> metrics_address;
};

struct LogSettings {
  std::string level = "info";
  std::string format = "text";
};

/// SASL between members; becomes coord.ensemble.auth.
struct QuorumSaslSettings {
  bool enabled = false;
  bool learner_required = false, server_required = false;
  std::string jaas_file;
  std::string learner_context = "QuorumLearner", server_context = "QuorumServer";
};

/// As written; becomes coord.ensemble (ensemble.h).
struct EnsembleSettings {
  std::vector<std::string> members;  // "1=host:2888:3888:participant;2181"
  std::vector<std::string> groups;   // "1=1:2:3"
  std::vector<std::string> weights;  // "1=2"
  std::string dynamic_config_file;
  std::string peer_type = "participant";
  world::TlsOptions tls;  // becomes coord.ensemble.tls when it names a certificate
  QuorumSaslSettings sasl;
};

/// What of messaging is not in mq::Options as it is.
struct MqSettings {
  std::string data_dir = "chorus-data/mq";
  std::string flush = "sync";
  std::chrono::hours retain{72};
  std::int64_t disk_used_percent_clean = 75, disk_used_percent_refuse = 90;
  std::int64_t segment_mb = 256;
  std::string delay_levels = "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h";
  world::TlsOptions tls;  // becomes mq.tls when it names a certificate
  std::string acl_file;   // becomes mq.access.accounts
  std::string init_user;  // "name:password", or RocketMQ's JSON; becomes mq.access.initial_user
  std::vector<std::string> authentication_whitelist, authorization_whitelist;  // codes of requests
  std::string name_server_access = "changes";
};

struct Settings {
  coord::Options coord;
  std::string coord_connect;  // an ensemble elsewhere, for the services above; empty: this node's
  mq::Options mq;
  MqSettings mq_more;
  cache::Options cache;
  EnsembleSettings ensemble;
  world::TlsOptions coord_tls;  // becomes coord.tls when it names a certificate
  NodeSettings node;
  AdminSettings admin;
  LogSettings log;
};

}  // namespace chorus::app
