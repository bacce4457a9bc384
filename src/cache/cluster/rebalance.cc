// Slots that move by themselves, where that is wanted.
#include "cache/cluster/membership.h"
#include "cache/cluster/plan.h"

namespace chorus::cache::cluster {

/// Once nothing has changed for a lease: nodes that are started together come together, and one that is started again is not moved from.
/// Of those that run, the first by id sees to it.
void Membership::rebalance(Out& out) {
  if (!options_->rebalances || is_balanced_ || now_us_ - changed_us_ < lease_us()) return;
  if (!is_loaded_ || !knows_map() || !is_member() || !has_lease(now_us_) || !queue_.empty()) return;
  is_balanced_ = true;
  for (const auto& [id, member] : map_.members()) {
    if (id == self()) break;
    if (running_.contains(id)) return;
  }
  const Change change = [this](SlotMap& map) -> Outcome {
    PlanOptions wish;
    for (const auto& [id, until] : forgotten_) wish.absent.insert(id);
    auto plan = make_plan(map, running_, wish);
    // An owner that does not run, slots that are being moved: whatever it is, its end is a change.
    if (!plan || plan->is_empty()) return {};
    map = std::move(plan->after);
    return {.has_changed = true};
  };
  on(event::Request{.number = 0, .changes = {change}, .deadline_us = {}}, out);
}

}  // namespace chorus::cache::cluster
