#include "coord/server.h"

#include <algorithm>
#include <ranges>

#include "base/ensure.h"
#include "coord/zk/words.h"

namespace chorus::coord {

using Phase = ClientConnection::Phase;

namespace {

// A connection that says nothing is dropped after this long. source: zookeeper.nio.sessionlessCnxnTimeout
constexpr auto sessionless_timeout = std::chrono::seconds(10);

bool is_loopback(const world::Address& address) { return address.host.starts_with("127.") || address.host == "::1"; }

}  // namespace

Server::Server(const Options& options, std::unique_ptr<Database> database, world::Instant now, std::uint64_t seed, const Serve& serve)
    : options_(options),
      serve_(serve),
      database_(std::move(database)),
      membership_{.config = serve.config.value_or(zab::EnsembleConfig())},
      preparer_(*database_, options_, is_leader() ? serve_.zxid : database_->last_zxid, is_leader() ? &membership_ : nullptr),
      sessions_(options_.tick_time, options_.server_id, now),
      local_sessions_(options_.tick_time, options_.server_id, now),
      random_(seed),
      now_(now),
      wall_(serve.wall),
      next_reap_(now + options_.container_check_interval) {
  if (!is_learner()) {
    for (const auto& [id, timeout_ms] : database_->sessions) sessions_.add(id, milliseconds(timeout_ms), now);
  }
  if (serve_.config) {
    // source: ZKDatabase.initConfigInZKDatabase
    database_->tree.set_data(config_node_path, serve_.config->to_text(), -1, serve_.config->version, wall_.time_since_epoch().count(),
                             nullptr);
  }
  on_change_ = [this](const Change& change) {
    statistics_.writes.add(change.path, static_cast<std::int64_t>(change.path.size() + change.octets));
    notify(change);
  };
  snapshot_countdown_txns_ = random_.between(options_.snap_count / 2, std::max<std::int64_t>(options_.snap_count, 1));
  snapshot_countdown_octets_ = random_.between(options_.snap_size_limit_kb / 2, options_.snap_size_limit_kb) * 1024;
}

Server::~Server() = default;

std::unique_ptr<Database> Server::release() {
  snapshot_.reset();
  preparer_.discard();
  return std::move(database_);
}

void Server::step(const Event& event, std::vector<Action>& out) {
  now_ = event.now;
  wall_ = event.wall;
  out_ = &out;
  std::visit([this](const auto& what) { on(what); }, event.what);
  flush();
  const auto* received = std::get_if<Received>(&event.what);
  if (received == nullptr || !received->more_follows) persist();
  out_ = nullptr;
}

void Server::flush() {
  for (ClientConnection* client : dirty_) {
    client->dirty = false;
    if (client->output.empty()) continue;
    statistics_.octets_sent += static_cast<std::int64_t>(client->output.size());
    emit(Send{client->id, std::exchange(client->output, {})});
  }
  dirty_.clear();
}

ClientConnection* Server::find(ConnectionId id) {
  const auto at = connections_.find(id);
  return at == connections_.end() || at->second->phase == Phase::closing ? nullptr : at->second.get();
}

void Server::mark_dirty(ClientConnection& client) {
  if (client.dirty) return;
  client.dirty = true;
  dirty_.push_back(&client);
}

void Server::on(const Accepted& event) {
  auto client = std::make_unique<ClientConnection>();
  client->id = event.connection;
  client->peer = event.peer;
  client->is_tls = event.is_tls;
  client->accepted = now_;
  client->established = wall_;
  client->auth.push_back({"ip", event.peer.host});
  if (!event.peer_subject.empty()) client->auth.push_back({"x509", event.peer_subject});
  if (!event.is_tls) ++(is_loopback(event.peer) ? statistics_.plain_connections_local : statistics_.plain_connections_remote);
  ClientConnection& added = *connections_.emplace(event.connection, std::move(client)).first->second;
  const int here = ++per_address_[event.peer.host];
  if (options_.max_client_connections > 0 && here > options_.max_client_connections) {
    ++statistics_.connections_rejected;
    refuse(added, "too many connections from its address: maxClientCnxns is " + std::to_string(options_.max_client_connections));
  } else if (options_.max_connections > 0 && connections_.size() > static_cast<std::size_t>(options_.max_connections)) {
    ++statistics_.connections_rejected;
    refuse(added, "too many connections: maxCnxns is " + std::to_string(options_.max_connections));
  }
}

void Server::on(const Received& event) {
  if (ClientConnection* client = find(event.connection)) {
    statistics_.octets_received += static_cast<std::int64_t>(event.octets.size());
    feed(*client, event.octets);
    update_pause(*client);
  }
}

void Server::feed(ClientConnection& client, std::string_view octets) {
  const bool joined = !client.input.empty();
  if (joined) client.input.append(octets);
  std::string_view rest = joined ? std::string_view(client.input) : octets;
  client.held = false;
  while (rest.size() >= 4 && client.phase != Phase::closing) {
    if (is_full(client)) {
      client.held = true;
      break;
    }
    if (client.phase == Phase::fresh && is_four_letter_word(client, rest)) return;
    const std::int32_t length = base::Reader(rest).i32();
    if (length < 0 || length > options_.jute_max_buffer) {
      return refuse(client,
                    "a frame of " + std::to_string(length) + " octets: jute.maxbuffer is " + std::to_string(options_.jute_max_buffer));
    }
    const auto size = static_cast<std::size_t>(length) + 4;
    if (rest.size() < size) break;
    handle(client, rest.substr(4, size - 4));
    rest.remove_prefix(size);
  }
  if (client.phase == Phase::closing) return;
  if (joined) {
    client.input.erase(0, client.input.size() - rest.size());
  } else {
    client.input.assign(rest);
  }
}

bool Server::is_four_letter_word(ClientConnection& client, std::string_view octets) {
  const std::string word(octets.substr(0, 4));
  if (!zk::is_known_word(word)) return false;
  // Words are text for people and monitors: no session, one answer, and the connection is done.
  ++statistics_.packets_received;
  client.phase = Phase::closing;
  emit(AnswerWord{client.id, word});
  return true;
}

void Server::on(const Unsent& event) {
  ClientConnection* client = find(event.connection);
  if (client == nullptr) return;
  client->unsent = event.octets;
  if (event.octets > static_cast<std::size_t>(options_.connection_unsent_max)) {
    return refuse(*client, "it does not read what it is sent: " + std::to_string(event.octets) + " octets wait");
  }
  update_pause(*client);
}

void Server::update_pause(ClientConnection& client) {
  const auto limit = static_cast<std::size_t>(options_.connection_buffer_max);
  const std::size_t load = std::max(client.waiting_octets, client.unsent);
  all_paused_ = waiting_octets_ > options_.all_connections_buffer_max / (all_paused_ ? 2 : 1);
  // Off at the limit, on again at half of it, so that it does not flutter.
  const bool pause =
      client.phase != Phase::closing && (load > (client.paused ? limit / 2 : limit) || (all_paused_ && client.waiting_octets > 0));
  if (pause != client.paused) {
    client.paused = pause;
    if (pause) {
      ++statistics_.pauses;
      client.paused_since = now_;
      emit(Pause{client.id});
    } else if (client.phase != Phase::closing) {
      statistics_.pause_time.add(std::chrono::duration_cast<milliseconds>(now_ - client.paused_since).count());
      emit(Resume{client.id});
    }
  }
  if (!client.held || client.paused || client.phase == Phase::closing || is_full(client)) return;
  feed(client, {});
  update_pause(client);
}

// Whether more requests would only pile up. Replies beyond high_water are told of by Unsent, so that this always ends.
bool Server::is_full(const ClientConnection& client) const {
  const auto limit = static_cast<std::size_t>(options_.connection_buffer_max);
  return client.waiting_octets > limit || client.output.size() + client.unsent > std::max(limit, world::Connection::high_water);
}

void Server::on(const Disconnected& event) {
  const auto at = connections_.find(event.connection);
  if (at == connections_.end()) return;
  if (at->second->phase == Phase::serving) ++statistics_.connection_drops;
  detach(*at->second);
  if (const auto count = per_address_.find(at->second->peer.host); count != per_address_.end() && --count->second == 0)
    per_address_.erase(count);
  std::erase(dirty_, at->second.get());
  connections_.erase(at);
}

void Server::detach(ClientConnection& client) {
  watches_.remove_all(client.id);
  if (const auto at = by_session_.find(client.session); at != by_session_.end() && at->second == &client) by_session_.erase(at);
  if (const auto at = revalidating_.find(client.session); at != revalidating_.end() && at->second == client.id) revalidating_.erase(at);
  const auto dropped = take_queue(client);
  statistics_.stale_requests += std::ranges::count_if(dropped, [](const auto& item) { return !item.frame.empty(); });
  client.input.clear();
}

void Server::close(ClientConnection& client) {
  if (client.phase == Phase::closing) return;
  detach(client);
  client.phase = Phase::closing;
  // What the client was answered before goes out first.
  if (!client.output.empty()) {
    statistics_.octets_sent += static_cast<std::int64_t>(client.output.size());
    emit(Send{client.id, std::exchange(client.output, {})});
  }
  emit(Close{client.id});
}

void Server::refuse(ClientConnection& client, std::string why) {
  emit(Refused{client.peer, std::move(why)});
  close(client);
}

void Server::on(const Tick&) {
  if (!is_learner()) {
    if (!std::exchange(has_ended_lost_sessions_, true)) end_lost_sessions();
    for (const std::int64_t session : sessions_.expire(now_)) {
      ++statistics_.stale_sessions_expired;
      end_session(session, true);
    }
  }
  expire_local_sessions();
  for (const auto& [id, client] : connections_) {
    if (client->phase != Phase::fresh || now_ - client->accepted < sessionless_timeout) continue;
    ++statistics_.sessionless_connections_expired;
    refuse(*client, "it did not ask for a session in 10 s");
  }
  if (!is_learner() && now_ >= next_reap_ && !is_disk_behind()) {
    next_reap_ = now_ + options_.container_check_interval;
    reap_nodes();
  }
}

// Data of ZooKeeper's may hold ephemeral nodes whose session is gone: nobody else would ever delete them.
// source: ZooKeeperServer.loadData
void Server::end_lost_sessions() {
  for (const std::int64_t session : database_->tree.sessions_of_ephemerals()) {
    if (!database_->sessions.contains(session)) submit(nullptr, session, 0, jute::OpCode::close_session, {});
  }
}

// source: ContainerManager
void Server::reap_nodes() {
  const Tree& tree = database_->tree;
  const std::int64_t wall_ms = wall_.time_since_epoch().count();
  std::vector<const Znode*> candidates;
  const auto pick = [&](const auto& nodes, NodeKind kind) {
    for (const Znode* node : nodes) {
      if (node->child_count == 0 && has_had_its_time(kind, node->stat, wall_ms, options_)) candidates.push_back(node);
    }
  };
  pick(tree.containers(), NodeKind::container);
  pick(tree.ttl_nodes(), NodeKind::ttl);
  std::ranges::sort(candidates, {}, [](const Znode* node) { return std::pair(node->stat.czxid, std::string_view(node->path)); });
  const auto share = options_.container_max_per_minute * options_.container_check_interval.count() / 60'000;
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(share, 1));
  for (const Znode* node : candidates | std::views::take(most)) {
    submit(nullptr, 0, 0, jute::OpCode::delete_container, jute::encode(jute::PathRecord{node->path}));
  }
}

}  // namespace chorus::coord
