// Addresses that a rule is about: single ones, networks ("10.0.0.0/8"), and the patterns of RocketMQ 4's plain_acl.yml.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace chorus::mq::acl {

/// A numeric address as its parts: four of 0 to 255, or eight of 0 to 65535. An IPv4 address in IPv6's clothes (::ffff:1.2.3.4) is IPv4.
struct Ip {
  std::array<std::uint16_t, 8> parts{};
  std::size_t count = 4;
  friend bool operator==(const Ip&, const Ip&) = default;
};
std::optional<Ip> parse_ip(std::string_view text);

/// Whether a rule may name it so: an address, or address/prefix.
bool is_ip_or_network(std::string_view text);
/// Whether the address is that one, or in that network. False when either is none.
bool is_in(std::string_view ip, std::string_view ip_or_network);

/// source: acl/plain/RemoteAddressStrategyFactory.java (4.9.7)
///   ""                          nobody
///   "*"                         everybody
///   "10.10.103.*"  "10.10.10-20.*"  "2001:db8:*"     parts that are ranges
///   "10.10.1.1,10.10.1.2"  "10.10.1.{1,2}"           several
class AddressPattern {
 public:
  /// The words of the error are RocketMQ's.
  static base::Result<AddressPattern, std::string> parse(std::string_view text);
  bool matches(std::string_view ip) const;

 private:
  struct Range {
    std::uint16_t from = 0, to = 0;
  };
  struct One {
    std::array<Range, 8> parts{};
    std::size_t count = 4;
  };
  static std::optional<One> parse_one(std::string_view text);

  bool all_ = false;
  std::vector<One> some_;
};

}  // namespace chorus::mq::acl
