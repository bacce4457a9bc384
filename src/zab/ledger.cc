#include "zab/ledger.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"

namespace chorus::zab {

void Ledger::append(Txn txn, std::vector<Action>& out) {
  ENSURE(may_follow(txn.zxid), txn.zxid, last_);
  last_ = appended_ = txn.zxid;
  pending_.push_back(txn);
  out.emplace_back(Append{std::move(txn)});
}

void Ledger::set_synced(std::int64_t zxid) {
  // Of what was cut off since, nothing can come: everything was waited for before.
  synced_ = std::max(synced_, std::min(zxid, appended_));
}

void Ledger::commit(std::vector<Action>& out) {
  ENSURE(!pending_.empty());
  committed_ = pending_.front().zxid;
  history_.add(pending_.front());
  out.emplace_back(Commit{std::move(pending_.front())});
  pending_.pop_front();
}

void Ledger::commit_unlogged(Txn txn, std::vector<Action>& out) {
  ENSURE(pending_.empty() && may_follow(txn.zxid), txn.zxid, last_);
  last_ = committed_ = txn.zxid;
  history_.add(txn);
  out.emplace_back(Commit{std::move(txn)});
}

void Ledger::begin_epoch(std::int64_t epoch) {
  ENSURE(pending_.empty() && epoch > epoch_of(last_), epoch, last_);
  last_ = committed_ = first_zxid_of(epoch);
}

void Ledger::truncate(std::int64_t zxid) {
  ENSURE(pending_.empty() && zxid <= last_, zxid, last_);
  history_.truncate(zxid);
  last_ = appended_ = synced_ = committed_ = zxid;
}

void Ledger::replace(std::int64_t zxid) {
  ENSURE(pending_.empty());
  history_.clear();
  last_ = appended_ = synced_ = committed_ = zxid;
}

}  // namespace chorus::zab
