// Stories, event by event: what must hold between NEWLEADER and UPTODATE, what others may not do to us, and how a term ends.
#include "zab/peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "zab/peer_fixture.h"

namespace chorus::zab::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

constexpr LinkId link{1};
constexpr std::int64_t epoch2 = 0x200000000;

Recovered after_three(std::int64_t epoch = 1) {
  Recovered recovered{.last_zxid = 0x100000003, .accepted_epoch = epoch, .current_epoch = epoch, .config = make_config(3)};
  for (std::int64_t zxid = 0x100000001; zxid <= 0x100000003; ++zxid) recovered.recent.push_back(make_txn(zxid));
  return recovered;
}
Packet proposal(std::int64_t zxid) { return make_packet(PacketType::proposal, zxid, make_txn(zxid).octets); }
Packet plain(PacketType type, std::int64_t zxid) { return make_packet(type, zxid); }
std::string int_data(std::int32_t value) {
  std::string out;
  base::Writer(out).i32(value);
  return out;
}

/// Server 1 follows server 3 into epoch 2, up to where DIFF, TRUNC or SNAP is due.
class Follower : public testing::Test {
 protected:
  void discover() {
    us->follow(3, link);
    us->receive(link, make_packet(PacketType::leader_info, epoch2, int_data(0x10000)));
    ASSERT_EQ(us->all(link), "FOLLOWERINFO 0x100000000, ACKEPOCH 0x100000003");
    us->trace.clear();
  }
  void new_leader() { us->receive(link, make_packet(PacketType::new_leader, epoch2, make_config(3).to_text())); }
  void up_to_date() { us->receive(link, plain(PacketType::up_to_date, -1)); }
  void serve() {
    discover();
    us->receive(link, plain(PacketType::diff, 0x100000003));
    new_leader();
    up_to_date();
    ASSERT_TRUE(us->serving);
    us->sent[link].clear();
    us->trace.clear();
  }

  std::optional<PeerDriver> us{std::in_place, PeerOptions{.self = 1}, after_three()};
};

TEST_F(Follower, PromisesOnDiskBeforeItSaysSo) {
  us->auto_store = false;
  us->follow(3, link);
  us->receive(link, make_packet(PacketType::leader_info, epoch2, int_data(0x10000)));
  EXPECT_EQ(us->all(link), "FOLLOWERINFO 0x100000000");
  EXPECT_EQ(us->trace.back(), "accept 2");
  us->step(Stored{});
  EXPECT_EQ(us->all(link), "ACKEPOCH 0x100000003");
  EXPECT_EQ(us->peer().accepted_epoch(), 2);
}

TEST_F(Follower, LeavesALeaderOfAnOlderEpoch) {
  us->follow(3, link);
  us->receive(link, make_packet(PacketType::leader_info, 0, int_data(0x10000)));
  EXPECT_THAT(us->closed[link], HasSubstr("leads epoch 0, and we accepted 1 from another"));
  EXPECT_EQ(us->peer().role(), Role::looking);
}

// A Java server's port is not open yet when we know that it leads; behind a proxy a connection to it is made all the same, and broken off.
TEST_F(Follower, ComesAgainWhenItsLeaderDoesNotYetListen) {
  us->follow(3, link);
  us->step(LinkClosed{link});
  EXPECT_EQ(us->peer().role(), Role::following);
  EXPECT_FALSE(us->connect_to) << "at once";
  us->pass(milliseconds(100));
  ASSERT_EQ(us->connect_to, 3);
  const LinkId second{77};
  us->step(LinkConnected{second});
  EXPECT_EQ(us->all(second), "FOLLOWERINFO 0x100000000");
  us->receive(second, make_packet(PacketType::leader_info, epoch2, int_data(0x10000)));
  EXPECT_EQ(us->all(second), "ACKEPOCH 0x100000003");
  us->step(LinkClosed{second});  // it led
  EXPECT_EQ(us->peer().role(), Role::looking);
}

