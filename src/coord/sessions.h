// Which sessions are alive, and until when. source: SessionTrackerImpl, ExpiryQueue
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "coord/options.h"
#include "jute/constants.h"
#include "world/world.h"
#include "zab/types.h"

namespace chorus::coord {

/// 16 octets that every server derives from the id. source: ZooKeeperServer.generatePasswd
std::string session_password(std::int64_t id);

/// The end of the service that a session's requests come from. source: SessionTrackerImpl.SessionImpl.owner
struct SessionOwner {
  enum class Kind { nobody, here, learner } kind = Kind::nobody;
  zab::LinkId link{};
  friend bool operator==(const SessionOwner&, const SessionOwner&) = default;
};

/// Expiry is looked at once a tick, so sessions that end in the same tick are kept together.
class SessionTracker {
 public:
  SessionTracker(milliseconds tick, std::int64_t server_id, world::Instant now);

  /// The next id of this server: its number, 40 bits of the clock at start, a counter. source: SessionTrackerImpl.initializeNextSessionId
  std::int64_t next_id();

  /// A session that begins, or that was found on disk: it lives for its whole time-out from now.
  void add(std::int64_t id, milliseconds timeout, world::Instant now);
  /// Life for another time-out; false when it is unknown or closing.
  bool touch(std::int64_t id, world::Instant now);
  /// Changes the time-out, when a client comes back asking for another.
  void set_timeout(std::int64_t id, milliseconds timeout, world::Instant now);
  /// Its end is on the way: no longer touched, and everything that it asks for is refused.
  void set_closing(std::int64_t id);
  bool is_alive(std::int64_t id) const;
  bool contains(std::int64_t id) const { return sessions_.contains(id); }
  /// Whether a request of the session that comes from `from` may go on: session_expired when it is unknown or closing, session_moved when
  /// it has another owner. Who asks first for a session that has none becomes its owner.
  jute::ErrorCode check(std::int64_t id, const SessionOwner& from);
  void set_owner(std::int64_t id, const SessionOwner& owner);
  void remove(std::int64_t id);

  /// Sessions whose time has come; they count as closing from now on.
  std::vector<std::int64_t> expire(world::Instant now);

  std::size_t size() const { return sessions_.size(); }
  /// Sessions by the tick in which they end, as ms on the monotonic clock.
  std::vector<std::pair<std::int64_t, std::vector<std::int64_t>>> by_expiry() const;

 private:
  struct Session {
    milliseconds timeout;
    std::int64_t bucket;
    bool closing = false;
    SessionOwner owner;
  };
  std::int64_t bucket_of(world::Instant deadline) const;
  void place(std::int64_t id, Session& session, world::Instant now);

  const milliseconds tick_;
  std::int64_t next_id_;
  absl::flat_hash_map<std::int64_t, Session> sessions_;
  std::map<std::int64_t, absl::flat_hash_set<std::int64_t>> buckets_;  // by ticks since the clock's start
};

}  // namespace chorus::coord
