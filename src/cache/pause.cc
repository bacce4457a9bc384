// CLIENT PAUSE: commands that wait until it is over.
#include <algorithm>
#include <utility>

#include "cache/call.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {

void Server::pause(std::int64_t ms, bool all) {
  pauses_all_ = all || (pause_until_us_ > now_.monotonic_us && pauses_all_);
  constexpr std::int64_t ms_max = std::int64_t{1} << 50;
  pause_until_us_ = std::max(pause_until_us_, now_.monotonic_us + std::min(ms, ms_max) * 1000);
}

void Server::unpause() { pause_until_us_ = now_.monotonic_us; }

void Server::pause_for_failover(bool on) {
  if (on == std::exchange(pauses_for_failover_, on)) return;
  // Those who waited go on by end_pause(), if no client has asked for a pause besides.
  if (!on && pause_until_us_ == 0) pause_until_us_ = now_.monotonic_us;
}

bool Server::is_held(const Client& client, const Command& command, Arguments arguments) const {
  if (!is_pausing() || client.is_monitor || client.is_replica) return false;
  if (pauses_all_ && pause_until_us_ > now_.monotonic_us) return true;
  const auto writes = [](std::uint32_t flags) {
    return (flags & (static_cast<std::uint32_t>(Flag::write) | static_cast<std::uint32_t>(Flag::may_replicate))) != 0;
  };
  if (writes(scripts_->flags_of(command, arguments))) return true;
  return command.name == "exec" && client.transaction && writes(client.transaction->flags);
}

/// When a pause is over, those who waited go on in the order in which they came. Returns whether it is not.
bool Server::end_pause() {
  if (pause_until_us_ == 0) return false;
  if (is_pausing()) return true;
  pause_until_us_ = 0;
  pauses_all_ = false;
  for (Client* client : all_clients()) {
    if (client->held.empty() || client->closes) continue;
    run_requests(*client);
    count_memory(*client);
  }
  return false;
}

}  // namespace chorus::cache
