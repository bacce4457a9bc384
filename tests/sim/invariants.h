// What must hold between the members of an ensemble after every event. Fed with what can be seen from outside: their state, their logs.
// source: Junqueira, Reed, Serafini, "Zab: High-performance broadcast for primary-backup systems" (2011), section III
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "witness.h"

namespace chorus::coord_sim {

/// One member at one moment. While it does not run there is none.
struct MemberState {
  std::uint32_t life = 0;
  bool serving = false;  // clients, as leader, follower or observer
  bool leading = false;
  std::int64_t epoch = 0;
  std::int64_t zxid = 0;  // of its tree; of a leader that has no transaction yet: the first of its epoch
  std::uint64_t digest = 0;
  friend bool operator==(const MemberState&, const MemberState&) = default;
};

class Invariants {
 public:
  explicit Invariants(std::size_t members) : members_(members) {}

  /// Cheap while nothing changes.
  void observe(std::size_t member, const MemberState& now);
  void observe_down(std::size_t member) { members_[member] = {}; }
  /// All that a member's log files hold at present, stale ones included.
  void observe_log(std::size_t member, const std::vector<Transaction>& log);
  /// All have come to rest: every member must be at the same zxid.
  void observe_rest(const std::vector<std::size_t>& running);

  const std::vector<std::string>& faults() const { return faults_; }
  /// The transactions that make the present state: what the newest leader's history holds up to the newest zxid that any member served.
  std::vector<Transaction> committed();
  std::size_t established_leaders() const { return leaders_.size(); }
  /// Transactions that were logged and left out of the committed history by a later leader.
  std::size_t left_out() const { return left_out_; }

 private:
  struct Leader {
    std::size_t member;
    std::uint32_t life;
    std::int64_t base;  // the last transaction of its history when it was established
  };
  struct Tree {
    std::uint64_t digest;
    std::size_t member;
  };
  struct Logged {
    Transaction txn;
    std::size_t member;
  };
  void fault(std::string text);
  void establish(std::size_t member, const MemberState& before, const MemberState& now);
  void commit(std::size_t member, std::int64_t zxid);

  std::vector<MemberState> members_;
  std::map<std::int64_t, Leader> leaders_;          // by epoch
  std::map<std::int64_t, std::int64_t> hopes_;      // epoch -> where one that leads, and may never be established, began
  std::map<std::int64_t, Tree> trees_;              // by zxid
  std::map<std::int64_t, Logged> logged_;           // by zxid
  std::map<std::int64_t, std::int64_t> committed_;  // epoch -> newest zxid of it that a member served
  std::vector<std::string> faults_;
  std::size_t left_out_ = 0;
};

}  // namespace chorus::coord_sim
