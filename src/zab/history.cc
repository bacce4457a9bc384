#include "zab/history.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace chorus::zab {
bool follows_at_once(std::int64_t zxid, std::int64_t previous) {
  return zxid == previous + 1 || (epoch_of(zxid) > epoch_of(previous) && counter_of(zxid) == 1);
}

History::History(std::size_t max, std::int64_t last, std::vector<Txn> recent) : max_(max) {
  if (recent.empty() || recent.back().zxid != last) return;
  auto first = std::prev(recent.end());
  while (first != recent.begin() && follows_at_once(first->zxid, std::prev(first)->zxid)) --first;
  for (auto txn = first; txn != recent.end(); ++txn) add(std::move(*txn));
}

void History::add(Txn txn) {
  if (max_ == 0) return;
  if (txns_.size() >= max_) txns_.pop_front();
  txns_.push_back(std::move(txn));
}

void History::truncate(std::int64_t zxid) {
  while (!txns_.empty() && txns_.back().zxid > zxid) txns_.pop_back();
}

std::deque<Txn>::const_iterator History::after(std::int64_t zxid) const { return std::ranges::upper_bound(txns_, zxid, {}, &Txn::zxid); }

SyncPlan plan_sync(const History& history, std::int64_t last_processed, std::int64_t learner) {
  using Kind = SyncPlan::Kind;
  const auto& txns = history.txns();
  const std::int64_t min = txns.empty() ? last_processed : txns.front().zxid;
  const std::int64_t max = txns.empty() ? last_processed : txns.back().zxid;
  const SyncPlan snap{Kind::snap, last_processed, last_processed};
  if (learner == last_processed) return {Kind::diff, learner, learner};
  if (learner > max) return is_new_epoch(learner) ? snap : SyncPlan{Kind::trunc, max, max};
  if (learner < min) return {Kind::from_disk, max, learner, txns.empty() ? last_processed + 1 : min};
  const auto next = history.after(learner);
  if (std::prev(next)->zxid == learner || is_new_epoch(learner)) return {Kind::diff, max, learner};
  // The learner has something that we lack: it may have led once. A cut must not reach over the border of an epoch.
  if (epoch_of(next->zxid) != epoch_of(learner)) return snap;
  return {Kind::trunc, std::prev(next)->zxid, std::prev(next)->zxid};
}

}  // namespace chorus::zab
