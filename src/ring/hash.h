// The hashes of keys and nodes: the same on every machine and in every release, since keys have been placed by them.
// docs/decisions has why these.
#pragma once

#include <cstdint>
#include <string_view>

namespace chorus::ring {

/// XXH3, 64 bits. Not for secrets: whoever chooses keys can choose where they go.
std::uint64_t hash_octets(std::string_view octets, std::uint64_t seed = 0);

/// One to one, and each bit of the result depends on all of `x`. source: D. Stafford, "Better Bit Mixing", variant 13 (splitmix64)
constexpr std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// `hash` brought into [0, bound) by its upper bits, without a division. source: D. Lemire, "Fast Random Integer Generation in an Interval"
constexpr std::uint64_t reduce(std::uint64_t hash, std::uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(hash) * bound) >> 64);
}

}  // namespace chorus::ring
