#include "world/net.h"

#include "base/text.h"

namespace chorus::world {

std::string to_string(const Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::optional<Address> parse_address(std::string_view text, std::uint16_t default_port) {
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && !port.starts_with(':')) return std::nullopt;
    if (!port.empty()) port.remove_prefix(1);
    if (port.empty() && close + 1 != text.size()) return std::nullopt;
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    host = text.substr(0, colon);  // more than one colon without brackets is a bare IPv6 address
    port = text.substr(colon + 1);
    if (port.empty()) return std::nullopt;
  }
  if (host.empty()) return std::nullopt;
  if (port.empty()) return Address{std::string(host), default_port};
  const auto number = base::parse_int(port);
  if (!number || *number < 0 || *number > 65535) return std::nullopt;
  return Address{std::string(host), static_cast<std::uint16_t>(*number)};
}

}  // namespace chorus::world
