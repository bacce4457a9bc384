// Exit codes of `chorus mq`, one per reaction of a script; those of `chorus zk` where they mean the same. Documented in parse.cc (--help)
// and docs/mq.md.
#pragma once

#include <cstdint>

#include "mq/client/error.h"

namespace chorus::app::mqtool {

enum class Exit : std::uint8_t {
  ok = 0,
  usage = 1,          // the command line, or a file that it names
  no_connection = 2,  // none to be had, or lost before the answer
  not_found = 3,      // topic, group, message, transaction
  exists = 4,
  in_use = 5,       // live consumers: --force does it nevertheless
  not_allowed = 6,  // by an access list, or by the broker's settings
  timed_out = 9,    // what was waited for did not happen
  failed = 10,      // everything else
};
Exit exit_for(const mqclient::Error& error);

}  // namespace chorus::app::mqtool
