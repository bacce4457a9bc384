// The order of transactions as the logs of an ensemble's members tell it, once all have come to rest. Between them there was no observer,
// as there is in the simulator: which transactions the leaders agreed on is read from what the members have in common.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "witness.h"

namespace chorus::chaos {

/// Of one member, in order of the zxid.
using MemberLog = std::vector<coord_sim::Transaction>;

/// As a checksum: the octets may be others than in another member's log.
constexpr std::uint32_t not_compared = 0;
/// A Java server that applies a failed multi before it logs or passes it on makes errors of its operations. source: DataTree.processTxn,
/// which alters the transaction
void compare_no_multis(MemberLog& log);

struct CommittedHistory {
  std::vector<coord_sim::Transaction> transactions;
  std::size_t left_out = 0;         // logged by somebody, given up by a later leader, or after the last one seen
  std::vector<std::string> faults;  // members contradict one another, or something is in no log
};

/// seen: the zxids that clients were told, in any order; nothing after the newest of them is told.
/// logs: of members at rest, each of which has the committed history but for what it was given as a snapshot.
/// kept: log files that members removed since; what was given up may be at the end of one.
CommittedHistory committed_history(const std::vector<MemberLog>& logs, const std::vector<MemberLog>& kept, std::vector<std::int64_t> seen);

}  // namespace chorus::chaos
