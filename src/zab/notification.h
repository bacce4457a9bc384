// What servers tell one another in an election, and its octets on the election port. source: FastLeaderElection, QuorumCnxManager
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "world/net.h"
#include "zab/types.h"

namespace chorus::zab {

struct Vote {
  ServerId leader = 0;
  std::int64_t zxid = 0;
  std::int64_t election_epoch = 0;  // the round in which it was cast
  std::int64_t peer_epoch = 0;      // of the leader that is proposed
  friend bool operator==(const Vote&, const Vote&) = default;
};

enum class NotificationState : std::int32_t { looking = 0, following = 1, leading = 2, observing = 3 };

struct Notification {
  NotificationState state = NotificationState::looking;
  Vote vote;
  std::int32_t version = 2;
  std::string config;  // text of the sender's committed configuration
};

/// Without the frame's length. Decoding gives nothing for what the Java server drops.
std::string encode(const Notification& notification);
std::optional<Notification> decode_notification(std::string_view frame);
inline constexpr std::size_t notification_octets_max = 512 << 10;

/// What the connecting side sends first. version 1: one address; version 2: several.
struct InitialMessage {
  ServerId from = 0;
  std::vector<world::Address> addresses;
};
std::string encode(const InitialMessage& message, bool multi_address);
struct InitialMessageRead {
  InitialMessage message;
  std::size_t used;  // octets that it took
};
/// From the beginning of `octets`; nothing while more are needed. The words of the error say why the connection is to be dropped.
base::Result<std::optional<InitialMessageRead>, std::string> decode_initial_message(std::string_view octets);

}  // namespace chorus::zab
