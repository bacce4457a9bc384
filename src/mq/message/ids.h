// Hosts and the ids that are made of them: a message's offset id, and the unique id that clients give.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace chorus::mq {

/// An IPv4 or IPv6 address with a port, as messages hold it.
struct Host {
  std::array<std::uint8_t, 16> address{};  // IPv4: the first four
  bool v6 = false;
  std::int32_t port = 0;

  std::string_view octets() const { return {reinterpret_cast<const char*>(address.data()), v6 ? std::size_t{16} : std::size_t{4}}; }
  /// In a message: address and port.
  std::size_t size() const { return v6 ? 20 : 8; }
  friend bool operator==(const Host&, const Host&) = default;
};

/// "127.0.0.1:10911", "[::1]:10911" or "::1:10911"; numeric addresses only.
std::optional<Host> parse_host(std::string_view text);
/// "127.0.0.1:10911" or "[::1]:10911".
std::string to_string(const Host& host);
void write_host(base::Writer& out, const Host& host);
Host read_host(base::Reader& in, bool v6);

/// Where a message is: told to producers as msgId, asked for by it later.
struct OffsetId {
  Host store_host;
  std::int64_t position = 0;
  friend bool operator==(const OffsetId&, const OffsetId&) = default;
};
/// 32 (IPv4) or 56 upper-case hexadecimal digits.
std::string to_string(const OffsetId& id);
void append_offset_id(std::string& out, const Host& store_host, std::int64_t position);
std::optional<OffsetId> parse_offset_id(std::string_view text);

/// What a client put into its own id (property UNIQ_KEY). Other clients than Java's keep to the length only.
struct UniqueId {
  Host host;  // port 0
  std::uint16_t pid = 0;
  std::int32_t loader_hash = 0;
  std::int32_t month_ms = 0;  // since the month began where the client is
  std::uint16_t counter = 0;
  friend bool operator==(const UniqueId&, const UniqueId&) = default;
};
std::string to_string(const UniqueId& id);
std::optional<UniqueId> parse_unique_id(std::string_view text);
/// Milliseconds since the month began, UTC.
std::int32_t ms_of_month(std::int64_t unix_ms);

/// Java's String.hashCode of the text: over UTF-16 units, ill-formed octets read as U+FFFD.
std::int32_t java_hash(std::string_view utf8);

}  // namespace chorus::mq
