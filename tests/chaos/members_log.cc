#include "members_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "jute/constants.h"

namespace chorus::chaos {

using coord_sim::Transaction;

namespace {

constexpr std::size_t faults_max = 5;

std::int64_t counter_of(std::int64_t zxid) { return zxid & 0xffff'ffff; }
bool before(const Transaction& txn, std::int64_t zxid) { return txn.zxid < zxid; }

class Agreement {
 public:
  Agreement(const std::vector<MemberLog>& logs, const std::vector<MemberLog>& kept, std::vector<std::int64_t> seen)
      : logs_{&logs, &kept}, seen_(std::move(seen)) {
    std::sort(seen_.begin(), seen_.end());
    if (!seen_.empty()) newest_seen_ = seen_.back();
    std::erase_if(seen_, [](std::int64_t zxid) { return counter_of(zxid) == 0; });  // of an epoch without transactions
    for (std::size_t i = 0; i < logs.size(); ++i) add(logs[i], fmt::format("member {}", i + 1));
    for (const MemberLog& log : kept) add(log, "a log file that was removed");
  }

  CommittedHistory run() {
    std::int64_t top = newest_seen_;
    while (top > 0) {
      for (; counter_of(top) > 0; --top) {
        const auto found = logged_.find(top);
        if (found != logged_.end()) {
          out_.transactions.push_back(found->second.txn);
        } else {
          fault(fmt::format("zxid {:#x} was committed and is in no member's log", top));
        }
      }
      top = base_of(top + 1);
    }
    std::reverse(out_.transactions.begin(), out_.transactions.end());
    out_.left_out = logged_.size() - std::min(logged_.size(), out_.transactions.size());
    return std::move(out_);
  }

 private:
  struct Logged {
    Transaction txn;
    std::string where;
  };
  void fault(std::string text) {
    if (out_.faults.size() < faults_max) out_.faults.push_back(std::move(text));
  }

  void add(const MemberLog& log, const std::string& where) {
    for (const Transaction& txn : log) {
      const auto [known, is_new] = logged_.try_emplace(txn.zxid, txn, where);
      const std::uint32_t one = known->second.txn.checksum, other = txn.checksum;
      if (!is_new && one != other && one != not_compared && other != not_compared) {
        fault(fmt::format("zxid {:#x} is one transaction in {} and another in {}", txn.zxid, known->second.where, where));
      }
    }
  }

  /// The last transaction before the first one of an epoch: the leader of that epoch began with it. A member that was there has the two
  /// side by side. One that holds something in between was given a snapshot in place of it, as only Java servers keep it then.
  std::int64_t base_of(std::int64_t first) const {
    const auto last_seen = std::lower_bound(seen_.begin(), seen_.end(), first);
    const std::int64_t least = last_seen == seen_.begin() ? 0 : *std::prev(last_seen);
    std::map<std::int64_t, int> votes;
    for (const std::vector<MemberLog>* group : logs_) {
      for (const MemberLog& log : *group) {
        const auto at = std::lower_bound(log.begin(), log.end(), first, before);
        if (at == log.begin() || at == log.end() || at->zxid != first || std::prev(at)->zxid < least) continue;
        ++votes[std::prev(at)->zxid];
      }
    }
    const auto most = std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most != votes.end()) return most->first;
    const auto after = logged_.lower_bound(first);
    return after == logged_.begin() ? 0 : std::prev(after)->first;
  }

  const std::array<const std::vector<MemberLog>*, 2> logs_;
  std::vector<std::int64_t> seen_;  // of transactions, sorted
  std::int64_t newest_seen_ = 0;
  std::map<std::int64_t, Logged> logged_;
  CommittedHistory out_;
};

}  // namespace

void compare_no_multis(MemberLog& log) {
  for (Transaction& txn : log) {
    if (txn.type == static_cast<std::int32_t>(jute::OpCode::multi)) txn.checksum = not_compared;
  }
}

CommittedHistory committed_history(const std::vector<MemberLog>& logs, const std::vector<MemberLog>& kept, std::vector<std::int64_t> seen) {
  return Agreement(logs, kept, std::move(seen)).run();
}

}  // namespace chorus::chaos
