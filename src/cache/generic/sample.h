// Which elements SRANDMEMBER, HRANDFIELD and ZRANDMEMBER draw.
#pragma once

#include <cstddef>
#include <vector>

#include "base/random.h"

namespace chorus::cache {

/// `count` different ones of 0 .. size - 1, each choice as likely, in ascending order; count <= size.
std::vector<std::size_t> choose(base::Random& random, std::size_t size, std::size_t count);

}  // namespace chorus::cache
