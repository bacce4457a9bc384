// Proves that what clients saw is what one correct service, executing the given transactions in order, would have told them.
//
// It replays the transactions on the model, taking what each one does from the client's own request, and compares every reply (octet for
// octet, stat and zxid included), every read against the state at the zxid that its reply names, and every watch event with its place in
// the stream of its connection. Around that: nothing acknowledged is missing, nothing is executed twice or out of order, multis are whole
// or absent (a part of one could not be replayed), no session sees zxids go back, reads and writes respect real time. It does not ask how
// many servers there were.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "history.h"
#include "model.h"
#include "witness.h"

namespace chorus::coord_sim {

struct Verdict {
  std::vector<std::string> faults;  // the first ones found, in words; empty: all is well
  std::uint64_t acknowledged = 0;   // writes
  std::uint64_t unknown_kept = 0;   // writes whose fate the client never learnt: executed ...
  std::uint64_t unknown_lost = 0;   // ... and not
  std::uint64_t checks = 0;
};

struct CheckOptions {
  /// Reads reflect every write acknowledged before they were sent. Holds with one server. Of an ensemble it holds for writes and, but for
  /// `stale_leader_ms`, for reads behind a sync.
  bool reads_are_linearizable = true;
  /// A leader that lost its followers learns of it so late at most, and answers a sync with what it has until then.
  std::int64_t stale_leader_ms = 0;
  /// What a session's server hears of it reaches the one that ends sessions so late at most.
  std::int64_t expiry_slack_ms = 0;
  /// Of an ensemble that may be reconfigured: see Model::set_members().
  std::map<std::int64_t, std::string> members = {};
  std::size_t voters_min = 1;
};

Verdict check(const History& history, const std::vector<Transaction>& transactions, const CheckOptions& options = {});

}  // namespace chorus::coord_sim