TEST_F(Follower, LooksForAnotherLeaderWhenItsOwnNeverListens) {
  us->follow(3, link);
  us->step(LinkClosed{link});
  for (std::uint64_t tries = 1; tries <= 4; ++tries) {
    us->connect_to.reset();
    us->pass(milliseconds(100));
    ASSERT_EQ(us->connect_to, 3);
    us->step(LinkConnected{LinkId{100 + tries}});
    EXPECT_EQ(us->peer().role(), Role::following);
    us->step(LinkClosed{LinkId{100 + tries}});
  }
  EXPECT_EQ(us->peer().role(), Role::looking);
}

// ZOOKEEPER-3911, 4646: what came before NEWLEADER must be on disk before NEWLEADER is acknowledged, or a crash undoes what was counted.
TEST_F(Follower, HasTheHistoryOnDiskBeforeItAcknowledgesNewLeader) {
  discover();
  us->auto_sync = false;
  us->receive(link, plain(PacketType::diff, 0x100000004));
  us->receive(link, proposal(0x100000004));
  us->receive(link, plain(PacketType::commit, 0x100000004));
  new_leader();
  EXPECT_EQ(us->all(link), "");
  EXPECT_THAT(us->trace, ElementsAre("append 0x100000004", "commit 0x100000004"));
  us->sync();
  EXPECT_EQ(us->all(link), "ACK 0x200000000");
}

// ZOOKEEPER-4643: the epoch is stored after the history, or a crash between makes a short log look like the newest.
TEST_F(Follower, StoresTheEpochAfterTheHistory) {
  discover();
  us->auto_sync = us->auto_store = false;
  us->receive(link, plain(PacketType::diff, 0x100000004));
  us->receive(link, proposal(0x100000004));
  us->receive(link, plain(PacketType::commit, 0x100000004));
  new_leader();
  EXPECT_EQ(us->trace.back(), "commit 0x100000004");
  us->sync();
  EXPECT_EQ(us->trace.back(), "epoch 2");
  EXPECT_EQ(us->all(link), "");
  us->step(Stored{});
  EXPECT_EQ(us->all(link), "ACK 0x200000000");
  EXPECT_EQ(us->peer().current_epoch(), 2);
}

// ZOOKEEPER-4685: a leader takes the first acknowledgement for that of NEWLEADER. Proposals under way wait for the second, of UPTODATE.
TEST_F(Follower, AcknowledgesNoProposalBeforeUpToDate) {
  discover();
  us->receive(link, plain(PacketType::diff, 0x100000003));
  us->receive(link, proposal(0x200000001));
  new_leader();
  us->receive(link, proposal(0x200000002));
  us->receive(link, plain(PacketType::ping, 0x200000002));
  EXPECT_EQ(us->all(link), "ACK 0x200000000");
  EXPECT_THAT(us->delivered, IsEmpty());
  us->receive(link, plain(PacketType::commit, 0x200000001));
  up_to_date();
  EXPECT_EQ(us->all(link), "ACK 0x200000000, ACK 0x200000001, ACK 0x200000002");
  EXPECT_EQ(us->serving->zxid, 0x200000001);
}

TEST_F(Follower, StoresASnapshotWithWhatWasCommittedSinceAndThenTheEpoch) {
  discover();
  us->receive(link, plain(PacketType::snap, 0x100000009));
  us->receive(link, proposal(0x10000000a));  // the stream is still being loaded
  us->step(SnapshotLoaded{link});
  us->receive(link, plain(PacketType::commit, 0x10000000a));
  us->receive(link, proposal(0x10000000b));
  new_leader();
  EXPECT_THAT(us->trace, ElementsAre("commit 0x10000000a", "snapshot 0x10000000a", "append 0x10000000b", "epoch 2"));
  EXPECT_EQ(us->all(link), "ACK 0x200000000");
}

TEST_F(Follower, GoesBackToItsDiskWhenASnapshotWasNotStored) {
  discover();
  us->receive(link, plain(PacketType::snap, 0x100000009));
  us->step(SnapshotLoaded{link});
  us->step(LinkClosed{link});
  us->pass(milliseconds(100));  // a term that failed is not begun again at once
  EXPECT_THAT(us->trace, ElementsAre("looking", "truncate 0x100000003"));
  EXPECT_EQ(us->peer().last_committed(), 0x100000003);
  EXPECT_EQ(us->notifications.back().notification.vote.zxid, 0x100000003);
}

