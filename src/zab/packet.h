// The octets of the quorum port: jute records that follow one another without frames. source: zookeeper.jute (QuorumPacket, LearnerInfo),
// Leader, LearnerHandler, Learner
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "zab/types.h"

namespace chorus::zab {

enum class PacketType : std::int32_t {
  request = 1,
  proposal = 2,
  ack = 3,
  commit = 4,
  ping = 5,
  revalidate = 6,
  sync = 7,
  inform = 8,
  commit_and_activate = 9,
  new_leader = 10,
  follower_info = 11,
  up_to_date = 12,
  diff = 13,
  trunc = 14,
  snap = 15,
  observer_info = 16,
  leader_info = 17,
  ack_epoch = 18,
  inform_and_activate = 19,
};
/// As ZooKeeper spells it; "UNKNOWN" for a number that has no name.
std::string_view name_of(PacketType type);
/// "PROPOSAL 0x100000003", for people.
std::string describe(const Packet& packet);

Packet make_packet(PacketType type, std::int64_t zxid);
/// With data, which may be shared.
Packet make_packet(PacketType type, std::int64_t zxid, std::shared_ptr<const std::string> data);
Packet make_packet(PacketType type, std::int64_t zxid, std::string data);

/// The packet's data; empty when null.
std::string_view data_of(const Packet& packet);

/// Appends the packet's octets.
void encode(const Packet& packet, std::string& out);

/// What is taken from the other side at most, so that it cannot make us allocate without end. Java's readers take about 2 MiB unless
/// jute.maxbuffer says more.
struct PacketLimits {
  std::size_t data_octets = 64 << 20;
  std::int32_t auth_ids = 1024;
  std::size_t auth_octets = 1 << 20;  // of all schemes and ids together
};
struct PacketRead {
  Packet packet;
  std::size_t used;  // octets that it took
};
/// The packet at the beginning of `octets`; nothing while more of them are needed. What follows it is left: after SNAP that is no packet.
/// The words of the error say why the connection is to be closed.
base::Result<std::optional<PacketRead>, std::string> decode_packet(std::string_view octets, const PacketLimits& limits = {});

inline constexpr std::int32_t learner_protocol = 0x10000;
/// Data of FOLLOWERINFO and OBSERVERINFO.
struct LearnerInfo {
  ServerId id = 0;
  std::int32_t protocol = learner_protocol;
  std::int64_t config_version = 0;  // of the learner's committed configuration
};
std::string encode(const LearnerInfo& info);
/// Releases before 3.5 leave out the version of the configuration. Empty when there is even less.
std::optional<LearnerInfo> decode_learner_info(std::string_view data);

}  // namespace chorus::zab
