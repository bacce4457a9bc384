// A member whose disk came back empty must not help to elect a leader that lacks what it once acknowledged; new ones may.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>

#include "zab/peer.h"
#include "zab/peer_fixture.h"

namespace chorus::zab {
namespace {

using namespace std::chrono_literals;

class LostData : public testing::Test {
 protected:
  LostData() { use(3); }
  void use(int voters) {
    config_ = {};
    for (ServerId id = 1; id <= voters; ++id) {
      const auto port = static_cast<std::uint16_t>(1000 + id);
      config_.members[id] = {.quorum_addresses = {{"10.0.0.1", port}}, .election_addresses = {{"10.0.0.1", port}}};
    }
  }
  void begin() {
    peers_.clear();
    roles_.clear();
    sent_.clear();
    last_.clear();
  }
  struct Disk {
    std::int64_t zxid = 0, accepted_epoch = epoch_of(zxid), current_epoch = epoch_of(zxid);
    Standing standing = current_epoch == 0 && zxid == 0 ? Standing::empty : Standing::full;
  };
  void start(ServerId id, const Disk& disk) {
    peers_[id] = std::make_unique<Peer>(PeerOptions{.self = id},
                                        Recovered{.last_zxid = disk.zxid,
                                                  .accepted_epoch = disk.accepted_epoch,
                                                  .current_epoch = disk.current_epoch,
                                                  .standing = disk.standing,
                                                  .config = config_},
                                        id);
    step(id, Started{});
    // Who connects hears again what was said last.
    for (const auto& [ends, message] : last_) {
      if (ends.second == id) sent_.emplace_back(ends.first, message);
    }
  }
  void step(ServerId id, decltype(Event::what) what) {
    std::vector<Action> actions;
    peers_.at(id)->step({now_, std::move(what)}, actions);
    for (Action& action : actions) {
      if (auto* send = std::get_if<SendNotification>(&action)) {
        last_[{id, send->to}] = *send;
        sent_.emplace_back(id, std::move(*send));
      }
      if (auto* role = std::get_if<RoleChanged>(&action)) roles_[id] = role->role;
    }
  }
  /// Ten seconds, in which whatever is said arrives.
  void run() {
    for (const world::Instant end = now_ + 10s; now_ < end; now_ += 10ms) {
      for (const auto& [id, peer] : peers_) {
        if (peer->deadline() && *peer->deadline() <= now_) step(id, TimePassed{});
      }
      for (const auto& [from, message] : std::exchange(sent_, {})) {
        if (peers_.contains(message.to)) step(message.to, NotificationReceived{from, message.notification});
      }
    }
  }
  std::optional<ServerId> leader() const {
    const auto leads = std::ranges::find(roles_, Role::leading, &std::pair<const ServerId, Role>::second);
    return leads == roles_.end() ? std::nullopt : std::optional(leads->first);
  }

