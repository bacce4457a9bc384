// How messaging is, as a NameServer and its brokers tell: for `chorus status`.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "world/net.h"

namespace chorus::app {

struct MessagingStatus {
  std::string address;
  std::string problem;                 // empty: all have answered
  std::size_t topics = 0, groups = 0;  // RocketMQ's own left out
  std::int64_t lag = 0;                // of all groups
  struct Broker {
    std::string name, address, version;
    std::string put_per_second, get_per_second;  // over 10 s
    std::string disk_ratio;                      // used, of 1
    std::int64_t stored = 0;                     // octets of the log
  };
  std::vector<Broker> brokers;
};
/// Takes as long as there are groups.
MessagingStatus ask_messaging(const world::Address& name_server);
std::string to_text(const MessagingStatus& status);
nlohmann::ordered_json json_of(const MessagingStatus& status);

}  // namespace chorus::app