TEST_F(Follower, CutsItsLogBeforeItTakesMore) {
  discover();
  us->auto_store = false;
  us->receive(link, plain(PacketType::trunc, 0x100000002));
  us->receive(link, proposal(0x200000001));
  EXPECT_THAT(us->trace, ElementsAre("truncate 0x100000002"));
  us->step(Stored{});
  EXPECT_THAT(us->trace, ElementsAre("truncate 0x100000002", "append 0x200000001"));
}

// ZOOKEEPER-4712 and others: what was appended when a term ends must not come to the log after the next election has looked at it.
TEST_F(Follower, WaitsForItsDiskBeforeTheNextElection) {
  serve();
  us->auto_sync = false;
  us->receive(link, proposal(0x200000001));
  us->notifications.clear();
  us->step(LinkClosed{link});
  EXPECT_THAT(us->trace, ElementsAre("append 0x200000001", "stop", "looking"));
  EXPECT_THAT(us->notifications, IsEmpty());
  us->sync();
  EXPECT_EQ(us->trace.back(), "commit 0x200000001");
  ASSERT_FALSE(us->notifications.empty());
  EXPECT_EQ(us->notifications.back().notification.vote.zxid, 0x200000001);
}

TEST_F(Follower, AcknowledgesEachProposalOnceItIsDurable) {
  serve();
  us->auto_sync = false;
  us->receive(link, proposal(0x200000001));
  us->receive(link, proposal(0x200000002));
  EXPECT_EQ(us->all(link), "");
  us->step(LogSynced{0x200000001});
  EXPECT_EQ(us->all(link), "ACK 0x200000001");
  us->sync();
  EXPECT_EQ(us->all(link), "ACK 0x200000002");
}

TEST_F(Follower, LooksWhenNothingComesForSyncLimit) {
  serve();
  us->pass(5 * 2000ms - 1ms);
  EXPECT_EQ(us->peer().role(), Role::following);
  us->pass(1ms);
  EXPECT_EQ(us->peer().role(), Role::looking);
  EXPECT_THAT(us->closed[link], HasSubstr("nothing came from server 3 in time"));
}

