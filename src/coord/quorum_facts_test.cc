#include "coord/quorum_facts.h"

#include <gtest/gtest.h>

namespace chorus::coord {
namespace {

using namespace std::chrono_literals;
using zab::Role;

world::Instant at(int ms) { return world::Instant{std::chrono::milliseconds(ms)}; }

TEST(QuorumRecorder, TimesOfElectionsAndOfNoService) {
  QuorumRecorder recorder(at(100));
  recorder.role_changed(Role::looking, at(110));
  recorder.role_changed(Role::following, at(150));
  recorder.serving(at(180));
  const QuorumStatistics& q = recorder.statistics();
  EXPECT_EQ(q.looking, 1);
  EXPECT_EQ(q.election.max, 40);
  EXPECT_EQ(q.follower_sync.max, 30);
  EXPECT_EQ(q.unavailable.max, 80);
  EXPECT_EQ(q.leader_unavailable.count, 0);
  EXPECT_FALSE(recorder.leading_since());

  recorder.not_serving(at(1000));
  recorder.role_changed(Role::looking, at(1001));
  recorder.role_changed(Role::leading, at(1201));
  recorder.serving(at(1300));
  EXPECT_EQ(q.looking, 2);
  EXPECT_EQ(q.election.count, 2);
  EXPECT_EQ(q.election.max, 200);
  EXPECT_EQ(q.leader_unavailable.max, 300);
  EXPECT_EQ(q.unavailable.count, 2);
  EXPECT_EQ(q.follower_sync.count, 1);
  EXPECT_EQ(recorder.leading_since(), at(1300));
  recorder.not_serving(at(1400));
  EXPECT_FALSE(recorder.leading_since());
}

TEST(QuorumRecorder, ServiceThatReadsOnlyDoesNotEndTheTimeWithoutOne) {
  QuorumRecorder recorder(at(0));
  recorder.role_changed(Role::looking, at(0));
  recorder.serving(at(2000));
  recorder.not_serving(at(3000));
  recorder.role_changed(Role::observing, at(3000));
  recorder.serving(at(3500));
  EXPECT_EQ(recorder.statistics().unavailable.max, 3500);
  EXPECT_EQ(recorder.statistics().observer_sync.max, 500);
}

TEST(QuorumRecorder, ProposalsAreTheLeadersOrTheLearners) {
  QuorumRecorder recorder(at(0));
  recorder.role_changed(Role::following, at(0));
  recorder.proposed(1, 10, 0ms, at(0));
  recorder.committed(0ms);
  recorder.role_changed(Role::leading, at(0));
  recorder.serving(at(0));
  for (const int octets : {30, 20, 25}) recorder.proposed(octets, octets, 0ms, at(0));
  recorder.committed(0ms);
  const QuorumStatistics& q = recorder.statistics();
  EXPECT_EQ(q.learner_proposals, 1);
  EXPECT_EQ(q.learner_commits, 1);
  EXPECT_EQ(q.proposals, 3);
  EXPECT_EQ(q.commits, 1);
  EXPECT_EQ(q.last_proposal_octets, 25);
  EXPECT_EQ(q.min_proposal_octets, 20);
  EXPECT_EQ(q.max_proposal_octets, 30);
  recorder.serving(at(9));  // another term
  EXPECT_EQ(q.max_proposal_octets, -1);
  EXPECT_EQ(q.proposals, 3);
}

TEST(QuorumRecorder, LatenciesCountFromTheLeadersClockWhileInService) {
  QuorumRecorder recorder(at(0));
  recorder.role_changed(Role::following, at(0));
  recorder.proposed(1, 10, 1h, at(0));  // what brings it into line
  recorder.committed(1h);
  recorder.durable(1, at(1));
  recorder.serving(at(1));
  recorder.proposed(2, 10, 3ms, at(100));
  recorder.proposed(3, 10, 5ms, at(100));
  recorder.durable(2, at(104));
  recorder.committed(9ms);
  const QuorumStatistics& q = recorder.statistics();
  EXPECT_EQ(q.proposal.count, 2);
  EXPECT_EQ(q.proposal.max, 5);
  EXPECT_EQ(q.ack_creation.count, 1);
  EXPECT_EQ(q.ack_creation.max, 7);
  EXPECT_EQ(q.commit_propagation.max, 9);
  EXPECT_EQ(q.propagation.max, 9);
  EXPECT_EQ(q.quorum_ack.count, 0);

  recorder.not_serving(at(200));
  recorder.role_changed(Role::leading, at(200));
  recorder.serving(at(300));
  recorder.durable(3, at(300));
  recorder.proposed(4, 10, 0ms, at(310));
  recorder.durable(4, at(312));
  recorder.committed(4ms);
  EXPECT_EQ(q.ack_creation.count, 2) << "what was not durable when its term ended is not acknowledged";
  EXPECT_EQ(q.proposal.count, 2);
  EXPECT_EQ(q.quorum_ack.max, 4);
  EXPECT_EQ(q.propagation.count, 2);
}

}  // namespace
}  // namespace chorus::coord
