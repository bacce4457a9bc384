#include "zab/packet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/text.h"
#include "zab/quorum_vectors.h"

namespace chorus::zab {
namespace {

using test::QuorumLine;
using test::read_quorum_lines;

std::string octets_of(const Packet& packet) {
  std::string out;
  encode(packet, out);
  return out;
}

class QuorumVectors : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, QuorumVectors,
                         testing::Values("failover", "form-again", "form-empty", "form-multi-address", "join-diff", "join-snap",
                                         "join-trunc", "join-trunc-too-late", "observer", "reconfig", "traffic"));

TEST_P(QuorumVectors, EveryPacketGoesRound) {
  for (const QuorumLine& line : read_quorum_lines(GetParam())) {
    if (line.kind == "snapshot" || line.kind == "FIN") continue;
    const auto read = decode_packet(line.octets);
    ASSERT_TRUE(read.has_value()) << read.error();
    ASSERT_TRUE(read->has_value()) << line.kind;
    EXPECT_EQ((*read)->used, line.octets.size());
    EXPECT_EQ(name_of(static_cast<PacketType>((*read)->packet.type)), line.kind);
    EXPECT_EQ(base::hex(octets_of((*read)->packet)), base::hex(line.octets));
  }
}

/// A connection's octets, cut into pieces of every size: the same packets come, and snapshots are left alone.
TEST_P(QuorumVectors, PacketsComeOutOfAStreamCutAnywhere) {
  std::map<std::pair<int, std::string>, std::vector<QuorumLine>> directions;
  for (QuorumLine& line : read_quorum_lines(GetParam())) directions[{line.connection, line.from}].push_back(std::move(line));
  for (const std::size_t piece : {1, 7, 20, 1000}) {
    for (const auto& [direction, lines] : directions) {
      std::string stream;
      for (const QuorumLine& line : lines) stream += line.octets;
      std::string kept;
      std::size_t fed = 0;
      for (const QuorumLine& line : lines) {
        if (line.kind == "FIN") continue;
        for (;;) {
          if (line.kind == "snapshot") {
            if (kept.size() >= line.octets.size()) {
              EXPECT_EQ(kept.substr(0, line.octets.size()), line.octets);
              kept.erase(0, line.octets.size());
              break;
            }
          } else {
            const auto read = decode_packet(kept);
            ASSERT_TRUE(read.has_value()) << read.error();
            if (read->has_value()) {
              EXPECT_EQ(octets_of((*read)->packet), line.octets);
              kept.erase(0, (*read)->used);
              break;
            }
          }
          ASSERT_LT(fed, stream.size()) << line.kind;
          kept += stream.substr(fed, piece);
          fed += piece;
        }
      }
      EXPECT_TRUE(kept.empty());
    }
  }
}

TEST(Packet, NullDataIsNotEmptyData) {
  const Packet null = make_packet(PacketType::ping, 0x100000000);
  EXPECT_EQ(base::hex(octets_of(null)), "000000050000000100000000ffffffffffffffff");
  const Packet empty = make_packet(PacketType::ping, 0x100000000, std::string());
  EXPECT_EQ(base::hex(octets_of(empty)), "00000005000000010000000000000000ffffffff");
  EXPECT_FALSE(decode_packet(octets_of(null)).value()->packet.has_data);
  EXPECT_TRUE(decode_packet(octets_of(empty)).value()->packet.has_data);
}

TEST(Packet, KeepsTheIdsOfARequest) {
  Packet packet = make_packet(PacketType::request, -1, "body");
  packet.auth = {{"ip", "127.0.0.1"}, {"digest", ""}};
  const Packet back = decode_packet(octets_of(packet)).value()->packet;
  EXPECT_EQ(back.auth, packet.auth);
  EXPECT_EQ(data_of(back), "body");
}

TEST(Packet, RefusesWhatIsUnreasonable) {
  const std::string head = "00000001 ffffffffffffffff ";
  const struct {
    const char* name;
    std::string hex, want;
  } cases[] = {{"negative data length", head + "fffffffe", "a data length of -2"},
               {"data beyond the limit", head + "00000041", "a data length of 65"},
               {"largest data length", head + "7fffffff", "a data length of 2147483647"},
               {"smallest data length", head + "80000000", "a data length of -2147483648"},
               {"negative count of ids", head + "ffffffff fffffffe", "a count of ids of -2"},
               {"more ids than allowed", head + "ffffffff 00000005", "a count of ids of 5"},
               {"largest count of ids", head + "ffffffff 7fffffff", "a count of ids of 2147483647"},
               {"negative length of a scheme", head + "ffffffff 00000001 fffffffe", "an id's length of -2"},
               {"a scheme beyond the limit", head + "ffffffff 00000001 00000009", "an id's length of 9"},
               {"scheme and id together beyond the limit", head + "ffffffff 00000001 00000002 6970 00000007", "an id's length of 7"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto read = decode_packet(base::unhex(c.hex).value(), {.data_octets = 64, .auth_ids = 4, .auth_octets = 8});
    ASSERT_FALSE(read.has_value());
    EXPECT_THAT(read.error(), testing::HasSubstr(c.want));
  }
}

TEST(Packet, TakesNothingBeforeItIsWhole) {
  Packet packet = make_packet(PacketType::request, -1, "body");
  packet.auth = {{"ip", "127.0.0.1"}};
  const std::string octets = octets_of(packet);
  for (std::size_t size = 0; size < octets.size(); ++size) {
    const auto read = decode_packet(std::string_view(octets).substr(0, size));
    ASSERT_TRUE(read.has_value());
    EXPECT_FALSE(read->has_value()) << size;
  }
  EXPECT_EQ(decode_packet(octets + "more").value()->used, octets.size());
}

TEST(Packet, LearnerInfoIsTwentyOctets) {
  const std::string octets = encode(LearnerInfo{.id = 2, .config_version = 0x100000000});
  EXPECT_EQ(base::hex(octets), "0000000000000002000100000000000100000000");
  const auto info = decode_learner_info(octets);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->id, 2);
  EXPECT_EQ(info->protocol, learner_protocol);
  EXPECT_EQ(info->config_version, 0x100000000);
  EXPECT_EQ(decode_learner_info(octets.substr(0, 12)).value().config_version, 0);
  EXPECT_FALSE(decode_learner_info(octets.substr(0, 11)));
}

TEST(Packet, IsNamedForPeople) {
  EXPECT_EQ(describe(make_packet(PacketType::up_to_date, -1)), "UPTODATE 0xffffffffffffffff");
  EXPECT_EQ(describe(Packet{.type = 99, .zxid = 1}), "UNKNOWN 0x1");
}

}  // namespace
}  // namespace chorus::zab
