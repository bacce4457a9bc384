// What a real ensemble said on its quorum port while it served clients (zab/testdata): servers that are told the same say the same.
#include "coord/server_fixture.h"
#include "zab/packet.h"
#include "zab/quorum_vectors.h"

namespace chorus::coord {
namespace {

using zab::test::QuorumLine;

zab::Packet packet_of(const QuorumLine& line) {
  auto read = zab::decode_packet(line.octets);
  EXPECT_TRUE(read && *read) << line.kind;
  return std::move((*read)->packet);
}
std::string octets_of(const zab::Packet& packet) {
  std::string octets;
  zab::encode(packet, octets);
  return octets;
}

// The servers of the capture: 3 led, 1 and 2 followed. Session ids begin with the time on the clock of the server.
class TrafficTest : public ClientTest {
 protected:
  TrafficTest() : lines_(zab::test::read_quorum_lines("traffic")) {
    for (const QuorumLine& line : lines_) {
      if (line.kind == "PROPOSAL" && line.to == "1") proposed_.push_back(packet_of(line));
    }
  }
  void start(std::int64_t id, milliseconds clock, Serve::Role role) {
    Options options;
    options.server_id = id;
    now_ = world::Instant(clock);
    server_ =
        std::make_unique<Server>(options, std::make_unique<Database>(true), now_, 1, Serve{.role = role, .zxid = std::int64_t{1} << 32});
  }
  // What comes of it.
  std::vector<Action> step(decltype(Event::what) what) {
    std::vector<Action> actions;
    server_->step({now_, wall_, std::move(what)}, actions);
    std::erase_if(actions, [](const Action& action) {
      return !std::holds_alternative<Propose>(action) && !std::holds_alternative<ToLeader>(action) &&
             !std::holds_alternative<ToLearner>(action) && !std::holds_alternative<CannotApply>(action);
    });
    return actions;
  }
  jute::TxnHeader next_proposed() const { return *jute::decode<jute::TxnHeader>(*proposed_.front().data); }
  // The leader proposed what the real one did, which is then committed.
  void expect_proposal(const std::vector<Action>& actions) {
    ASSERT_EQ(actions.size(), 1U);
    ASSERT_TRUE(std::holds_alternative<Propose>(actions[0]));
    const zab::Txn& txn = std::get<Propose>(actions[0]).txn;
    EXPECT_EQ(txn.zxid, proposed_.front().zxid);
    EXPECT_EQ(base::hex(*txn.octets), base::hex(*proposed_.front().data));
    EXPECT_TRUE(step(Committed{txn}).empty());
    proposed_.pop_front();
  }
  // As the client sent it.
  static std::string frame_of(const zab::Packet& request) {
    base::Reader in(*request.data);
    const std::int64_t session = in.i64();
    if (request.type == static_cast<std::int32_t>(zab::PacketType::revalidate)) return connect_frame(session, session_password(session));
    const std::int32_t xid = in.i32();
    const std::int32_t type = in.i32();
    const std::string body(in.rest());
    if (type == static_cast<std::int32_t>(OpCode::create_session)) return connect_frame();
    return frame(jute::encode(jute::RequestHeader{xid, type}) + body);
  }

