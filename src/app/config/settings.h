// Everything that a person may set, by role.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "coord/options.h"
#include "world/net.h"

namespace chorus::app {

struct NodeSettings {
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

struct Settings {
  coord::Options coord;
  EnsembleSettings ensemble;
  world::TlsOptions coord_tls;  // becomes coord.tls when it names a certificate
  NodeSettings node;
  AdminSettings admin;
  LogSettings log;
};

}  // namespace chorus::app
