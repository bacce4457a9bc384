// How a node of a cluster is set up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace chorus::cache::cluster {

/// What clients are told to connect to (cluster-preferred-endpoint-type).
enum class Preferred : std::uint8_t { ip, hostname, unknown };

struct Options {
  bool enabled = false;  // cluster-enabled
  std::string name = "default";
  std::string id;                       // 40 digits in hexadecimal; the same over restarts
  std::string announce_ip;              // empty: that of the address
  std::uint16_t announce_port = 0;      // 0: that of the address
  std::uint16_t announce_bus_port = 0;  // 0: 10,000 above the port, where there is one
  std::string announce_hostname;
  std::uint32_t node_timeout_ms = 15'000;
  bool require_full_coverage = true;
  bool allow_reads_when_down = false;
  bool allow_pubsubshard_when_down = true;
  bool rebalances = false;  // slots move by themselves when nodes join, or get another weight
  Preferred preferred = Preferred::ip;
  std::size_t handover_window_octets = 512 << 10;  // sent to the node that takes slots over, and not taken yet
};

}  // namespace chorus::cache::cluster
