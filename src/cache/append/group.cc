#include "cache/append/group.h"

#include <fmt/format.h>

#include <charconv>

#include "base/checksum.h"
#include "base/ensure.h"

namespace chorus::cache::append {
namespace {

constexpr std::size_t checked_size = 37;  // up to the blank before the line's own check

std::uint32_t line_check(std::uint64_t offset, std::string_view line) {
  return base::crc32c(line.substr(0, checked_size), base::crc32c(fmt::format("{}", offset)));
}

template <class Number>
bool read_hex(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string group_line(std::uint64_t offset, const Group& group) {
  ENSURE(group.octets <= group_octets_max && group.unsynced <= group_octets_max);
  std::string line = fmt::format("#G:{:012x} {:012x} {:08x}", group.octets, group.unsynced, group.check);
  line += fmt::format(" {:08x}\r\n", line_check(offset, line));
  return line;
}

std::optional<Group> read_group_line(std::uint64_t offset, std::string_view line) {
  if (line.size() != group_line_size || !line.starts_with("#G:") || !line.ends_with("\r\n")) return {};
  if (line[15] != ' ' || line[28] != ' ' || line[37] != ' ') return {};
  Group group;
  std::uint32_t check = 0;
  const bool is_read = read_hex(line.substr(3, 12), group.octets) && read_hex(line.substr(16, 12), group.unsynced) &&
                       read_hex(line.substr(29, 8), group.check) && read_hex(line.substr(38, 8), check);
  if (!is_read || check != line_check(offset, line)) return {};
  return group;
}

}  // namespace chorus::cache::append
