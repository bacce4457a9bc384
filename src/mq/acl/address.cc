#include "mq/acl/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

#include "base/text.h"

namespace chorus::mq::acl {
namespace {

/// A whole number in that base; empty: it is none, or above `max`.
std::optional<std::uint16_t> part_of(std::string_view text, int radix, std::uint32_t max) {
  std::uint32_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value, radix);
  if (wrong != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

struct Network {
  Ip ip;
  std::size_t prefix = 0;  // bits
};
std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto ip = parse_ip(text.substr(0, slash));
  if (!ip) return std::nullopt;
  const std::size_t bits = ip->count == 4 ? 32 : 128;
  if (slash == std::string_view::npos) return Network{*ip, bits};
  const auto prefix = part_of(text.substr(slash + 1), 10, static_cast<std::uint32_t>(bits));
  if (!prefix) return std::nullopt;
  return Network{*ip, *prefix};
}

}  // namespace

std::optional<Ip> parse_ip(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string copy(text);
  std::array<unsigned char, 16> octets{};
  Ip ip;
  if (inet_pton(AF_INET, copy.c_str(), octets.data()) == 1) {
    for (std::size_t i = 0; i < 4; ++i) ip.parts[i] = octets[i];
    return ip;
  }
  if (inet_pton(AF_INET6, copy.c_str(), octets.data()) != 1) return std::nullopt;
  bool mapped = octets[10] == 0xff && octets[11] == 0xff;
  for (std::size_t i = 0; i < 10; ++i) mapped = mapped && octets[i] == 0;
  if (mapped) {
    for (std::size_t i = 0; i < 4; ++i) ip.parts[i] = octets[12 + i];
    return ip;
  }
  ip.count = 8;
  for (std::size_t i = 0; i < 8; ++i) ip.parts[i] = static_cast<std::uint16_t>(octets[2 * i] << 8 | octets[2 * i + 1]);
  return ip;
}

bool is_ip_or_network(std::string_view text) { return parse_network(text).has_value(); }

bool is_in(std::string_view ip_text, std::string_view network_text) {
  const auto ip = parse_ip(ip_text);
  const auto network = parse_network(network_text);
  if (!ip || !network || ip->count != network->ip.count) return false;
  const std::size_t part_bits = ip->count == 4 ? 8 : 16;
  std::size_t left = network->prefix;
  for (std::size_t i = 0; i < ip->count && left > 0; ++i) {
    const std::size_t bits = std::min(left, part_bits);
    const std::size_t shift = part_bits - bits;
    if (ip->parts[i] >> shift != network->ip.parts[i] >> shift) return false;
    left -= bits;
  }
  return true;
}

std::optional<AddressPattern::One> AddressPattern::parse_one(std::string_view text) {
  const bool v6 = text.find(':') != std::string_view::npos;
  const std::uint16_t most = v6 ? 0xffff : 255;
  const auto range = [&](std::string_view part) -> std::optional<Range> {
    part = base::trim(part);
    if (part == "*") return Range{0, most};
    const std::size_t minus = part.find('-');
    const auto from = part_of(part.substr(0, minus), v6 ? 16 : 10, most);
    const auto to = minus == std::string_view::npos ? from : part_of(part.substr(minus + 1), v6 ? 16 : 10, most);
    if (!from || !to || *from > *to) return std::nullopt;
    return Range{*from, *to};
  };
  One one{.count = v6 ? std::size_t{8} : std::size_t{4}};
  const auto fill = [&](std::string_view parts, std::size_t at) -> std::optional<std::size_t> {  // how many there were
    if (parts.empty()) return 0;
    const auto split = base::split(parts, v6 ? ':' : '.');
    if (split.size() > one.count) return std::nullopt;
    const std::size_t first = at == one.count ? one.count - split.size() : at;
    for (std::size_t i = 0; i < split.size(); ++i) {
      const auto found = range(split[i]);
      if (!found) return std::nullopt;
      one.parts[first + i] = *found;
    }
    return split.size();
  };
  const std::size_t gap = v6 ? text.find("::") : std::string_view::npos;
  if (gap == std::string_view::npos) {
    const auto count = fill(text, 0);
    if (!count || *count == 0) return std::nullopt;
    // Of IPv6 the rest may be left out behind a last "*".
    if (*count < one.count && !(v6 && text.ends_with('*'))) return std::nullopt;
    for (std::size_t i = *count; i < one.count; ++i) one.parts[i] = {0, most};
    return one;
  }
  const auto head = fill(text.substr(0, gap), 0);
  const auto tail = fill(text.substr(gap + 2), one.count);
  if (!head || !tail || *head + *tail >= one.count) return std::nullopt;
  return one;
}

base::Result<AddressPattern, std::string> AddressPattern::parse(std::string_view text) {
  AddressPattern pattern;
  text = base::trim(text);
  if (text.empty()) return pattern;
  if (text == "*" || text == "*.*.*.*" || text == "*:*:*:*:*:*:*:*") {
    pattern.all_ = true;
    return pattern;
  }
  std::vector<std::string> alternatives;
  if (const std::size_t brace = text.find('{'); text.ends_with('}') && brace != std::string_view::npos) {
    for (const std::string_view end : base::split(text.substr(brace + 1, text.size() - brace - 2), ',')) {
      alternatives.push_back(fmt::format("{}{}", text.substr(0, brace), base::trim(end)));
    }
  } else {
    for (const std::string_view one : base::split(text, ',')) alternatives.emplace_back(base::trim(one));
  }
  for (const std::string& alternative : alternatives) {
    const auto one = parse_one(alternative);
    if (!one) return std::unexpected(fmt::format("Netaddress examine Exception netaddress is {}", alternative));
    pattern.some_.push_back(*one);
  }
  return pattern;
}

bool AddressPattern::matches(std::string_view text) const {
  if (all_) return true;
  if (some_.empty()) return false;
  const auto ip = parse_ip(text);
  if (!ip) return false;
  for (const One& one : some_) {
    bool all = one.count == ip->count;
    for (std::size_t i = 0; all && i < one.count; ++i) all = one.parts[i].from <= ip->parts[i] && ip->parts[i] <= one.parts[i].to;
    if (all) return true;
  }
  return false;
}

}  // namespace chorus::mq::acl
