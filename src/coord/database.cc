#include "coord/database.h"

#include "coord/digest.h"

namespace chorus::coord {

using jute::ErrorCode;
using jute::OpCode;

base::Result<Outcome, TxnFault> Database::apply(std::string_view txn, const OnChange& on_change, bool replaying) {
  base::Reader in(txn);
  const auto header = jute::decode<jute::TxnHeader>(in);
  if (!header) return std::unexpected(TxnFault::malformed);
  auto outcome = apply_record(*header, static_cast<OpCode>(header->type), in, on_change, replaying);
  if (!outcome) return outcome;
  last_zxid = std::max(last_zxid, header->zxid);
  if (outcome->type != OpCode::error && in.remaining() > 0) {
    const auto digest = jute::decode<jute::TxnDigest>(in);
    if (!digest) return std::unexpected(TxnFault::malformed);
    if (digest->version == digest_version) check_digest(header->zxid, static_cast<std::uint64_t>(digest->tree_digest));
  }
  if (header->zxid % 128 == 0) {
    recent_digests.emplace_back(header->zxid, tree.digest());
    if (recent_digests.size() > 1024) recent_digests.pop_front();
  }
  return outcome;
}

void Database::expect_digest(std::int64_t zxid, std::uint64_t digest) {
  trusted_from_ = zxid;
  if (zxid == last_zxid) check_digest(zxid, digest);
}

void Database::check_digest(std::int64_t zxid, std::uint64_t digest) {
  if (zxid < trusted_from_ || digest == tree.digest()) return;
  ++digest_mismatches;
  if (first_mismatch_zxid == 0) first_mismatch_zxid = zxid;
}

base::Result<Outcome, TxnFault> Database::apply_record(const jute::TxnHeader& header, OpCode type, base::Reader& in,
                                                       const OnChange& on_change, bool replaying) {
  Outcome outcome{.type = type};
  switch (type) {
    case OpCode::create:
    case OpCode::create2:
    case OpCode::create_container:
    case OpCode::create_ttl:
      return apply_create(header, type, in, on_change, replaying);
    case OpCode::delete_:
    case OpCode::delete_container: {
      const auto txn = jute::decode<jute::DeleteTxn>(in);
      if (!txn) return std::unexpected(TxnFault::malformed);
      outcome.path = txn->path;
      outcome.error = tree.remove(txn->path, header.zxid, on_change);
      return outcome;
    }
    case OpCode::set_data:
    case OpCode::reconfig: {
      const auto txn = jute::decode<jute::SetDataTxn>(in);
      if (!txn) return std::unexpected(TxnFault::malformed);
      outcome.path = txn->path;
      outcome.error = tree.set_data(txn->path, txn->data, txn->version, header.zxid, header.time_ms, on_change);
      break;
    }
    case OpCode::set_acl: {
      const auto txn = jute::decode<jute::SetAclTxn>(in);
      if (!txn) return std::unexpected(TxnFault::malformed);
      outcome.path = txn->path;
      outcome.error = tree.set_acl(txn->path, txn->acl, txn->version);
      break;
    }
    case OpCode::check: {
      const auto txn = jute::decode<jute::CheckVersionTxn>(in);
      if (!txn) return std::unexpected(TxnFault::malformed);
      outcome.path = txn->path;
      return outcome;
    }
    case OpCode::create_session: {
      const auto txn = jute::decode<jute::CreateSessionTxn>(in);
      if (!txn) return std::unexpected(TxnFault::malformed);
      sessions[header.session_id] = txn->timeout_ms;
      return outcome;
    }
    case OpCode::close_session: {
      // Old logs have no record (and then no digest either): the tree knows the session's nodes.
      std::vector<std::string> paths;
      // Twelve octets that begin with 2 are a digest alone: as paths they would be two empty ones. zookeeper.closeSessionTxn.enabled=false
      base::Reader ahead = in;
      const bool only_digest = in.remaining() == 12 && ahead.i32() == digest_version;
      if (in.remaining() > 0 && !only_digest) {
        const auto txn = jute::decode<jute::CloseSessionTxn>(in);
        if (!txn) return std::unexpected(TxnFault::malformed);
        paths.assign(txn->paths_to_delete.begin(), txn->paths_to_delete.end());
      } else {
        for (const std::string_view path : tree.ephemerals(header.session_id)) paths.emplace_back(path);
      }
      for (const std::string& path : paths) tree.remove(path, header.zxid, on_change);
      sessions.erase(header.session_id);
      return outcome;
    }
    case OpCode::error: {
      const auto txn = jute::decode<jute::ErrorTxn>(in);
      if (!txn) return std::unexpected(TxnFault::malformed);
      outcome.error = static_cast<ErrorCode>(txn->err);
      return outcome;
    }
    case OpCode::multi:
      return apply_multi(header, in, on_change, replaying);
    default:
      return std::unexpected(TxnFault::unknown_type);
  }
  if (outcome.error == ErrorCode::ok) outcome.stat = tree.stat_of(*tree.find(outcome.path));
  return outcome;
}

base::Result<Outcome, TxnFault> Database::apply_create(const jute::TxnHeader& header, OpCode type, base::Reader& in,
                                                       const OnChange& on_change, bool replaying) {
  std::string_view path;
  jute::Buffer data;
  std::vector<jute::Acl> acl;
  std::int64_t owner = 0;
  std::int32_t parent_cversion = -1;
  jute::read(in, path);
  jute::read(in, data);
  jute::read(in, acl);
  if (type == OpCode::create_container) {
    jute::read(in, parent_cversion);
    owner = container_owner;
  } else if (type == OpCode::create_ttl) {
    std::int64_t ttl_ms = 0;
    jute::read(in, parent_cversion);
    jute::read(in, ttl_ms);
    owner = static_cast<std::int64_t>(ttl_owner_mark | static_cast<std::uint64_t>(ttl_ms));
  } else {
    bool ephemeral = false;
    jute::read(in, ephemeral);
    if (ephemeral) owner = header.session_id;
    if (in.remaining() > 0) jute::read(in, parent_cversion);  // absent in old logs
  }
  if (!in.ok()) return std::unexpected(TxnFault::malformed);
  Outcome outcome{.type = type, .path = path};
  const Tree::CreateSpec spec{path, data, acl, owner, parent_cversion};
  outcome.error = tree.create(spec, header.zxid, header.time_ms, on_change);
  if (outcome.error == ErrorCode::node_exists && replaying) tree.replay_existing(spec, header.zxid);
  if (outcome.error == ErrorCode::ok) outcome.stat = tree.stat_of(*tree.find(path));
  return outcome;
}

base::Result<Outcome, TxnFault> Database::apply_multi(const jute::TxnHeader& header, base::Reader& in, const OnChange& on_change,
                                                      bool replaying) {
  const auto multi = jute::decode<jute::MultiTxn>(in);
  if (!multi) return std::unexpected(TxnFault::malformed);
  Outcome outcome{.type = OpCode::multi};
  bool failed = false;
  for (const jute::Txn& txn : multi->txns) failed = failed || static_cast<OpCode>(txn.type) == OpCode::error;
  bool after_culprit = false;
  for (const jute::Txn& txn : multi->txns) {
    const auto type = static_cast<OpCode>(txn.type);
    if (type == OpCode::multi || !txn.data) return std::unexpected(TxnFault::malformed);
    base::Reader record(*txn.data);
    if (!failed) {
      auto result = apply_record(header, type, record, on_change, replaying);
      if (!result) return result;
      outcome.results.push_back(std::move(*result));
      continue;
    }
    // Nothing is applied: 0 for what came before the culprit, its own code, then RUNTIMEINCONSISTENCY.
    Outcome& result = outcome.results.emplace_back(Outcome{.type = OpCode::error});
    if (type == OpCode::error && !after_culprit) {
      const auto error = jute::decode<jute::ErrorTxn>(record);
      if (!error) return std::unexpected(TxnFault::malformed);
      result.error = static_cast<ErrorCode>(error->err);
      after_culprit = true;
    } else {
      result.error = after_culprit ? ErrorCode::runtime_inconsistency : ErrorCode::ok;
    }
  }
  return outcome;
}

}  // namespace chorus::coord
