// Which elements SRANDMEMBER, HRANDFIELD and ZRANDMEMBER draw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/random.h"

namespace chorus::cache {

/// Elements may come again, as often as is asked for (a negative count): that many at most, so that a reply cannot take all memory.
inline constexpr std::int64_t draws_max = std::int64_t{1} << 24;

/// `count` different ones of 0 .. size - 1, each choice as likely, in ascending order; count <= size.
std::vector<std::size_t> choose(base::Random& random, std::size_t size, std::size_t count);

}  // namespace chorus::cache
