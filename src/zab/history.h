// The newest committed transactions in memory, and what they say of how to bring a learner into line. source: ZKDatabase.committedLog,
// LearnerHandler.syncFollower
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "zab/types.h"

namespace chorus::zab {

/// Whether nothing can be missing between two transactions of a log, as far as numbers tell: the first of an epoch has counter 1.
bool follows_at_once(std::int64_t zxid, std::int64_t previous);

class History {
 public:
  /// recent: ascending up to `last`, else passed over: what lies between would be missing. max: how many are kept.
  History(std::size_t max, std::int64_t last, std::vector<Txn> recent);

  void add(Txn txn);
  /// Forgets what is after `zxid`.
  void truncate(std::int64_t zxid);
  void clear() { txns_.clear(); }

  const std::deque<Txn>& txns() const { return txns_; }
  /// The first after `zxid`.
  std::deque<Txn>::const_iterator after(std::int64_t zxid) const;

 private:
  std::size_t max_;
  std::deque<Txn> txns_;
};

/// How the leader brings a learner into line.
struct SyncPlan {
  enum class Kind {
    diff,       // nothing is wrong in the learner's log
    trunc,      // it has something at its end that the leader lacks
    snap,       // it needs the whole tree
    from_disk,  // like diff, if the leader's log on disk reaches back to it; else snap
  } kind;
  std::int64_t zxid;  // of the packet
  /// Committed transactions after this one follow; from_disk: up to the one before `until` from there.
  std::int64_t after;
  std::int64_t until = 0;
};
/// last_processed: of the leader's tree; learner: last zxid in the learner's tree.
SyncPlan plan_sync(const History& history, std::int64_t last_processed, std::int64_t learner);

}  // namespace chorus::zab
