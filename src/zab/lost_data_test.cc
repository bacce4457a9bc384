// A member whose disk came back empty must not help to elect a leader that lacks what it once acknowledged.
#include <gtest/gtest.h>

#include <map>

#include "zab/peer.h"

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

}  // namespace
}  // namespace chorus::zab
