// FAILOVER: a replica that has everything takes the primary's place, while writes wait.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "world/net.h"

namespace chorus::cache {
class Server;
}

namespace chorus::cache::replication {

class Failover {
 public:
  enum class State : std::uint8_t {
    none,
    waiting,      // for the replica to have all that was written
    taking_over,  // this server follows it, and asks it to be the primary
  };
  explicit Failover(Server& server) : server_(server) {}

  State state() const { return state_; }
  bool is_under_way() const { return state_ != State::none; }
  /// to: empty, whichever is the first to have everything. timeout_ms: 0, none; forces: when it is over, the replica takes over as it is.
  void begin(std::optional<world::Address> to, std::int64_t timeout_ms, bool forces);
  void abort(std::string_view why);
  void tick();
  /// The other is the primary now.
  void done();
  /// It is not, and will not be; tick() ends it.
  void refused() { is_refused_ = true; }

 private:
  void take_over();
  void end();

  Server& server_;
  State state_ = State::none;
  std::optional<world::Address> to_;
  std::optional<std::int64_t> deadline_us_;
  bool forces_ = false, is_refused_ = false;
};

/// "no-failover", "waiting-for-sync", "failover-in-progress"
std::string_view name_of(Failover::State state);

}  // namespace chorus::cache::replication
