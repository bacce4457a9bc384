#include "coord/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ranges>

#include "base/ensure.h"
#include "coord/digest.h"
#include "coord/path.h"

namespace chorus::coord {

using jute::CreateMode;
using jute::ErrorCode;
using jute::OpCode;

namespace {

std::string_view key_of(std::string_view path) { return path == "/" ? std::string_view() : path; }
std::string_view parent_key(std::string_view path) { return path.substr(0, path.rfind('/')); }

bool has_parent(std::string_view path) { return path.find('/') != std::string_view::npos && path.find('\0') == std::string_view::npos; }

bool may_be_in_multi(OpCode type) { return needs_live_session(type) && type != OpCode::set_acl && type != OpCode::multi; }

// What a multi asks for. The whole request is read before anything is tried: one that cannot be read is refused as a whole.
std::optional<std::vector<std::pair<OpCode, std::string_view>>> operations_of(base::Reader& in) {
  std::vector<std::pair<OpCode, std::string_view>> operations;
  for (;;) {
    const auto header = jute::decode<jute::MultiHeader>(in);
    if (!header) return std::nullopt;
    if (header->done) return operations;
    const auto type = static_cast<OpCode>(header->type);
    if (!may_be_in_multi(type)) return std::nullopt;
    base::Reader scan = in;
    switch (type) {
      case OpCode::create_ttl:
        jute::decode<jute::CreateTtlRequest>(scan);
        break;
      case OpCode::delete_:
      case OpCode::check:
        jute::decode<jute::PathVersionRequest>(scan);
        break;
      case OpCode::set_data:
        jute::decode<jute::SetDataRequest>(scan);
        break;
      default:
        jute::decode<jute::CreateRequest>(scan);
        break;
    }
    if (!scan.ok()) return std::nullopt;
    operations.emplace_back(type, in.octets(scan.offset() - in.offset()));
  }
}

bool is_ephemeral(CreateMode mode) { return mode == CreateMode::ephemeral || mode == CreateMode::ephemeral_sequential; }

}  // namespace

bool creates_ephemeral(OpCode type, std::string_view body) {
  base::Reader in(body);
  if (type == OpCode::multi) {
    const auto operations = operations_of(in);
    return operations &&
           std::ranges::any_of(*operations, [](const auto& operation) { return creates_ephemeral(operation.first, operation.second); });
  }
  if (type != OpCode::create && type != OpCode::create2) return false;
  const auto request = jute::decode<jute::CreateRequest>(in);
  return request && is_ephemeral(static_cast<CreateMode>(request->flags));
}

bool needs_live_session(OpCode type) {
  switch (type) {
    case OpCode::create:
    case OpCode::create2:
    case OpCode::create_container:
    case OpCode::create_ttl:
    case OpCode::delete_:
    case OpCode::set_data:
    case OpCode::set_acl:
    case OpCode::check:
    case OpCode::multi:
      return true;
    default:
      return false;
  }
}

bool has_had_its_time(NodeKind kind, const jute::StatPersisted& stat, std::int64_t now_ms, const Options& options) {
  const std::int64_t age_ms = now_ms - stat.mtime;
  if (kind == NodeKind::ttl) return age_ms > static_cast<std::int64_t>(static_cast<std::uint64_t>(stat.ephemeral_owner) & ttl_ms_max);
  if (kind != NodeKind::container) return false;
  const std::int64_t unused_ms_max = options.container_max_never_used_interval.count();
  return stat.cversion > 0 || (unused_ms_max > 0 && age_ms > unused_ms_max);
}

Preparer::Preparer(Database& database, const Options& options, std::int64_t last_zxid, Membership* membership)
    : database_(database), options_(options), membership_(membership), last_zxid_(last_zxid), digest_(database.tree.digest()) {}

ErrorCode Preparer::prepare(OpCode type, std::string_view body, const Requester& who, std::string& out) {
  const std::size_t start = out.size();
  jute::TxnHeader header{who.session, who.cxid, ++last_zxid_, who.time_ms, static_cast<std::int32_t>(type)};
  jute::encode(header, out);
  const std::size_t record = out.size();
  base::Reader in(body);
  ErrorCode error = ErrorCode::ok;
  if (needs_live_session(type) && who.session_error != ErrorCode::ok) {
    error = who.session_error;
  } else {
    error = prepare_record(type, in, who, out);
  }
  // A check outside of a multi: 3.8.0 said what was wrong, and broke when nothing was; later releases refuse it.
  if (type == OpCode::check && (error == ErrorCode::ok || error == ErrorCode::marshalling_error)) error = ErrorCode::unimplemented;
  // The operation may have become another type of transaction, and a refused one is an error transaction; a refused multi stays one.
  if (error != ErrorCode::ok) {
    type = OpCode::error;
    out.resize(record);
    jute::encode(jute::ErrorTxn{static_cast<std::int32_t>(error)}, out);
  } else if (options_.digest_enabled) {
    jute::encode(jute::TxnDigest{digest_version, static_cast<std::int64_t>(digest_)}, out);
  }
  base::Writer(out).patch_u32(start + 28, static_cast<std::uint32_t>(type));
  return error;
}

ErrorCode Preparer::prepare_record(OpCode& type, base::Reader& in, const Requester& who, std::string& out) {
  switch (type) {
    case OpCode::create:
    case OpCode::create2:
    case OpCode::create_container:
    case OpCode::create_ttl:
      return create(type, in, who, out);
    case OpCode::delete_:
      return remove(in, who, out);
    case OpCode::delete_container:
      return delete_container(in, who, out);
    case OpCode::set_data:
      return set_data(in, who, out);
    case OpCode::set_acl:
      return set_acl(in, who, out);
    case OpCode::check:
      return check(in, who, out);
    case OpCode::multi:
      return multi(in, who, out);
    case OpCode::reconfig:
      return reconfig(in, who, out);
    case OpCode::create_session: {
      const auto request = jute::decode<jute::CreateSessionTxn>(in);
      if (!request) return ErrorCode::marshalling_error;
      jute::encode(*request, out);
      return ErrorCode::ok;
    }
    case OpCode::close_session:
      close_session(who, out);
      return ErrorCode::ok;
    default:
      return ErrorCode::unimplemented;
  }
}

Preparer::State Preparer::look_up(std::string_view path) const {
  if (const auto at = records_.find(key_of(path)); at != records_.end()) return at->second.state;
  const Znode* node = database_.tree.find(path);
  if (node == nullptr) return {};
  return {true, node->stat, node->child_count, node->acl, node->digest_prefix, node->digest};
}

void Preparer::put(std::string_view path, const State& wanted) {
  path = key_of(path);
  State state = wanted;
  const State before = look_up(path);
  state.digest = state.exists ? digest_of_node(path, state.digest_prefix, state.stat) : 0;
  digest_ += state.digest;
  digest_ -= before.exists ? before.digest : 0;
  auto at = records_.find(path);
  if (in_multi_) {
    undo_.push_back({std::string(path), at != records_.end(), at != records_.end() ? at->second : Record{}});
    if (at != records_.end()) database_.tree.acls().add_use(at->second.state.acl);
  }
  const bool queued = at != records_.end() && at->second.zxid == last_zxid_;
  database_.tree.acls().add_use(state.acl);
  if (at == records_.end()) {
    at = records_.try_emplace(std::string(path)).first;
  } else {
    database_.tree.acls().drop_use(at->second.state.acl);
  }
  at->second = {last_zxid_, state};
  if (!queued) queue_.emplace_back(last_zxid_, &*at);

  const std::int64_t owner = state.exists ? state.stat.ephemeral_owner : before.stat.ephemeral_owner;
  if (before.exists != state.exists && database_.tree.kind_of(owner) == NodeKind::ephemeral) {
    ephemerals_[owner].push_back({std::string(path), state.exists});
    ephemeral_queue_.emplace_back(last_zxid_, owner);
  }
}

void Preparer::erase_record(Records::value_type* entry) {
  database_.tree.acls().drop_use(entry->second.state.acl);
  records_.erase(records_.find(entry->first));
}

void Preparer::applied(std::int64_t zxid) {
  for (; !queue_.empty() && queue_.front().first <= zxid; queue_.pop_front()) {
    Records::value_type* entry = queue_.front().second;
    // When a later transaction of the same group changed the record again, that one's turn is to erase it.
    if (entry->second.zxid == queue_.front().first) erase_record(entry);
  }
  for (; !ephemeral_queue_.empty() && ephemeral_queue_.front().first <= zxid; ephemeral_queue_.pop_front()) {
    const auto changes = ephemerals_.find(ephemeral_queue_.front().second);
    changes->second.pop_front();
    if (changes->second.empty()) ephemerals_.erase(changes);
  }
}

void Preparer::discard() {
  for (const auto& [path, record] : records_) database_.tree.acls().drop_use(record.state.acl);
  records_.clear();
  queue_.clear();
  ephemeral_queue_.clear();
  ephemerals_.clear();
}

void Preparer::roll_back() {
  while (!queue_.empty() && queue_.back().first == last_zxid_) queue_.pop_back();
  for (; !ephemeral_queue_.empty() && ephemeral_queue_.back().first == last_zxid_; ephemeral_queue_.pop_back()) {
    const auto changes = ephemerals_.find(ephemeral_queue_.back().second);
    changes->second.pop_back();
    if (changes->second.empty()) ephemerals_.erase(changes);
  }
  for (const Undo& undo : undo_ | std::views::reverse) {
    const auto at = records_.find(undo.path);
    const State& now = at->second.state;
    digest_ -= now.exists ? now.digest : 0;
    if (undo.had_record) {
      database_.tree.acls().drop_use(now.acl);
      at->second = undo.record;
    } else {
      erase_record(&*at);
    }
    const State before = look_up(undo.path);
    digest_ += before.exists ? before.digest : 0;
  }
  undo_.clear();
}

bool Preparer::allowed(AclId acl, std::int32_t perms, const Requester& who) const {
  return options_.skip_acl || database_.tree.acls().allows(acl, perms, who.auth);
}

ErrorCode Preparer::create(OpCode& type, base::Reader& in, const Requester& who, std::string& out) {
  jute::CreateTtlRequest request;
  request.ttl_ms = -1;
  jute::read(in, request.path);
  jute::read(in, request.data);
  jute::read(in, request.acl);
  jute::read(in, request.flags);
  if (type == OpCode::create_ttl) jute::read(in, request.ttl_ms);
  if (!in.ok()) return ErrorCode::marshalling_error;
  if (request.flags < 0 || request.flags > 6) return ErrorCode::bad_arguments;
  const auto mode = static_cast<CreateMode>(request.flags);
  const bool is_ttl = mode == CreateMode::persistent_with_ttl || mode == CreateMode::persistent_sequential_with_ttl;
  if (is_ttl && !options_.extended_types_enabled) return ErrorCode::unimplemented;
  if (is_ttl ? request.ttl_ms <= 0 || request.ttl_ms > ttl_ms_max : request.ttl_ms >= 0) return ErrorCode::bad_arguments;
  if (is_ephemeral(mode) && !who.is_global) return ErrorCode::session_expired;
  if (!has_parent(request.path)) return ErrorCode::bad_arguments;
  const auto acl = fix_up_acl(request.acl, who.auth);
  if (!acl) return acl.error();
  const std::string_view parent_path = parent_key(request.path);
  State parent = look_up(parent_path);
  if (!parent.exists) return ErrorCode::no_node;
  if (!allowed(parent.acl, jute::perms::create, who)) return ErrorCode::no_auth;
  const bool is_sequential = mode == CreateMode::persistent_sequential || mode == CreateMode::ephemeral_sequential ||
                             mode == CreateMode::persistent_sequential_with_ttl;
  std::string path(request.path);
  if (is_sequential) path += fmt::format("{:010d}", parent.stat.cversion);
  if (!is_valid_path(path)) return ErrorCode::bad_arguments;
  if (look_up(path).exists) return ErrorCode::node_exists;
  if (database_.tree.kind_of(parent.stat.ephemeral_owner) == NodeKind::ephemeral) return ErrorCode::no_children_for_ephemerals;

  std::int64_t owner = 0;
  const std::int32_t cversion = static_cast<std::int32_t>(static_cast<std::uint32_t>(parent.stat.cversion) + 1);
  if (type == OpCode::create_container) {
    owner = container_owner;
    jute::encode(jute::CreateContainerTxn{path, request.data, *acl, cversion}, out);
  } else if (type == OpCode::create_ttl && is_ttl) {
    owner = static_cast<std::int64_t>(ttl_owner_mark | static_cast<std::uint64_t>(request.ttl_ms));
    jute::encode(jute::CreateTtlTxn{path, request.data, *acl, cversion, request.ttl_ms}, out);
  } else {
    if (type == OpCode::create_ttl) type = OpCode::create2;  // createTTL in a mode without one
    owner = is_ephemeral(mode) ? who.session : 0;
    jute::encode(jute::CreateTxn{path, request.data, *acl, is_ephemeral(mode), cversion}, out);
  }
  parent.stat.cversion = cversion;
  parent.stat.pzxid = last_zxid_;
  ++parent.child_count;
  put(parent_path, parent);
  State node{.exists = true, .acl = database_.tree.acls().intern(*acl), .digest_prefix = digest_prefix(path, request.data)};
  node.stat = {
      .czxid = last_zxid_, .mzxid = last_zxid_, .ctime = who.time_ms, .mtime = who.time_ms, .ephemeral_owner = owner, .pzxid = last_zxid_};
  put(path, node);
  database_.tree.acls().drop_use(node.acl);  // put() holds its own
  return ErrorCode::ok;
}

void Preparer::remove_node(std::string_view path, const State& node) {
  State parent = look_up(parent_key(path));
  ENSURE(parent.exists && node.exists, path);
  --parent.child_count;
  parent.stat.pzxid = last_zxid_;
  put(parent_key(path), parent);
  State gone = node;
  gone.exists = false;
  put(path, gone);
}

ErrorCode Preparer::remove(base::Reader& in, const Requester& who, std::string& out) {
  const auto request = jute::decode<jute::PathVersionRequest>(in);
  if (!request) return ErrorCode::marshalling_error;
  if (!has_parent(request->path) || is_system_path(request->path)) return ErrorCode::bad_arguments;
  const State parent = look_up(parent_key(request->path));
  if (!parent.exists) return ErrorCode::no_node;
  if (!allowed(parent.acl, jute::perms::delete_, who)) return ErrorCode::no_auth;
  const State node = look_up(request->path);
  if (!node.exists) return ErrorCode::no_node;
  if (request->version != -1 && request->version != node.stat.version) return ErrorCode::bad_version;
  if (node.child_count > 0) return ErrorCode::not_empty;
  jute::encode(jute::DeleteTxn{request->path}, out);
  remove_node(request->path, node);
  return ErrorCode::ok;
}

// Java lets any client delete any childless node by this operation, permissions or not; here it is for containers and TTL nodes, and a
// client needs the permission that delete would need. See docs/decisions.
ErrorCode Preparer::delete_container(base::Reader& in, const Requester& who, std::string& out) {
  const auto request = jute::decode<jute::PathRecord>(in);
  if (!request) return ErrorCode::marshalling_error;
  if (!has_parent(request->path) || is_system_path(request->path)) return ErrorCode::bad_arguments;
  const State node = look_up(request->path);
  if (!node.exists) return ErrorCode::no_node;
  if (who.session != 0 && !allowed(look_up(parent_key(request->path)).acl, jute::perms::delete_, who)) return ErrorCode::no_auth;
  if (node.child_count > 0) return ErrorCode::not_empty;
  const NodeKind kind = database_.tree.kind_of(node.stat.ephemeral_owner);
  if (kind != NodeKind::container && kind != NodeKind::ttl) return ErrorCode::bad_version;
  // A write on its way may have touched the node, or put another one in its place, since it was picked out to go.
  if (who.session == 0 && !has_had_its_time(kind, node.stat, who.time_ms, options_)) return ErrorCode::bad_version;
  jute::encode(jute::DeleteTxn{request->path}, out);
  remove_node(request->path, node);
  return ErrorCode::ok;
}

ErrorCode Preparer::set_data(base::Reader& in, const Requester& who, std::string& out) {
  const auto request = jute::decode<jute::SetDataRequest>(in);
  if (!request) return ErrorCode::marshalling_error;
  if (!is_valid_path(request->path)) return ErrorCode::bad_arguments;
  State node = look_up(request->path);
  if (!node.exists) return ErrorCode::no_node;
  if (!allowed(node.acl, jute::perms::write, who)) return ErrorCode::no_auth;
  if (request->version != -1 && request->version != node.stat.version) return ErrorCode::bad_version;
  node.stat.version = static_cast<std::int32_t>(static_cast<std::uint32_t>(node.stat.version) + 1);
  node.stat.mtime = who.time_ms;
  node.stat.mzxid = last_zxid_;
  node.digest_prefix = digest_prefix(key_of(request->path), request->data);
  jute::encode(jute::SetDataTxn{request->path, request->data, node.stat.version}, out);
  put(request->path, node);
  return ErrorCode::ok;
}

ErrorCode Preparer::set_acl(base::Reader& in, const Requester& who, std::string& out) {
  const auto request = jute::decode<jute::SetAclRequest>(in);
  if (!request) return ErrorCode::marshalling_error;
  if (!is_valid_path(request->path)) return ErrorCode::bad_arguments;
  const auto acl = fix_up_acl(request->acl, who.auth);
  if (!acl) return acl.error();
  State node = look_up(request->path);
  if (!node.exists) return ErrorCode::no_node;
  if (!allowed(node.acl, jute::perms::admin, who)) return ErrorCode::no_auth;
  if (request->version != -1 && request->version != node.stat.aversion) return ErrorCode::bad_version;
  node.stat.aversion = static_cast<std::int32_t>(static_cast<std::uint32_t>(node.stat.aversion) + 1);
  node.acl = database_.tree.acls().intern(*acl);
  jute::encode(jute::SetAclTxn{request->path, *acl, node.stat.aversion}, out);
  put(request->path, node);
  database_.tree.acls().drop_use(node.acl);
  return ErrorCode::ok;
}

ErrorCode Preparer::check(base::Reader& in, const Requester& who, std::string& out) {
  const auto request = jute::decode<jute::PathVersionRequest>(in);
  if (!request) return ErrorCode::marshalling_error;
  if (!is_valid_path(request->path)) return ErrorCode::bad_arguments;
  const State node = look_up(request->path);
  if (!node.exists) return ErrorCode::no_node;
  if (!allowed(node.acl, jute::perms::read, who)) return ErrorCode::no_auth;
  if (request->version != -1 && request->version != node.stat.version) return ErrorCode::bad_version;
  // Java stores the version checked for plus one, as if the node had been written.
  const auto next = static_cast<std::int32_t>(static_cast<std::uint32_t>(node.stat.version) + 1);
  jute::encode(jute::CheckVersionTxn{request->path, next}, out);
  return ErrorCode::ok;
}

ErrorCode Preparer::reconfig(base::Reader& in, const Requester& who, std::string& out) {
  if (!options_.ensemble.reconfig_enabled) return ErrorCode::reconfig_disabled;
  if (who.session_error != ErrorCode::ok) return who.session_error;
  const auto request = jute::decode<jute::ReconfigRequest>(in);
  if (!request) return ErrorCode::marshalling_error;
  if (membership_ == nullptr) return ErrorCode::unimplemented;
  auto config = membership_->after(*request, last_zxid_, options_.ensemble.standalone_enabled);
  if (!config) return config.error();
  State node = look_up(config_node_path);
  if (!node.exists) return ErrorCode::no_node;
  if (!allowed(node.acl, jute::perms::write, who)) return ErrorCode::no_auth;
  const std::string text = config->to_text();
  jute::encode(jute::SetDataTxn{config_node_path, text, -1}, out);
  node.stat.version = -1;
  node.stat.mtime = who.time_ms;
  node.stat.mzxid = last_zxid_;
  put(config_node_path, node);
  membership_->config = std::move(*config);
  membership_->is_pending = true;
  return ErrorCode::ok;
}

ErrorCode Preparer::multi(base::Reader& in, const Requester& who, std::string& out) {
  auto operations = operations_of(in);
  if (!operations) return ErrorCode::marshalling_error;
  base::Writer writer(out);
  writer.i32(static_cast<std::int32_t>(operations->size()));
  ErrorCode failure = ErrorCode::ok;
  in_multi_ = true;
  undo_.clear();
  for (auto& [type, body] : *operations) {
    const std::size_t start = out.size();
    writer.i32(0);
    writer.i32(0);
    ErrorCode error = ErrorCode::runtime_inconsistency;  // what follows the culprit
    if (failure == ErrorCode::ok) {
      base::Reader record(body);
      error = prepare_record(type, record, who, out);
      failure = error;
    }
    if (error != ErrorCode::ok) {
      type = OpCode::error;
      out.resize(start + 8);
      jute::encode(jute::ErrorTxn{static_cast<std::int32_t>(error)}, out);
    }
    writer.patch_u32(start, static_cast<std::uint32_t>(type));
    writer.patch_u32(start + 4, static_cast<std::uint32_t>(out.size() - start - 8));
  }
  if (failure != ErrorCode::ok) roll_back();
  in_multi_ = false;
  for (const Undo& undo : undo_) {
    if (undo.had_record) database_.tree.acls().drop_use(undo.record.state.acl);
  }
  undo_.clear();
  return ErrorCode::ok;
}

void Preparer::close_session(const Requester& who, std::string& out) {
  std::vector<std::string> paths;
  StringMap<std::size_t> places;  // in `paths`
  const auto add = [&](std::string_view path) {
    places[std::string(path)] = paths.size();
    paths.emplace_back(path);
  };
  for (const std::string_view path : database_.tree.ephemerals(who.session)) add(path);
  if (const auto pending = ephemerals_.find(who.session); pending != ephemerals_.end()) {
    for (const EphemeralChange& change : pending->second) {
      if (const auto at = places.find(change.path); at != places.end()) paths[at->second].clear();
      if (change.created) add(change.path);
    }
    std::erase(paths, std::string());
  }
  jute::encode(jute::CloseSessionTxn{{paths.begin(), paths.end()}}, out);
  for (const std::string& path : paths) remove_node(path, look_up(path));
}

}  // namespace chorus::coord
