// What one server has logged, what of that is durable, and what is committed.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "zab/history.h"
#include "zab/peer.h"

namespace chorus::zab {

/// Appended transactions wait here, in order, until they are committed; then they are history.
class Ledger {
 public:
  Ledger(std::size_t committed_log_max, std::int64_t last_zxid, std::vector<Txn> recent)
      : history_(committed_log_max, last_zxid, std::move(recent)),
        last_(last_zxid),
        appended_(last_zxid),
        synced_(last_zxid),
        committed_(last_zxid) {}

  /// Of the newest transaction, or the epoch's first zxid on a leader without any.
  std::int64_t last() const { return last_; }
  /// Of the tree.
  std::int64_t committed() const { return committed_; }
  std::int64_t synced() const { return synced_; }
  bool is_all_synced() const { return synced_ >= appended_; }
  const std::deque<Txn>& pending() const { return pending_; }
  const History& history() const { return history_; }

  /// Whether a transaction with this zxid may come next: no gaps within an epoch.
  bool may_follow(std::int64_t zxid) const { return zxid == last_ + 1 || epoch_of(zxid) > epoch_of(last_); }

  void append(Txn txn, std::vector<Action>& out);
  void set_synced(std::int64_t zxid);
  /// Commits the oldest that is pending.
  void commit(std::vector<Action>& out);
  /// Of a tree that is not on disk yet: nothing is logged.
  void commit_unlogged(Txn txn, std::vector<Action>& out);
  /// A new epoch of ours begins: its first zxid stands for what was committed before.
  void begin_epoch(std::int64_t epoch);
  /// The log and the tree were cut back to `zxid`.
  void truncate(std::int64_t zxid);
  /// The tree was replaced by one as of `zxid`.
  void replace(std::int64_t zxid);

 private:
  History history_;
  std::deque<Txn> pending_;
  std::int64_t last_, appended_, synced_, committed_;
};

}  // namespace chorus::zab
