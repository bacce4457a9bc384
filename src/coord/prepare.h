// Turns write requests into transactions: the checks in ZooKeeper's order, against the tree as it will be once everything prepared
// before has been applied. source: PrepRequestProcessor
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "coord/acl.h"
#include "coord/database.h"
#include "coord/options.h"
#include "coord/reconfig.h"
#include "coord/string_map.h"

namespace chorus::coord {

/// Who asks, and when.
struct Requester {
  std::int64_t session = 0;  // 0: the server itself
  std::int32_t cxid = 0;
  std::span<const AuthId> auth;
  std::int64_t time_ms = 0;
  /// What is wrong with the session, SESSIONEXPIRED or SESSIONMOVED: every write that needs a live session is refused with it.
  jute::ErrorCode session_error = jute::ErrorCode::ok;
  bool is_global = true;  // the session may own ephemeral nodes
};

/// Whether a container or TTL node has had its time and goes once it has no children. source: ContainerManager
bool has_had_its_time(NodeKind kind, const jute::StatPersisted& stat, std::int64_t now_ms, const Options& options);

/// Writes that a session must be alive for; the others are the server's own or end a session.
bool needs_live_session(jute::OpCode type);

/// Whether a create, create2 or multi asks for an ephemeral node.
bool creates_ephemeral(jute::OpCode type, std::string_view body);

/// Lives on the reactor of its database. Every call takes the next zxid and appends exactly one transaction, an error transaction when
/// the request is refused.
class Preparer {
 public:
  /// The first transaction is `last_zxid` + 1. membership: of the ensemble that this server leads, else null.
  Preparer(Database& database, const Options& options, std::int64_t last_zxid, Membership* membership = nullptr);

  /// type: a write operation of clients (create ... multi, closeSession), or what the server asks of itself (createSession with a
  /// CreateSessionTxn as body, deleteContainer). Appends TxnHeader, record and TxnDigest to `out`.
  jute::ErrorCode prepare(jute::OpCode type, std::string_view body, const Requester& who, std::string& out);

  /// The database has applied everything up to `zxid`.
  void applied(std::int64_t zxid);

  /// What is not applied never will be.
  void discard();

  std::int64_t last_zxid() const { return last_zxid_; }
  std::size_t outstanding() const { return queue_.size(); }

 private:
  // A node as it will be; what is not here is as the tree has it.
  struct State {
    bool exists = false;
    jute::StatPersisted stat;
    std::int32_t child_count = 0;
    AclId acl = open_acl_id;
    std::uint32_t digest_prefix = 0;
    std::uint32_t digest = 0;
  };
  struct Record {
    std::int64_t zxid = 0;
    State state;
  };
  using Records = StringMap<Record>;
  struct Undo {
    std::string path;
    bool had_record;
    Record record;
  };

  State look_up(std::string_view path) const;
  void put(std::string_view path, const State& state);
  void erase_record(Records::value_type* entry);
  void roll_back();

  jute::ErrorCode prepare_record(jute::OpCode& type, base::Reader& in, const Requester& who, std::string& out);
  jute::ErrorCode create(jute::OpCode& type, base::Reader& in, const Requester& who, std::string& out);
  jute::ErrorCode remove(base::Reader& in, const Requester& who, std::string& out);
  jute::ErrorCode delete_container(base::Reader& in, const Requester& who, std::string& out);
  jute::ErrorCode set_data(base::Reader& in, const Requester& who, std::string& out);
  jute::ErrorCode set_acl(base::Reader& in, const Requester& who, std::string& out);
  jute::ErrorCode check(base::Reader& in, const Requester& who, std::string& out);
  jute::ErrorCode reconfig(base::Reader& in, const Requester& who, std::string& out);
  jute::ErrorCode multi(base::Reader& in, const Requester& who, std::string& out);
  void close_session(const Requester& who, std::string& out);

  void remove_node(std::string_view path, const State& node);
  bool allowed(AclId acl, std::int32_t perms, const Requester& who) const;

  Database& database_;
  const Options& options_;
  Membership* const membership_;
  std::int64_t last_zxid_;
  std::uint64_t digest_;  // of the tree as it will be
  Records records_;
  std::deque<std::pair<std::int64_t, Records::value_type*>> queue_;  // which record was made by which zxid, ascending
  // Ephemerals that a session will gain or lose, in order, so that closing it finds all without looking through every record.
  struct EphemeralChange {
    std::string path;
    bool created;
  };
  std::deque<std::pair<std::int64_t, std::int64_t>> ephemeral_queue_;  // zxid, session
  absl::flat_hash_map<std::int64_t, std::deque<EphemeralChange>> ephemerals_;
  bool in_multi_ = false;
  std::vector<Undo> undo_;
};

}  // namespace chorus::coord
