// `chorus status`: asks a node, Chorus or Java, how it is.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "world/net.h"

namespace chorus::app {

struct StatusRequest {
  world::Address client;
  std::optional<world::Address> admin;  // its /health is asked too
  bool json = false;
};
/// Prints the answer; returns 0 when the node serves and what was asked of it is well, else 1 with the reason on standard error.
int status(const StatusRequest& request);

/// The lines of srvr ("Key: value") and of mntr ("zk_key<TAB>value") by key; anything else gives nothing.
std::map<std::string, std::string> parse_four_letter_reply(std::string_view reply);

}  // namespace chorus::app
