// How a follower or an observer serves clients together with its leader. source: Learner, FollowerZooKeeperServer, ObserverZooKeeperServer,
// FollowerRequestProcessor, CommitProcessor, LearnerSessionTracker
#include <algorithm>

#include "base/ensure.h"
#include "coord/server.h"
#include "zab/packet.h"

namespace chorus::coord {

using jute::OpCode;
using zab::PacketType;

namespace {

// Sessions in one answer to a PING, 12 octets each: far below what Java's readers take.
constexpr std::size_t touched_per_packet = 32 << 10;

}  // namespace

void Server::on(const FromLeader& event) {
  switch (static_cast<PacketType>(event.packet.type)) {
    case PacketType::revalidate:
      return revalidated(event.packet);
    case PacketType::sync:
      return synced();
    case PacketType::ping:
      return answer_ping(event.packet);
    default:
      emit(RefusedLink{{}, "a packet that no leader sends: " + zab::describe(event.packet)});
  }
}

void Server::on(const Committed& event) {
  ENSURE(event.txn.octets != nullptr && serve_.role != Serve::Role::standalone, event.txn.zxid);
  if (is_broken_) return;
  const std::string_view octets = *event.txn.octets;
  if (is_leader()) {
    ENSURE(!in_flight_.empty() && in_flight_.front().zxid == event.txn.zxid && octets.size() <= unpersisted_octets_, event.txn.zxid);
    const InFlight request = in_flight_.front();
    in_flight_.pop_front();
    unpersisted_octets_ -= octets.size();
    ENSURE(apply(octets, request), request.zxid);
    return applied();
  }
  const auto header = jute::decode<jute::TxnHeader>(octets);
  if (!header || header->zxid != event.txn.zxid || header->zxid <= database_->last_zxid) {
    is_broken_ = true;
    return emit(CannotApply{event.txn.zxid, "its header is not that of the next transaction"});
  }
  if (!apply(octets, take_forwarded(*header))) {
    is_broken_ = true;
    return emit(CannotApply{event.txn.zxid, "it cannot be read"});
  }
  applied();
}

void Server::send_request(const ClientConnection& client, std::int32_t xid, OpCode type, std::string_view body) {
  std::string data;
  data.reserve(16 + body.size());
  base::Writer out(data);
  out.i64(client.session);
  out.i32(xid);
  out.i32(static_cast<std::int32_t>(type));
  out.octets(body);
  zab::Packet packet = zab::make_packet(PacketType::request, -1, std::move(data));
  if (type != OpCode::create_session) {
    for (const AuthId& id : client.auth) packet.auth.push_back({id.scheme, id.id});
  }
  emit(ToLeader{std::move(packet)});
}

void Server::forward(ClientConnection& client, std::int32_t xid, OpCode type, std::string_view body) {
  send_request(client, xid, type, body);
  forwarded_[client.session].push_back({client.id, xid, type, now_, body.size() + sizeof(Forwarded)});
  ++forwarded_count_;
  unpersisted_octets_ += body.size() + sizeof(Forwarded);
  queue(client, {.own = true}, body.size());
}

void Server::forward_sync(ClientConnection& client, std::int32_t xid, std::string_view frame, std::string_view body) {
  send_request(client, xid, OpCode::sync, body);
  syncs_.push_back(client.id);
  queue(client, {.frame = std::string(frame), .awaits_sync = true}, frame.size());
}

// Who waits for the transaction: the head of its session's queue, when that is what it answers. Any other came by another server.
Server::InFlight Server::take_forwarded(const jute::TxnHeader& header) {
  const auto type = static_cast<OpCode>(header.type);
  InFlight request{header.zxid, header.session_id, ConnectionId(), header.cxid, type, now_};
  const auto at = forwarded_.find(header.session_id);
  if (at == forwarded_.end()) return request;
  const Forwarded& head = at->second.front();
  const auto differ = [&](OpCode one) { return (type == one) != (head.type == one); };
  if (head.xid != header.cxid) return request;
  // The leader ends sessions under the number 0, and some client may count from there.
  if (type != OpCode::error && (differ(OpCode::close_session) || differ(OpCode::create_session))) return request;
  request.connection = head.connection;
  request.type = head.type;
  request.received = head.received;
  request.answered = head.answered;
  unpersisted_octets_ -= head.octets;
  --forwarded_count_;
  at->second.pop_front();
  if (at->second.empty()) forwarded_.erase(at);
  return request;
}

void Server::forget_session(std::int64_t session) {
  touched_.erase(session);
  const auto at = forwarded_.find(session);
  if (at == forwarded_.end()) return;
  for (const Forwarded& request : at->second) unpersisted_octets_ -= request.octets;
  forwarded_count_ -= at->second.size();
  forwarded_.erase(at);
}

void Server::ask_leader_for(ClientConnection& client) {
  if (const auto at = revalidating_.find(client.session); at != revalidating_.end()) {
    if (ClientConnection* old = find(at->second)) close(*old);
  }
  revalidating_[client.session] = client.id;
  std::string data;
  base::Writer out(data);
  out.i64(client.session);
  out.i32(static_cast<std::int32_t>(client.timeout.count()));
  emit(ToLeader{zab::make_packet(PacketType::revalidate, -1, std::move(data))});
}

void Server::revalidated(const zab::Packet& packet) {
  base::Reader in(zab::data_of(packet));
  const std::int64_t session = in.i64();
  const bool valid = in.u8() != 0;
  if (!in.ok()) return emit(RefusedLink{{}, "the answer to a revalidation ends too early"});
  const auto at = revalidating_.find(session);
  if (at == revalidating_.end()) return;  // the client did not wait for it
  ClientConnection* client = find(at->second);
  revalidating_.erase(at);
  if (client == nullptr) return;
  if (!valid) return refuse_session(*client);
  welcome(*client, true);
  update_pause(*client);
}

void Server::synced() {
  if (syncs_.empty()) return emit(RefusedLink{{}, "it answers a sync that nobody asked for"});
  ClientConnection* client = find(syncs_.front());
  syncs_.pop_front();
  if (client == nullptr) return;
  const auto at = std::ranges::find(client->waiting, true, &ClientConnection::Waiting::awaits_sync);
  ENSURE(at != client->waiting.end());
  at->awaits_sync = false;
  drain(*client);
  update_pause(*client);
}

// Never null data: Java's leader would break on it.
void Server::answer_ping(const zab::Packet& packet) {
  std::vector<std::pair<std::int64_t, std::int32_t>> sessions(touched_.begin(), touched_.end());
  touched_.clear();
  std::ranges::sort(sessions);
  for (std::size_t begin = 0; begin == 0 || begin < sessions.size(); begin += touched_per_packet) {
    std::string data;
    base::Writer out(data);
    for (std::size_t i = begin; i < std::min(begin + touched_per_packet, sessions.size()); ++i) {
      out.i64(sessions[i].first);
      out.i32(sessions[i].second);
    }
    emit(ToLeader{zab::make_packet(PacketType::ping, packet.zxid, std::move(data))});
  }
}

}  // namespace chorus::coord
