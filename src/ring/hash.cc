#include "ring/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace chorus::ring {

std::uint64_t hash_octets(std::string_view octets, std::uint64_t seed) { return XXH3_64bits_withSeed(octets.data(), octets.size(), seed); }

}  // namespace chorus::ring
