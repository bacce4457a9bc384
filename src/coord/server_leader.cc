// What the leader does for the others. source: LearnerHandler, Leader, LeaderZooKeeperServer, LeaderSessionTracker
#include <algorithm>

#include "base/ensure.h"
#include "coord/server.h"
#include "zab/packet.h"

namespace chorus::coord {

using jute::ErrorCode;
using jute::OpCode;
using zab::PacketType;

namespace {

// Of a server's session ids.
std::int64_t server_of(std::int64_t session) { return static_cast<std::int64_t>(static_cast<std::uint64_t>(session) >> 56); }

}  // namespace

void Server::on(const FromLearner& event) {
  switch (static_cast<PacketType>(event.packet.type)) {
    case PacketType::request:
      return request_of_learner(event.link, event.packet);
    case PacketType::revalidate:
      return revalidate(event.link, event.packet);
    case PacketType::ping:
      return touched_by_learner(event.link, event.packet);
    default:
      emit(RefusedLink{event.link, "a packet that no learner sends: " + zab::describe(event.packet)});
  }
}

void Server::on(const SyncedMembers& event) { membership_.synced = event.ids; }

void Server::propose(OpCode type, std::string_view body, const Requester& who) {
  auto txn = std::make_shared<std::string>();
  preparer_.prepare(type, body, who, *txn);
  unpersisted_octets_ += txn->size();
  emit(Propose{{preparer_.last_zxid(), std::move(txn)}});
}

// From now on, rather than when it is committed: its time runs, and nobody else may use it.
void Server::begin_session(std::int64_t session, std::string_view body, const SessionOwner& owner) {
  const auto request = jute::decode<jute::CreateSessionTxn>(body);
  if (!request) return;
  sessions_.add(session, milliseconds(std::max(request->timeout_ms, 0)), now_);
  sessions_.set_owner(session, owner);
}

void Server::request_of_learner(zab::LinkId link, const zab::Packet& packet) {
  base::Reader in(zab::data_of(packet));
  const std::int64_t session = in.i64();
  const std::int32_t xid = in.i32();
  const auto type = static_cast<OpCode>(in.i32());
  const std::string_view body = in.rest();
  if (!in.ok() || session == 0) return emit(RefusedLink{link, "a request without a session, operation and number"});
  if (type == OpCode::sync) {
    // Behind everything that was proposed before.
    return emit(ToLearner{link, zab::make_packet(PacketType::sync, 0), in_flight_.empty() ? 0 : preparer_.last_zxid()});
  }
  std::vector<AuthId> auth;
  auth.reserve(packet.auth.size());
  for (const zab::Packet::Id& id : packet.auth) auth.push_back({id.scheme, id.id});
  const SessionOwner owner{SessionOwner::Kind::learner, link};
  Requester who{.session = session, .cxid = xid, .auth = auth, .time_ms = wall_.time_since_epoch().count()};
  who.is_global = sessions_.contains(session);
  who.session_error = sessions_.check(session, owner);
  // It may be a local one of the learner's.
  if (!who.is_global && has_local_sessions() && server_of(session) != options_.server_id) who.session_error = ErrorCode::ok;
  if (who.session_error == ErrorCode::ok) sessions_.touch(session, now_);
  order(type, body, who, ConnectionId());
  if (type == OpCode::create_session) begin_session(session, body, owner);
  if (type == OpCode::close_session) sessions_.set_closing(session);
}

// A client went on with its session at this learner.
void Server::revalidate(zab::LinkId link, const zab::Packet& packet) {
  base::Reader in(zab::data_of(packet));
  const std::int64_t session = in.i64();
  const std::int32_t timeout_ms = in.i32();
  if (!in.ok()) return emit(RefusedLink{link, "a revalidation without a session and its time-out"});
  ++statistics_.revalidations;
  const bool valid = sessions_.is_alive(session);
  if (valid) {
    sessions_.set_timeout(session, milliseconds(std::max(timeout_ms, 0)), now_);
    sessions_.set_owner(session, {SessionOwner::Kind::learner, link});
  }
  std::string data;
  base::Writer out(data);
  out.i64(session);
  jute::write(out, valid);
  emit(ToLearner{link, zab::make_packet(PacketType::revalidate, packet.zxid, std::move(data))});
}

void Server::touched_by_learner(zab::LinkId link, const zab::Packet& packet) {
  base::Reader in(zab::data_of(packet));
  while (in.remaining() > 0) {
    const std::int64_t session = in.i64();
    const std::int32_t timeout_ms = in.i32();
    if (!in.ok()) return emit(RefusedLink{link, "a table of sessions that ends too early"});
    sessions_.set_timeout(session, milliseconds(std::max(timeout_ms, 0)), now_);
  }
}

}  // namespace chorus::coord
