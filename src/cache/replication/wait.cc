// WAIT and FAILOVER.
#include <algorithm>

#include "cache/call.h"
#include "cache/replication/handlers.h"
#include "cache/replication/replication.h"

namespace chorus::cache {

void wait(Call& call) {
  replication::Replication& replication = call.server().replication();
  if (replication.is_replica()) {
    return call.error(
        "ERR WAIT cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.");
  }
  const auto replicas = call.integer(1);
  if (!replicas) return;
  const auto ms = call.integer(2, "ERR timeout is not an integer or out of range");
  if (!ms) return;
  if (*ms < 0) return call.error("ERR timeout is negative");
  const std::int64_t offset = call.client().written;
  const auto count = static_cast<std::int64_t>(replication.primary().count_with(offset, false));
  if (count >= *replicas || !call.wait_for({.offset = offset, .replicas = *replicas}, *ms)) return call.reply.integer(count);
  replication.wait(call.client().id);
  replication.ask_for_acknowledgements();
}

void failover(Call& call) {
  if (call.server().cluster() != nullptr) return call.error("ERR FAILOVER not allowed in cluster mode.");
  replication::Replication& replication = call.server().replication();
  replication::Failover& failover = replication.failover();
  std::optional<world::Address> to;
  std::int64_t timeout_ms = 0;
  bool forces = false;
  if (call.size() == 2 && call.is_word(1, "ABORT")) {
    if (!failover.is_under_way()) return call.error("ERR No failover in progress.");
    failover.abort("Failover manually aborted");
    return call.reply.ok();
  }
  for (std::size_t i = 1; i < call.size(); ++i) {
    if (call.is_word(i, "TIMEOUT") && i + 1 < call.size() && timeout_ms == 0) {
      const auto given = call.integer(++i);
      if (!given) return;
      if (*given <= 0) return call.error("ERR FAILOVER timeout must be greater than 0");
      timeout_ms = *given;
    } else if (call.is_word(i, "TO") && i + 2 < call.size() && !to) {
      const auto port = call.integer(i + 2);
      if (!port) return;
      to = world::Address{std::string(call[i + 1]), static_cast<std::uint16_t>(*port)};
      i += 2;
    } else if (call.is_word(i, "FORCE") && !forces) {
      forces = true;
    } else {
      return call.error(errors::syntax);
    }
  }
  if (failover.is_under_way()) return call.error("ERR FAILOVER already in progress.");
  if (replication.is_replica()) return call.error("ERR FAILOVER is not valid when server is a replica.");
  const auto& followers = replication.primary().followers();
  if (followers.empty()) return call.error("ERR FAILOVER requires connected replicas.");
  if (forces && (timeout_ms == 0 || !to)) {
    return call.error("ERR FAILOVER with force option requires both a timeout and target HOST and IP.");
  }
  if (to) {
    const auto found = std::find_if(followers.begin(), followers.end(), [&](const auto& each) {
      const Client* client = call.server().find_client(each.first);
      return client != nullptr && replication::address_of(*client) == *to;
    });
    if (found == followers.end()) return call.error("ERR FAILOVER target HOST and PORT is not a replica.");
    if (found->second.state != replication::Follower::State::online) return call.error("ERR FAILOVER target replica is not online.");
  }
  failover.begin(std::move(to), timeout_ms, forces);
  call.reply.ok();
}

}  // namespace chorus::cache