TEST_F(Follower, LeavesALeaderThatBreaksTheProtocol) {
  Packet no_header = make_packet(PacketType::proposal, 0x200000001, "short");
  const struct {
    const char* name;
    std::vector<Packet> packets;
    const char* want;
  } cases[] = {{"a gap", {proposal(0x200000002)}, "proposal 0x200000002 after 0x100000003"},
               {"an epoch that is not its own", {proposal(0x300000001)}, "proposal 0x300000001 after"},
               {"a proposal again", {proposal(0x200000001), proposal(0x200000001)}, "proposal 0x200000001 after 0x200000001"},
               {"a commit of nothing", {plain(PacketType::commit, 0x200000001)}, "nothing is proposed"},
               {"a commit out of order",
                {proposal(0x200000001), proposal(0x200000002), plain(PacketType::commit, 0x200000002)},
                "commits 0x200000002 before 0x200000001"},
               {"no transaction", {no_header}, "has no header"},
               {"another zxid in the header", {make_packet(PacketType::proposal, 0x200000001, make_txn(1).octets)}, "has no header"},
               {"a proposal of null", {plain(PacketType::proposal, 0x200000001)}, "has no header"},
               {"NEWLEADER again", {plain(PacketType::new_leader, epoch2)}, "NEWLEADER"},
               {"UPTODATE again", {plain(PacketType::up_to_date, -1)}, "UPTODATE without NEWLEADER"},
               {"a reconfiguration that names no leader", {plain(PacketType::commit_and_activate, 0x200000001)}, "names no leader"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    us.emplace(PeerOptions{.self = 1}, after_three());
    serve();
    for (const Packet& packet : c.packets) us->receive(link, packet);
    EXPECT_THAT(us->closed[link], HasSubstr(c.want));
    EXPECT_EQ(us->peer().role(), Role::looking);
  }
}

TEST_F(Follower, ClosesLinksThatTakeItForTheLeader) {
  serve();
  us->step(LinkAccepted{LinkId{9}});
  EXPECT_EQ(us->closed[LinkId{9}], "server 3 leads");
}

/// Server 3 leads.
class LeaderStories : public testing::Test {
 protected:
  void hello(ServerId id, LinkId from, std::int64_t accepted = 1) {
    us->step(LinkAccepted{from});
    us->receive(from, make_packet(PacketType::follower_info, first_zxid_of(accepted), encode(LearnerInfo{.id = id})));
  }
  void promise(LinkId from, std::int32_t current, std::int64_t zxid) {
    us->receive(from, make_packet(PacketType::ack_epoch, zxid, int_data(current)));
  }
  void serve() {
    us->win();
    us->let_in(2, LinkId{2}, 1, 1, 0x100000003);
    ASSERT_TRUE(us->serving);
    us->trace.clear();
  }

  std::optional<PeerDriver> us{std::in_place, PeerOptions{.self = 3}, after_three()};
};

TEST_F(LeaderStories, TakesAnEpochAboveAllThatAQuorumAccepted) {
  us->win();
  hello(2, LinkId{2}, 6);
  EXPECT_EQ(us->all(LinkId{2}), "LEADERINFO 0x700000000");
  EXPECT_EQ(us->peer().accepted_epoch(), 7);
}

// It accepted the epoch of a leader that never led. A Java leader would leave it out until its term ends for another reason.
TEST_F(LeaderStories, GivesWayToAnEpochThatAMemberCanFollow) {
  serve();
  hello(4, LinkId{4}, 8);
  EXPECT_TRUE(us->serving) << "for no stranger";
  hello(1, LinkId{1}, 8);
  EXPECT_FALSE(us->serving);
  EXPECT_THAT(us->closed[LinkId{1}], HasSubstr("server 1 accepted the epoch 8, we lead 2"));
  EXPECT_TRUE(us->closed.contains(LinkId{2}));
  us->win();
  hello(2, LinkId{12}, 2);
  EXPECT_EQ(us->all(LinkId{12}), "LEADERINFO 0x900000000") << "whether or not that member is among the first";
  promise(LinkId{12}, 2, 0x100000003);
  us->receive(LinkId{12}, plain(PacketType::ack, 0x900000000));
  ASSERT_TRUE(us->serving);
  hello(1, LinkId{11}, 8);
  EXPECT_EQ(us->all(LinkId{11}), "LEADERINFO 0x900000000");
}

TEST_F(LeaderStories, TakesLinksThatCameBeforeItWasElected) {
  hello(2, LinkId{2});
  EXPECT_EQ(us->all(LinkId{2}), "");
  us->win();
  EXPECT_EQ(us->all(LinkId{2}), "LEADERINFO 0x200000000");
}

TEST_F(LeaderStories, DoesNotCountWhoHadPromisedTheEpochBefore) {
  us->win();
  hello(2, LinkId{2});
  promise(LinkId{2}, -1, 0x100000003);
  EXPECT_EQ(us->all(LinkId{2}), "LEADERINFO 0x200000000");
  hello(1, LinkId{1});
  promise(LinkId{1}, 1, 0x100000003);
  EXPECT_THAT(us->all(LinkId{1}), HasSubstr("NEWLEADER"));
  EXPECT_THAT(us->all(LinkId{2}), HasSubstr("NEWLEADER"));
}

TEST_F(LeaderStories, DoesNotLeadWhoHasMore) {
  us->win();
  hello(2, LinkId{2});
  promise(LinkId{2}, 1, 0x100000004);
  EXPECT_THAT(us->closed[LinkId{2}], HasSubstr("server 2 has more than we have"));
  us->pass(20s);
  EXPECT_EQ(us->peer().role(), Role::looking);
}

TEST_F(LeaderStories, CountsItselfOnlyOnceItsEpochIsOnDisk) {
  us->auto_store = false;
  us->win();
  hello(2, LinkId{2});
  us->step(Stored{});
  promise(LinkId{2}, 1, 0x100000003);
  us->receive(LinkId{2}, plain(PacketType::ack, epoch2));
  EXPECT_FALSE(us->serving);
  us->step(Stored{});
  EXPECT_TRUE(us->serving);
  EXPECT_THAT(us->all(LinkId{2}), testing::EndsWith("UPTODATE 0xffffffffffffffff"));
}

TEST_F(LeaderStories, CommitsWhatAQuorumHasOnDiskInOrder) {
  serve();
  us->auto_sync = false;
  hello(1, LinkId{1});
  for (std::int64_t zxid = epoch2 + 1; zxid <= epoch2 + 3; ++zxid) us->step(Propose{make_txn(zxid)});
  us->receive(LinkId{2}, plain(PacketType::ack, epoch2 + 2));
  EXPECT_THAT(us->committed, IsEmpty());  // ours is not durable yet
  us->step(LogSynced{epoch2 + 1});
  EXPECT_EQ(us->committed.size(), 1U);
  us->step(LogSynced{epoch2 + 3});
  EXPECT_EQ(us->committed.size(), 2U);
  EXPECT_EQ(us->all(LinkId{2}), "PROPOSAL 0x200000001, PROPOSAL 0x200000002, PROPOSAL 0x200000003, COMMIT 0x200000001, COMMIT 0x200000002");
  // Who comes now gets what is under way as well.
  promise(LinkId{1}, 1, 0x100000003);
  EXPECT_EQ(us->all(LinkId{1}),
            "LEADERINFO 0x200000000, DIFF 0x200000002, PROPOSAL 0x200000001, COMMIT 0x200000001, PROPOSAL 0x200000002, COMMIT 0x200000002, "
            "PROPOSAL 0x200000003, NEWLEADER 0x200000000");
}

// ZOOKEEPER-4685: Java's learners may acknowledge what was proposed before NEWLEADER ahead of NEWLEADER itself.
TEST_F(LeaderStories, TakesAcknowledgementsAheadOfThatOfNewLeader) {
  serve();
  us->step(Propose{make_txn(epoch2 + 1)});
  hello(1, LinkId{1});
  promise(LinkId{1}, 1, 0x100000002);
  EXPECT_EQ(
      us->all(LinkId{1}),
      "LEADERINFO 0x200000000, DIFF 0x100000003, PROPOSAL 0x100000003, COMMIT 0x100000003, PROPOSAL 0x200000001, NEWLEADER 0x200000000");
  us->receive(LinkId{1}, plain(PacketType::ack, 0x100000003));
  us->receive(LinkId{1}, plain(PacketType::ack, epoch2 + 1));
  EXPECT_THAT(us->closed, IsEmpty());
  EXPECT_THAT(us->committed, IsEmpty());  // its epoch may not be on its disk
  us->receive(LinkId{1}, plain(PacketType::ack, epoch2));
  EXPECT_EQ(us->committed.size(), 1U);
  EXPECT_EQ(us->all(LinkId{1}), "UPTODATE 0xffffffffffffffff, COMMIT 0x200000001");
  // Of what was not sent to it, it cannot speak.
  us->step(LinkAccepted{LinkId{3}});
  us->receive(LinkId{3}, make_packet(PacketType::follower_info, epoch2, encode(LearnerInfo{.id = 1})));
  promise(LinkId{3}, 2, epoch2 + 1);
  us->receive(LinkId{3}, plain(PacketType::ack, epoch2 + 1));
  EXPECT_THAT(us->closed[LinkId{3}], HasSubstr("where the acknowledgement of NEWLEADER 0x200000000 was due"));
}

// ZOOKEEPER-4394: 3.8.0 has forgotten by then what was proposed before NEWLEADER, and fails.
TEST_F(LeaderStories, CommitsNothingBetweenNewLeaderAndUpToDate) {
  serve();
  us->step(Propose{make_txn(epoch2 + 1)});
  us->step(Propose{make_txn(epoch2 + 2)});
  hello(1, LinkId{1});
  promise(LinkId{1}, 1, 0x100000003);
  EXPECT_THAT(us->all(LinkId{1}), testing::EndsWith("PROPOSAL 0x200000001, PROPOSAL 0x200000002, NEWLEADER 0x200000000"));
  us->step(Propose{make_txn(epoch2 + 3)});
  us->receive(LinkId{2}, plain(PacketType::ack, epoch2 + 3));
  EXPECT_EQ(us->committed.size(), 3U);
  EXPECT_EQ(us->all(LinkId{1}), "PROPOSAL 0x200000003");
  us->receive(LinkId{1}, plain(PacketType::ack, epoch2));
  us->step(Propose{make_txn(epoch2 + 4)});
  us->receive(LinkId{2}, plain(PacketType::ack, epoch2 + 4));
  EXPECT_THAT(us->all(LinkId{1}),
              testing::EndsWith("UPTODATE 0xffffffffffffffff, COMMIT 0x200000001, COMMIT 0x200000002, COMMIT 0x200000003, "
                                "PROPOSAL 0x200000004, COMMIT 0x200000004"));
}

TEST_F(LeaderStories, ReadsOlderHistoryFromDisk) {
  us.emplace(PeerOptions{.self = 3, .committed_log_max = 1}, after_three());
  serve();
  hello(1, LinkId{1});
  promise(LinkId{1}, 1, 0x100000001);
  ASSERT_EQ(us->reads.size(), 1U);
  EXPECT_EQ(us->reads[0].after, 0x100000001);
  EXPECT_EQ(us->reads[0].until, 0x100000003);
  us->step(Propose{make_txn(epoch2 + 1)});
  us->receive(LinkId{2}, plain(PacketType::ack, epoch2 + 1));
  // Meanwhile memory has gone on, and does not connect any more.
  us->step(HistoryRead{LinkId{1}, true, true, {make_txn(0x100000002)}});
  ASSERT_EQ(us->reads.size(), 2U);
  us->step(HistoryRead{LinkId{1}, true, true, {make_txn(0x100000003)}});
  EXPECT_EQ(us->all(LinkId{1}),
            "LEADERINFO 0x200000000, DIFF 0x200000001, PROPOSAL 0x100000002, COMMIT 0x100000002, PROPOSAL 0x100000003, COMMIT 0x100000003, "
            "PROPOSAL 0x200000001, COMMIT 0x200000001, NEWLEADER 0x200000000");
}

TEST_F(LeaderStories, StepsDownWithoutAQuorum) {
  serve();
  ASSERT_EQ(us->peer().learners().size(), 1U);
  us->step(LinkClosed{LinkId{2}});
  EXPECT_TRUE(us->peer().learners().empty());
  EXPECT_EQ(us->peer().role(), Role::looking) << "at once: who lost us may follow another already";
}

TEST_F(LeaderStories, ClosesWhoAcknowledgesNothing) {
  serve();
  us->step(Propose{make_txn(epoch2 + 1)});
  for (int i = 0; i < 20 && us->closed.empty(); ++i) {
    us->receive(LinkId{2}, make_packet(PacketType::ping, epoch2, ""));
    us->pass(1s);
  }
  EXPECT_THAT(us->closed[LinkId{2}], HasSubstr("did not acknowledge 0x200000001 in time"));
}

TEST_F(LeaderStories, ResignsInFavourOfWhoHasMost) {
  serve();
  us->step(Propose{make_txn(epoch2 + 1)});
  us->receive(LinkId{2}, plain(PacketType::ack, epoch2 + 1));
  us->notifications.clear();
  us->step(Resign{});
  EXPECT_EQ(us->closed[LinkId{2}], "resigns");
  EXPECT_FALSE(us->serving);
  ASSERT_FALSE(us->notifications.empty());
  const Vote vote = us->notifications.back().notification.vote;
  EXPECT_EQ(vote.leader, 2);
  EXPECT_EQ(vote.zxid, epoch2 + 1);
  EXPECT_FALSE(us->resigned);
  for (const ServerId id : {1, 2}) us->step(NotificationReceived{id, {.vote = vote}});
  EXPECT_TRUE(us->resigned);
  EXPECT_EQ(us->peer().role(), Role::looking);
}

// Server 2 is elected with our vote. Server 1 was slow, heard nothing of that, and finds no quorum of votes when we are gone: it would wait
// until server 2 has given up leading alone.
TEST_F(LeaderStories, ResignsOnceEverybodyKnowsWhomToFollow) {
  serve();
  us->step(Resign{});
  const Vote vote = us->notifications.back().notification.vote;
  us->step(NotificationReceived{2, {.vote = vote}});
  us->pass(1s);
  EXPECT_FALSE(us->resigned);
  us->notifications.clear();
  us->step(NotificationReceived{1, {.vote = {.leader = 1, .zxid = 0, .election_epoch = vote.election_epoch, .peer_epoch = 1}}});
  ASSERT_EQ(us->notifications.size(), 1U);
  EXPECT_EQ(us->notifications[0].to, 1);
  EXPECT_EQ(us->notifications[0].notification.state, NotificationState::following);
  EXPECT_EQ(us->notifications[0].notification.vote.leader, 2);
  EXPECT_FALSE(us->resigned);
  us->pass(1s);
  EXPECT_TRUE(us->resigned) << "it does not wait for ever";
}

TEST_F(LeaderStories, ClosesWhoBreaksTheProtocol) {
  const struct {
    const char* name;
    std::vector<Packet> packets;
    const char* want;
  } cases[] = {{"no introduction", {plain(PacketType::ack, 1)}, "where FOLLOWERINFO or OBSERVERINFO was due"},
               {"an introduction without data", {plain(PacketType::follower_info, 0)}, "before ZooKeeper 3.4"},
               {"our own id", {make_packet(PacketType::follower_info, 0, encode(LearnerInfo{.id = 3}))}, "which is us"},
               {"a newer configuration",
                {make_packet(PacketType::follower_info, 0, encode(LearnerInfo{.id = 1, .config_version = 9}))},
                "newer than ours"},
               {"an epoch without successor",
                {make_packet(PacketType::follower_info, INT64_MAX, encode(LearnerInfo{.id = 1}))},
                "accepted the epoch 2147483647"},
               {"a negative epoch", {make_packet(PacketType::follower_info, -1, encode(LearnerInfo{.id = 1}))}, "accepted the epoch -1"},
               {"no promise",
                {make_packet(PacketType::follower_info, 0, encode(LearnerInfo{.id = 1})), plain(PacketType::ack, 1)},
                "where ACKEPOCH was due"},
               {"a promise of nothing",
                {make_packet(PacketType::follower_info, 0, encode(LearnerInfo{.id = 1})), plain(PacketType::ack_epoch, 0)},
                "ACKEPOCH without an epoch"}};
  serve();
  std::uint64_t next = 10;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const LinkId stranger{next++};
    us->step(LinkAccepted{stranger});
    for (const Packet& packet : c.packets) us->receive(stranger, packet);
    EXPECT_THAT(us->closed[stranger], HasSubstr(c.want));
  }
  us->receive(LinkId{2}, plain(PacketType::ack, epoch2 + 1));
  EXPECT_THAT(us->closed[LinkId{2}], HasSubstr("ACK 0x200000001 of what was not proposed"));
  EXPECT_TRUE(us->serving);
}

