// The line before each group of units in a file of the append log. To Redis it is a comment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chorus::cache::append {

/// What one write brought: whole units. docs/decisions has the reasons: "the append log".
struct Group {
  std::uint64_t octets = 0;    // behind the line
  std::uint64_t unsynced = 0;  // octets before the line that were not known to be durable when it was written
  std::uint32_t check = 0;     // CRC-32C of the octets
};

/// "#G:" octets " " unsynced " " check " " check-of-the-line CR LF, in hexadecimal; the second is of the line before it and its place, so
/// that a line found elsewhere is none.
inline constexpr std::size_t group_line_size = 48;
inline constexpr std::uint64_t group_octets_max = (std::uint64_t{1} << 48) - 1;
std::string group_line(std::uint64_t offset, const Group& group);
/// Empty: that is no such line, of this place. line: of group_line_size octets.
std::optional<Group> read_group_line(std::uint64_t offset, std::string_view line);

}  // namespace chorus::cache::append
