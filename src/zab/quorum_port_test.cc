// Two ports and the network between them.
#include "zab/quorum_port.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "world/recorder.h"
#include "world/sim/simulation.h"

namespace chorus::zab {
namespace {

using namespace std::chrono_literals;
using world::Address;

/// One side: keeps what it is told.
struct Side final : QuorumPort::Handler {
  explicit Side(sim::Node& machine, const QuorumPortOptions& options = {}) : machine(machine), port(machine.world(), options, *this) {}

  void on_accepted(LinkId link, const Address&) override { accepted.push_back(link); }
  void on_connected(LinkId link) override { connected.push_back(link); }
  void on_connect_failed(ServerId to, const std::string& why) override {
    failed.push_back(to);
    words = why;
  }
  void on_packet(LinkId link, Packet packet) override {
    packets.push_back(describe(packet));
    octets += data_of(packet).size();
    if (react) react(link, packet);
  }
  void on_snapshot_taken(LinkId) override { packets.emplace_back("taken"); }
  void on_snapshot_sent(LinkId) override { ++snapshots_sent; }
  void on_link_closed(LinkId link, const std::string& why) override {
    closed.push_back(link);
    words = why;
  }

  sim::Node& machine;
  QuorumPort port;
  std::vector<LinkId> accepted, connected, closed;
  std::vector<ServerId> failed;
  std::string words;
  std::vector<std::string> packets;
  std::size_t octets = 0;
  int snapshots_sent = 0;
  std::function<void(LinkId, const Packet&)> react;
};

/// Records of eight octets each: its number. A snapshot of many of them.
struct Numbers final : SnapshotSource {
  explicit Numbers(std::uint64_t count, int waits = 0, bool* gone = nullptr) : count(count), waits(waits), gone(gone) {}
  ~Numbers() override {
    if (gone != nullptr) *gone = true;
  }
  State next(std::size_t octets, std::string& out) override {
    if (waits > 0) {
      --waits;
      return State::wait;
    }
    base::Writer writer(out);
    for (const std::size_t end = out.size() + octets; out.size() < end && made < count;) writer.u64(made++);
    made_octets += out.size();
    return made == count ? State::end : State::more;
  }
  std::uint64_t count;
  std::uint64_t made = 0;
  int waits;
  bool* gone;
  std::size_t made_octets = 0;
};
struct NumbersSink final : SnapshotSink {
  explicit NumbersSink(std::uint64_t count, std::uint64_t* taken = nullptr) : count(count), taken(taken) {}
  base::Result<std::size_t, std::string> feed(std::string_view octets) override {
    base::Reader in(octets);
    while (in.remaining() >= 8 && next < count) {
      if (in.u64() != next) return std::unexpected("a number out of order");
      ++next;
    }
    return in.offset();
  }
  bool is_complete() const override { return next == count; }
  void finish() override {
    if (taken != nullptr) *taken = next;
  }
  std::uint64_t count;
  std::uint64_t* taken;
  std::uint64_t next = 0;
};

Packet packet(PacketType type, std::int64_t zxid) { return make_packet(type, zxid); }

class QuorumPorts : public testing::Test {
 protected:
  static sim::Node& up(sim::Node& node) {
    node.start();
    return node;
  }
  void SetUp() override {
    const auto listening = leader.port.listen({{leader.machine.address(), 2888}});
    ASSERT_TRUE(listening) << listening.error();
  }
  bool run_until(const std::function<bool()>& done, sim::Duration limit = 60s) { return simulation.run_until(done, limit); }
  void connect() {
    learner.port.connect(1, {{leader.machine.address(), 2888}}, 5s);
    ASSERT_TRUE(run_until([&] { return !learner.connected.empty() && !leader.accepted.empty(); }));
    there = learner.connected.back();
    here = leader.accepted.back();
  }
  void join() {
    connect();
    learner.port.send(there, packet(PacketType::follower_info, 1));
    learner.port.flush();
    ASSERT_TRUE(run_until([&] { return !leader.packets.empty(); }));
  }
  /// The other side of a link, octet by octet.
  std::unique_ptr<world::contract::Recorder> stranger() {
    std::unique_ptr<world::contract::Recorder> end;
    learner.machine.world().connect({leader.machine.address(), 2888}, {}, [&](auto result) {
      ASSERT_TRUE(result);
      end = std::make_unique<world::contract::Recorder>(std::move(*result));
    });
    const std::size_t before = leader.accepted.size();
    EXPECT_TRUE(run_until([&] { return end && leader.accepted.size() > before; }));
    return end;
  }

