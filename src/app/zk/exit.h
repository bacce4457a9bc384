// Exit codes of `chorus zk`, one per reaction of a script. Documented in parse.cc (--help) and docs/zk.md.
#pragma once

#include <cstdint>

#include "client/error.h"

namespace chorus::app::zk {

enum class Exit : std::uint8_t {
  ok = 0,
  usage = 1,          // the command line, or a file that it names
  no_connection = 2,  // none to be had, or lost before the answer
  no_node = 3,
  node_exists = 4,
  bad_version = 5,
  not_allowed = 6,  // by an access list, a quota or the server's settings; or authentication refused
  not_empty = 7,
  session_ended = 8,
  timed_out = 9,  // what was waited for did not happen
  failed = 10,    // everything else
};
Exit exit_for(client::Code code);

}  // namespace chorus::app::zk
