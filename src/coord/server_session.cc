// How clients connect, prove who they are, and leave.
#include <fmt/format.h>

#include <algorithm>

#include "coord/server.h"

namespace chorus::coord {

using jute::ErrorCode;
using jute::OpCode;
using Phase = ClientConnection::Phase;

namespace {

// Some hundred ids of one connection: every check of an access list goes over them.
constexpr std::size_t auth_octets_max = 64 << 10;

}  // namespace

void Server::queue(ClientConnection& client, ClientConnection::Waiting item, std::size_t octets) {
  item.octets = octets + sizeof item;
  item.received = now_;
  if (client.waiting.empty()) ++connections_waiting_;
  if (!item.own) ++reads_waiting_;
  client.waiting_octets += item.octets;
  waiting_octets_ += static_cast<std::int64_t>(item.octets);
  client.waiting.push_back(std::move(item));
  statistics_.queue_lengths.add(static_cast<std::int64_t>(client.waiting.size()));
}

void Server::unqueue(ClientConnection& client) {
  client.waiting_octets -= client.waiting.front().octets;
  waiting_octets_ -= static_cast<std::int64_t>(client.waiting.front().octets);
  if (!client.waiting.front().own) --reads_waiting_;
  client.waiting.pop_front();
  if (client.waiting.empty()) --connections_waiting_;
}

std::deque<ClientConnection::Waiting> Server::take_queue(ClientConnection& client) {
  waiting_octets_ -= static_cast<std::int64_t>(client.waiting_octets);
  client.waiting_octets = 0;
  if (!client.waiting.empty()) --connections_waiting_;
  reads_waiting_ -= std::ranges::count(client.waiting, false, &ClientConnection::Waiting::own);
  return std::exchange(client.waiting, {});
}

// source: ZooKeeperServer.processConnectRequest
void Server::connect(ClientConnection& client, std::string_view frame) {
  ++statistics_.connection_requests;
  ++statistics_.packets_received;
  ++client.statistics.received;
  base::Reader in(frame);
  const auto request = jute::decode<jute::ConnectRequest>(in);
  if (!request) return refuse(client, "its connect request cannot be read");
  if (is_disk_behind()) return refuse(client, "writes are not getting done, and too many wait already");
  client.has_read_only_flag = in.remaining() > 0;
  const bool takes_read_only = in.u8() != 0;
  if (is_read_only() && !takes_read_only) return refuse(client, "it wants to write, and there is no leader");
  if (request->last_zxid_seen > known_zxid()) {
    return refuse(client, fmt::format("it has seen zxid 0x{:x}, this server only 0x{:x}: it must try another server",
                                      request->last_zxid_seen, known_zxid()));
  }
  client.timeout = std::clamp(milliseconds(request->timeout_ms), min_session_timeout(), max_session_timeout());
  if (request->session_id != 0) return resume(client, request->session_id, request->password.value_or(""));
  client.session = next_session_id();
  if (has_local_sessions()) {
    client.is_local_session = true;
    local_sessions_.add(client.session, client.timeout, now_);
    return welcome(client, false);
  }
  client.phase = Phase::connecting;
  submit(&client, client.session, 0, OpCode::create_session,
         jute::encode(jute::CreateSessionTxn{static_cast<std::int32_t>(client.timeout.count())}));
}

std::int64_t Server::known_zxid() const {
  return std::max({database_->last_zxid, is_leader() ? serve_.zxid : 0, zab::first_zxid_of(serve_.epoch)});
}

// After a restart the clock, and with it the ids, may have begun anew.
std::int64_t Server::next_session_id() {
  for (;;) {
    const std::int64_t id = sessions_.next_id();
    if (!database_->sessions.contains(id) && !local_sessions_.contains(id)) return id;
  }
}

void Server::resume(ClientConnection& client, std::int64_t session, std::string_view password) {
  // A client that comes back lost its old connection, even if the server has not noticed. source: disconnect reason CLIENT_RECONNECT
  if (const auto old = by_session_.find(session); old != by_session_.end()) close(*old->second);
  ++statistics_.revalidations;
  if (password != session_password(session)) return refuse_session(client);
  client.session = session;
  if (local_sessions_.is_alive(session)) {
    client.is_local_session = true;
    local_sessions_.set_timeout(session, client.timeout, now_);
    return welcome(client, true);
  }
  if (is_read_only()) {
    // Whether it still lives, who leads next will know: until then it is neither gone nor served.
    if (database_->sessions.contains(session)) return refuse(client, "its session is the ensemble's, and there is no leader");
    return refuse_session(client);
  }
  if (is_learner()) {  // the leader knows whether it is alive
    client.phase = Phase::connecting;
    return ask_leader_for(client);
  }
  if (!database_->sessions.contains(session) || !sessions_.is_alive(session)) return refuse_session(client);
  sessions_.set_timeout(session, client.timeout, now_);
  sessions_.set_owner(session, {SessionOwner::Kind::here});
  welcome(client, true);
}

// The session stands.
void Server::welcome(ClientConnection& client, bool resumed) {
  client.phase = Phase::serving;
  by_session_[client.session] = &client;
  write_connect_response(client);
  emit(SessionOpened{client.session, client.timeout, client.peer, resumed});
  // What the client sent without waiting for its session is taken up as if it came now.
  const auto early = take_queue(client);
  if (resumed) wait_for_earlier_writes(client);
  for (const auto& item : early) {
    if (client.phase == Phase::serving) handle(client, item.frame);
  }
}

// Writes that the session sent over its old connection come before anything that it reads over this one.
void Server::wait_for_earlier_writes(ClientConnection& client) {
  if (const auto at = forwarded_.find(client.session); at != forwarded_.end()) {
    at->second.back().connection = client.id;
    at->second.back().answered = false;
    queue(client, {.own = true}, 0);
  }
  for (auto request = in_flight_.rbegin(); request != in_flight_.rend(); ++request) {
    if (request->session != client.session) continue;
    queue(client, {.zxid = request->zxid}, 0);
    waiting_.emplace(request->zxid, client.id);
    break;
  }
}

void Server::write_connect_response(ClientConnection& client) {
  const std::string password = session_password(client.session);
  base::Writer out(client.output);
  const std::size_t start = out.size();
  out.u32(0);
  jute::write(out, jute::ConnectResponse{0, static_cast<std::int32_t>(client.timeout.count()), client.session, password});
  if (client.has_read_only_flag) jute::write(out, is_read_only());
  out.patch_u32(start, static_cast<std::uint32_t>(out.size() - start - 4));
  ++statistics_.packets_sent;
  ++client.statistics.sent;
  client.statistics.last_operation = static_cast<std::int32_t>(OpCode::create_session);
  client.statistics.any_operation = true;
  client.statistics.last_zxid = database_->last_zxid;
  mark_dirty(client);
}

ErrorCode Server::check_session(const ClientConnection& client) {
  if (client.is_local_session) return local_sessions_.is_alive(client.session) ? ErrorCode::ok : ErrorCode::session_expired;
  if (is_learner()) return ErrorCode::ok;  // the leader looks
  return sessions_.check(client.session, {SessionOwner::Kind::here});
}

void Server::touch(const ClientConnection& client) {
  if (client.is_local_session) {
    local_sessions_.touch(client.session, now_);
  } else if (is_learner()) {
    touched_[client.session] = static_cast<std::int32_t>(client.timeout.count());
  } else {
    sessions_.touch(client.session, now_);
  }
}

void Server::refuse_session(ClientConnection& client) {
  base::Writer out(client.output);
  const std::size_t start = out.size();
  out.u32(0);
  jute::write(out, jute::ConnectResponse{0, 0, 0, std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16)});
  if (client.has_read_only_flag) jute::write(out, is_read_only());
  out.patch_u32(start, static_cast<std::uint32_t>(out.size() - start - 4));
  ++statistics_.packets_sent;
  close(client);
}

