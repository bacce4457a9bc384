// What goes into the transaction log and the snapshot. source: zookeeper.jute, packages txn and persistence
#pragma once

#include "jute/records.h"

namespace chorus::jute {

struct FileHeader {
  std::int32_t magic = 0, version = 0;
  std::int64_t dbid = 0;
  JUTE_FIELDS(magic, version, dbid)
};
/// As on disk and in digests: cversion counts creations only, ephemeral_owner is the stored one, special values included.
struct StatPersisted {
  std::int64_t czxid = 0, mzxid = 0, ctime = 0, mtime = 0;
  std::int32_t version = 0, cversion = 0, aversion = 0;
  std::int64_t ephemeral_owner = 0, pzxid = 0;
  JUTE_FIELDS(czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeral_owner, pzxid)
  friend bool operator==(const StatPersisted&, const StatPersisted&) = default;
};

struct TxnHeader {
  std::int64_t session_id = 0;
  std::int32_t cxid = 0;
  std::int64_t zxid = 0;
  std::int64_t time_ms = 0;
  std::int32_t type = 0;
  JUTE_FIELDS(session_id, cxid, zxid, time_ms, type)
};
/// Digest of the whole tree after the transaction; absent from error transactions and old logs.
struct TxnDigest {
  std::int32_t version = 2;
  std::int64_t tree_digest = 0;
  JUTE_FIELDS(version, tree_digest)
};

/// create and create2. Old logs lack parent_cversion: a CreateTxn that ends too early is a CreateTxnV0.
struct CreateTxn {
  std::string_view path;
  Buffer data;
  std::vector<Acl> acl;
  bool ephemeral = false;
  std::int32_t parent_cversion = 0;
  JUTE_FIELDS(path, data, acl, ephemeral, parent_cversion)
};
struct CreateTxnV0 {
  std::string_view path;
  Buffer data;
  std::vector<Acl> acl;
  bool ephemeral = false;
  JUTE_FIELDS(path, data, acl, ephemeral)
};
struct CreateContainerTxn {
  std::string_view path;
  Buffer data;
  std::vector<Acl> acl;
  std::int32_t parent_cversion = 0;
  JUTE_FIELDS(path, data, acl, parent_cversion)
};
struct CreateTtlTxn {
  std::string_view path;
  Buffer data;
  std::vector<Acl> acl;
  std::int32_t parent_cversion = 0;
  std::int64_t ttl_ms = 0;
  JUTE_FIELDS(path, data, acl, parent_cversion, ttl_ms)
};
/// delete and deleteContainer.
struct DeleteTxn {
  std::string_view path;
  JUTE_FIELDS(path)
};
/// setData (version: the new one) and reconfig.
struct SetDataTxn {
  std::string_view path;
  Buffer data;
  std::int32_t version = 0;
  JUTE_FIELDS(path, data, version)
};
struct SetAclTxn {
  std::string_view path;
  std::vector<Acl> acl;
  std::int32_t version = 0;
  JUTE_FIELDS(path, acl, version)
};
struct CheckVersionTxn {
  std::string_view path;
  std::int32_t version = 0;
  JUTE_FIELDS(path, version)
};
struct CreateSessionTxn {
  std::int32_t timeout_ms = 0;
  JUTE_FIELDS(timeout_ms)
};
/// Paths in the order in which they are deleted. Absent in old logs: then the session's ephemerals as the tree knows them.
struct CloseSessionTxn {
  std::vector<std::string_view> paths_to_delete;
  JUTE_FIELDS(paths_to_delete)
};
struct ErrorTxn {
  std::int32_t err = 0;
  JUTE_FIELDS(err)
};
struct Txn {
  std::int32_t type = 0;
  Buffer data;
  JUTE_FIELDS(type, data)
};
struct MultiTxn {
  std::vector<Txn> txns;
  JUTE_FIELDS(txns)
};

}  // namespace chorus::jute
