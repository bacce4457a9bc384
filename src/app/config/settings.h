// Everything that a person may set, by role.
#pragma once

#include <chrono>
#include <optional>
#include <string>

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

struct Settings {
  coord::Options coord;
  world::TlsOptions coord_tls;  // becomes coord.tls when it names a certificate
  NodeSettings node;
  AdminSettings admin;
  LogSettings log;
};

}  // namespace chorus::app
