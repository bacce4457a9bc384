// What real servers said to one another, in pieces of every size.
#include "zab/packet_stream.h"

#include <gtest/gtest.h>

#include <map>

#include "zab/quorum_vectors.h"

namespace chorus::zab {
namespace {

/// Takes that many octets, in records of five.
struct Counter final : SnapshotSink {
  Counter(std::size_t octets, bool& finished) : left(octets), finished(finished) {}
  base::Result<std::size_t, std::string> feed(std::string_view octets) override {
    const std::size_t used = octets.size() >= left ? left : octets.size() / 5 * 5;
    left -= used;
    return used;
  }
  bool is_complete() const override { return left == 0; }
  void finish() override { finished = true; }
  std::size_t left;
  bool& finished;
};

class Recorded : public testing::TestWithParam<const char*> {};

TEST_P(Recorded, IsReadInPiecesOfAnySize) {
  std::map<std::pair<int, std::string>, std::vector<test::QuorumLine>> directions;
  for (const test::QuorumLine& line : test::read_quorum_lines(GetParam())) {
    if (!line.octets.empty()) directions[{line.connection, line.from}].push_back(line);
  }
  for (const auto& [direction, lines] : directions) {
    SCOPED_TRACE(direction.second);
    std::string octets;
    std::vector<std::string> kinds;
    std::size_t snapshot = 0;
    for (const test::QuorumLine& line : lines) {
      octets += line.octets;
      kinds.push_back(line.kind);
      if (line.kind == "snapshot") snapshot = line.octets.size() - snapshot_signature.size();
    }
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, octets.size()}) {
      SCOPED_TRACE(piece);
      PacketStream stream;
      std::vector<std::string> read;
      bool finished = false;
      for (std::size_t at = 0; at < octets.size(); at += piece) {
        stream.feed(std::string_view(octets).substr(at, piece));
        for (;;) {
          auto item = stream.next();
          ASSERT_TRUE(item) << item.error();
          if (!*item) break;
          const auto* packet = std::get_if<Packet>(&**item);
          read.emplace_back(packet == nullptr ? "snapshot" : name_of(static_cast<PacketType>(packet->type)));
          if (read.back() == "SNAP") stream.expect_snapshot(std::make_unique<Counter>(snapshot, finished));
        }
      }
      EXPECT_EQ(read, kinds);
      EXPECT_EQ(finished, snapshot > 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Streams, Recorded,
                         testing::Values("form-empty", "traffic", "join-diff", "join-snap", "join-trunc", "join-trunc-too-late", "observer",
                                         "reconfig"),
                         [](const auto& test) {
                           std::string name;
                           for (const char c : std::string_view(test.param)) name += c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace chorus::zab
