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
  client.waiting_octets += item.octets;
  waiting_octets_ += static_cast<std::int64_t>(item.octets);
  client.waiting.push_back(std::move(item));
}

void Server::unqueue(ClientConnection& client) {
  client.waiting_octets -= client.waiting.front().octets;
  waiting_octets_ -= static_cast<std::int64_t>(client.waiting.front().octets);
  client.waiting.pop_front();
}

// source: ZooKeeperServer.processConnectRequest
void Server::connect(ClientConnection& client, std::string_view frame) {
  ++statistics_.connection_requests;
  ++statistics_.packets_received;
  ++client.statistics.received;
  base::Reader in(frame);
  const auto request = jute::decode<jute::ConnectRequest>(in);
  if (!request) return refuse(client, "its connect request cannot be read");
  if (is_disk_behind()) return refuse(client, "the disk takes no writes, and too many wait for it already");
  client.has_read_only_flag = in.remaining() > 0;  // whether it would take a read-only server says nothing to a writable one
  if (request->last_zxid_seen > database_->last_zxid) {
    return refuse(client, "it has seen zxid 0x" + fmt::format("{:x}", request->last_zxid_seen) + ", this server only 0x" +
                              fmt::format("{:x}", database_->last_zxid) + ": it must try another server");
  }
  const milliseconds timeout = std::clamp(milliseconds(request->timeout_ms), min_session_timeout(), max_session_timeout());
  client.timeout = timeout;
  if (request->session_id == 0) {
    client.session = sessions_.next_id();
    client.phase = Phase::connecting;
    submit(&client, client.session, 0, OpCode::create_session,
           jute::encode(jute::CreateSessionTxn{static_cast<std::int32_t>(timeout.count())}));
    return;
  }
  const std::int64_t session = request->session_id;
  // A client that comes back lost its old connection, even if the server has not noticed. source: disconnect reason CLIENT_RECONNECT
  if (const auto old = by_session_.find(session); old != by_session_.end()) close(*old->second);
  ++statistics_.revalidations;
  if (request->password != session_password(session) || !database_->sessions.contains(session) || !sessions_.is_alive(session)) {
    return refuse_session(client);
  }
  sessions_.set_timeout(session, timeout, now_);
  client.session = session;
  finish_connect(client, session, timeout);
  emit(SessionOpened{session, timeout, client.peer, true});
  // Writes that the session sent over its old connection come before anything that it reads over this one.
  for (auto request_in_flight = in_flight_.rbegin(); request_in_flight != in_flight_.rend(); ++request_in_flight) {
    if (request_in_flight->session != session) continue;
    queue(client, {.zxid = request_in_flight->zxid, .own = false}, 0);
    waiting_.emplace(request_in_flight->zxid, client.id);
    break;
  }
}

void Server::finish_connect(ClientConnection& client, std::int64_t session, milliseconds timeout) {
  client.phase = Phase::serving;
  by_session_[session] = &client;
  const std::string password = session_password(session);
  base::Writer out(client.output);
  const std::size_t start = out.size();
  out.u32(0);
  jute::write(out, jute::ConnectResponse{0, static_cast<std::int32_t>(timeout.count()), session, password});
  if (client.has_read_only_flag) jute::write(out, false);
  out.patch_u32(start, static_cast<std::uint32_t>(out.size() - start - 4));
  ++statistics_.packets_sent;
  ++client.statistics.sent;
  client.statistics.last_operation = static_cast<std::int32_t>(OpCode::create_session);
  client.statistics.any_operation = true;
  client.statistics.last_zxid = database_->last_zxid;
  mark_dirty(client);
}

void Server::refuse_session(ClientConnection& client) {
  base::Writer out(client.output);
  const std::size_t start = out.size();
  out.u32(0);
  jute::write(out, jute::ConnectResponse{0, 0, 0, std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16)});
  if (client.has_read_only_flag) jute::write(out, false);
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
