// REPLICAOF, and ROLE.
#include <fmt/format.h>

#include "cache/call.h"
#include "cache/replication/handlers.h"
#include "cache/replication/replication.h"

namespace chorus::cache {

void replicaof(Call& call) {
  if (call.server().cluster() != nullptr) return call.error("ERR REPLICAOF not allowed in cluster mode.");
  replication::Replication& replication = call.server().replication();
  if (replication.failover().is_under_way()) return call.error("ERR REPLICAOF not allowed while failing over.");
  // Also not by the stream that it would end.
  if (call.client().is_replica || call.client().is_primary) return call.error("ERR Command is not valid when client is a replica.");
  if (call.is_word(1, "NO") && call.is_word(2, "ONE")) {
    call.server().stop_following();
    return call.reply.ok();
  }
  const auto port = call.integer(2, "ERR Invalid master port");
  if (!port) return;
  if (*port < 0 || *port > 65'535) return call.error("ERR Invalid master port");
  const world::Address primary{std::string(call[1]), static_cast<std::uint16_t>(*port)};
  if (const replication::Replica* replica = replication.replica(); replica != nullptr && replica->primary() == primary) {
    return call.reply.simple("OK Already connected to specified master");
  }
  call.server().follow(primary);
  call.reply.ok();
}

void role(Call& call) {
  const replication::Replication& replication = call.server().replication();
  if (const replication::Replica* replica = replication.replica(); replica != nullptr) {
    call.reply.array(5);
    call.reply.bulk("slave");
    call.reply.bulk(replica->primary().host);
    call.reply.integer(replica->primary().port);
    call.reply.bulk(name_of(replica->state()));
    return call.reply.integer(replica->is_link_up() ? replication.stream().end() : -1);
  }
  call.reply.array(3);
  call.reply.bulk("master");
  call.reply.integer(replication.stream().end());
  const std::size_t mark = call.reply.begin();
  std::size_t count = 0;
  for (const auto& [id, follower] : replication.primary().followers()) {
    const Client* client = call.server().find_client(id);
    if (client == nullptr || follower.state != replication::Follower::State::online) continue;
    const world::Address at = replication::address_of(*client);
    call.reply.array(3);
    call.reply.bulk(at.host);
    call.reply.bulk(std::to_string(at.port));
    call.reply.bulk(std::to_string(follower.acknowledged));
    ++count;
  }
  call.reply.end_array(mark, count);
}

}  // namespace chorus::cache
