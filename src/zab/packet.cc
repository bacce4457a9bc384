#include "zab/packet.h"

#include <fmt/format.h>

#include <utility>

#include "base/bytes.h"

namespace chorus::zab {
namespace {

using base::Reader;

/// A length or count as jute has it. -1: null.
enum class Length { ok, more_needed, unreasonable };

struct LengthRead {
  Length how = Length::ok;
  std::int32_t value = 0;
};
LengthRead read_length(Reader& in, std::size_t max) {
  const std::int32_t value = in.i32();
  if (!in.ok()) return {Length::more_needed};
  if (value < -1 || (value > 0 && static_cast<std::size_t>(value) > max)) return {Length::unreasonable, value};
  return {Length::ok, value};
}
std::string unreasonable(const char* what, std::int32_t value) { return fmt::format("a quorum packet with {} {}", what, value); }

}  // namespace

std::string_view name_of(PacketType type) {
  switch (type) {
    case PacketType::request:
      return "REQUEST";
    case PacketType::proposal:
      return "PROPOSAL";
    case PacketType::ack:
      return "ACK";
    case PacketType::commit:
      return "COMMIT";
    case PacketType::ping:
      return "PING";
    case PacketType::revalidate:
      return "REVALIDATE";
    case PacketType::sync:
      return "SYNC";
    case PacketType::inform:
      return "INFORM";
    case PacketType::commit_and_activate:
      return "COMMITANDACTIVATE";
    case PacketType::new_leader:
      return "NEWLEADER";
    case PacketType::follower_info:
      return "FOLLOWERINFO";
    case PacketType::up_to_date:
      return "UPTODATE";
    case PacketType::diff:
      return "DIFF";
    case PacketType::trunc:
      return "TRUNC";
    case PacketType::snap:
      return "SNAP";
    case PacketType::observer_info:
      return "OBSERVERINFO";
    case PacketType::leader_info:
      return "LEADERINFO";
    case PacketType::ack_epoch:
      return "ACKEPOCH";
    case PacketType::inform_and_activate:
      return "INFORMANDACTIVATE";
  }
  return "UNKNOWN";
}

std::string describe(const Packet& packet) {
  return fmt::format("{} {:#x}", name_of(static_cast<PacketType>(packet.type)), static_cast<std::uint64_t>(packet.zxid));
}

Packet make_packet(PacketType type, std::int64_t zxid) { return {.type = static_cast<std::int32_t>(type), .zxid = zxid}; }
Packet make_packet(PacketType type, std::int64_t zxid, std::shared_ptr<const std::string> data) {
  return {.type = static_cast<std::int32_t>(type), .zxid = zxid, .has_data = true, .data = std::move(data)};
}
Packet make_packet(PacketType type, std::int64_t zxid, std::string data) {
  return make_packet(type, zxid, std::make_shared<const std::string>(std::move(data)));
}

std::string_view data_of(const Packet& packet) { return packet.data ? std::string_view(*packet.data) : std::string_view(); }

void encode(const Packet& packet, std::string& out) {
  base::Writer writer(out);
  writer.i32(packet.type);
  writer.i64(packet.zxid);
  if (packet.has_data) {
    const std::string_view data = data_of(packet);
    writer.i32(static_cast<std::int32_t>(data.size()));
    writer.octets(data);
  } else {
    writer.i32(-1);
  }
  if (packet.auth.empty()) {
    writer.i32(-1);
    return;
  }
  writer.i32(static_cast<std::int32_t>(packet.auth.size()));
  for (const Packet::Id& id : packet.auth) {
    for (const std::string& text : {std::cref(id.scheme), std::cref(id.id)}) {
      writer.i32(static_cast<std::int32_t>(text.size()));
      writer.octets(text);
    }
  }
}

base::Result<std::optional<PacketRead>, std::string> decode_packet(std::string_view octets, const PacketLimits& limits) {
  Reader in(octets);
  Packet packet{.type = in.i32(), .zxid = in.i64()};
  const LengthRead data_length = read_length(in, limits.data_octets);
  if (data_length.how == Length::unreasonable) return std::unexpected(unreasonable("a data length of", data_length.value));
  packet.has_data = data_length.value >= 0;
  const std::string_view data = in.octets(packet.has_data ? static_cast<std::size_t>(data_length.value) : 0);
  const LengthRead ids = read_length(in, static_cast<std::size_t>(limits.auth_ids));
  if (ids.how == Length::unreasonable) return std::unexpected(unreasonable("a count of ids of", ids.value));
  std::size_t auth_left = limits.auth_octets;
  for (std::int32_t i = 0; i < ids.value && in.ok(); ++i) {
    Packet::Id& id = packet.auth.emplace_back();
    for (std::string* text : {&id.scheme, &id.id}) {
      const LengthRead length = read_length(in, auth_left);
      if (length.how == Length::unreasonable) return std::unexpected(unreasonable("an id's length of", length.value));
      if (length.value <= 0) continue;
      text->assign(in.octets(static_cast<std::size_t>(length.value)));
      auth_left -= static_cast<std::size_t>(length.value);
    }
  }
  if (!in.ok()) return std::optional<PacketRead>();
  if (packet.has_data) packet.data = std::make_shared<const std::string>(data);
  return PacketRead{std::move(packet), in.offset()};
}

std::string encode(const LearnerInfo& info) {
  std::string out;
  base::Writer writer(out);
  writer.i64(info.id);
  writer.i32(info.protocol);
  writer.i64(info.config_version);
  return out;
}

std::optional<LearnerInfo> decode_learner_info(std::string_view data) {
  Reader in(data);
  LearnerInfo info{.id = in.i64(), .protocol = in.i32()};
  if (!in.ok()) return std::nullopt;
  if (in.remaining() >= 8) info.config_version = in.i64();
  return info;
}

}  // namespace chorus::zab
