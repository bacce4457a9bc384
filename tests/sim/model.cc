#include "model.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "jute/codec.h"

namespace chorus::coord_sim {

using jute::CreateMode;
using jute::ErrorCode;
using jute::EventType;
using jute::OpCode;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string sorted_names(OpCode code, const std::string& body) {
  if (code != OpCode::get_children && code != OpCode::get_children2 && code != OpCode::get_ephemerals) return body;
  base::Reader in(body);
  std::vector<std::string_view> names;
  jute::read(in, names);
  if (!in.ok()) return body;
  std::sort(names.begin(), names.end());
  std::string out;
  base::Writer writer(out);
  jute::write(writer, names);
  out += in.rest();
  return out;
}

Model::Model() {
  nodes_["/"].children = {"zookeeper"};
  nodes_["/zookeeper"].children = {"config", "quota"};
  nodes_["/zookeeper/config"].data = "";
  nodes_["/zookeeper/config"].aversion = -1;
  nodes_["/zookeeper/quota"].data = "";
  nodes_["/zookeeper"].data = "";
  nodes_["/"].data = "";
}

jute::Stat Model::stat(const Node& node) const {
  const auto children = static_cast<std::int32_t>(node.children.size());
  return {.czxid = node.czxid,
          .mzxid = node.mzxid,
          .ctime = node.ctime,
          .mtime = node.mtime,
          .version = node.version,
          .cversion = 2 * node.creations - children,  // counts creations and deletions. source: DataNode.copyStat
          .aversion = node.aversion,
          .ephemeral_owner = node.owner,
          .data_length = node.data ? static_cast<std::int32_t>(node.data->size()) : 0,
          .num_children = children,
          .pzxid = node.pzxid};
}

void Model::keep(const std::string& path, Undo* undo) const {
  if (undo == nullptr) return;
  const auto found = nodes_.find(path);
  undo->emplace_back(path, found == nodes_.end() ? std::nullopt : std::optional(found->second));
}

ErrorCode Model::create(const Op& op, std::int64_t session, std::int64_t zxid, std::int64_t time_ms, Outcome& out, Undo* undo) {
  const auto mode = static_cast<CreateMode>(op.flags);
  const bool sequential = mode == CreateMode::persistent_sequential || mode == CreateMode::ephemeral_sequential ||
                          mode == CreateMode::persistent_sequential_with_ttl;
  const bool ephemeral = mode == CreateMode::ephemeral || mode == CreateMode::ephemeral_sequential;
  const std::string parent_path = parent_of(op.path);
  const auto parent = nodes_.find(parent_path);
  if (parent == nodes_.end()) return ErrorCode::no_node;
  std::string path = op.path;
  if (sequential) path += fmt::format("{:010}", parent->second.creations);
  if (nodes_.contains(path)) return ErrorCode::node_exists;
  if (parent->second.owner != 0) return ErrorCode::no_children_for_ephemerals;

  keep(parent_path, undo);
  keep(path, undo);
  ++parent->second.creations;
  parent->second.pzxid = zxid;
  parent->second.children.insert(path.substr(path.rfind('/') + 1));
  Node& node = nodes_[path];
  node.data = op.data;
  node.czxid = node.mzxid = node.pzxid = zxid;
  node.ctime = node.mtime = time_ms;
  node.owner = ephemeral ? session : 0;
  node.container = op.code == OpCode::create_container;
  node.ttl_ms = op.code == OpCode::create_ttl ? op.ttl_ms : 0;
  out.changes.push_back({EventType::node_created, path});
  if (op.code == OpCode::create) {
    jute::encode(jute::PathRecord{path}, out.body);
  } else {
    jute::encode(jute::Create2Response{path, stat(node)}, out.body);
  }
  return ErrorCode::ok;
}

void Model::remove(const std::string& path, std::int64_t zxid, std::vector<Change>& changes, Undo* undo) {
  const std::string parent_path = parent_of(path);
  keep(parent_path, undo);
  keep(path, undo);
  Node& parent = nodes_.at(parent_path);
  parent.pzxid = zxid;
  parent.children.erase(path.substr(path.rfind('/') + 1));
  nodes_.erase(path);
  changes.push_back({EventType::node_deleted, path});
}

ErrorCode Model::apply(const Op& op, std::int64_t session, std::int64_t zxid, std::int64_t time_ms, Outcome& out, Undo* undo) {
  switch (op.code) {
    case OpCode::create:
    case OpCode::create2:
    case OpCode::create_container:
    case OpCode::create_ttl:
      return create(op, session, zxid, time_ms, out, undo);
    default:
      break;
  }
  const auto found = nodes_.find(op.path);
  if (found == nodes_.end()) return ErrorCode::no_node;
  Node& node = found->second;
  const std::int32_t version = op.code == OpCode::set_acl ? node.aversion : node.version;
  if (op.version != -1 && op.version != version) return ErrorCode::bad_version;
  switch (op.code) {
    case OpCode::delete_:
      if (!node.children.empty()) return ErrorCode::not_empty;
      remove(op.path, zxid, out.changes, undo);
      break;
    case OpCode::set_data:
      keep(op.path, undo);
      node.data = op.data;
      ++node.version;
      node.mzxid = zxid;
      node.mtime = time_ms;
      out.changes.push_back({EventType::node_data_changed, op.path});
      jute::encode(jute::StatResponse{stat(node)}, out.body);
      break;
    case OpCode::set_acl:
      keep(op.path, undo);
      ++node.aversion;
      jute::encode(jute::StatResponse{stat(node)}, out.body);
      break;
    default:
      break;  // check
  }
  return ErrorCode::ok;
}

Outcome Model::multi(const Op& op, std::int64_t session, std::int64_t zxid, std::int64_t time_ms) {
  Outcome whole;
  Undo undo;
  std::vector<ErrorCode> errors;
  for (const Op& part : op.parts) {
    Outcome one;
    errors.push_back(apply(part, session, zxid, time_ms, one, &undo));
    if (errors.back() != ErrorCode::ok) break;
    const bool with_stat = part.code == OpCode::create_container || part.code == OpCode::create_ttl;
    jute::encode(jute::MultiHeader{static_cast<std::int32_t>(with_stat ? OpCode::create2 : part.code), false, 0}, whole.body);
    whole.body += one.body;
    whole.changes.insert(whole.changes.end(), one.changes.begin(), one.changes.end());
  }
  if (!errors.empty() && errors.back() != ErrorCode::ok) {
    for (auto old = undo.rbegin(); old != undo.rend(); ++old) {
      if (old->second) {
        nodes_[old->first] = std::move(*old->second);
      } else {
        nodes_.erase(old->first);
      }
    }
    errors.resize(op.parts.size(), ErrorCode::runtime_inconsistency);
    whole.body.clear();
    whole.changes.clear();
    for (const ErrorCode error : errors) {
      jute::encode(jute::MultiHeader{-1, false, static_cast<std::int32_t>(error)}, whole.body);
      jute::encode(jute::ErrorResponse{static_cast<std::int32_t>(error)}, whole.body);
    }
  }
  jute::encode(jute::MultiHeader{-1, true, -1}, whole.body);
  return whole;
}

// Whether another one is under way, and who is in step with the leader, the checker does not know. source: PrepRequestProcessor
Outcome Model::reconfig(const Op& op, std::int64_t zxid, std::int64_t time_ms) {
  Outcome out;
  std::map<std::int64_t, std::string> next = op.members ? std::map<std::int64_t, std::string>() : members_;
  for (const std::string_view leaving : base::split(op.leaving.value_or(""), ',')) next.erase(base::parse_int(leaving).value_or(-1));
  for (const std::string_view joining : base::split((op.members ? op.members : op.joining).value_or(""), ',')) {
    const std::size_t equals = joining.find('=');
    if (equals == std::string_view::npos) continue;
    const auto id = base::parse_int(joining.substr(joining.find('.') + 1, equals - joining.find('.') - 1));
    next[id.value_or(-1)] = joining.substr(equals + 1);
  }
  const auto voters = std::count_if(next.begin(), next.end(), [](const auto& one) { return one.second.contains(":participant"); });
  if (static_cast<std::size_t>(voters) < voters_min_) {
    out.err = ErrorCode::bad_arguments;
    return out;
  }
  members_ = std::move(next);
  Node& node = nodes_.at("/zookeeper/config");
  node.data = "";
  for (const auto& [id, spec] : members_) *node.data += fmt::format("server.{}={}\n", id, spec);
  *node.data += fmt::format("version={:x}", zxid);
  node.version = -1;
  node.mzxid = zxid;
  node.mtime = time_ms;
  out.changes.push_back({EventType::node_data_changed, "/zookeeper/config"});
  jute::encode(jute::GetDataResponse{jute::Buffer(*node.data), stat(node)}, out.body);
  return out;
}

Outcome Model::write(const Op& op, std::int64_t session, std::int64_t zxid, std::int64_t time_ms) {
  Outcome out;
  if (op.code == OpCode::close_session) {
    std::vector<std::string> owned;
    for (const auto& [path, node] : nodes_) {
      if (node.owner == session) owned.push_back(path);
    }
    for (const std::string& path : owned) remove(path, zxid, out.changes, nullptr);
    sessions_.erase(session);
    return out;
  }
  if (!session_open(session)) {
    out.err = ErrorCode::session_expired;
    return out;
  }
  if (op.code == OpCode::multi) return multi(op, session, zxid, time_ms);
  if (op.code == OpCode::reconfig) return reconfig(op, zxid, time_ms);
  out.err = apply(op, session, zxid, time_ms, out, nullptr);
  return out;
}

bool Model::reap(const std::string& path, std::int64_t zxid, std::int64_t time_ms, std::vector<Change>& changes) {
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) return false;
  const Node& node = found->second;
  if (!node.children.empty()) return false;
  const bool spent_container = node.container && node.creations > 0;
  const bool outlived = node.ttl_ms > 0 && time_ms - node.mtime > node.ttl_ms;
  if (!spent_container && !outlived) return false;
  remove(path, zxid, changes, nullptr);
  return true;
}

