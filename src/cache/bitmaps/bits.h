// Where bits are: the first is the highest of the first octet.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "cache/call.h"

namespace chorus::cache {

/// A bit's number; `#n` counts in steps of `width` where that is given. Empty: the error is replied.
std::optional<std::uint64_t> bit_offset(Call& call, std::size_t argument, unsigned width = 0);
/// `count` bits, 1 .. 64, from bit `offset` on; what is beyond the end is 0.
std::uint64_t read_bits(std::string_view octets, std::uint64_t offset, unsigned count);
/// `octets` has room for them.
void write_bits(char* octets, std::uint64_t offset, unsigned count, std::uint64_t value);
/// How many are 1 of those from `first` to `last`, both bits included and within.
std::uint64_t count_bits(std::string_view octets, std::uint64_t first, std::uint64_t last);

namespace errors {
inline constexpr std::string_view bit_offset = "ERR bit offset is not an integer or out of range";
}

}  // namespace chorus::cache