  sim::Simulation simulation{1};
  Side leader{up(simulation.add_node("leader")), options()};
  Side learner{up(simulation.add_node("learner"))};
  LinkId here, there;

  static QuorumPortOptions options() {
    QuorumPortOptions options;
    options.link.first_packet_limit = 2000ms;
    options.link.snapshot_stall_limit = 4000ms;
    options.silent_links_max = 3;
    options.link.unsent_max = 8 << 20;
    return options;
  }
};

TEST_F(QuorumPorts, PacketsGoBothWaysInOrder) {
  connect();
  std::vector<std::string> expected;
  for (int i = 1; i <= 1000; ++i) {
    const Packet each = make_packet(PacketType::proposal, i, std::string(static_cast<std::size_t>(i % 100 == 0 ? 70'000 : i % 50), 'x'));
    learner.port.send(there, i == 1 ? packet(PacketType::follower_info, i) : each);
    expected.push_back(describe(i == 1 ? packet(PacketType::follower_info, i) : each));
  }
  leader.port.send(here, packet(PacketType::leader_info, 7));
  learner.port.flush();
  leader.port.flush();
  ASSERT_TRUE(run_until([&] { return leader.packets.size() == 1000 && learner.packets.size() == 1; }));
  EXPECT_EQ(leader.packets, expected);
  EXPECT_EQ(learner.packets.front(), "LEADERINFO 0x7");
}

TEST_F(QuorumPorts, NothingIsSentBeforeFlush) {
  connect();
  learner.port.send(there, packet(PacketType::follower_info, 1));
  simulation.run_for(1s);
  EXPECT_TRUE(leader.packets.empty());
  EXPECT_GT(learner.port.unsent(there), 0U);
  learner.port.flush();
  EXPECT_TRUE(run_until([&] { return !leader.packets.empty(); }));
}

TEST_F(QuorumPorts, ConnectTriesUntilSomebodyListens) {
  const Address address{leader.machine.address(), 2999};
  simulation.after(250ms, [&] { EXPECT_TRUE(leader.port.listen({address})); });
  learner.port.connect(1, {address}, 5s);
  ASSERT_TRUE(run_until([&] { return !learner.connected.empty(); }, 1s));
  EXPECT_TRUE(learner.failed.empty());
}

TEST_F(QuorumPorts, ConnectGivesUpAfterItsTries) {
  const sim::Duration start = simulation.elapsed();
  learner.port.connect(9, {{leader.machine.address(), 2999}}, 5s);
  ASSERT_TRUE(run_until([&] { return !learner.failed.empty(); }));
  EXPECT_EQ(learner.failed.front(), 9);
  EXPECT_NE(learner.words.find("2999"), std::string::npos) << learner.words;
  EXPECT_GE(simulation.elapsed() - start, 400ms);
  EXPECT_LE(simulation.elapsed() - start, 450ms);
  learner.port.connect(8, {}, 5s);
  EXPECT_EQ(learner.failed.size(), 1U) << "not from within the call";
  ASSERT_TRUE(run_until([&] { return learner.failed.size() == 2; }));
}

TEST_F(QuorumPorts, ConnectGivesUpInTime) {
  simulation.network().partition({&leader.machine}, {&learner.machine});
  const sim::Duration start = simulation.elapsed();
  learner.port.connect(1, {{leader.machine.address(), 2888}}, 1500ms);
  ASSERT_TRUE(run_until([&] { return !learner.failed.empty(); }));
  EXPECT_LE(simulation.elapsed() - start, 1600ms);
}

TEST_F(QuorumPorts, ConnectTakesTheAddressThatAnswers) {
  simulation.add_node("away");  // never started: no answer
  learner.port.connect(1, {{"away", 2888}, {leader.machine.address(), 2999}, {leader.machine.address(), 2888}}, 5s);
  ASSERT_TRUE(run_until([&] { return !learner.connected.empty(); }, 1s));
  simulation.run_for(10s);
  EXPECT_EQ(learner.connected.size(), 1U);
  EXPECT_TRUE(learner.failed.empty());
}

TEST_F(QuorumPorts, ALaterConnectEndsTheOneBefore) {
  learner.port.connect(1, {{leader.machine.address(), 2888}}, 5s);
  learner.port.connect(2, {{leader.machine.address(), 2999}}, 5s);
  ASSERT_TRUE(run_until([&] { return !learner.failed.empty(); }));
  EXPECT_EQ(learner.failed.front(), 2);
  EXPECT_TRUE(learner.connected.empty());
}

TEST_F(QuorumPorts, ASnapshotGoesBetweenPackets) {
  connect();
  constexpr std::uint64_t count = 1'000'000;
  std::uint64_t taken = 0;
  learner.react = [&](LinkId link, const Packet& packet) {
    if (packet.type == static_cast<int>(PacketType::snap)) learner.port.expect_snapshot(link, std::make_unique<NumbersSink>(count, &taken));
  };
  leader.port.send(here, packet(PacketType::leader_info, 1));
  leader.port.send(here, packet(PacketType::snap, 2));
  bool gone = false;
  leader.port.send_snapshot(here, std::make_unique<Numbers>(count, 3, &gone));
  leader.port.send(here, packet(PacketType::new_leader, 3));
  leader.port.flush();
  leader.port.send(here, packet(PacketType::up_to_date, 4));
  leader.port.flush();
  ASSERT_TRUE(run_until([&] { return learner.packets.size() == 5; }, 600s));
  const std::vector<std::string> expected{"LEADERINFO 0x1", "SNAP 0x2", "taken", "NEWLEADER 0x3", "UPTODATE 0x4"};
  EXPECT_EQ(learner.packets, expected);
  EXPECT_EQ(taken, count);
  EXPECT_EQ(leader.snapshots_sent, 1);
  EXPECT_TRUE(gone);
}

TEST_F(QuorumPorts, TwoSnapshotsFollowOneAnother) {
  connect();
  learner.react = [&](LinkId link, const Packet& packet) {
    if (packet.type == static_cast<int>(PacketType::snap)) learner.port.expect_snapshot(link, std::make_unique<NumbersSink>(1000));
  };
  for (int i = 1; i <= 2; ++i) {
    leader.port.send(here, packet(PacketType::snap, i));
    leader.port.send_snapshot(here, std::make_unique<Numbers>(1000));
  }
  ASSERT_TRUE(run_until([&] { return learner.packets.size() == 4; }));
  EXPECT_EQ(learner.packets.back(), "taken");
}

TEST_F(QuorumPorts, ASlowReaderHoldsTheSnapshotUp) {
  join();
  learner.port.pause_reading();
  constexpr std::uint64_t count = 4'000'000;
  auto source = std::make_unique<Numbers>(count);
  const Numbers& made = *source;
  leader.port.send(here, packet(PacketType::snap, 2));
  leader.port.send_snapshot(here, std::move(source));
  simulation.run_for(1s);
  EXPECT_GT(made.made_octets, 0U);
  EXPECT_LT(made.made_octets, world::Connection::high_water + (512U << 10)) << "32 MB would be all";
  EXPECT_LT(leader.port.unsent(here), world::Connection::high_water + (512U << 10));
  EXPECT_EQ(leader.snapshots_sent, 0);
  learner.react = [&](LinkId link, const Packet&) { learner.port.expect_snapshot(link, std::make_unique<NumbersSink>(count)); };
  learner.port.resume_reading();
  ASSERT_TRUE(run_until([&] { return learner.packets.size() == 2; }, 600s));
  EXPECT_EQ(learner.packets.back(), "taken");
}

TEST_F(QuorumPorts, ASnapshotThatNobodyTakesInEndsTheLink) {
  join();
  learner.port.pause_reading();
  bool gone = false;
  leader.port.send_snapshot(here, std::make_unique<Numbers>(1'000'000, 0, &gone));
  ASSERT_TRUE(run_until([&] { return !leader.closed.empty(); }, 20s));
  EXPECT_NE(leader.words.find("takes in nothing"), std::string::npos) << leader.words;
  EXPECT_TRUE(gone);
}

TEST_F(QuorumPorts, ASnapshotThatWaitsForAnotherIsNotHeldAgainstTheLink) {
  join();
  leader.port.send_snapshot(here, std::make_unique<Numbers>(10, 10'000));  // 20 s
  ASSERT_TRUE(run_until([&] { return leader.snapshots_sent == 1; }, 60s));
  EXPECT_TRUE(leader.closed.empty());
}

TEST_F(QuorumPorts, ASnapshotThatStallsEndsTheLink) {
  std::uint64_t taken = 0;
  leader.react = [&](LinkId link, const Packet&) { leader.port.expect_snapshot(link, std::make_unique<NumbersSink>(3, &taken)); };
  std::string octets;
  encode(packet(PacketType::snap, 1), octets);
  const auto other = stranger();
  other->connection->write(octets + std::string(8, '\0'));
  ASSERT_TRUE(run_until([&] { return leader.closed.size() == 1; }, 20s));
  EXPECT_NE(leader.words.find("does not go on"), std::string::npos) << leader.words;
  EXPECT_EQ(taken, 0U);
}

TEST_F(QuorumPorts, WhoTakesNothingInIsDropped) {
  join();
  learner.port.pause_reading();
  const auto data = std::make_shared<const std::string>(100'000, 'x');
  for (int i = 0; i < 100 && leader.closed.empty(); ++i) {
    leader.port.send(here, make_packet(PacketType::proposal, i, data));
    leader.port.flush();
    EXPECT_LE(leader.port.unsent(here), (8U << 20) + 200'000);
    simulation.run_for(10ms);
  }
  ASSERT_EQ(leader.closed.size(), 1U);
  EXPECT_NE(leader.words.find("unsent"), std::string::npos) << leader.words;
  EXPECT_EQ(leader.port.size(), 0U);
}

TEST_F(QuorumPorts, WhatWaitsIsMeasured) {
  join();
  ASSERT_NE(leader.port.queue_of(here), nullptr);
  const LinkQueue& queue = *leader.port.queue_of(here);
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 2; ++j) leader.port.send(here, packet(PacketType::proposal, i));
    leader.port.flush();
    simulation.run_for(10ms);
  }
  EXPECT_EQ(queue.packets.count, 3);
  EXPECT_EQ(queue.packets.max, 2) << "those of one turn";
  EXPECT_EQ(queue.time_ms.count, 3);
  EXPECT_EQ(queue.time_ms.max, 0);

  learner.port.pause_reading();
  const auto data = std::make_shared<const std::string>(100'000, 'x');
  for (int i = 0; i < 60; ++i) {
    leader.port.send(here, make_packet(PacketType::proposal, i, data));
    leader.port.flush();
    simulation.run_for(10ms);
  }
  learner.port.resume_reading();
  ASSERT_TRUE(run_until([&] { return leader.port.unsent(here) == 0; }));
  EXPECT_GT(queue.packets.max, 20);
  EXPECT_GT(queue.time_ms.max, 100);
  leader.port.close(here);
  EXPECT_TRUE(run_until([&] { return leader.port.queue_of(here) == nullptr; }));
}

TEST_F(QuorumPorts, WhatWaitsBehindASnapshotCounts) {
  join();
  bool gone = false;
  leader.port.send_snapshot(here, std::make_unique<Numbers>(10, 1'000'000, &gone));  // another one is under way for ever
  const auto data = std::make_shared<const std::string>(100'000, 'x');
  for (int i = 0; i < 100 && leader.closed.empty(); ++i) {
    leader.port.send(here, make_packet(PacketType::proposal, i, data));
    leader.port.flush();
    simulation.run_for(1ms);
  }
  ASSERT_EQ(leader.closed.size(), 1U);
  EXPECT_TRUE(gone);
}

TEST_F(QuorumPorts, StrangersAreDropped) {
  const struct {
    const char* name;
    std::string octets;
    const char* words;
  } cases[] = {
      {"nothing", "", "said nothing"},
      {"half a packet", std::string("\0\0\0\x0b\0\0", 6), "said nothing"},
      {"HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "data length"},
      {"a large first packet", std::string("\0\0\0\x0b\0\0\0\0\0\0\0\0\0\1\0\0", 16), "data length"},
      {"ids in the first packet", std::string("\0\0\0\x0b\0\0\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0\1", 20), "count of ids"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    leader.closed.clear();
    const auto end = stranger();
    end->connection->write(c.octets);
    ASSERT_TRUE(run_until([&] { return !leader.closed.empty() && end->closed; }, 3s));
    EXPECT_NE(leader.words.find(c.words), std::string::npos) << leader.words;
    EXPECT_EQ(leader.port.size(), 0U);
  }
  EXPECT_TRUE(leader.packets.empty());
}

TEST_F(QuorumPorts, TheOldestOfTooManySilentLinksGivesWay) {
  connect();
  learner.port.send(there, packet(PacketType::follower_info, 1));
  learner.port.flush();
  ASSERT_TRUE(run_until([&] { return leader.packets.size() == 1; }));
  std::vector<std::unique_ptr<world::contract::Recorder>> strangers;
  for (int i = 0; i < 5; ++i) strangers.push_back(stranger());
  ASSERT_TRUE(run_until([&] { return leader.closed.size() == 2; }, 1s));
  EXPECT_EQ(leader.closed, (std::vector<LinkId>{leader.accepted[1], leader.accepted[2]}));
  EXPECT_EQ(leader.port.size(), 4U);
}

TEST_F(QuorumPorts, ABrokenSnapshotEndsTheLink) {
  const struct {
    const char* name;
    std::string octets;
    const char* words;
  } cases[] = {
      {"a wrong record", std::string(8, '\0') + std::string(8, '\7') + std::string(100, 'x'), "out of order"},
      {"no signature", std::string(15, '\0') + '\1' + std::string("\0\0\0\nBenWasHexx", 14), "signature"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    leader.react = [&](LinkId link, const Packet&) { leader.port.expect_snapshot(link, std::make_unique<NumbersSink>(2)); };
    leader.closed.clear();
    const auto end = stranger();
    std::string snap;
    encode(packet(PacketType::snap, 1), snap);
    end->connection->write(snap + c.octets);
    ASSERT_TRUE(run_until([&] { return !leader.closed.empty(); }, 1s));
    EXPECT_NE(leader.words.find(c.words), std::string::npos) << leader.words;
  }
}

TEST_F(QuorumPorts, CloseSendsWhatWasGiven) {
  connect();
  learner.port.send(there, packet(PacketType::follower_info, 1));
  learner.port.close(there);
  learner.port.send(there, packet(PacketType::ack, 2));
  learner.port.flush();
  ASSERT_TRUE(run_until([&] { return !leader.closed.empty(); }));
  EXPECT_EQ(leader.packets, std::vector<std::string>{"FOLLOWERINFO 0x1"});
  simulation.run_for(10s);
  EXPECT_TRUE(learner.closed.empty()) << "who closes is told nothing more";
}

TEST_F(QuorumPorts, ClosedFromWithinAPacket) {
  connect();
  leader.react = [&](LinkId link, const Packet&) { leader.port.close(link); };
  for (int i = 1; i <= 3; ++i) learner.port.send(there, packet(PacketType::follower_info, i));
  learner.port.flush();
  ASSERT_TRUE(run_until([&] { return !learner.closed.empty(); }));
  EXPECT_EQ(leader.packets.size(), 1U);
}

TEST_F(QuorumPorts, ShutsDownInGoodOrder) {
  connect();
  leader.port.send(here, packet(PacketType::leader_info, 1));
  bool done = false;
  leader.port.shut_down([&] { done = true; });
  EXPECT_FALSE(done);
  ASSERT_TRUE(run_until([&] { return done && !learner.closed.empty(); }, 10s));
  EXPECT_EQ(learner.packets.size(), 1U);
  EXPECT_EQ(leader.port.size(), 0U);
  learner.port.connect(1, {{leader.machine.address(), 2888}}, 5s);
  ASSERT_TRUE(run_until([&] { return !learner.failed.empty(); }));
  bool again = false;
  learner.port.shut_down([&] { again = true; });
  EXPECT_TRUE(run_until([&] { return again; }, 1s));
}

TEST(QuorumPortAuth, LetsThoseInWhoKnowThePassword) {
  const struct {
    const char* name;
    QuorumAuthOptions server, learner;
    const char* refused;  // null: let in
  } cases[] = {
      {"right", {.users = {{"learner", "secret"}}, .required = true}, {.learner = {{"learner", "secret"}}}, nullptr},
      {"wrong password", {.users = {{"learner", "secret"}}}, {.learner = {{"learner", "Secret"}}}, "refused our name"},
      {"nothing shown", {.users = {{"learner", "secret"}}}, {}, nullptr},
      {"nothing shown, though required", {.users = {{"learner", "secret"}}, .required = true}, {}, "reset"},
      {"nobody asked", {}, {.learner = {{"learner", "secret"}}}, "said nothing"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    sim::Simulation simulation(1);
    sim::Node& one = simulation.add_node("leader");
    sim::Node& two = simulation.add_node("learner");
    one.start();
    two.start();
    Side leader(one, {.link = {.auth = c.server}}), learner(two, {.link = {.auth = c.learner}});
    ASSERT_TRUE(leader.port.listen({{one.address(), 2888}}));
    learner.port.connect(1, {{one.address(), 2888}}, 5s);
    ASSERT_TRUE(simulation.run_until([&] { return !learner.connected.empty() || !learner.failed.empty(); }, 60s));
    if (!learner.connected.empty()) {
      learner.port.send(learner.connected[0], packet(PacketType::follower_info, 1));
      learner.port.flush();
    }
    ASSERT_TRUE(simulation.run_until([&] { return !leader.packets.empty() || !learner.words.empty(); }, 60s));
    EXPECT_EQ(leader.packets.empty(), c.refused != nullptr) << learner.words;
    if (c.refused != nullptr) EXPECT_NE(learner.words.find(c.refused), std::string::npos) << learner.words;
  }
}

TEST_F(QuorumPorts, ListensElsewhere) {
  connect();
  const Address before{leader.machine.address(), 2888}, after{leader.machine.address(), 2889};
  ASSERT_TRUE(leader.port.listen({before, after}));
  EXPECT_EQ(leader.port.addresses().size(), 2U);
  const auto refused = leader.port.listen({{"192.0.2.1", 2888}});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("192.0.2.1"), std::string::npos) << refused.error();
  EXPECT_EQ(leader.port.addresses().size(), 2U);
  ASSERT_TRUE(leader.port.listen({after}));
  EXPECT_EQ(leader.port.addresses(), std::vector<Address>{after});
  EXPECT_EQ(leader.port.size(), 1U) << "links stay";
}

}  // namespace
}  // namespace chorus::zab
