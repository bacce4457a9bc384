// The vocabulary of ZooKeeper's atomic broadcast.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/strong.h"
#include "base/summary.h"
#include "jute/records.h"

namespace chorus::zab {

using std::chrono::milliseconds;

/// A server's number in the configuration ("sid", its myid).
using ServerId = std::int64_t;
/// A connection on the quorum port, as numbered by the shell of the side that uses it.
using LinkId = base::Strong<std::uint64_t, struct LinkIdTag>;

/// A zxid is an epoch (high 32 bits) and a counter within it.
constexpr std::int64_t epoch_of(std::int64_t zxid) { return zxid >> 32; }
constexpr std::int64_t counter_of(std::int64_t zxid) { return zxid & 0xffff'ffff; }
constexpr std::int64_t first_zxid_of(std::int64_t epoch) { return epoch << 32; }
constexpr bool is_new_epoch(std::int64_t zxid) { return counter_of(zxid) == 0; }

/// What is agreed on: octets that zab never looks into, but for their kind. Header, record and digest as the log has them.
struct Txn {
  std::int64_t zxid = 0;
  std::shared_ptr<const std::string> octets;
};

enum class Role { looking, following, leading, observing };

/// A QuorumPacket that owns its octets. type: PacketType. source: QuorumPacket, Leader
struct Packet {
  std::int32_t type = 0;
  std::int64_t zxid = 0;
  bool has_data = false;                    // null otherwise, which is not the same as empty
  std::shared_ptr<const std::string> data;  // shared with the transaction that it carries; may be null when there is none
  struct Id {
    std::string scheme, id;
    friend bool operator==(const Id&, const Id&) = default;
  };
  std::vector<Id> auth;  // REQUEST alone; null on the wire for all others
};

/// What a leader knows of a server that follows it, for people.
struct LearnerFacts {
  ServerId id = 0;
  LinkId link{};
  bool is_observer = false;
  bool is_synced = false;       // in line with the leader's history, so that proposals go to it
  std::int64_t acked_zxid = 0;  // voters: of the last proposal that it has on disk; 0: none of this term
};

/// How learners were brought into line.
struct SyncCounts {
  std::int64_t diffs = 0, truncations = 0, snapshots = 0;
  base::Summary diffs_under_way{}, snapshots_under_way{};  // as one begins or ends; truncations count as diffs
};

/// How packets wait for the other side of a link. source: LearnerHandler.sendPackets
struct LinkQueue {
  base::Summary packets;          // that wait, as some of them go out
  base::QuantileSummary time_ms;  // of one of many
};

}  // namespace chorus::zab
