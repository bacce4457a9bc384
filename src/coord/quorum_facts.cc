#include "coord/quorum_facts.h"

#include <algorithm>

namespace chorus::coord {
namespace {

std::int64_t in_ms(world::Duration duration) { return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count(); }
std::int64_t ms_since(world::Instant then, world::Instant now) { return in_ms(now - then); }

}  // namespace

void QuorumStatistics::add_proposal(std::int64_t octets) {
  ++proposals;
  last_proposal_octets = octets;
  if (min_proposal_octets < 0 || octets < min_proposal_octets) min_proposal_octets = octets;
  max_proposal_octets = std::max(max_proposal_octets, octets);
}

void QuorumRecorder::role_changed(zab::Role role, world::Instant now) {
  role_ = role;
  if (role == zab::Role::looking) {
    ++statistics_.looking;
    looking_since_ = now;
    decided_at_.reset();
  } else {
    if (looking_since_) statistics_.election.add(ms_since(*looking_since_, now));
    looking_since_.reset();
    decided_at_ = now;
  }
}

void QuorumRecorder::serving(world::Instant now) {
  if (role_ == zab::Role::looking) return;  // reads only: the ensemble is as unavailable as before
  if (unavailable_since_) {
    const std::int64_t ms = ms_since(*unavailable_since_, now);
    statistics_.unavailable.add(ms);
    if (role_ == zab::Role::leading) statistics_.leader_unavailable.add(ms);
    unavailable_since_.reset();
  }
  if (role_ == zab::Role::leading) {
    leading_since_ = now;
    statistics_.last_proposal_octets = statistics_.min_proposal_octets = statistics_.max_proposal_octets = -1;
  } else if (decided_at_) {
    (role_ == zab::Role::following ? statistics_.follower_sync : statistics_.observer_sync).add(ms_since(*decided_at_, now));
  }
}

void QuorumRecorder::not_serving(world::Instant now) {
  unsynced_.clear();
  leading_since_.reset();
  if (!unavailable_since_) unavailable_since_ = now;
}

void QuorumRecorder::proposed(std::int64_t zxid, std::int64_t octets, std::chrono::milliseconds age, world::Instant now) {
  if (!unavailable_since_ &&
      role_ != zab::Role::observing) {  // the history that brings us into line is older, and observers acknowledge nothing
    if (role_ == zab::Role::following) statistics_.proposal.add(age.count());
    unsynced_.push_back({zxid, now - age});
  }
  if (role_ == zab::Role::leading) {
    statistics_.add_proposal(octets);
  } else if (role_ == zab::Role::following) {  // observers are told of what is committed
    ++statistics_.learner_proposals;
  }
}

void QuorumRecorder::snapshot_stored(world::Duration took) { statistics_.snapshot_time.add(in_ms(took)); }
void QuorumRecorder::proposal_handed_on(world::Duration took) { statistics_.proposal_time.add(in_ms(took)); }

void QuorumRecorder::durable(std::int64_t zxid, world::Instant now) {
  for (; !unsynced_.empty() && unsynced_.front().zxid <= zxid; unsynced_.pop_front()) {
    statistics_.ack_creation.add(ms_since(unsynced_.front().made, now));
  }
}

void QuorumRecorder::committed(std::chrono::milliseconds age) {
  ++(role_ == zab::Role::leading ? statistics_.commits : statistics_.learner_commits);
  if (unavailable_since_) return;
  (role_ == zab::Role::leading ? statistics_.quorum_ack : statistics_.commit_propagation).add(age.count());
  statistics_.propagation.add(age.count());
}

}  // namespace chorus::coord
