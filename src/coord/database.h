// All that transactions make: the tree and the table of sessions, up to one zxid. The same on every server and after every recovery.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "coord/tree.h"
#include "jute/txns.h"

namespace chorus::coord {

/// What a transaction came to, for its client's reply. Views borrow from the transaction.
struct Outcome {
  jute::OpCode type = jute::OpCode::error;
  jute::ErrorCode error = jute::ErrorCode::ok;
  std::string_view path;         // create: the path with its sequence number
  jute::Stat stat;               // create, setData, setACL
  std::vector<Outcome> results;  // multi
};

enum class TxnFault { malformed, unknown_type };

class Database {
 public:
  explicit Database(bool extended_types) : tree(extended_types) {}

  Tree tree;
  absl::flat_hash_map<std::int64_t, std::int32_t> sessions;  // id to time-out in ms
  std::int64_t last_zxid = 0;
  std::int64_t digest_mismatches = 0;
  /// Zxid of the first transaction whose digest differed from ours; 0: none did.
  std::int64_t first_mismatch_zxid = 0;
  /// Zxid and digest of the tree after every 128th transaction, the last 1024 of them, for comparing servers. source: DataTree.recordDigest
  std::deque<std::pair<std::int64_t, std::uint64_t>> recent_digests;

  /// Applies one logged transaction: TxnHeader, record, optional TxnDigest. A code inside the outcome is an answer; a fault means that
  /// the octets are no transaction. `replaying`: over a snapshot that may be ahead of the log.
  base::Result<Outcome, TxnFault> apply(std::string_view txn, const OnChange& on_change, bool replaying = false);

  /// Digest of a loaded snapshot, checked when the log reaches its zxid; a Java snapshot is not of one moment, so that digests before it
  /// mean nothing.
  void expect_digest(std::int64_t zxid, std::uint64_t digest);
  /// For a tree that was not of one moment when it came: until trust_digests_after() no digest is compared.
  void distrust_digests() { trusted_from_ = INT64_MAX; }
  void trust_digests_after(std::int64_t zxid) {
    if (trusted_from_ == INT64_MAX) trusted_from_ = zxid + 1;
  }

 private:
  base::Result<Outcome, TxnFault> apply_record(const jute::TxnHeader& header, jute::OpCode type, base::Reader& in,
                                               const OnChange& on_change, bool replaying);
  base::Result<Outcome, TxnFault> apply_create(const jute::TxnHeader& header, jute::OpCode type, base::Reader& in,
                                               const OnChange& on_change, bool replaying);
  base::Result<Outcome, TxnFault> apply_multi(const jute::TxnHeader& header, base::Reader& in, const OnChange& on_change, bool replaying);
  void check_digest(std::int64_t zxid, std::uint64_t digest);

  std::int64_t trusted_from_ = 0;  // digests of earlier transactions are not compared
};

}  // namespace chorus::coord