Outcome Model::read(const Op& op, std::int64_t session) const {
  Outcome out;
  switch (op.code) {
    case OpCode::sync:
      jute::encode(jute::PathRecord{op.path}, out.body);
      return out;
    case OpCode::get_ephemerals: {
      std::vector<std::string_view> paths;
      for (const auto& [path, node] : nodes_) {
        if (node.owner == session && (op.path == "/" || path.starts_with(op.path))) paths.push_back(path);
      }
      jute::encode(jute::PathsResponse{paths}, out.body);
      return out;
    }
    case OpCode::ping:
    case OpCode::set_watches2:
      return out;
    case OpCode::add_watch:
      jute::encode(jute::ErrorResponse{0}, out.body);
      return out;
    default:
      break;
  }
  const auto found = nodes_.find(op.path);
  if (found == nodes_.end()) {
    out.err = ErrorCode::no_node;
    return out;
  }
  const Node& node = found->second;
  const std::vector<std::string_view> names(node.children.begin(), node.children.end());
  switch (op.code) {
    case OpCode::exists:
      jute::encode(jute::StatResponse{stat(node)}, out.body);
      break;
    case OpCode::get_data:
      jute::encode(jute::GetDataResponse{node.data ? jute::Buffer(*node.data) : std::nullopt, stat(node)}, out.body);
      break;
    case OpCode::get_children:
      jute::encode(jute::PathsResponse{names}, out.body);
      break;
    case OpCode::get_children2:
      jute::encode(jute::GetChildren2Response{names, stat(node)}, out.body);
      break;
    case OpCode::get_acl:
      jute::encode(
          jute::GetAclResponse{
              {{.perms = op.path == "/zookeeper/config" ? jute::perms::read : jute::perms::all, .id = {"world", "anyone"}}}, stat(node)},
          out.body);
      break;
    case OpCode::get_all_children_number: {
      const std::string below = op.path == "/" ? "/" : op.path + "/";
      std::int32_t total = 0;
      for (auto other = nodes_.upper_bound(below); other != nodes_.end() && other->first.starts_with(below); ++other) ++total;
      jute::encode(jute::CountResponse{total}, out.body);
      break;
    }
    default:
      break;
  }
  return out;
}

}  // namespace chorus::coord_sim