  std::vector<QuorumLine> lines_;
  std::deque<zab::Packet> proposed_;
  std::unique_ptr<Server> server_;
  world::Instant now_;
  world::WallTime wall_;
};

TEST_F(TrafficTest, Leader) {
  start(3, milliseconds(0x21e32e), Serve::Role::leader);
  step(Accepted{ConnectionId(1), {"127.0.0.1", 1}, false, {}});
  int own = 0, of_learners = 0, answers = 0;
  std::deque<std::string> expected;
  for (const QuorumLine& line : lines_) {
    if (!proposed_.empty()) wall_ = world::WallTime(milliseconds(next_proposed().time_ms));
    if (line.from != "3" && (line.kind == "REQUEST" || line.kind == "REVALIDATE" || line.kind == "PING")) {
      const zab::LinkId link(static_cast<std::uint64_t>(line.connection));
      const zab::Packet packet = packet_of(line);
      const auto actions = step(FromLearner{link, packet});
      const bool is_sync = line.kind == "REQUEST" && base::Reader(packet.data->substr(12)).i32() == static_cast<std::int32_t>(OpCode::sync);
      if (line.kind == "REQUEST" && !is_sync) {
        expect_proposal(actions);
        ++of_learners;
      } else if (line.kind == "PING") {
        EXPECT_TRUE(actions.empty());
      } else {
        ASSERT_EQ(actions.size(), 1U);
        const auto& answer = std::get<ToLearner>(actions[0]);
        EXPECT_EQ(answer.link, link);
        expected.push_back(octets_of(answer.packet));
      }
    } else if (line.kind == "SYNC" || line.kind == "REVALIDATE") {
      ASSERT_FALSE(expected.empty());
      EXPECT_EQ(base::hex(expected.front()), base::hex(line.octets));
      expected.pop_front();
      ++answers;
    } else if (line.kind == "PROPOSAL" && !proposed_.empty() && packet_of(line).zxid == proposed_.front().zxid) {
      // Nobody forwarded it: it came of the leader's own client.
      const jute::TxnHeader header = next_proposed();
      ++own;
      std::string sent;
      if (header.type == static_cast<std::int32_t>(OpCode::create_session)) {
        sent = connect_frame();
      } else if (header.type == static_cast<std::int32_t>(OpCode::close_session)) {
        sent = request(header.cxid, OpCode::close_session);
      } else {
        base::Reader in(*proposed_.front().data);
        jute::decode<jute::TxnHeader>(in);
        const auto txn = *jute::decode<jute::CreateTxn>(in);
        sent = request(header.cxid, OpCode::create, jute::CreateRequest{txn.path, txn.data, txn.acl, 0});
      }
      expect_proposal(step(Received{ConnectionId(1), sent}));
    }
  }
  EXPECT_TRUE(proposed_.empty());
  EXPECT_EQ(own, 3);
  EXPECT_EQ(of_learners, 13);
  EXPECT_EQ(answers, 2);
  EXPECT_EQ(server_->database().digest_mismatches, 0);
}

TEST_F(TrafficTest, Learners) {
  for (const std::string self : {"1", "2"}) {
    start(self[0] - '0', milliseconds(0x21e0ba), Serve::Role::learner);
    step(Accepted{ConnectionId(1), {"127.0.0.1", 1}, false, {}});
    std::map<std::int64_t, zab::Packet> proposals;
    int packets = 0;
    for (const QuorumLine& line : lines_) {
      if (line.from == self) {
        if (line.kind != "REQUEST" && line.kind != "REVALIDATE" && line.kind != "PING") continue;
        const zab::Packet packet = packet_of(line);
        const auto actions = line.kind == "PING" ? step(FromLeader{zab::make_packet(zab::PacketType::ping, packet.zxid)})
                                                 : step(Received{ConnectionId(1), frame_of(packet)});
        ASSERT_EQ(actions.size(), 1U) << line.kind;
        EXPECT_EQ(base::hex(octets_of(std::get<ToLeader>(actions[0]).packet)), base::hex(line.octets));
        ++packets;
      } else if (line.to == self && line.kind == "PROPOSAL") {
        const zab::Packet packet = packet_of(line);
        proposals[packet.zxid] = packet;
      } else if (line.to == self && line.kind == "COMMIT") {
        const zab::Packet& packet = proposals.at(packet_of(line).zxid);
        EXPECT_TRUE(step(Committed{{packet.zxid, packet.data}}).empty());
      } else if (line.to == self && (line.kind == "SYNC" || line.kind == "REVALIDATE")) {
        EXPECT_TRUE(step(FromLeader{packet_of(line)}).empty());
      }
    }
    EXPECT_GE(packets, 8) << self;
    EXPECT_EQ(server_->outstanding(), 0U);
    EXPECT_EQ(server_->database().last_zxid, proposed_.back().zxid);
    EXPECT_EQ(server_->database().digest_mismatches, 0);
  }
}

// Server 2 led; its own client took server 1 out, and in again.
class ReconfigVectors : public ClientTest {};
TEST_F(ReconfigVectors, Leader) {
  const auto lines = zab::test::read_quorum_lines("reconfig");
  const auto config_of = [&] {
    for (const QuorumLine& line : lines) {
      if (line.kind == "NEWLEADER") return zab::parse_config(*packet_of(line).data).value();
    }
    return zab::EnsembleConfig();
  };
  std::deque<zab::Packet> proposals;
  for (const QuorumLine& line : lines) {
    if (line.kind == "PROPOSAL" && line.to == "3" && proposals.size() < 3) proposals.push_back(packet_of(line));
  }
  ASSERT_EQ(proposals.size(), 3U);
  Options options;
  options.server_id = 2;
  options.skip_acl = true;
  options.ensemble.reconfig_enabled = true;
  const world::Instant now(milliseconds(0x25d858));
  Server server(options, std::make_unique<Database>(true), now, 1,
                {.role = Serve::Role::leader, .zxid = std::int64_t{1} << 32, .config = config_of()});
  EXPECT_EQ(server.database().tree.find("/zookeeper/config")->data, config_of().to_text());
  std::vector<Action> actions;
  server.step({now, {}, SyncedMembers{{1, 2, 3}}}, actions);
  server.step({now, {}, Accepted{ConnectionId(1), {"127.0.0.1", 1}, false, {}}}, actions);
  const std::string sent[] = {
      connect_frame(), request(1, OpCode::reconfig, jute::ReconfigRequest{std::nullopt, "1", std::nullopt, -1}),
      request(2, OpCode::reconfig,
              jute::ReconfigRequest{"server.1=127.0.0.1:2881:3881:participant;127.0.0.1:21812", std::nullopt, std::nullopt, -1})};
  for (const std::string& frame : sent) {
    actions.clear();
    const world::WallTime wall(milliseconds(jute::decode<jute::TxnHeader>(*proposals.front().data)->time_ms));
    server.step({now, wall, Received{ConnectionId(1), frame}}, actions);
    ASSERT_EQ(actions.size(), 1U);
    const zab::Txn txn = std::get<Propose>(actions[0]).txn;
    EXPECT_EQ(base::hex(*txn.octets), base::hex(*proposals.front().data));
    actions.clear();
    server.step({now, wall, Committed{txn}}, actions);
    proposals.pop_front();
  }
  // The answer is what the node has now, and its stat.
  ASSERT_EQ(actions.size(), 1U);
  const std::string& octets = std::get<Send>(actions[0]).octets;
  const Znode& node = *server.database().tree.find("/zookeeper/config");
  EXPECT_EQ(base::hex(octets.substr(20)),
            base::hex(jute::encode(jute::GetDataResponse{node.buffer(), server.database().tree.stat_of(node)})));
  EXPECT_TRUE(node.data.ends_with("version=100000003"));
}

}  // namespace
}  // namespace chorus::coord
