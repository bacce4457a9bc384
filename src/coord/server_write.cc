// Writes: prepared at once, logged in groups, applied when their group is on disk.
#include <algorithm>

#include "base/ensure.h"
#include "coord/disk/entry.h"
#include "coord/disk/txn_log.h"
#include "coord/server.h"

namespace chorus::coord {

using jute::ErrorCode;
using jute::OpCode;
using Phase = ClientConnection::Phase;

namespace {

constexpr std::size_t snapshot_chunk_octets = 256 << 10;

bool is_create(OpCode type) {
  return type == OpCode::create || type == OpCode::create2 || type == OpCode::create_container || type == OpCode::create_ttl;
}

// A result inside a multi. source: MultiResponse
void write_result(const Outcome& result, base::Writer& out) {
  if (result.type == OpCode::error || result.error != ErrorCode::ok) {
    const auto code = static_cast<std::int32_t>(result.error);
    jute::write(out, jute::MultiHeader{static_cast<std::int32_t>(OpCode::error), false, code});
    jute::write(out, jute::ErrorResponse{code});
    return;
  }
  const OpCode type = is_create(result.type) && result.type != OpCode::create ? OpCode::create2 : result.type;
  jute::write(out, jute::MultiHeader{static_cast<std::int32_t>(type), false, 0});
  if (type == OpCode::create) jute::write(out, result.path);
  if (type == OpCode::create2) jute::write(out, jute::Create2Response{result.path, result.stat});
  if (type == OpCode::set_data) jute::write(out, result.stat);
}

}  // namespace

void Server::submit(ClientConnection* client, std::int64_t session, std::int32_t xid, OpCode type, std::string_view body) {
  if (is_learner()) return forward(*client, xid, type, body);
  Requester who{.session = session, .cxid = xid, .time_ms = wall_.time_since_epoch().count()};
  if (client != nullptr) {
    who.auth = client->auth;
    who.session_error = check_session(*client);
    who.is_global = !client->is_local_session;
  }
  const std::int64_t zxid = order(type, body, who, client == nullptr ? ConnectionId() : client->id);
  if (is_leader() && type == OpCode::create_session) begin_session(session, body, {SessionOwner::Kind::here});
  if (client != nullptr) queue(*client, {.zxid = zxid, .own = true}, body.size());
}

// Gives a request its place among all writes; returns its zxid.
std::int64_t Server::order(OpCode type, std::string_view body, const Requester& who, ConnectionId connection) {
  ++statistics_.prepared;
  if (type == OpCode::close_session) ++statistics_.closes_prepared;
  const std::size_t outstanding_before = preparer_.outstanding();
  if (is_leader()) {
    propose(type, body, who);
  } else {
    if (group_.empty()) group_first_zxid_ = preparer_.last_zxid() + 1;
    const std::size_t mark = disk::TxnLog::begin_entry(group_);
    preparer_.prepare(type, body, who, group_);
    disk::TxnLog::end_entry(group_, mark);
  }
  statistics_.changes_queued += static_cast<std::int64_t>(preparer_.outstanding() - outstanding_before);
  const std::int64_t zxid = preparer_.last_zxid();
  in_flight_.push_back({zxid, who.session, connection, who.cxid, type, now_});
  return zxid;
}

void Server::persist() {
  if (group_.empty()) return;
  unpersisted_octets_ += group_.size();
  emit(Persist{std::exchange(group_, {}), group_first_zxid_, preparer_.last_zxid()});
}

void Server::on(const Persisted& event) {
  ENSURE(event.group.size() <= unpersisted_octets_, event.group.size(), unpersisted_octets_);
  unpersisted_octets_ -= event.group.size();
  apply_group(event.group);
}

void Server::apply_group(std::string_view group) {
  while (!group.empty()) {
    const std::string_view txn = disk::take_entry(group);
    ENSURE(!in_flight_.empty());
    const InFlight request = in_flight_.front();
    in_flight_.pop_front();
    ENSURE(apply(txn, request), request.zxid);
  }
  applied();
}

// False when the octets are no transaction.
bool Server::apply(std::string_view txn, const InFlight& request) {
  applying_zxid_ = request.zxid;
  const auto outcome = database_->apply(txn, on_change_);
  if (!outcome) return false;
  ENSURE(database_->last_zxid == request.zxid, request.zxid);
  ++statistics_.transactions;
  statistics_.writes_waiting.add(static_cast<std::int64_t>(outstanding()) +
                                 (!is_learner() || request.connection != ConnectionId() ? 1 : 0));
  statistics_.reads_waiting.add(reads_waiting_);
  const std::int64_t drained_before = statistics_.reads_drained;
  --snapshot_countdown_txns_;
  snapshot_countdown_octets_ -= static_cast<std::int64_t>(txn.size());
  complete(request, *outcome);
  wake_waiting(request.zxid);
  statistics_.reads_woken.add(statistics_.reads_drained - drained_before);
  return true;
}

// What there is to do after one or several were.
void Server::applied() {
  const std::size_t outstanding_before = preparer_.outstanding();
  preparer_.applied(database_->last_zxid);
  statistics_.changes_removed += static_cast<std::int64_t>(outstanding_before - preparer_.outstanding());
  if (all_paused_) {
    for (const auto& [id, client] : connections_) update_pause(*client);
  }
  if (snapshot_countdown_txns_ <= 0 || snapshot_countdown_octets_ <= 0) start_snapshot(*out_);
}

// Takes the write off the front of what its client waits for. False when something else is there: a leader that answers out of order.
bool Server::take_own_write(ClientConnection& client, const InFlight& request) {
  const bool is_first =
      !client.waiting.empty() && client.waiting.front().own && (is_learner() || client.waiting.front().zxid == request.zxid);
  ENSURE(is_first || is_learner(), request.zxid);
  if (is_first) {
    statistics_.queue_lengths.add(static_cast<std::int64_t>(client.waiting.size()));
    statistics_.queues_waiting.add(connections_waiting_);
    unqueue(client);
  } else {
    refuse(client, "the leader answered its requests in another order");
  }
  return is_first;
}

void Server::complete(const InFlight& request, const Outcome& outcome) {
  ClientConnection* client = find(request.connection);
  const std::int64_t latency_ms = std::chrono::duration_cast<milliseconds>(now_ - request.received).count();
  const bool is_own = request.connection != ConnectionId();
  ++(is_own ? statistics_.own_commits : statistics_.other_commits);
  if (is_own) statistics_.update_latency.add(latency_ms);
  if (is_own || !is_learner()) statistics_.write_wait.add(latency_ms);
  if (is_own && request.answered && client == nullptr) ++statistics_.stale_replies;
  if (client != nullptr && !take_own_write(*client, request)) client = nullptr;
  if (outcome.type == OpCode::create_session) {
    const std::int32_t timeout_ms = database_->sessions.at(request.session);
    if (is_learner()) {
      touched_[request.session] = timeout_ms;
    } else {
      sessions_.add(request.session, milliseconds(timeout_ms), now_);
    }
    if (client != nullptr && client->phase == Phase::connecting) {
      welcome(*client, false);
      return update_pause(*client);
    }
  }
  if (outcome.type == OpCode::close_session) {
    sessions_.remove(request.session);
    if (is_learner()) forget_session(request.session);
    if (client != nullptr) {
      reply(*client, request.xid, request.zxid, ErrorCode::ok, {});
      emit(SessionEnded{request.session, false});
    }
    if (const auto at = by_session_.find(request.session); at != by_session_.end()) close(*at->second);
    return;
  }
  if (outcome.type == OpCode::reconfig) membership_.is_pending = false;
  if (client == nullptr) return;
  if (client->phase == Phase::connecting) return refuse_session(*client);
  if (request.answered && request.type != OpCode::create_session) answer(*client, request, outcome, latency_ms);
  const std::int64_t drained_before = statistics_.reads_drained;
  drain(*client);
  statistics_.reads_woken_by_own.add(statistics_.reads_drained - drained_before);
  update_pause(*client);
}

void Server::answer(ClientConnection& client, const InFlight& request, const Outcome& outcome, std::int64_t latency_ms) {
  const auto is_moved = [](const Outcome& result) { return result.error == ErrorCode::session_moved; };
  if (is_moved(outcome) || std::ranges::any_of(outcome.results, is_moved)) {
    return refuse(client, "its session has moved to another server");  // without an answer
  }
  std::string body;
  base::Writer out(body);
  if (outcome.error == ErrorCode::ok) {
    if (outcome.type == OpCode::multi) {
      for (const Outcome& result : outcome.results) write_result(result, out);
      jute::write(out, jute::MultiHeader{-1, true, -1});
    } else if (request.type == OpCode::create) {
      jute::write(out, outcome.path);
    } else if (is_create(request.type)) {
      jute::write(out, jute::Create2Response{outcome.path, outcome.stat});
    } else if (request.type == OpCode::reconfig) {
      jute::write(out, jute::GetDataResponse{database_->tree.find(config_node_path)->buffer(), outcome.stat});
    } else if (request.type == OpCode::set_data || request.type == OpCode::set_acl) {
      jute::write(out, outcome.stat);
    }
  }
  client.statistics.last_operation = static_cast<std::int32_t>(request.type);
  client.statistics.last_latency_ms = latency_ms;
  client.statistics.latency.add(latency_ms);
  statistics_.latency.add(latency_ms);
  if (outcome.error == ErrorCode::unimplemented && request.type == OpCode::check) {
    reply(client, request.xid, -1, outcome.error, {});
    return refuse(client, "check outside of a multi");
  }
  reply(client, request.xid, request.zxid, outcome.error, body);
}

void Server::wake_waiting(std::int64_t zxid) {
  while (!waiting_.empty() && waiting_.begin()->first <= zxid) {
    const ConnectionId id = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    if (ClientConnection* client = find(id)) {
      drain(*client);
      update_pause(*client);
    }
  }
}

bool Server::start_snapshot(std::vector<Action>& out) {
  if (is_snapshotting() || database_->tree.is_being_copied()) return false;
  snapshot_countdown_txns_ = random_.between(options_.snap_count / 2, std::max<std::int64_t>(options_.snap_count, 1));
  snapshot_countdown_octets_ = random_.between(options_.snap_size_limit_kb / 2, options_.snap_size_limit_kb) * 1024;
  snapshot_ = std::make_unique<DatabaseSnapshot>(*database_);
  snapshot_ended_ = false;
  snapshot_began_ = now_;
  out.push_back(SnapshotBegin{snapshot_->zxid(), snapshot_->digest(), snapshot_->take_head()});
  return true;
}

void Server::on(const SnapshotAdvanced&) {
  if (snapshot_ == nullptr) {  // the last chunk is written, and the snapshot has its name
    snapshot_ended_ = true;
    ++statistics_.snapshots;
    statistics_.snapshot_time.add(std::chrono::duration_cast<milliseconds>(now_ - snapshot_began_).count());
    return;
  }
  SnapshotChunk chunk;
  chunk.octets.reserve(snapshot_chunk_octets + 4096);
  chunk.end = !snapshot_->next(snapshot_chunk_octets, chunk.octets);
  if (chunk.end) snapshot_.reset();
  emit(std::move(chunk));
}

void Server::on(const SnapshotFailed&) {
  snapshot_.reset();
  snapshot_ended_ = true;
  ++statistics_.snapshot_errors;
}

}  // namespace chorus::coord
