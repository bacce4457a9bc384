// What a member of an ensemble knows of itself and of those that follow it, for four-letter words, metrics and `chorus status`.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "coord/statistics.h"
#include "world/world.h"
#include "zab/config.h"
#include "zab/types.h"

namespace chorus::coord {

/// Counts from the start of the process. source: ServerMetrics, BufferStats
struct QuorumStatistics {
  std::int64_t looking = 0;                    // elections begun
  base::Summary election;                      // from then until a leader was found; all times in milliseconds
  base::Summary unavailable;                   // from the end of service, or the start, to the next service
  base::Summary leader_unavailable;            // those of them that ended as leader
  base::Summary follower_sync, observer_sync;  // from a leader found to service
  std::int64_t proposals = 0, commits = 0;     // as leader
  std::int64_t last_proposal_octets = -1, min_proposal_octets = -1, max_proposal_octets = -1;  // of this term as leader
  std::int64_t learner_proposals = 0, learner_commits = 0;                                     // received from a leader
  std::int64_t snapshots_sent = 0, diffs_sent = 0;                                             // to bring learners into line
  base::Summary snapshots_under_way, diffs_under_way;                                          // of them, as one begins or ends
  base::Summary snapshot_time;                                                                 // of writing one that came from a leader
  base::Summary proposal_time;  // of handing a proposal to the followers and the log
  // From when the leader made a transaction, by its clock, until it ... source: Request.logLatency
  base::QuantileSummary proposal;            // reached us, a follower
  base::QuantileSummary ack_creation;        // was durable here
  base::QuantileSummary quorum_ack;          // was committed, on the leader
  base::QuantileSummary commit_propagation;  // was known here to be committed, on a learner
  base::QuantileSummary propagation;         // was in the tree here

  void add_proposal(std::int64_t octets);
};

/// Makes the statistics from what a member's zab::Application is told. Lives on the reactor of its owner.
class QuorumRecorder {
 public:
  explicit QuorumRecorder(world::Instant now) : unavailable_since_(now) {}

  void role_changed(zab::Role role, world::Instant now);
  void serving(world::Instant now);
  void not_serving(world::Instant now);
  /// Appended to the log: on a leader its own proposal, on a learner the leader's. age: since the leader made it.
  void proposed(std::int64_t zxid, std::int64_t octets, std::chrono::milliseconds age, world::Instant now);
  void durable(std::int64_t zxid, world::Instant now);
  void committed(std::chrono::milliseconds age);
  void snapshot_sent() { ++statistics_.snapshots_sent; }
  void snapshot_stored(world::Duration took);
  void proposal_handed_on(world::Duration took);

  const QuorumStatistics& statistics() const { return statistics_; }
  zab::Role role() const { return role_; }
  /// Since a leader began to serve; empty unless it does.
  std::optional<world::Instant> leading_since() const { return leading_since_; }

 private:
  QuorumStatistics statistics_;
  zab::Role role_ = zab::Role::looking;
  std::optional<world::Instant> looking_since_, decided_at_, unavailable_since_, leading_since_;
  struct Unsynced {
    std::int64_t zxid;
    world::Instant made;
  };
  std::deque<Unsynced> unsynced_;  // proposals of this service: no more than wait for the disk
};

/// Of a member that serves.
struct QuorumFacts {
  zab::Role role = zab::Role::looking;  // looking: it serves reads only, while there is no quorum
  zab::ServerId leader = 0;
  zab::EnsembleConfig config;  // in force
  QuorumStatistics statistics;
  // Of a leader.
  std::int64_t last_committed = 0;  // also before its first transaction: then where its epoch begins
  std::vector<zab::LearnerFacts> learners;
  std::map<zab::ServerId, zab::LinkQueue> queues;  // of packets to each of them
  std::int64_t pending_syncs = 0;                  // of learners' clients, that wait for a commit
  std::chrono::milliseconds leader_uptime{0};

  bool is_read_only() const { return role == zab::Role::looking; }
};

}  // namespace chorus::coord
