// Parts of a machine's libraries.
#pragma once

struct lua_State;

namespace chorus::cache {

/// Puts Redis' own random and randomseed into the table on top.
void open_random(lua_State* state);
/// As at the start of each script: scripts that run alike get the same numbers.
void reset_random(lua_State* state);

}  // namespace chorus::cache
