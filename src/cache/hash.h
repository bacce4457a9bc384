// The hash of keys, fields and members: keyed, so that strangers cannot choose keys that collide.
#pragma once

#include <cstdint>
#include <string_view>

namespace chorus::cache {

/// Of this process; drawn once at the start (the simulator draws it from its seed). Tables made before a change are lost.
void set_hash_seed(std::uint64_t seed);
/// Well mixed in all 64 bits.
std::uint64_t hash_of(std::string_view octets);

}  // namespace chorus::cache
