// One Peer plays one server of what real servers were seen to do (testdata/quorum-*.txt); the others say what they said then. Every packet
// that it sends must be the real server's, to the octet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "zab/peer_fixture.h"
#include "zab/quorum_vectors.h"

namespace chorus::zab::test {
namespace {

Packet packet_of(const QuorumLine& line) { return decode_packet(line.octets).value()->packet; }
std::int32_t int_in(const Packet& packet) { return base::Reader(data_of(packet)).i32(); }

const QuorumLine& first_of(const std::vector<QuorumLine>& lines, const std::string& kind) {
  const auto found = std::ranges::find(lines, kind, &QuorumLine::kind);
  if (found == lines.end()) ADD_FAILURE() << "no " << kind;
  return *found;
}

std::vector<QuorumLine> of_connection(const std::string& scenario, int connection) {
  std::vector<QuorumLine> lines = read_quorum_lines(scenario);
  std::erase_if(lines, [&](const QuorumLine& line) { return line.connection != connection; });
  return lines;
}

bool is_of_service(const std::string& kind) { return kind == "REQUEST" || kind == "REVALIDATE" || kind == "PING" || kind == "SYNC"; }

struct LearnerCase {
  const char* scenario;
  int connection;
};
void PrintTo(const LearnerCase& c, std::ostream* out) { *out << c.scenario << " connection " << c.connection; }

class GoldenLearner : public testing::TestWithParam<LearnerCase> {};
INSTANTIATE_TEST_SUITE_P(All, GoldenLearner,
                         testing::Values(LearnerCase{"form-empty", 6}, LearnerCase{"form-empty", 7}, LearnerCase{"form-again", 1},
                                         LearnerCase{"form-again", 2}, LearnerCase{"form-multi-address", 2}, LearnerCase{"join-diff", 1},
                                         LearnerCase{"join-snap", 1}, LearnerCase{"join-trunc", 1}, LearnerCase{"join-trunc-too-late", 1},
                                         LearnerCase{"observer", 1}, LearnerCase{"failover", 3}, LearnerCase{"failover", 4},
                                         LearnerCase{"failover", 6}, LearnerCase{"failover", 7}, LearnerCase{"traffic", 4},
                                         LearnerCase{"traffic", 5}, LearnerCase{"reconfig", 3}, LearnerCase{"reconfig", 4},
                                         LearnerCase{"reconfig", 5}));

TEST_P(GoldenLearner, SaysWhatTheRealOneSaid) {
  const std::vector<QuorumLine> lines = of_connection(GetParam().scenario, GetParam().connection);
  ASSERT_FALSE(lines.empty());
  const QuorumLine& hello = lines.front();
  const Packet info = packet_of(hello);
  const Packet ack_epoch = packet_of(first_of(lines, "ACKEPOCH"));
  const std::int64_t accepted = epoch_of(info.zxid);
  const std::int64_t current = int_in(ack_epoch) == -1 ? accepted : int_in(ack_epoch);
  EnsembleConfig config = parse_config(data_of(packet_of(first_of(lines, "NEWLEADER")))).value();
  config.version = decode_learner_info(data_of(info))->config_version;
  const ServerId self = base::parse_int(hello.from).value(), leader = base::parse_int(hello.to).value();
  const LinkId link{1};

  PeerDriver us(
      {.self = self, .is_observer = hello.kind == "OBSERVERINFO", .reconfig_enabled = GetParam().scenario == std::string("reconfig")},
      {.last_zxid = ack_epoch.zxid, .accepted_epoch = accepted, .current_epoch = current, .config = config});
  us.auto_sync = false;
  us.follow(leader, link);
  for (const QuorumLine& line : lines) {
    SCOPED_TRACE(line.kind + " " + base::hex(line.octets).substr(0, 60));
    ASSERT_THAT(us.closed, testing::IsEmpty()) << us.closed[link];
    if (line.kind == "snapshot") {
      us.step(SnapshotLoaded{link});
    } else if (line.kind == "FIN") {
      if (line.from != hello.from) us.step(LinkClosed{link});
      break;
    } else if (line.from != hello.from) {
      us.receive(link, packet_of(line));
    } else {
      if (us.sent[link].empty() && is_of_service(line.kind)) us.step(SendToLeader{packet_of(line)});
      // Our disk is as fast as the real one's was.
      if (us.sent[link].empty() && line.kind == "ACK")
        us.sync_through(packet_of(line).zxid & 0xffff'ffff ? packet_of(line).zxid : INT64_MAX);
      ASSERT_FALSE(us.sent[link].empty());
      EXPECT_EQ(base::hex(octets_of(us.sent[link].front())), base::hex(line.octets));
      us.sent[link].pop_front();
    }
  }
  EXPECT_EQ(us.all(link), "");
}

struct LeaderCase {
  const char* scenario;
  ServerId leader;
  std::vector<int> connections;
  // What it has at start.
  std::int64_t epoch = 0, last_zxid = 0;
  /// Before the first of the connections: a follower that was not recorded is let in, and so many transactions are proposed.
  std::optional<ServerId> silent_follower = std::nullopt;
  int proposed = 0;
};
void PrintTo(const LeaderCase& c, std::ostream* out) { *out << c.scenario << " server " << c.leader; }

class GoldenLeader : public testing::TestWithParam<LeaderCase> {
 protected:
  void prepare();
  void expect(const QuorumLine& line);
  void propose_up_to(std::int64_t zxid) {
    for (std::int64_t next = us->serving->zxid + static_cast<std::int64_t>(proposed) + 1; next <= zxid; ++next, ++proposed) {
      us->step(Propose{txns.contains(next) ? Txn{next, txns[next]} : make_txn(next)});
    }
  }
  void commit_up_to(std::int64_t zxid) {
    if (GetParam().silent_follower) us->receive(silent, make_packet(PacketType::ack, zxid));
    us->sync_through(zxid);
  }

  const LinkId silent{1000};
  std::optional<PeerDriver> us;
  std::map<std::int64_t, std::shared_ptr<const std::string>> txns;
  int proposed = 0;
};
INSTANTIATE_TEST_SUITE_P(All, GoldenLeader,
                         testing::Values(LeaderCase{"form-empty", 3, {6, 7}}, LeaderCase{"form-again", 3, {1, 2}, 1},
                                         LeaderCase{"form-multi-address", 2, {2}}, LeaderCase{"join-diff", 3, {1}, 0, 0, 2, 7},
                                         LeaderCase{"join-snap", 3, {1}, 0, 0, 2, 0x264},
                                         LeaderCase{"join-trunc", 3, {1}, 1, 0x100000004, 2},
                                         LeaderCase{"join-trunc-too-late", 3, {1}, 1, 0x100000004, 2, 5},
                                         LeaderCase{"observer", 3, {1}, 0, 0, 2, 2}, LeaderCase{"failover", 3, {3, 4}},
                                         LeaderCase{"failover", 2, {6, 7}, 1, 0x100000002}, LeaderCase{"traffic", 3, {4, 5}},
                                         LeaderCase{"reconfig", 2, {3, 4, 5}}));

void GoldenLeader::prepare() {
  const LeaderCase& c = GetParam();
  std::vector<QuorumLine> lines = read_quorum_lines(c.scenario);
  std::erase_if(lines, [&](const QuorumLine& line) { return std::ranges::find(c.connections, line.connection) == c.connections.end(); });
  for (const QuorumLine& line : lines) {
    if (line.kind == "PROPOSAL" || line.kind == "INFORM") txns[packet_of(line).zxid] = packet_of(line).data;
    if (line.kind == "INFORMANDACTIVATE") {
      txns[packet_of(line).zxid] = std::make_shared<const std::string>(data_of(packet_of(line)).substr(8));
    }
  }
  Recovered recovered{.last_zxid = c.last_zxid, .accepted_epoch = c.epoch, .current_epoch = c.epoch};
  for (std::int64_t zxid = first_zxid_of(epoch_of(c.last_zxid)) + 1; zxid <= c.last_zxid; ++zxid)
    recovered.recent.push_back(make_txn(zxid));
  recovered.config = parse_config(data_of(packet_of(first_of(lines, "NEWLEADER")))).value();
  recovered.config.version = 0;
  us.emplace(PeerOptions{.self = c.leader, .reconfig_enabled = c.scenario == std::string("reconfig")}, recovered);
  us->win();
  us->auto_sync = false;
  us->auto_store = c.silent_follower.has_value();
  if (!c.silent_follower) return;
  us->let_in(*c.silent_follower, silent, c.epoch, c.epoch, c.last_zxid);
  propose_up_to(us->serving->zxid + c.proposed);
  commit_up_to(us->serving->zxid + c.proposed);
}

/// Gives the occasion for what the real leader sent next, and compares.
void GoldenLeader::expect(const QuorumLine& line) {
  const LinkId link{static_cast<std::uint64_t>(line.connection)};
  const Packet packet = line.kind == "snapshot" ? Packet{} : packet_of(line);
  if (us->serving && (line.kind == "PROPOSAL" || line.kind.starts_with("INFORM"))) propose_up_to(packet.zxid);
  if (us->serving && (line.kind.starts_with("COMMIT") || line.kind.starts_with("INFORM"))) commit_up_to(packet.zxid);
  if (line.kind == "SYNC" || line.kind == "REVALIDATE") us->step(SendToLearner{link, packet});
  auto& sent = us->sent[link];
  // Its disk was slow: others came meanwhile.
  for (; sent.empty() && us->stores_due > 0; --us->stores_due) us->step(Stored{});
  const auto is_ping = [&] { return !sent.empty() && sent.front().type == static_cast<int>(PacketType::ping); };
  if (line.kind == "PING") {
    // Those that touched no session were left out of the file.
    for (int half_ticks = 0; half_ticks < 4 && !is_ping(); ++half_ticks) {
      us->receive(silent, make_packet(PacketType::ping, 0, ""));
      us->pass();
    }
  } else {
    while (is_ping()) sent.pop_front();
  }
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(base::hex(octets_of(sent.front())), base::hex(octets_of(packet)));
  sent.pop_front();
  if (line.kind == "snapshot") us->step(SnapshotSent{link});
}

TEST_P(GoldenLeader, SaysWhatTheRealOneSaid) {
  ASSERT_NO_FATAL_FAILURE(prepare());
  const LeaderCase& c = GetParam();
  std::set<int> open;
  for (const QuorumLine& line : read_quorum_lines(c.scenario)) {
    if (std::ranges::find(c.connections, line.connection) == c.connections.end()) continue;
    SCOPED_TRACE(std::to_string(line.connection) + " " + line.kind + " " + base::hex(line.octets).substr(0, 60));
    const LinkId link{static_cast<std::uint64_t>(line.connection)};
    if (line.kind == "FIN") break;
    if (line.from == std::to_string(c.leader)) {
      ASSERT_NO_FATAL_FAILURE(expect(line));
      continue;
    }
    if (open.insert(line.connection).second) us->step(LinkAccepted{link});
    us->receive(link, packet_of(line));
    if (!us->reads.empty()) us->step(HistoryRead{us->reads.back().link, false, true, {}});
    us->reads.clear();
    ASSERT_FALSE(us->closed.contains(link)) << us->closed[link];
  }
}

}  // namespace
}  // namespace chorus::zab::test
