#include "cache/resp/quote.h"

#include <fmt/format.h>

namespace chorus::cache {

std::string quoted(std::string_view octets) {
  std::string out = "\"";
  for (const char c : octets) {
    switch (c) {
      case '\\':
      case '"':
        out += '\\';
        out += c;
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      default:
        if (c >= ' ' && c <= '~') {
          out += c;
        } else {
          out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
  }
  return out + '"';
}

std::string_view shown(std::string_view octets, std::size_t octets_max) {
  octets = octets.substr(0, octets_max);
  return octets.substr(0, octets.find('\0'));
}

}  // namespace chorus::cache
