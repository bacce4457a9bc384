// Local sessions: known to the server that the client is connected to and to nobody else, until they own something.
// source: LearnerSessionTracker, LeaderSessionTracker, LocalSessionTracker, QuorumZooKeeperServer.checkUpgradeSession
// Without a leader all are.
#include "coord/server.h"

namespace chorus::coord {

using jute::ErrorCode;
using jute::OpCode;

// Whether this write of a local session is answered here rather than become a transaction. When `refusal` is set then, that is the answer.
bool Server::stays_here(ClientConnection& client, OpCode type, std::string_view body, ErrorCode& refusal) {
  if (type == OpCode::close_session) {
    local_sessions_.set_closing(client.session);
    return true;
  }
  if (!creates_ephemeral(type, body)) return false;
  if (!options_.ensemble.local_sessions_upgrading_enabled) {
    refusal = ErrorCode::ephemeral_on_local_session;
    return true;
  }
  client.is_local_session = false;
  local_sessions_.remove(client.session);
  submit(&client, client.session, 0, OpCode::create_session,
         jute::encode(jute::CreateSessionTxn{static_cast<std::int32_t>(client.timeout.count())}));
  return false;
}

void Server::close_local_session(ClientConnection& client, std::int32_t xid) {
  local_sessions_.remove(client.session);
  reply(client, xid, database_->last_zxid, ErrorCode::ok, {});
  emit(SessionEnded{client.session, false});
  close(client);
}

void Server::expire_local_sessions() {
  for (const std::int64_t session : local_sessions_.expire(now_)) {
    ++statistics_.stale_sessions_expired;
    emit(SessionEnded{session, true});
    local_sessions_.remove(session);
    if (const auto at = by_session_.find(session); at != by_session_.end()) close(*at->second);
  }
}

}  // namespace chorus::coord
