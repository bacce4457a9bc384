// What the server knows of one client connection.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "coord/acl.h"
#include "coord/options.h"
#include "coord/statistics.h"
#include "coord/watches.h"
#include "jute/constants.h"
#include "world/world.h"

namespace chorus::coord {

struct ClientConnection {
  ConnectionId id;
  world::Address peer;
  bool is_tls = false;
  world::Instant accepted;
  world::WallTime established;

  enum class Phase { fresh, connecting, serving, closing } phase = Phase::fresh;
  bool has_read_only_flag = false;  // the client knows of read-only servers
  std::int64_t session = 0;
  bool is_local_session = false;  // known to this server alone
  milliseconds timeout{0};
  std::vector<AuthId> auth;

  std::string input;   // what is not taken up yet: the beginning of a frame, or more when `held`
  bool held = false;   // too much waits for this client already
  std::string output;  // replies and events of the step under way
  bool dirty = false;  // is on the list of those with output

  // Requests that are not answered, in order: the connection's writes under way, and what was asked after them.
  struct Waiting {
    std::int64_t zxid = 0;  // answered once this is applied; 0: a request to be served when it comes to the front, or a learner's write
    bool own = false;       // a write of this connection, else only something to wait for
    std::string frame;
    std::size_t octets = 0;
    /// The answer, unless ok. What was asked before the session's end is served, however late.
    jute::ErrorCode refusal = jute::ErrorCode::ok;
    bool awaits_sync = false;  // learner: the leader has not said SYNC yet
    world::Instant received{};
  };
  std::deque<Waiting> waiting;
  std::size_t waiting_octets = 0;

  bool paused = false;
  world::Instant paused_since;
  std::size_t unsent = 0;

  ConnectionStatistics statistics;
};

}  // namespace chorus::coord
