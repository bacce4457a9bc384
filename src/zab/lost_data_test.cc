// A member whose disk came back empty must not help to elect a leader that lacks what it once acknowledged.
#include <gtest/gtest.h>

#include <map>

#include "zab/peer.h"
#include "zab/peer_fixture.h"

namespace chorus::zab {
namespace {

using namespace std::chrono_literals;

class LostData : public testing::Test {
 protected:
  LostData() {
    for (const ServerId id : {1, 2, 3}) {
      const auto port = static_cast<std::uint16_t>(1000 + id);
      config_.members[id] = {.quorum_addresses = {{"10.0.0.1", port}}, .election_addresses = {{"10.0.0.1", port}}};
    }
  }
  void start(ServerId id, std::int64_t zxid, bool lacks_data) {
    peers_.emplace(id, std::make_unique<Peer>(PeerOptions{.self = id},
                                              Recovered{.last_zxid = zxid,
                                                        .accepted_epoch = epoch_of(zxid),
                                                        .current_epoch = epoch_of(zxid),
                                                        .lacks_data = lacks_data,
                                                        .config = config_},
                                              id));
    step(id, Started{});
  }
  void step(ServerId id, decltype(Event::what) what) {
    std::vector<Action> actions;
    peers_.at(id)->step({now_, std::move(what)}, actions);
    for (Action& action : actions) {
      if (auto* send = std::get_if<SendNotification>(&action)) sent_.push_back({id, std::move(*send)});
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

  EnsembleConfig config_;
  std::map<ServerId, std::unique_ptr<Peer>> peers_;
  std::map<ServerId, Role> roles_;
  std::vector<std::pair<ServerId, SendNotification>> sent_;
  world::Instant now_{1h};
};

TEST_F(LostData, TwoWithDataElectTheBetter) {
  start(1, 0x100000005, false);
  start(2, 0x100000003, false);
  run();
  EXPECT_EQ(roles_[1], Role::leading);
}

TEST_F(LostData, OneWithDataAndOneWhoLostItElectNobody) {
  start(1, 0x100000003, false);
  start(2, 0, true);
  run();
  EXPECT_EQ(roles_[1], Role::looking);
  EXPECT_EQ(roles_[2], Role::looking);
  start(3, 0x100000005, false);
  run();
  EXPECT_EQ(roles_[3], Role::leading);
  EXPECT_EQ(roles_[1], Role::following);
  EXPECT_EQ(roles_[2], Role::following);
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
TEST(LostDataStory, ThePromiseDoesNotCount) {
  PeerDriver us(PeerOptions{.self = 1}, Recovered{.lacks_data = true, .config = make_config(3)});
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
TEST(LostDataStory, ItHasAVoteOnceItsEpochIsOnDisk) {
  PeerDriver us(PeerOptions{.self = 1}, Recovered{.lacks_data = true, .config = make_config(3)});
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

}  // namespace
}  // namespace chorus::zab
