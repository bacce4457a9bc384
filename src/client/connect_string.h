// "host:port,host:port/chroot", as every ZooKeeper client takes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/error.h"
#include "world/net.h"

namespace chorus::client {

struct ConnectString {
  std::vector<world::Address> servers;  // at least one
  std::string chroot;                   // "" or "/a/b": put before every path, taken off every answer
};
/// A server without a port gets 2181. Errors: bad_arguments.
Result<ConnectString> parse_connect_string(std::string_view text);

/// The rules that the server has for a path that it stores; `sequential`: a number is still to be appended. Empty when fine, else what is
/// wrong with it. source: PathUtils.validatePath
std::string path_problem(std::string_view path, bool sequential = false);

}  // namespace chorus::client
