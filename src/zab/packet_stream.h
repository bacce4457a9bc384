// What comes in on a link of the quorum port, without I/O: packets, and where one announces it, a snapshot.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "zab/packet.h"
#include "zab/snapshot_stream.h"

namespace chorus::zab {

/// What follows the stream of a snapshot: a string that tells that all of it was meant. source: Learner.syncWithLeader
inline constexpr std::string_view snapshot_signature{"\0\0\0\nBenWasHere", 14};

struct StreamLimits {
  PacketLimits packet;
  /// Of the first packet, which any stranger may send: FOLLOWERINFO has 20 octets of data, LEADERINFO 4.
  PacketLimits first_packet{.data_octets = 1024, .auth_ids = 0, .auth_octets = 0};
  /// Longest record of a snapshot.
  std::size_t record_octets = 64 << 20;
};

class PacketStream {
 public:
  /// A snapshot was wholly taken in and its signature was right; packets go on.
  struct SnapshotTaken {};
  using Item = std::variant<Packet, SnapshotTaken>;

  explicit PacketStream(const StreamLimits& limits = {}) : limits_(limits) {}

  /// Octets that arrived; borrowed until next() has returned nothing or an error.
  void feed(std::string_view octets);
  /// The next item of what was fed; nothing when more is needed. The words of the error say why the link is to be ended: nothing can be
  /// read from it any more.
  base::Result<std::optional<Item>, std::string> next();
  /// What follows the packet that next() returned last is a snapshot for `sink`, which is finished and destroyed before SnapshotTaken is
  /// returned.
  void expect_snapshot(std::unique_ptr<SnapshotSink> sink) { sink_ = std::move(sink); }
  bool is_expecting_snapshot() const { return sink_ != nullptr; }
  bool had_packet() const { return had_packet_; }

 private:
  base::Result<std::optional<Item>, std::string> next_packet();
  base::Result<std::optional<Item>, std::string> take_snapshot();
  void keep_rest();

  const StreamLimits limits_;
  std::unique_ptr<SnapshotSink> sink_;
  bool had_packet_ = false;
  std::string_view rest_;  // not yet taken; of `kept_`, or of what feed() borrowed
  std::string kept_;       // the beginning of an item whose end has not come
};

}  // namespace chorus::zab
