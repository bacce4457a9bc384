#include "zab/notification.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"

namespace chorus::zab {
namespace {

// Where a connection begins. source: QuorumCnxManager.PROTOCOL_VERSION_V1, PROTOCOL_VERSION_V2
constexpr std::int64_t one_address = -65536;
constexpr std::int64_t several_addresses = -65535;
constexpr std::size_t addresses_octets_max = 2048;

// Frames of these sizes are those of older releases.
constexpr std::size_t without_peer_epoch = 28;
constexpr std::size_t without_version = 40;

/// 0.0.0.0 and :: in any spelling say nothing about where a server is.
bool is_wildcard(std::string_view host) {
  return std::ranges::all_of(host, [](char c) { return c == '0' || c == '.' || c == ':'; });
}

}  // namespace

std::string encode(const Notification& notification) {
  std::string out;
  out.reserve(44 + notification.config.size());
  base::Writer writer(out);
  writer.i32(static_cast<std::int32_t>(notification.state));
  writer.i64(notification.vote.leader);
  writer.i64(notification.vote.zxid);
  writer.i64(notification.vote.election_epoch);
  writer.i64(notification.vote.peer_epoch);
  writer.i32(notification.version);
  if (notification.version > 1) {
    writer.i32(static_cast<std::int32_t>(notification.config.size()));
    writer.octets(notification.config);
  }
  return out;
}

std::optional<Notification> decode_notification(std::string_view frame) {
  base::Reader in(frame);
  const std::int32_t state = in.i32();
  Notification out;
  out.vote.leader = in.i64();
  out.vote.zxid = in.i64();
  out.vote.election_epoch = in.i64();
  out.version = 0;
  if (frame.size() == without_peer_epoch) {
    out.vote.peer_epoch = epoch_of(out.vote.zxid);
  } else {
    out.vote.peer_epoch = in.i64();
    const std::int32_t version = in.i32();
    if (frame.size() != without_version) out.version = version;
  }
  if (out.version > 1) {
    // A negative length is a huge one here.
    out.config = in.octets(static_cast<std::uint32_t>(in.i32()));
  }
  if (!in.ok() || state < 0 || state > 3) return std::nullopt;
  out.state = static_cast<NotificationState>(state);
  return out;
}

std::string encode(const InitialMessage& message, bool multi_address) {
  std::string addresses;
  for (const world::Address& address : message.addresses) {
    if (!addresses.empty()) addresses += '|';
    addresses += to_string(address);
    if (!multi_address) break;
  }
  std::string out;
  base::Writer writer(out);
  writer.i64(multi_address ? several_addresses : one_address);
  writer.i64(message.from);
  writer.u32(static_cast<std::uint32_t>(addresses.size()));
  writer.octets(addresses);
  return out;
}

base::Result<std::optional<InitialMessageRead>, std::string> decode_initial_message(std::string_view octets) {
  base::Reader in(octets);
  InitialMessageRead read{};
  const std::int64_t first = in.i64();
  if (!in.ok()) return std::nullopt;
  if (first >= 0) {  // releases before 3.5 begin with their number and say no address
    read.message.from = first;
    read.used = in.offset();
    return read;
  }
  if (first != one_address && first != several_addresses) {
    return std::unexpected("the version " + std::to_string(first) + " of the protocol is unknown");
  }
  read.message.from = in.i64();
  const std::uint32_t length = in.u32();
  if (!in.ok()) return std::nullopt;
  if (read.message.from < 0) return std::unexpected("the server number " + std::to_string(read.message.from) + " is negative");
  if (length == 0 || length > addresses_octets_max) return std::unexpected("addresses of " + std::to_string(length) + " octets");
  const std::string_view text = in.octets(length);
  if (!in.ok()) return std::nullopt;
  for (const std::string_view part : base::split(text, '|')) {
    auto address = world::parse_address(part);
    if (!address || address->port == 0) return std::unexpected("malformed address '" + std::string(part.substr(0, 100)) + "'");
    if (!is_wildcard(address->host)) read.message.addresses.push_back(std::move(*address));
  }
  read.used = in.offset();
  return read;
}

}  // namespace chorus::zab
