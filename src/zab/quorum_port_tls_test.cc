// Two ports on this machine, over TCP and TLS.
#include <gtest/gtest.h>

#include "world/real/reactor.h"
#include "world/real/temporary.h"
#include "world/real/test_certificates.h"
#include "zab/quorum_port.h"

namespace chorus::zab {
namespace {

using namespace std::chrono_literals;

struct Octets final : SnapshotSource {
  explicit Octets(std::size_t count) : left(count) {}
  State next(std::size_t octets, std::string& out) override {
    const std::size_t count = std::min(left, octets);
    for (std::size_t i = 0; i < count; ++i) out.push_back(static_cast<char>(left-- % 251));
    return left == 0 ? State::end : State::more;
  }
  std::size_t left;
};
struct OctetsSink final : SnapshotSink {
  explicit OctetsSink(std::size_t count) : left(count) {}
  base::Result<std::size_t, std::string> feed(std::string_view octets) override {
    const std::size_t count = std::min(left, octets.size());
    for (std::size_t i = 0; i < count; ++i) {
      if (octets[i] != static_cast<char>(left-- % 251)) return std::unexpected("a wrong octet");
    }
    return count;
  }
  bool is_complete() const override { return left == 0; }
  void finish() override {}
  std::size_t left;
};

constexpr std::size_t snapshot_octets = 5'000'000;

struct Side final : QuorumPort::Handler {
  Side(world::World& world, const QuorumPortOptions& options) : port(world, options, *this) {}
  void on_accepted(LinkId id, const world::Address&) override { link = id; }
  void on_connected(LinkId id) override { link = id; }
  void on_connect_failed(ServerId, const std::string& why) override { failed = why; }
  void on_packet(LinkId id, Packet packet) override {
    packets.push_back(describe(packet));
    if (packet.type == static_cast<int>(PacketType::snap)) port.expect_snapshot(id, std::make_unique<OctetsSink>(snapshot_octets));
  }
  void on_snapshot_taken(LinkId) override { packets.emplace_back("taken"); }
  void on_snapshot_sent(LinkId) override {}
  void on_link_closed(LinkId, const std::string& why) override { closed = why; }

  QuorumPort port;
  std::optional<LinkId> link;
  std::vector<std::string> packets;
  std::string failed, closed;
};

class QuorumPortOnThisMachine : public testing::Test {
 protected:
  world::TlsOptions identity(world::real::TestAuthority& authority, const std::string& name) {
    const auto files = authority.sign(name, "IP:127.0.0.1");
    return {.certificate_file = files.certificate, .key_file = files.key, .ca_file = authority.files().certificate};
  }
  static QuorumPortOptions options(const std::optional<world::TlsOptions>& tls, bool plain_too = false) {
    return {.connect_tries = 1, .tls = tls, .plain_too = plain_too, .connect_tls = tls};
  }
  void connect(const QuorumPortOptions& server, const QuorumPortOptions& client) {
    leader = std::make_unique<Side>(reactor, server);
    learner = std::make_unique<Side>(reactor, client);
    const auto listening = leader->port.listen({{"127.0.0.1", 0}});
    ASSERT_TRUE(listening) << listening.error();
    learner->port.connect(1, leader->port.addresses(), 10s);
  }
  void talk() {
    ASSERT_TRUE(reactor.run_until([&] { return learner->link.has_value(); }, 20s)) << learner->failed;
    learner->port.send(*learner->link, make_packet(PacketType::follower_info, 1));
    learner->port.flush();
    // Where both are taken the first octet tells which it is, so the learner speaks first.
    ASSERT_TRUE(reactor.run_until([&] { return leader->link.has_value(); }, 20s)) << learner->closed;
    leader->port.send(*leader->link, make_packet(PacketType::leader_info, 1));
    leader->port.send(*leader->link, make_packet(PacketType::snap, 2));
    leader->port.send_snapshot(*leader->link, std::make_unique<Octets>(snapshot_octets));
    leader->port.send(*leader->link, make_packet(PacketType::new_leader, 3));
    leader->port.flush();
    ASSERT_TRUE(reactor.run_until([&] { return learner->packets.size() == 4 && leader->packets.size() == 1; }, 20s)) << learner->closed;
    EXPECT_EQ(learner->packets, (std::vector<std::string>{"LEADERINFO 0x1", "SNAP 0x2", "taken", "NEWLEADER 0x3"}));
    bool down = false;
    leader->port.shut_down([&] { down = true; });
    EXPECT_TRUE(reactor.run_until([&] { return down && !learner->closed.empty(); }, 20s));
  }

  world::real::TemporaryDirectory directory;
  world::real::TestAuthority authority{directory.path(), "quorum"};
  world::real::Reactor reactor;
  std::unique_ptr<Side> leader, learner;
};

TEST_F(QuorumPortOnThisMachine, Plain) {
  ASSERT_NO_FATAL_FAILURE(connect(options(std::nullopt), options(std::nullopt)));
  talk();
}

TEST_F(QuorumPortOnThisMachine, TlsWithCertificatesOfBothSides) {
  ASSERT_NO_FATAL_FAILURE(connect(options(identity(authority, "one")), options(identity(authority, "two"))));
  talk();
}

TEST_F(QuorumPortOnThisMachine, UnificationTakesBoth) {
  ASSERT_NO_FATAL_FAILURE(connect(options(identity(authority, "one"), true), options(identity(authority, "two"))));
  talk();
  ASSERT_NO_FATAL_FAILURE(connect(options(identity(authority, "one"), true), options(std::nullopt)));
  talk();
}

TEST_F(QuorumPortOnThisMachine, StrangersAreRefused) {
  world::real::TestAuthority other{directory.path(), "other"};
  ASSERT_NO_FATAL_FAILURE(connect(options(identity(authority, "one")), options(identity(other, "two"))));
  ASSERT_TRUE(reactor.run_until([&] { return !learner->failed.empty(); }, 20s));
  EXPECT_FALSE(leader->link);
  // No certificate of its own: in TLS 1.3 the client learns that after its side of the handshake.
  ASSERT_NO_FATAL_FAILURE(
      connect(options(identity(authority, "one")), options(world::TlsOptions{.ca_file = authority.files().certificate})));
  ASSERT_TRUE(reactor.run_until([&] { return !learner->failed.empty() || !learner->closed.empty(); }, 20s));
  EXPECT_FALSE(leader->link);
}

TEST_F(QuorumPortOnThisMachine, UnreadableCertificatesAreSaid) {
  Side side(reactor, options(world::TlsOptions{.certificate_file = "/nowhere.pem", .key_file = "/nowhere.key", .ca_file = "/nowhere.ca"}));
  const auto listening = side.port.listen({{"127.0.0.1", 0}});
  ASSERT_FALSE(listening);
  EXPECT_NE(listening.error().find("/nowhere"), std::string::npos) << listening.error();
}

}  // namespace
}  // namespace chorus::zab
