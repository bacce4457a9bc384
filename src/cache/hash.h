// The hash of keys, fields and members: keyed, so that strangers cannot choose keys that collide.
#pragma once

#include <cstdint>
#include <string_view>

namespace chorus::cache {

/// Of this process: the first call counts, before there is any table or a second thread that hashes; later ones change nothing.
void set_hash_seed(std::uint64_t seed);
/// Well mixed in all 64 bits.
std::uint64_t hash_of(std::string_view octets);

}  // namespace chorus::cache