// source: ZooKeeperServer.processPacket, DigestAuthenticationProvider
void Server::authenticate(ClientConnection& client, std::int32_t xid, base::Reader& in) {
  const auto request = jute::decode<jute::AuthRequest>(in);
  if (!request) return refuse(client, "its authentication packet cannot be read");
  ErrorCode error = ErrorCode::auth_failed;
  std::size_t octets = request->auth.value_or("").size();
  for (const AuthId& id : client.auth) octets += sizeof id + id.id.size();
  if (octets > auth_octets_max) return refuse(client, "it has proved to be too many");
  const auto add = [&](AuthId id) {
    if (std::ranges::find(client.auth, id) == client.auth.end()) client.auth.push_back(std::move(id));
    error = ErrorCode::ok;
  };
  if (request->scheme == "digest") {
    const std::string id = digest_of(request->auth.value_or(""));
    if (!options_.super_digest.empty() && id == options_.super_digest) add({"super", ""});
    add({"digest", id});
  } else if (request->scheme == "ip") {
    add({"ip", client.peer.host});
  }
  reply(client, xid, 0, error, {});
  if (error == ErrorCode::ok) return;
  ++statistics_.auth_failures;
  refuse(client, "authentication failed for scheme " + std::string(request->scheme));
}

void Server::end_session(std::int64_t session, bool expired) {
  sessions_.set_closing(session);
  if (expired) emit(SessionEnded{session, true});
  submit(nullptr, session, 0, OpCode::close_session, {});
}

}  // namespace chorus::coord
