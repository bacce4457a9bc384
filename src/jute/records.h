// What clients and servers send one another. source: zookeeper.jute, packages data and proto
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "jute/codec.h"

namespace chorus::jute {

struct Id {
  std::string_view scheme;
  std::string_view id;
  JUTE_FIELDS(scheme, id)
  friend bool operator==(const Id&, const Id&) = default;
};
struct Acl {
  std::int32_t perms = 0;
  Id id;
  JUTE_FIELDS(perms, id)
  friend bool operator==(const Acl&, const Acl&) = default;
};
/// As clients see a node: cversion counts creations and deletions of children, the owner of a container or TTL node is 0.
struct Stat {
  std::int64_t czxid = 0, mzxid = 0, ctime = 0, mtime = 0;
  std::int32_t version = 0, cversion = 0, aversion = 0;
  std::int64_t ephemeral_owner = 0;
  std::int32_t data_length = 0, num_children = 0;
  std::int64_t pzxid = 0;
  JUTE_FIELDS(czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeral_owner, data_length, num_children, pzxid)
  friend bool operator==(const Stat&, const Stat&) = default;
};
struct ClientInfo {
  std::string_view auth_scheme, user;
  JUTE_FIELDS(auth_scheme, user)
};

struct RequestHeader {
  std::int32_t xid = 0, type = 0;
  JUTE_FIELDS(xid, type)
};
struct ReplyHeader {
  std::int32_t xid = 0;
  std::int64_t zxid = 0;
  std::int32_t err = 0;
  JUTE_FIELDS(xid, zxid, err)
};
struct MultiHeader {
  std::int32_t type = 0;
  bool done = false;
  std::int32_t err = 0;
  JUTE_FIELDS(type, done, err)
};
/// Followed by a boolean readOnly, which clients from before 3.4 leave out.
struct ConnectRequest {
  std::int32_t protocol_version = 0;
  std::int64_t last_zxid_seen = 0;
  std::int32_t timeout_ms = 0;
  std::int64_t session_id = 0;
  Buffer password;
  JUTE_FIELDS(protocol_version, last_zxid_seen, timeout_ms, session_id, password)
};
/// Followed by a boolean readOnly when the request had it.
struct ConnectResponse {
  std::int32_t protocol_version = 0;
  std::int32_t timeout_ms = 0;
  std::int64_t session_id = 0;
  Buffer password;
  JUTE_FIELDS(protocol_version, timeout_ms, session_id, password)
};
struct WatcherEvent {
  std::int32_t type = 0, state = 0;
  std::string_view path;
  JUTE_FIELDS(type, state, path)
};

/// create, create2 and createContainer.
struct CreateRequest {
  std::string_view path;
  Buffer data;
  std::vector<Acl> acl;
  std::int32_t flags = 0;
  JUTE_FIELDS(path, data, acl, flags)
};
struct CreateTtlRequest {
  std::string_view path;
  Buffer data;
  std::vector<Acl> acl;
  std::int32_t flags = 0;
  std::int64_t ttl_ms = 0;
  JUTE_FIELDS(path, data, acl, flags, ttl_ms)
};
/// delete and check.
struct PathVersionRequest {
  std::string_view path;
  std::int32_t version = 0;
  JUTE_FIELDS(path, version)
};
/// exists, getData, getChildren and getChildren2.
struct PathWatchRequest {
  std::string_view path;
  bool watch = false;
  JUTE_FIELDS(path, watch)
};
/// getACL, sync, deleteContainer, getEphemerals, getAllChildrenNumber; also the reply of create and sync.
struct PathRecord {
  std::string_view path;
  JUTE_FIELDS(path)
};
struct SetDataRequest {
  std::string_view path;
  Buffer data;
  std::int32_t version = 0;
  JUTE_FIELDS(path, data, version)
};
struct SetAclRequest {
  std::string_view path;
  std::vector<Acl> acl;
  std::int32_t version = 0;
  JUTE_FIELDS(path, acl, version)
};
struct ReconfigRequest {
  Buffer joining_servers, leaving_servers, new_members;
  std::int64_t current_config_id = 0;
  JUTE_FIELDS(joining_servers, leaving_servers, new_members, current_config_id)
};
/// checkWatches and removeWatches (type: WatcherType), addWatch (type: AddWatchMode).
struct PathTypeRequest {
  std::string_view path;
  std::int32_t type = 0;
  JUTE_FIELDS(path, type)
};
struct AuthRequest {
  std::int32_t type = 0;
  std::string_view scheme;
  Buffer auth;
  JUTE_FIELDS(type, scheme, auth)
};
struct SetWatchesRequest {
  std::int64_t relative_zxid = 0;
  std::vector<std::string_view> data, exist, child;
  JUTE_FIELDS(relative_zxid, data, exist, child)
};
struct SetWatches2Request {
  std::int64_t relative_zxid = 0;
  std::vector<std::string_view> data, exist, child, persistent, persistent_recursive;
  JUTE_FIELDS(relative_zxid, data, exist, child, persistent, persistent_recursive)
};

struct Create2Response {
  std::string_view path;
  Stat stat;
  JUTE_FIELDS(path, stat)
};
struct StatResponse {
  Stat stat;
  JUTE_FIELDS(stat)
};
/// getData and reconfig.
struct GetDataResponse {
  Buffer data;
  Stat stat;
  JUTE_FIELDS(data, stat)
};
struct GetAclResponse {
  std::vector<Acl> acl;
  Stat stat;
  JUTE_FIELDS(acl, stat)
};
/// getChildren and getEphemerals.
struct PathsResponse {
  std::vector<std::string_view> paths;
  JUTE_FIELDS(paths)
};
struct GetChildren2Response {
  std::vector<std::string_view> children;
  Stat stat;
  JUTE_FIELDS(children, stat)
};
struct CountResponse {
  std::int32_t total = 0;
  JUTE_FIELDS(total)
};
struct WhoAmIResponse {
  std::vector<ClientInfo> client_info;
  JUTE_FIELDS(client_info)
};
struct ErrorResponse {
  std::int32_t err = 0;
  JUTE_FIELDS(err)
};
/// sasl, both ways.
struct SaslToken {
  Buffer token;
  JUTE_FIELDS(token)
};

}  // namespace chorus::jute
