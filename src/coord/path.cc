#include "coord/path.h"

#include <cstdint>

namespace chorus::coord {
namespace {

// Java checks UTF-16 units: control characters, surrogates with the private area behind them, and specials are refused.
bool is_refused(std::uint32_t c) {
  return c <= 0x1f || (c >= 0x7f && c <= 0x9f) || (c >= 0xd800 && c <= 0xf8ff) || (c >= 0xfff0 && c <= 0xffff) || c > 0xffff;
}

// The next code point of well-formed UTF-8, or a refused one where the octets are not.
std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  // Four octets are for what lies beyond 0xffff, if not for an overlong form.
  const int extra = lead >= 0xf0 ? -1 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : -1;
  if (extra < 0 || at + static_cast<std::size_t>(extra) > text.size()) return 0xffff;
  std::uint32_t value = lead & (0x3fU >> extra);
  for (int i = 0; i < extra; ++i) {
    const auto octet = static_cast<unsigned char>(text[at++]);
    if ((octet & 0xc0) != 0x80) return 0xffff;
    value = value << 6 | (octet & 0x3f);
  }
  return extra == 2 && value < 0x800 ? 0xffff : value;  // overlong
}

}  // namespace

bool is_valid_path(std::string_view path) {
  if (path.empty() || path.front() != '/') return false;
  if (path.size() == 1) return true;
  if (path.back() == '/') return false;
  std::size_t component = 1;
  for (std::size_t at = 1; at < path.size();) {
    if (path[at] == '/') {
      const std::string_view name = path.substr(component, at - component);
      if (name.empty() || name == "." || name == "..") return false;
      component = ++at;
    } else if (is_refused(next_code_point(path, at))) {
      return false;
    }
  }
  const std::string_view name = path.substr(component);
  return name != "." && name != "..";
}

std::string_view parent_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

std::string_view last_component(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_system_path(std::string_view path) {
  return path == "/" || path == "/zookeeper" || path == "/zookeeper/quota" || path == "/zookeeper/config";
}

}  // namespace chorus::coord
