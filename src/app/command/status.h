// `chorus status`: asks servers, Chorus or Java, how they are.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "world/net.h"

namespace chorus::app {

struct StatusRequest {
  std::vector<world::Address> servers;        // where their clients connect, at least one
  std::optional<world::Address> admin;        // its /health is asked too; with one server only
  std::optional<world::Address> name_server;  // messaging is told of as well
  bool json = false;
};
/// Prints the answer; returns 0 when each serves and what was asked of it is well, else 1: with one server the reason is on standard error.
int status(const StatusRequest& request);

/// The lines of srvr ("Key: value") and of mntr ("zk_key<TAB>value") by key; anything else gives nothing.
std::map<std::string, std::string> parse_four_letter_reply(std::string_view reply);

}  // namespace chorus::app
