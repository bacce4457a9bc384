// Requests in each connection's order, reads, replies and watch events.
#include <algorithm>

#include "base/ensure.h"
#include "base/text.h"
#include "coord/path.h"
#include "coord/server.h"

namespace chorus::coord {

using jute::ErrorCode;
using jute::EventType;
using jute::OpCode;
using Phase = ClientConnection::Phase;

namespace {

bool is_write(OpCode type) {
  return needs_live_session(type) || type == OpCode::delete_container || type == OpCode::reconfig || type == OpCode::close_session;
}

bool is_read(OpCode type) {
  switch (type) {
    case OpCode::exists:
    case OpCode::get_data:
    case OpCode::get_acl:
    case OpCode::get_children:
    case OpCode::get_children2:
    case OpCode::sync:
    case OpCode::check_watches:
    case OpCode::remove_watches:
    case OpCode::multi_read:
    case OpCode::set_watches:
    case OpCode::set_watches2:
    case OpCode::get_ephemerals:
    case OpCode::get_all_children_number:
    case OpCode::add_watch:
    case OpCode::who_am_i:
      return true;
    default:
      return false;
  }
}

// Digest ids hide their hash from those who may read but not administer. source: FinalRequestProcessor.handleGetACLRequest
std::string hidden(std::string_view id) { return std::string(id.substr(0, id.find(':'))) + ":x"; }

}  // namespace

// source: ZooKeeperServer.processPacket
void Server::handle(ClientConnection& client, std::string_view frame) {
  if (client.phase == Phase::fresh) return connect(client, frame);
  if (client.phase == Phase::connecting) return queue(client, {.zxid = 0, .own = false, .frame = std::string(frame)}, frame.size());
  ++statistics_.packets_received;
  ++client.statistics.received;
  base::Reader in(frame);
  const auto header = jute::decode<jute::RequestHeader>(in);
  if (!header) return refuse(client, "a request without a header");
  const auto type = static_cast<OpCode>(header->type);
  touch(client);
  client.statistics.last_cxid = header->xid >= 0 ? header->xid : client.statistics.last_cxid;
  if (type == OpCode::auth) return authenticate(client, header->xid, in);
  ErrorCode refusal = ErrorCode::ok;
  if (is_read_only() && type != OpCode::close_session && (is_write(type) || type == OpCode::sync)) {
    refusal = ErrorCode::not_read_only;
  } else if (!is_write(type)) {
    refusal = check_session(client);
  } else if (const std::string_view body = base::Reader(in).rest(); !client.is_local_session || !stays_here(client, type, body, refusal)) {
    submit(&client, client.session, header->xid, type, body);
    if (type == OpCode::close_session) sessions_.set_closing(client.session);
    return;
  }
  if (type == OpCode::sync && is_learner() && !is_read_only()) return forward_sync(client, header->xid, frame, in.rest());
  // Sync waits for every write that came before it, whoever's.
  const std::int64_t barrier = type == OpCode::sync && !in_flight_.empty() ? preparer_.last_zxid() : 0;
  if (client.waiting.empty() && barrier == 0) {
    ++statistics_.reads_at_once;
    return serve(client, frame, refusal, now_);
  }
  if (barrier != 0) waiting_.emplace(barrier, client.id);
  queue(client, {.zxid = barrier, .frame = std::string(frame), .refusal = refusal}, frame.size() + expected_reply(type, in));
}

// What the answer of a read that has to wait will about be: many short requests may ask for a lot.
std::size_t Server::expected_reply(OpCode type, base::Reader in) const {
  if (type != OpCode::get_data && type != OpCode::get_children && type != OpCode::get_children2) return 0;
  const auto request = jute::decode<jute::PathWatchRequest>(in);
  const Znode* node = request ? database_->tree.find(request->path) : nullptr;
  if (node == nullptr) return 0;
  constexpr std::size_t name_octets = 16;
  return type == OpCode::get_data ? node->data.size() : static_cast<std::size_t>(node->child_count) * name_octets;
}

// Serves reads that have come to the front of a connection's queue, up to its next write under way.
void Server::drain(ClientConnection& client) {
  while (client.phase != Phase::closing && !client.waiting.empty()) {
    ClientConnection::Waiting& front = client.waiting.front();
    if (front.own || front.awaits_sync || front.zxid > database_->last_zxid) return;
    const std::string frame = std::move(front.frame);
    const ErrorCode refusal = front.refusal;
    const world::Instant received = front.received;
    unqueue(client);
    if (frame.empty()) continue;
    ++statistics_.reads_drained;
    serve(client, frame, refusal, received);
  }
}

// refusal: the answer, unless ok.
void Server::serve(ClientConnection& client, std::string_view frame, ErrorCode refusal, world::Instant received) {
  base::Reader in(frame);
  const auto header = *jute::decode<jute::RequestHeader>(in);
  const auto type = static_cast<OpCode>(header.type);
  client.statistics.last_operation = header.type;
  client.statistics.any_operation = true;
  const std::int64_t zxid = database_->last_zxid;
  if (type == OpCode::ping) return reply(client, header.xid, zxid, ErrorCode::ok, {});
  if (type == OpCode::sasl) {
    // No login is configured: an empty answer, and the client goes on without.
    return reply(client, header.xid, 0, ErrorCode::ok, jute::encode(jute::SaslToken{}));
  }
  if (type == OpCode::close_session) return close_local_session(client, header.xid);
  if (!is_read(type) && !is_write(type)) {
    reply(client, header.xid, -1, ErrorCode::unimplemented, {});
    return refuse(client, "an operation that does not exist: " + std::to_string(header.type));
  }
  std::string body;
  const ErrorCode error = refusal != ErrorCode::ok ? refusal : serve_read(client, type, in, body);
  if (error == ErrorCode::session_moved) return refuse(client, "its session has moved to another server");  // without an answer
  const std::int64_t latency_ms = std::chrono::duration_cast<milliseconds>(now_ - received).count();
  client.statistics.last_latency_ms = latency_ms;
  client.statistics.latency.add(latency_ms);
  statistics_.latency.add(latency_ms);
  statistics_.read_latency.add(latency_ms);
  statistics_.read_wait.add(latency_ms);
  reply(client, header.xid, zxid, error, body);
  if (client.output.size() > std::max(static_cast<std::size_t>(options_.connection_unsent_max), world::Connection::high_water)) {
    refuse(client, "it asks for more at once than it may leave unread: coord.connection_unsent_max_bytes is " +
                       std::to_string(options_.connection_unsent_max));
  }
}

void Server::reply(ClientConnection& client, std::int32_t xid, std::int64_t zxid, ErrorCode error, std::string_view body) {
  base::Writer out(client.output);
  if (error != ErrorCode::ok) body = {};
  out.u32(static_cast<std::uint32_t>(16 + body.size()));
  out.i32(xid);
  out.i64(zxid);
  out.i32(static_cast<std::int32_t>(error));
  out.octets(body);
  ++statistics_.packets_sent;
  ++client.statistics.sent;
  client.statistics.last_zxid = zxid;
  client.statistics.last_response_ms = std::chrono::duration_cast<milliseconds>(now_.time_since_epoch()).count();
  statistics_.add_response(static_cast<std::int64_t>(16 + body.size()));
  mark_dirty(client);
}

bool Server::may_read(const ClientConnection& client, AclId acl) const {
  return options_.skip_acl || database_->tree.acls().allows(acl, jute::perms::read, client.auth);
}

// Appends the body of a successful answer. source: FinalRequestProcessor
ErrorCode Server::serve_read(ClientConnection& client, OpCode type, base::Reader& in, std::string& body) {
  const Tree& tree = database_->tree;
  base::Writer out(body);
  switch (type) {
    case OpCode::exists:
    case OpCode::get_data:
    case OpCode::get_children:
    case OpCode::get_children2: {
      const auto request = jute::decode<jute::PathWatchRequest>(in);
      if (!request) return ErrorCode::marshalling_error;
      if (type == OpCode::exists && request->path.find('\0') != std::string_view::npos) return ErrorCode::bad_arguments;
      const std::string_view path = request->path.empty() ? "/" : request->path;
      const Znode* node = tree.find(path);
      if (type == OpCode::exists && request->watch && (node == nullptr || may_read(client, node->acl))) {
        watches_.data.add(path, client.id, WatchMode::standard);
      }
      if (node == nullptr) return ErrorCode::no_node;
      if (!may_read(client, node->acl)) return ErrorCode::no_auth;
      if (type == OpCode::exists) {
        count_read(path, 0);
        jute::write(out, tree.stat_of(*node));
        return ErrorCode::ok;
      }
      if (type == OpCode::get_data) {
        count_read(path, node->data.size());
        if (request->watch) watches_.data.add(path, client.id, WatchMode::standard);
        jute::write(out, node->buffer());
        jute::write(out, tree.stat_of(*node));
        return ErrorCode::ok;
      }
      if (request->watch) watches_.child.add(path, client.id, WatchMode::standard);
      write_children(*node, out);
      count_read(path, body.size() - sizeof(std::int32_t) * (1 + static_cast<std::size_t>(node->child_count)));
      if (type == OpCode::get_children2) jute::write(out, tree.stat_of(*node));
      return ErrorCode::ok;
    }
    case OpCode::get_acl: {
      const auto request = jute::decode<jute::PathRecord>(in);
      if (!request) return ErrorCode::marshalling_error;
      const Znode* node = tree.find(request->path);
      if (node == nullptr) return ErrorCode::no_node;
      const bool is_admin = options_.skip_acl || tree.acls().allows(node->acl, jute::perms::admin, client.auth);
      if (!is_admin && !may_read(client, node->acl)) return ErrorCode::no_auth;
      auto acl = tree.acls().list(node->acl);
      std::deque<std::string> kept;
      for (jute::Acl& entry : acl) {
        if (!is_admin && entry.id.scheme == "digest") entry.id.id = kept.emplace_back(hidden(entry.id.id));
      }
      jute::write(out, acl);
      jute::write(out, tree.stat_of(*node));
      return ErrorCode::ok;
    }
    case OpCode::sync: {
      const auto request = jute::decode<jute::PathRecord>(in);
      if (!request) return ErrorCode::marshalling_error;
      jute::write(out, request->path);
      return ErrorCode::ok;
    }
    case OpCode::get_ephemerals: {
      const auto request = jute::decode<jute::PathRecord>(in);
      if (!request) return ErrorCode::marshalling_error;
      auto paths = tree.ephemerals(client.session);
      const bool all = base::trim(request->path).empty() || request->path == "/";
      if (!all) std::erase_if(paths, [&](std::string_view path) { return !path.starts_with(request->path); });
      jute::write(out, paths);
      return ErrorCode::ok;
    }
    case OpCode::get_all_children_number: {
      const auto request = jute::decode<jute::PathRecord>(in);
      if (!request) return ErrorCode::marshalling_error;
      const Znode* node = tree.find(request->path);
      if (node == nullptr) return ErrorCode::no_node;
      if (!may_read(client, node->acl)) return ErrorCode::no_auth;
      out.i32(static_cast<std::int32_t>(tree.descendants(*node)));
      return ErrorCode::ok;
    }
    case OpCode::who_am_i: {
      out.i32(static_cast<std::int32_t>(client.auth.size()));
      for (const AuthId& id : client.auth) {
        jute::write(out, std::string_view(id.scheme));
        jute::write(out, id.scheme == "digest" ? std::string_view(id.id).substr(0, id.id.find(':')) : std::string_view(id.id));
      }
      return ErrorCode::ok;
    }
    case OpCode::add_watch: {
      const auto request = jute::decode<jute::PathTypeRequest>(in);
      if (!request || request->type < 0 || request->type > 1) return ErrorCode::marshalling_error;
      watches_.add(request->path, client.id, static_cast<jute::AddWatchMode>(request->type));
      out.i32(0);
      return ErrorCode::ok;
    }
    case OpCode::check_watches:
    case OpCode::remove_watches:
      return remove_or_check_watches(client, type, in);
    case OpCode::set_watches:
    case OpCode::set_watches2:
      return set_watches(client, type, in);
    case OpCode::multi_read:
      return multi_read(client, in, body);
    default:
      return ErrorCode::unimplemented;
  }
}

/// source: DataTree.updateReadStat
void Server::count_read(std::string_view path, std::size_t octets) {
  constexpr std::size_t stat_octets = 68;
  statistics_.reads.add(path, static_cast<std::int64_t>(path.size() + octets + stat_octets));
}

void Server::write_children(const Znode& node, base::Writer& out) const {
  out.i32(node.child_count);
  for (const Znode* child = node.first_child; child != nullptr; child = child->next_sibling) jute::write(out, child->name());
}

ErrorCode Server::multi_read(ClientConnection& client, base::Reader& in, std::string& body) {
  base::Writer out(body);
  for (;;) {
    const auto header = jute::decode<jute::MultiHeader>(in);
    if (!header) return ErrorCode::marshalling_error;
    if (header->done) break;
    const auto type = static_cast<OpCode>(header->type);
    if (type != OpCode::get_data && type != OpCode::get_children) return ErrorCode::marshalling_error;
    std::string result;
    const ErrorCode error = serve_read(client, type, in, result);
    if (!in.ok()) return ErrorCode::marshalling_error;
    // No client takes such a reply, and a short request may ask for one node's data thousands of times.
    if (body.size() + result.size() > static_cast<std::size_t>(options_.connection_unsent_max)) return ErrorCode::bad_arguments;
    const auto code = static_cast<std::int32_t>(error);
    if (error == ErrorCode::ok) {
      jute::write(out, jute::MultiHeader{header->type, false, 0});
      out.octets(result);
    } else {
      jute::write(out, jute::MultiHeader{static_cast<std::int32_t>(OpCode::error), false, code});
      out.i32(code);
    }
  }
  jute::write(out, jute::MultiHeader{-1, true, -1});
  return ErrorCode::ok;
}

ErrorCode Server::remove_or_check_watches(ClientConnection& client, OpCode type, base::Reader& in) {
  const auto request = jute::decode<jute::PathTypeRequest>(in);
  if (!request || request->type < 1 || request->type > 5) return ErrorCode::marshalling_error;
  const auto watcher = static_cast<jute::WatcherType>(request->type);
  const bool found = type == OpCode::check_watches ? watches_.contains(request->path, client.id, watcher)
                                                   : watches_.remove(request->path, client.id, watcher);
  return found ? ErrorCode::ok : ErrorCode::no_watcher;
}

// A client that comes back tells what it watches; what it missed is made good at once. source: DataTree.setWatches
ErrorCode Server::set_watches(ClientConnection& client, OpCode type, base::Reader& in) {
  jute::SetWatches2Request request;
  jute::read(in, request.relative_zxid);
  jute::read(in, request.data);
  jute::read(in, request.exist);
  jute::read(in, request.child);
  if (type == OpCode::set_watches2) {
    jute::read(in, request.persistent);
    jute::read(in, request.persistent_recursive);
  }
  if (!in.ok()) return ErrorCode::marshalling_error;
  const Tree& tree = database_->tree;
  for (const std::string_view path : request.data) {
    const Znode* node = tree.find(path);
    if (node == nullptr) {
      send_event(client, -1, EventType::node_deleted, path);
    } else if (node->stat.mzxid > request.relative_zxid) {
      send_event(client, -1, EventType::node_data_changed, path);
    } else {
      watches_.data.add(path, client.id, WatchMode::standard);
    }
  }
  for (const std::string_view path : request.exist) {
    if (tree.find(path) != nullptr) {
      send_event(client, -1, EventType::node_created, path);
    } else {
      watches_.data.add(path, client.id, WatchMode::standard);
    }
  }
  for (const std::string_view path : request.child) {
    const Znode* node = tree.find(path);
    if (node == nullptr) {
      send_event(client, -1, EventType::node_deleted, path);
    } else if (node->stat.pzxid > request.relative_zxid) {
      send_event(client, -1, EventType::node_children_changed, path);
    } else {
      watches_.child.add(path, client.id, WatchMode::standard);
    }
  }
  for (const std::string_view path : request.persistent) watches_.add(path, client.id, jute::AddWatchMode::persistent);
  for (const std::string_view path : request.persistent_recursive) {
    watches_.add(path, client.id, jute::AddWatchMode::persistent_recursive);
  }
  return ErrorCode::ok;
}

// In the order of DataTree: data watches on the node, then child watches on it, then child watches on its parent.
void Server::notify(const Change& change) {
  if (watches_.count() == 0) return;
  to_tell_.clear();
  watches_.data.trigger(change.path, change.type, to_tell_);
  send_events(change.path, change.type, change.acl);
  if (change.type == EventType::node_data_changed) return;
  if (change.type == EventType::node_deleted) {
    const std::vector<ConnectionId> told = to_tell_;
    to_tell_.clear();
    watches_.child.trigger(change.path, change.type, to_tell_);
    std::erase_if(to_tell_, [&](ConnectionId id) { return std::ranges::binary_search(told, id); });
    send_events(change.path, change.type, change.acl);
  }
  to_tell_.clear();
  const std::string_view parent = parent_path(change.path);
  watches_.child.trigger(parent, EventType::node_children_changed, to_tell_);
  send_events(parent, EventType::node_children_changed, change.parent_acl);
}

void Server::send_events(std::string_view path, EventType type, AclId acl) {
  std::int64_t told = 0;
  for (const ConnectionId id : to_tell_) {
    ClientConnection* client = find(id);
    if (client == nullptr || !may_read(*client, acl)) continue;
    send_event(*client, applying_zxid_, type, path);
    ++told;
  }
  if (told > 0) watches_fired(type).add(told);
}

base::Summary& Server::watches_fired(EventType type) {
  switch (type) {
    case EventType::node_created:
      return statistics_.watches_fired_created;
    case EventType::node_deleted:
      return statistics_.watches_fired_deleted;
    case EventType::node_data_changed:
      return statistics_.watches_fired_changed;
    default:
      return statistics_.watches_fired_children;
  }
}

void Server::send_event(ClientConnection& client, std::int64_t zxid, EventType type, std::string_view path) {
  base::Writer out(client.output);
  out.u32(static_cast<std::uint32_t>(28 + path.size()));
  jute::write(out, jute::ReplyHeader{jute::xid::notification, zxid, 0});
  jute::write(out, jute::WatcherEvent{static_cast<std::int32_t>(type), static_cast<std::int32_t>(jute::KeeperState::sync_connected), path});
  statistics_.watch_octets_sent += static_cast<std::int64_t>(28 + path.size());
  ++statistics_.packets_sent;
  ++client.statistics.sent;
  mark_dirty(client);
}

}  // namespace chorus::coord