  EnsembleConfig config_;
  std::map<ServerId, std::unique_ptr<Peer>> peers_;
  std::map<ServerId, Role> roles_;
  std::vector<std::pair<ServerId, SendNotification>> sent_;
  std::map<std::pair<ServerId, ServerId>, SendNotification> last_;
  world::Instant now_{1h};
};

TEST_F(LostData, TwoWithDataElectTheBetter) {
  start(1, {0x100000005});
  start(2, {0x100000003});
  run();
  EXPECT_EQ(leader(), 1);
}

TEST_F(LostData, OneWithDataAndOneWithoutElectNobody) {
  for (const Standing standing : {Standing::empty, Standing::lost}) {
    SCOPED_TRACE(static_cast<int>(standing));
    begin();
    start(2, {.standing = standing});
    run();
    start(1, {0x100000003});
    run();
    EXPECT_EQ(leader(), std::nullopt);
    start(3, {0x100000005});
    run();
    EXPECT_EQ(leader(), 3);
    EXPECT_EQ(roles_[1], Role::following);
    EXPECT_EQ(roles_[2], Role::following);
  }
}

TEST_F(LostData, AnOwnersWordGivesTheVoteBack) {
  start(1, {0x100000003});
  start(2, {.standing = Standing::full});
  run();
  EXPECT_EQ(leader(), 1);
}

TEST_F(LostData, EmptyMembersBeginAnEnsembleWhileOneIsDown) {
  start(1, {});
  start(3, {});
  run();
  EXPECT_EQ(leader(), 3);
  EXPECT_EQ(roles_[1], Role::following);
}

TEST_F(LostData, ThoseKnownToBeLostBeginNone) {
  start(1, {.standing = Standing::lost});
  start(2, {.standing = Standing::lost});
  start(3, {.standing = Standing::lost});
  run();
  EXPECT_EQ(leader(), std::nullopt);
}

// As when a standalone server becomes one of three.
TEST_F(LostData, WithAllOthersEmptyTheOneWithDataLeadsOnceAllAreThere) {
  start(1, {.zxid = 7});
  start(3, {});
  run();
  EXPECT_EQ(leader(), std::nullopt) << "server 2 may have more";
  start(2, {});
  run();
  EXPECT_EQ(leader(), 1);
  EXPECT_EQ(roles_[2], Role::following);
  EXPECT_EQ(roles_[3], Role::following);
}

TEST_F(LostData, ABeginningThatFailedCanBeTriedAgain) {
  start(1, {.accepted_epoch = 1});                                                  // it has promised, and not taken part
  start(2, {.accepted_epoch = 1, .current_epoch = 1, .standing = Standing::full});  // it led
  run();
  EXPECT_EQ(leader(), 2);
}

TEST_F(LostData, EpochsThatItKnowsNothingOfAreHistory) {
  start(1, {});
  start(2, {.accepted_epoch = 2, .current_epoch = 2, .standing = Standing::full});
  run();
  EXPECT_EQ(leader(), std::nullopt);
}

// Whoever has what a quorum acknowledged, whoever lost his disk, whoever is there: nothing of it is lost, and a quorum of the others, or
// all together, find a leader.
TEST_F(LostData, WhatAQuorumAcknowledgedIsNeverLost) {
  for (const int voters : {3, 5}) {
    const auto all = 1U << voters;
    const auto quorum = voters / 2 + 1;
    for (unsigned have = 0; have < all; ++have) {
      if (std::popcount(have) != quorum) continue;
      for (int lost = 0; lost < voters; ++lost) {
        for (unsigned up = 1; up < all; ++up) {
          if ((up >> lost & 1) == 0) continue;
          SCOPED_TRACE(fmt::format("{} voters, {:b} have it, {} lost its disk, {:b} are up", voters, have, lost + 1, up));
          use(voters);
          begin();
          for (int i = 0; i < voters; ++i) {
            if ((up >> i & 1) == 0) continue;
            const bool has = (have >> i & 1) != 0;
            start(i + 1, i == lost ? Disk() : Disk{has ? 0x200000005 : 0x200000001 + i % 2});
          }
          run();
          const auto leads = leader();
          if (leads) {
            ASSERT_TRUE(have >> (*leads - 1) & 1 && *leads - 1 != lost) << "server " << *leads << " leads";
          }
          const bool must = std::popcount(up & ~(1U << lost)) >= quorum;
          ASSERT_EQ(leads.has_value(), must);
        }
      }
    }
  }
}

using test::make_config;
using test::PeerDriver;

constexpr LinkId link{1};
constexpr std::int64_t epoch2 = 0x200000000;

std::string int_data(std::int32_t value) {
  std::string out;
  base::Writer(out).i32(value);
  return out;
}

/// The others say that they follow server 3 and that it leads.
void join_server_3(PeerDriver& us) {
  const Vote vote{.leader = 3, .zxid = 0x100000003, .election_epoch = 7, .peer_epoch = 1};
  us.step(NotificationReceived{2, {.state = NotificationState::following, .vote = vote, .version = 2, .config = make_config(3).to_text()}});
  us.step(NotificationReceived{3, {.state = NotificationState::leading, .vote = vote, .version = 2, .config = make_config(3).to_text()}});
  ASSERT_EQ(us.connect_to, 3);
  us.connect_to.reset();
  us.step(LinkConnected{link});
}

// What it promised and acknowledged before is forgotten. Counted among those who have every promise and every committed transaction, it
// would make a leader of one that another quorum has left behind.
class LostDataStory : public testing::TestWithParam<Standing> {};
INSTANTIATE_TEST_SUITE_P(Standings, LostDataStory, testing::Values(Standing::empty, Standing::lost));

TEST_P(LostDataStory, ThePromiseDoesNotCount) {
  const Standing standing = GetParam();
  PeerDriver us(PeerOptions{.self = 1}, Recovered{.standing = standing, .config = make_config(3)});
  join_server_3(us);
  us.receive(link, make_packet(PacketType::leader_info, epoch2, int_data(0x10000)));
  ASSERT_EQ(us.sent[link].size(), 2U);
  EXPECT_EQ(data_of(us.sent[link].back()), int_data(-1));
  us.receive(link, make_packet(PacketType::diff, 0));
  us.receive(link, make_packet(PacketType::new_leader, epoch2, make_config(3).to_text()));
  us.receive(link, make_packet(PacketType::up_to_date, -1));
  EXPECT_TRUE(us.serving);
  us.step(LinkClosed{link});
  us.sent[link].clear();
  us.follow(3, link);
  us.receive(link, make_packet(PacketType::leader_info, 0x300000000, int_data(0x10000)));
  ASSERT_EQ(us.sent[link].size(), 2U);
  EXPECT_EQ(data_of(us.sent[link].back()), int_data(2)) << "it has a history now";
}

// Its vote is needed once the next leader gives it another role: it has the history by then.
TEST_P(LostDataStory, ItHasAVoteOnceItsEpochIsOnDisk) {
  const Standing standing = GetParam();
  PeerDriver us(PeerOptions{.self = 1}, Recovered{.standing = standing, .config = make_config(3)});
  join_server_3(us);
  us.receive(link, make_packet(PacketType::leader_info, epoch2, int_data(0x10000)));
  us.receive(link, make_packet(PacketType::diff, 0));
  us.receive(link, make_packet(PacketType::new_leader, epoch2, make_config(3).to_text()));
  us.step(LinkClosed{link});
  us.notifications.clear();
  us.pass(1s);
  ASSERT_FALSE(us.notifications.empty());
  EXPECT_EQ(us.notifications.back().notification.vote.zxid, 0);
}

// Else no ensemble could begin.
TEST(EmptyMember, ThePromiseCountsAmongEmptyMembers) {
  PeerDriver us(PeerOptions{.self = 1}, Recovered{.standing = Standing::empty, .config = make_config(3)});
  const std::int64_t round = us.notifications.back().notification.vote.election_epoch;
  us.step(NotificationReceived{
      3, {.state = NotificationState::looking, .vote = {.leader = 3, .zxid = 0, .election_epoch = round, .peer_epoch = 0}}});
  us.pass(1s);
  ASSERT_EQ(us.connect_to, 3);
  us.step(LinkConnected{link});
  us.receive(link, make_packet(PacketType::leader_info, 0x100000000, int_data(0x10000)));
  ASSERT_EQ(us.sent[link].size(), 2U);
  EXPECT_EQ(data_of(us.sent[link].back()), int_data(0));
}

}  // namespace
}  // namespace chorus::zab
