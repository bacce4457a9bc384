#include "mq/message/ids.h"

#include <arpa/inet.h>

#include <chrono>

#include "base/text.h"

namespace chorus::mq {
namespace {

void append_hex(std::string& out, std::string_view octets) {
  static constexpr char digits[] = "0123456789ABCDEF";
  for (const char octet : octets) {
    out.push_back(digits[static_cast<unsigned char>(octet) >> 4]);
    out.push_back(digits[octet & 15]);
  }
}

// Octets of 32 or 56 hexadecimal digits.
std::optional<std::string> id_octets(std::string_view text) {
  if (text.size() != 32 && text.size() != 56) return std::nullopt;
  auto octets = base::unhex(text);
  if (!octets || octets->size() * 2 != text.size()) return std::nullopt;
  return octets;
}

// Decodes one code point; ill-formed: U+FFFD for the longest beginning that could have become one, as Java's decoder does.
char32_t next_code_point(std::string_view& text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = at(0);
  std::size_t length = 1;
  unsigned low = 0x80, high = 0xbf;  // of the next octet
  char32_t point = lead;
  if (lead < 0x80) {
    text.remove_prefix(1);
    return point;
  }
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2, point = lead & 0x1f;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3, point = lead & 0x0f;
    if (lead == 0xe0) low = 0xa0;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4, point = lead & 0x07;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  } else {
    text.remove_prefix(1);
    return 0xfffd;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= text.size() || at(i) < low || at(i) > high) {
      text.remove_prefix(i);
      return 0xfffd;
    }
    point = point << 6 | (at(i) & 0x3f);
    low = 0x80, high = 0xbf;
  }
  text.remove_prefix(length);
  return point >= 0xd800 && point < 0xe000 ? 0xfffd : point;
}

}  // namespace

std::optional<Host> parse_host(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = base::parse_int(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return std::nullopt;
  std::string address(text.substr(0, colon));
  if (address.size() > 2 && address.front() == '[' && address.back() == ']') address = address.substr(1, address.size() - 2);
  Host host{.port = static_cast<std::int32_t>(*port)};
  if (inet_pton(AF_INET, address.c_str(), host.address.data()) == 1) return host;
  host.address = {};
  host.v6 = true;
  if (inet_pton(AF_INET6, address.c_str(), host.address.data()) == 1) return host;
  return std::nullopt;
}

std::string to_string(const Host& host) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(host.v6 ? AF_INET6 : AF_INET, host.address.data(), text, sizeof text);
  const std::string port = std::to_string(host.port);
  return host.v6 ? std::string("[") + text + "]:" + port : std::string(text) + ":" + port;
}

void write_host(base::Writer& out, const Host& host) {
  out.octets(host.octets());
  out.i32(host.port);
}

Host read_host(base::Reader& in, bool v6) {
  Host host{.v6 = v6};
  const std::string_view address = in.octets(v6 ? 16 : 4);
  std::memcpy(host.address.data(), address.data(), address.size());
  host.port = in.i32();
  return host;
}

void append_offset_id(std::string& out, const Host& store_host, std::int64_t position) {
  std::string octets;
  base::Writer writer(octets);
  write_host(writer, store_host);
  writer.i64(position);
  append_hex(out, octets);
}

std::string to_string(const OffsetId& id) {
  std::string text;
  append_offset_id(text, id.store_host, id.position);
  return text;
}

std::optional<OffsetId> parse_offset_id(std::string_view text) {
  const auto octets = id_octets(text);
  if (!octets) return std::nullopt;
  base::Reader in(*octets);
  OffsetId id{.store_host = read_host(in, octets->size() == 28)};
  id.position = in.i64();
  return id;
}

std::string to_string(const UniqueId& id) {
  std::string octets, text;
  base::Writer out(octets);
  out.octets(id.host.octets());
  out.u16(id.pid);
  out.i32(id.loader_hash);
  out.i32(id.month_ms);
  out.u16(id.counter);
  append_hex(text, octets);
  return text;
}

std::optional<UniqueId> parse_unique_id(std::string_view text) {
  const auto octets = id_octets(text);
  if (!octets) return std::nullopt;
  base::Reader in(*octets);
  UniqueId id{.host = {.v6 = octets->size() == 28}};
  const std::string_view address = in.octets(id.host.v6 ? 16 : 4);
  std::memcpy(id.host.address.data(), address.data(), address.size());
  id.pid = in.u16();
  id.loader_hash = in.i32();
  id.month_ms = in.i32();
  id.counter = in.u16();
  return id;
}

std::int32_t ms_of_month(std::int64_t unix_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> now{milliseconds(unix_ms)};
  const year_month_day date{floor<days>(now)};
  return static_cast<std::int32_t>((now - sys_days{date.year() / date.month() / 1}).count());
}

std::int32_t java_hash(std::string_view utf8) {
  std::uint32_t hash = 0;
  while (!utf8.empty()) {
    const char32_t point = next_code_point(utf8);
    if (point >= 0x10000) {
      hash = hash * 31 + (0xd800 + ((point - 0x10000) >> 10));
      hash = hash * 31 + (0xdc00 + ((point - 0x10000) & 0x3ff));
    } else {
      hash = hash * 31 + point;
    }
  }
  return static_cast<std::int32_t>(hash);
}

}  // namespace chorus::mq
