// Puts a broker under load: producers, consumers at the head, and readers of a backlog, all at once, from one thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "rocketmq/load/party.h"

namespace chorus::bench::rocketmq {

struct Plan {
  Production production;        // without producers: nobody writes
  std::uint32_t consumers = 0;  // connections that follow the heads of all queues that are written to, which they share
  std::string backlog;          // a topic "BACKLOG-00000" with as many queues, which is read from its beginning, again and again
  std::uint32_t readers = 0;    // connections that do so
  std::chrono::duration<double> warm_up{1};
  std::chrono::duration<double> measure{5};
  std::uint64_t count = 0;  // when not 0: measure until so many messages are acknowledged instead of a time
  std::vector<int> server_pids;
};

struct Outcome {
  double create_seconds = 0;  // until the topics were there
  double seconds = 0;
  Tally produced, consumed, read;
  double client_cpu_seconds = 0;
  std::optional<double> server_cpu_seconds;            // of all processes in `server_pids`
  std::optional<std::uint64_t> server_resident_bytes;  // likewise
};

/// Blocks until it is done, and all that was sent is answered. Throws what ended it early, in words for a person.
Outcome run_load(const Target& broker, const Plan& plan);

}  // namespace chorus::bench::rocketmq
