#include "invariants.h"

#include <fmt/format.h>

#include <algorithm>

namespace chorus::coord_sim {

namespace {

std::int64_t epoch_of(std::int64_t zxid) { return zxid >> 32; }
std::int64_t counter_of(std::int64_t zxid) { return zxid & 0xffff'ffff; }

}  // namespace

void Invariants::fault(std::string text) {
  if (faults_.size() < 5) faults_.push_back(std::move(text));
}

void Invariants::observe(std::size_t member, const MemberState& now) {
  MemberState& before = members_[member];
  if (before == now) return;
  const bool same_service = before.serving && now.serving && before.life == now.life && before.epoch == now.epoch;
  if (same_service && now.zxid < before.zxid) {
    fault(fmt::format("member {} serves zxid {:#x} after {:#x}", member, now.zxid, before.zxid));
  }
  if (now.leading && !now.serving) hopes_.try_emplace(now.epoch, now.zxid);
  if (now.serving && now.leading && !(same_service && before.leading)) establish(member, before, now);
  // A tree that came as a snapshot may be ahead of its zxid until the member serves: what the leader committed before the first octet left,
  // it has, and is sent once more.
  if (now.serving) {
    const auto [tree, is_new] = trees_.try_emplace(now.zxid, now.digest, member);
    if (!is_new && tree->second.digest != now.digest) {
      fault(fmt::format("the trees of members {} and {} differ at zxid {:#x}", tree->second.member, member, now.zxid));
    }
  }
  if (now.serving && (!same_service || now.zxid != before.zxid)) commit(member, now.zxid);
  before = now;
}

void Invariants::establish(std::size_t member, const MemberState& before, const MemberState& now) {
  const auto found = leaders_.find(now.epoch);
  if (found != leaders_.end()) {
    fault(fmt::format("epoch {} has two established leaders: member {} in life {}, member {} in life {}", now.epoch, found->second.member,
                      found->second.life, member, now.life));
    return;
  }
  std::int64_t base = now.zxid;
  if (counter_of(base) == 0 && epoch_of(base) == now.epoch) base = before.life == now.life ? before.zxid : 0;
  // A member that was sent a snapshot before an epoch had transactions is at the first zxid of that epoch, which is none; also where that
  // epoch's leader was never established.
  while (base != 0 && counter_of(base) == 0) {
    const auto older = leaders_.find(epoch_of(base));
    const auto hope = hopes_.find(epoch_of(base));
    if (older == leaders_.end() && (hope == hopes_.end() || hope->second == base)) break;
    base = older != leaders_.end() ? older->second.base : hope->second;
  }
  const auto next = leaders_.upper_bound(now.epoch);
  const auto check_order = [&](std::int64_t epoch, const Leader& older, std::int64_t newer_epoch, std::int64_t newer_base) {
    // A history goes on from the older leader's: with transactions of that leader, or of one after it, or with nothing.
    if (epoch_of(newer_base) >= epoch || newer_base == older.base) return;
    fault(fmt::format("the leader of epoch {} begins at zxid {:#x}, the leader of epoch {} at {:#x}: its history is another one",
                      newer_epoch, newer_base, epoch, older.base));
  };
  if (next != leaders_.begin()) check_order(std::prev(next)->first, std::prev(next)->second, now.epoch, base);
  const Leader leader{member, now.life, base};
  if (next != leaders_.end()) check_order(now.epoch, leader, next->first, next->second.base);
  leaders_.emplace(now.epoch, leader);
  for (const auto& [epoch, zxid] : committed_) {
    if (epoch >= now.epoch || zxid <= base) continue;
    fault(fmt::format("the leader of epoch {}, member {}, begins at zxid {:#x} and lacks {:#x}, which was committed", now.epoch, member,
                      base, zxid));
  }
}

void Invariants::commit(std::size_t member, std::int64_t zxid) {
  if (counter_of(zxid) == 0) return;
  std::int64_t& newest = committed_[epoch_of(zxid)];
  if (zxid <= newest) return;
  newest = zxid;
  for (auto later = leaders_.upper_bound(epoch_of(zxid)); later != leaders_.end(); ++later) {
    if (later->second.base >= zxid) continue;
    fault(fmt::format("member {} serves zxid {:#x}, which the leader of epoch {} never had: it began at {:#x}", member, zxid, later->first,
                      later->second.base));
    return;
  }
}

void Invariants::observe_log(std::size_t member, const std::vector<Transaction>& log) {
  for (const Transaction& txn : log) {
    const auto [known, is_new] = logged_.try_emplace(txn.zxid, txn, member);
    if (!is_new && known->second.txn.checksum != txn.checksum) {
      fault(fmt::format("members {} and {} logged different transactions as zxid {:#x}", known->second.member, member, txn.zxid));
    }
  }
}

void Invariants::observe_rest(const std::vector<std::size_t>& running) {
  // A new leader that has no transaction yet counts from the first zxid of its epoch; its followers do not.
  const auto state = [this](std::size_t member) {
    const MemberState& now = members_[member];
    const auto leader = leaders_.find(now.epoch);
    return now.zxid == now.epoch << 32 && leader != leaders_.end() ? leader->second.base : now.zxid;
  };
  for (const std::size_t member : running) {
    if (!members_[member].serving) fault(fmt::format("member {} does not serve", member));
    if (members_[member].epoch != members_[running.front()].epoch) {
      fault(fmt::format("members {} and {} came to rest in epochs {} and {}", running.front(), member, members_[running.front()].epoch,
                        members_[member].epoch));
    }
    if (state(member) == state(running.front()) && members_[member].digest == members_[running.front()].digest) continue;
    fault(fmt::format("members {} and {} came to rest with different trees, at zxids {:#x} and {:#x}", running.front(), member,
                      state(running.front()), state(member)));
  }
}

std::vector<Transaction> Invariants::committed() {
  std::vector<Transaction> backwards;
  std::int64_t top = 0;
  for (const auto& [epoch, zxid] : committed_) top = std::max(top, zxid);
  while (top > 0) {
    const std::int64_t epoch = epoch_of(top);
    for (; counter_of(top) > 0; --top) {
      const auto found = logged_.find(top);
      if (found == logged_.end()) {
        fault(fmt::format("zxid {:#x} was committed and is in no member's log", top));
      } else {
        backwards.push_back(found->second.txn);
      }
    }
    const auto leader = leaders_.find(epoch);
    if (leader == leaders_.end()) {
      fault(fmt::format("there are transactions of epoch {}, which had no established leader", epoch));
      break;
    }
    top = leader->second.base;
  }
  left_out_ = logged_.size() - std::min(logged_.size(), backwards.size());
  std::reverse(backwards.begin(), backwards.end());
  return backwards;
}

}  // namespace chorus::coord_sim