// Else nobody could lead once a reconfiguration was proposed that makes voters of observers and then its leader was lost.
TEST_F(LeaderStories, AnObserverCountsForTheConfigurationInWhichItIsAVoter) {
  Recovered recovered = after_three();
  recovered.config = make_config(1, 1);
  recovered.config.version = 1;
  recovered.next_config = make_config(2);
  recovered.next_config->version = 0x100000003;
  us.emplace(PeerOptions{.self = 1, .reconfig_enabled = true}, recovered);
  us->step(NotificationReceived{2, {.vote = us->notifications.back().notification.vote}});
  us->pass(1s);
  ASSERT_EQ(us->peer().role(), Role::leading);
  EXPECT_FALSE(us->serving);
  us->let_in(2, LinkId{2}, 1, 1, 0x100000003, true);
  EXPECT_TRUE(us->serving);
  EXPECT_EQ(us->peer().config().version, 0x100000003);
}

// Followers are needed by quorums, observers by nobody else.
TEST_F(LeaderStories, HasObserversComeAgainWhileItIsBusyWithOthers) {
  Recovered recovered = after_three();
  recovered.config = make_config(3, 4);
  const auto observe = [this](ServerId id) {
    const LinkId from{static_cast<std::uint64_t>(id)};
    us->closed.clear();
    us->step(LinkAccepted{from});
    us->receive(from, make_packet(PacketType::observer_info, first_zxid_of(1), encode(LearnerInfo{.id = id})));
    promise(from, 1, 0x100000003);
  };
  for (const bool by_snapshot : {false, true}) {
    const std::string busy = by_snapshot ? "are brought into line by snapshots" : "are brought into line by transactions";
    us.emplace(PeerOptions{.self = 3, .snapshot_syncs_max = 1, .diff_syncs_max = 1, .always_send_snapshot = by_snapshot}, recovered);
    us->win();
    hello(2, LinkId{2});
    observe(4);
    observe(5);
    promise(LinkId{2}, 1, 0x100000003);  // from here on all three are fed, in the order of their links
    EXPECT_EQ(us->closed.count(LinkId{2}), 0U);
    EXPECT_THAT(us->closed[LinkId{4}], HasSubstr(busy));
    EXPECT_THAT(us->closed[LinkId{5}], HasSubstr(busy));
    hello(1, LinkId{1});
    promise(LinkId{1}, 1, 0x100000003);
    EXPECT_EQ(us->closed.count(LinkId{1}), 0U) << "a follower";
    observe(4);
    EXPECT_THAT(us->closed[LinkId{4}], HasSubstr(busy));
    us->receive(LinkId{1}, plain(PacketType::ack, epoch2));
    us->receive(LinkId{2}, plain(PacketType::ack, epoch2));
    observe(4);
    EXPECT_EQ(us->closed.count(LinkId{4}), 0U) << "there is room again";
    observe(5);
    EXPECT_THAT(us->closed[LinkId{5}], HasSubstr(busy));
  }
}

