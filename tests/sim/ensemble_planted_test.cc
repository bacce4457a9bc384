#include "ensemble_planted.h"

#include <gmock/gmock.h>

#include "world/sim/simulation.h"
#include "zab/packet.h"

namespace chorus::coord_sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::NotNull;
using zab::make_packet;
using zab::PacketType;

constexpr std::uint16_t port = 2888;

/// One end of a link, with the bug in its world.
struct End final : world::ConnectionHandler {
  explicit End(sim::Node& machine, const char* bug) : node(machine) {
    node.start();
    world = plant_in_member(bug, node.world(), coord::Options(), port);
  }
  void on_data(std::string_view octets) override { received += octets; }
  void on_closed(const world::NetError&) override {}
  void take(std::unique_ptr<world::Connection> taken) {
    connection = std::move(taken);
    connection->start(*this);
  }

  sim::Node& node;
  std::unique_ptr<world::World> world;
  std::unique_ptr<world::Connection> connection;
  std::string received;
};

class PlantedLinkTest : public testing::Test {
 protected:
  PlantedLinkTest() { simulation.network().options.split = 0.8; }
  void connect(const char* bug) {
    const std::string number = std::to_string(simulation.nodes().size());
    leader = std::make_unique<End>(simulation.add_node("leader" + number), bug);
    learner = std::make_unique<End>(simulation.add_node("learner" + number), bug);
    auto listening = leader->world->listen({"0.0.0.0", port}, {}, [this](auto accepted) { leader->take(std::move(accepted)); });
    listener = std::move(*listening);
    learner->world->connect({leader->node.address(), port}, {}, [this](auto connected) { learner->take(std::move(*connected)); });
    simulation.run_for(1s);
    ASSERT_THAT(leader->connection, NotNull());
    ASSERT_THAT(learner->connection, NotNull());
  }
  void send(End& from, const std::vector<zab::Packet>& packets) {
    for (const zab::Packet& packet : packets) {
      std::string octets;
      encode(packet, octets);
      from.connection->write(std::move(octets));
    }
    simulation.run_for(100ms);
  }
  static std::vector<std::string> packets(End& end) {
    std::vector<std::string> all;
    for (std::string& octets = end.received; !octets.empty();) {
      const auto read = zab::decode_packet(octets);
      if (!read || !*read) return {"octets that are no packet"};
      all.push_back(describe((*read)->packet));
      octets.erase(0, (*read)->used);
    }
    return all;
  }
  static std::vector<std::string> words(const std::vector<zab::Packet>& some) {
    std::vector<std::string> all;
    for (const zab::Packet& packet : some) all.push_back(describe(packet));
    return all;
  }

  sim::Simulation simulation{1};
  std::unique_ptr<End> leader, learner;
  std::unique_ptr<world::Listener> listener;
};

TEST_F(PlantedLinkTest, WhatIsNotHarmedPassesAsItWas) {
  connect("forget-truncation");
  const std::vector<zab::Packet> some{make_packet(PacketType::diff, 7), make_packet(PacketType::proposal, 8, std::string(300, 'p')),
                                      make_packet(PacketType::commit, 8), make_packet(PacketType::ping, 8)};
  send(*leader, some);
  EXPECT_EQ(packets(*learner), words(some));
  send(*learner, some);
  EXPECT_EQ(packets(*leader), words(some));
}

TEST_F(PlantedLinkTest, TruncBecomesDiff) {
  connect("forget-truncation");
  send(*leader, {make_packet(PacketType::trunc, 7)});
  EXPECT_EQ(packets(*learner), words({make_packet(PacketType::diff, 7)}));
}

TEST_F(PlantedLinkTest, AProposalIsAcknowledgedByTheLinkItself) {
  connect("ack-before-append");
  send(*leader, {make_packet(PacketType::up_to_date, -1), make_packet(PacketType::proposal, 8, std::string("p"))});
  EXPECT_EQ(packets(*leader), words({make_packet(PacketType::ack, 8)}));
}

TEST_F(PlantedLinkTest, TheLastOfAHistoryIsLost) {
  const auto proposal = make_packet(PacketType::proposal, 8, std::string("p"));
  bool lost = false;
  for (int i = 0; i < 20 && !lost; ++i) {
    connect("lost-proposal-on-diff");
    send(*leader, {make_packet(PacketType::diff, 7), proposal, make_packet(PacketType::commit, 8), make_packet(PacketType::new_leader, 9)});
    lost = packets(*learner).size() == 2;
  }
  EXPECT_TRUE(lost);
}

TEST_F(PlantedLinkTest, ASnapshotLosesItsSessionsAndNothingElse) {
  connect("snapshot-without-sessions");
  std::string octets;
  encode(make_packet(PacketType::snap, 7), octets);
  const std::string snap = octets;
  const std::string rest = std::string("\0\0\0\1the rest", 12) + std::string("\0\0\0\nBenWasHere", 14);
  octets += std::string("\0\0\0\2", 4) + std::string(24, 's') + rest;
  const std::string after = snap.substr(0, 3) + '\x0c' + snap.substr(4);  // UPTODATE
  octets += after;
  leader->connection->write(octets);
  simulation.run_for(100ms);
  EXPECT_EQ(learner->received, snap + std::string(4, '\0') + rest + after);
}

TEST_F(PlantedLinkTest, EveryPlantHasItsPlace) {
  for (const Plant& plant : ensemble_plants()) {
    sim::Node& node = simulation.add_node(plant.name);
    node.start();
    coord::Options options, harmed;
    options.ensemble.members.members[1] = harmed.ensemble.members.members[1] = {};
    plant_in_options(plant.name, harmed);
    const bool is_in_options = options.ensemble.members != harmed.ensemble.members;
    EXPECT_NE(plant_in_member(plant.name, node.world(), coord::Options(), port) != nullptr, is_in_options) << plant.name;
  }
}

}  // namespace
}  // namespace chorus::coord_sim
