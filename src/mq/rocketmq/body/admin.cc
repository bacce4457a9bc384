#include "mq/rocketmq/body/admin.h"

#include "base/java_properties.h"

namespace chorus::mq::rocketmq {
namespace {

// The parser takes octets for Latin-1, as Java's reader of streams does; RocketMQ decodes UTF-8 first. One code point for each octet:
// undone here, unless an escape stood for one that is no octet of UTF-8.
std::string octets_of(std::string_view text) {
  std::string octets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c == 0xc2 || c == 0xc3) && i + 1 < text.size())
      octets.push_back(static_cast<char>(static_cast<unsigned char>(text[++i]) | (c & 1) << 6));
    else
      octets.push_back(text[i]);
  }
  return base::is_utf8(octets) ? octets : std::string(text);
}

}  // namespace

PropertyList parse_properties_text(std::string_view text) {
  PropertyList properties;
  for (const base::JavaProperty& property : base::parse_java_properties(text))
    properties.emplace_back(octets_of(property.key), octets_of(property.value));
  return properties;
}

std::string properties_text(const PropertyList& properties) {
  std::string text;
  for (const auto& [key, value] : properties) text.append(key).append("=").append(value).append("\n");
  return text;
}

}  // namespace chorus::mq::rocketmq