TEST_F(LeaderStories, ReconfigurationNeedsBothQuorumsAndNamesTheNextLeader) {
  Recovered recovered = after_three();
  recovered.config.version = 1;
  us.emplace(PeerOptions{.self = 3, .reconfig_enabled = true}, recovered);
  serve();
  us->let_in(1, LinkId{1}, 1, 1, 0x100000003);
  EnsembleConfig without_us = make_config(3);
  without_us.members.erase(3);
  us->step(Propose{make_reconfig(epoch2 + 1, without_us)});
  us->receive(LinkId{2}, plain(PacketType::ack, epoch2 + 1));
  EXPECT_THAT(us->committed, IsEmpty());  // two of three, and one of two
  us->all(LinkId{1});
  us->receive(LinkId{1}, plain(PacketType::ack, epoch2 + 1));
  EXPECT_EQ(us->committed.size(), 1U);
  EXPECT_EQ(us->all(LinkId{1}), "COMMITANDACTIVATE 0x200000001");
  EXPECT_EQ(us->peer().config().version, epoch2 + 1);
  // Others follow server 2 now, and so do we.
  us->step(LinkClosed{LinkId{1}});
  us->step(LinkClosed{LinkId{2}});
  EXPECT_EQ(us->peer().role(), Role::following);
  EXPECT_EQ(us->connect_to, 2);
}

TEST(Alone, OneServerServesByItself) {
  PeerDriver us({.self = 1}, {.config = make_config(1)});
  EXPECT_THAT(us.trace, ElementsAre("looking", "leading", "accept 1", "epoch 1", "serve epoch 1 from 0x100000000"));
  us.step(Propose{make_txn(0x100000001)});
  EXPECT_EQ(us.committed.size(), 1U);
}

}  // namespace
}  // namespace chorus::zab::test
