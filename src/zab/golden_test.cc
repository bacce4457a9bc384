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

}  // namespace
}  // namespace chorus::zab::test
