// math.random and math.randomseed: the generator of drand48, so that a script that says randomseed gets the same numbers wherever it runs.
#include <cmath>
#include <cstdint>
#include <limits>
#include <lua.hpp>

#include "cache/scripts/libraries.h"

namespace chorus::cache {
namespace {

constexpr char seed_key[] = "random";

std::uint64_t& seed_of(lua_State* state) {
  lua_getfield(state, LUA_REGISTRYINDEX, seed_key);
  auto* seed = static_cast<std::uint64_t*>(lua_touserdata(state, -1));
  lua_pop(state, 1);
  return *seed;
}

void set_seed(std::uint64_t& seed, std::uint32_t value) { seed = static_cast<std::uint64_t>(value) << 16 | 0x330e; }

int random(lua_State* state) {
  std::uint64_t& seed = seed_of(state);
  seed = (seed * 0x5deece66dULL + 0xb) & 0xffffffffffffULL;
  constexpr auto most = std::numeric_limits<std::int32_t>::max();
  const auto drawn = static_cast<std::int64_t>(seed >> 17);
  const auto part = static_cast<lua_Number>(drawn % most) / static_cast<lua_Number>(most);
  switch (lua_gettop(state)) {
    case 0:
      lua_pushnumber(state, part);
      return 1;
    case 1: {
      const int high = luaL_checkint(state, 1);
      luaL_argcheck(state, 1 <= high, 1, "interval is empty");
      lua_pushnumber(state, std::floor(part * high) + 1);
      return 1;
    }
    case 2: {
      const int low = luaL_checkint(state, 1), high = luaL_checkint(state, 2);
      luaL_argcheck(state, low <= high, 2, "interval is empty");
      lua_pushnumber(state, std::floor(part * (static_cast<lua_Number>(high) - low + 1)) + low);
      return 1;
    }
    default:
      return luaL_error(state, "wrong number of arguments");
  }
}

int random_seed(lua_State* state) {
  set_seed(seed_of(state), static_cast<std::uint32_t>(luaL_checkint(state, 1)));
  return 0;
}

}  // namespace

void open_random(lua_State* state) {
  set_seed(*static_cast<std::uint64_t*>(lua_newuserdata(state, sizeof(std::uint64_t))), 0);
  lua_setfield(state, LUA_REGISTRYINDEX, seed_key);
  lua_pushcfunction(state, random);
  lua_setfield(state, -2, "random");
  lua_pushcfunction(state, random_seed);
  lua_setfield(state, -2, "randomseed");
}

void seed_random(lua_State* state, std::uint64_t seed) {
  constexpr std::uint64_t mask = 0xffffffffffffULL;
  seed_of(state) = seed & mask;
}

}  // namespace chorus::cache
