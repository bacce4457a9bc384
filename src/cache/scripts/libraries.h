// Parts of a machine's libraries.
#pragma once

#include <cstdint>

struct lua_State;

namespace chorus::cache {

/// Puts Redis' own random and randomseed into the table on top.
void open_random(lua_State* state);
/// What numbers follow, unless a script says randomseed.
void seed_random(lua_State* state, std::uint64_t seed);

}  // namespace chorus::cache
