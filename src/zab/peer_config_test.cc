// Stories of configurations that a leader brings, or another server that looks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "zab/peer.h"
#include "zab/peer_fixture.h"

namespace chorus::zab::test {
namespace {

constexpr LinkId link{1};
constexpr std::int64_t epoch2 = 0x200000000;

Recovered after_three() {
  Recovered recovered{.last_zxid = 0x100000003, .accepted_epoch = 1, .current_epoch = 1, .config = make_config(3)};
  for (std::int64_t zxid = 0x100000001; zxid <= 0x100000003; ++zxid) recovered.recent.push_back(make_txn(zxid));
  return recovered;
}

class ConfigStories : public testing::Test {
 protected:
  /// Server 1 follows server 3 into epoch 2, up to where DIFF, TRUNC or SNAP is due.
  void discover(const Recovered& recovered) {
    us.emplace(PeerOptions{.self = 1, .reconfig_enabled = true}, recovered);
    us->follow(3, link);
    std::string protocol;
    base::Writer(protocol).i32(0x10000);
    us->receive(link, make_packet(PacketType::leader_info, epoch2, protocol));
  }

  std::optional<PeerDriver> us;
};

// As Java's: the others would wait for ever for a leader that no vote can name.
TEST_F(ConfigStories, LeavesALeaderThatTheNewConfigurationDoesNotLetLead) {
  discover(after_three());
  us->receive(link, make_packet(PacketType::diff, 0x100000003));
  EnsembleConfig next = make_config(3);
  next.members.at(3).is_observer = true;
  next.version = 0x100000003;
  us->receive(link, make_packet(PacketType::new_leader, epoch2, next.to_text()));
  us->receive(link, make_packet(PacketType::up_to_date, -1));
  EXPECT_FALSE(us->serving);
  EXPECT_EQ(us->peer().config(), next);
  EXPECT_EQ(us->peer().role(), Role::looking);
}

// Else what no quorum agreed to would be in force here, and others would believe it.
TEST_F(ConfigStories, AProposedConfigurationIsNotInForce) {
  discover(after_three());
  us->receive(link, make_packet(PacketType::diff, 0x100000003));
  EnsembleConfig next = make_config(2);
  next.version = 0x200000001;
  us->receive(link, make_packet(PacketType::new_leader, epoch2, next.to_text()));
  us->receive(link, make_packet(PacketType::up_to_date, -1));
  EXPECT_TRUE(us->serving);
  EXPECT_EQ(us->peer().config(), make_config(3));
}

// A reconfiguration of our own log, or told us by a leader, that the history of this one does not have.
TEST_F(ConfigStories, AConfigurationThatWasGivenUpIsForgotten) {
  Recovered recovered = after_three();
  recovered.next_config = make_config(2);
  recovered.next_config->version = 0x100000003;
  discover(recovered);
  us->trace.clear();
  us->receive(link, make_packet(PacketType::diff, 0x100000003));
  us->receive(link, make_packet(PacketType::new_leader, epoch2, make_config(3).to_text()));
  EXPECT_THAT(us->trace, testing::Contains("config 0x0"));
}

// It knows none of us perhaps, and asks nobody who could tell it. The stories have how it comes back.
TEST(Alone, ALeaderTellsMembersThatAreNotThere) {
  for (const bool reconfig_enabled : {true, false}) {
    Recovered recovered = after_three();
    recovered.config = make_config(1, 2);
    PeerDriver us({.self = 1, .tick = milliseconds(1000), .init_limit = 10, .sync_limit = 1000, .reconfig_enabled = reconfig_enabled},
                  recovered);
    us.let_in(2, link, 1, 1, 0x100000003, true);
    us.notifications.clear();
    us.pass(milliseconds(9'999));
    EXPECT_THAT(us.notifications, testing::IsEmpty());
    us.pass(milliseconds(1));
    if (reconfig_enabled) {
      ASSERT_EQ(us.notifications.size(), 1U);
      EXPECT_EQ(us.notifications[0].to, 3);
      EXPECT_EQ(us.notifications[0].notification.state, NotificationState::leading);
      EXPECT_EQ(us.notifications[0].notification.config, us.peer().config().to_text());
    }
    us.pass(milliseconds(20'000 + 40'000 + 70'000 + 69'999));  // less and less often
    EXPECT_EQ(us.notifications.size(), reconfig_enabled ? 4U : 0U);
    us.pass(milliseconds(1));
    EXPECT_EQ(us.notifications.size(), reconfig_enabled ? 5U : 0U);
  }
}

// A server that looks may learn of a configuration that gives it a vote.
TEST(Alone, AnObserverThatLearnsThatItIsAVoterVotes) {
  EnsembleConfig next = make_config(3);
  next.version = 0x100000004;
  PeerDriver us(PeerOptions{.self = 3, .is_observer = true, .reconfig_enabled = true},
                {.last_zxid = 0x100000003, .accepted_epoch = 1, .current_epoch = 1, .config = make_config(2, 1)});
  us.notifications.clear();
  us.step(NotificationReceived{1, {.vote = {.leader = 1, .zxid = 0, .election_epoch = 1}, .version = 2, .config = next.to_text()}});
  ASSERT_FALSE(us.notifications.empty());
  EXPECT_EQ(us.notifications.back().notification.vote.leader, 3);
}

}  // namespace
}  // namespace chorus::zab::test
