// "cmsgpack": values of Lua in MessagePack. source: github.com/msgpack/msgpack, spec.md; what becomes what is as in Redis
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <lua.hpp>
#include <string>
#include <string_view>

#include "cache/scripts/machine.h"

namespace chorus::cache {
namespace {

constexpr int depth_max = 16;  // of tables within tables; what is deeper is nil

class Packer {
 public:
  Packer(lua_State* state, std::string& out) : state_(state), out_(out) {}

  /// The value on top, which goes.
  void pack(int depth) {
    luaL_checkstack(state_, 4, "too many nested tables");
    if (out_.size() > Machine::value_octets_max) luaL_error(state_, "not enough memory");
    switch (lua_type(state_, -1)) {
      case LUA_TSTRING: {
        std::size_t size = 0;
        const char* octets = lua_tolstring(state_, -1, &size);
        pack_string({octets, size});
        break;
      }
      case LUA_TBOOLEAN:
        put(lua_toboolean(state_, -1) != 0 ? 0xc3 : 0xc2);
        break;
      case LUA_TNUMBER:
        pack_number(lua_tonumber(state_, -1));
        break;
      case LUA_TTABLE:
        depth == depth_max ? put(0xc0) : pack_table(depth);
        break;
      default:
        put(0xc0);
    }
    lua_pop(state_, 1);
  }

 private:
  void put(unsigned octet) { out_ += static_cast<char>(octet); }
  void put(unsigned octet, std::uint64_t value, int octets) {
    put(octet);
    for (int i = octets - 1; i >= 0; --i) put(static_cast<unsigned>(value >> (8 * i) & 255));
  }
  void pack_string(std::string_view text) {
    const std::size_t size = text.size();
    if (size < 32) {
      put(0xa0 | static_cast<unsigned>(size));
    } else if (size <= 0xff) {
      put(0xd9, size, 1);
    } else if (size <= 0xffff) {
      put(0xda, size, 2);
    } else {
      put(0xdb, size, 4);
    }
    out_ += text;
  }
  void pack_integer(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    if (value >= 0) {
      if (value <= 127) return put(static_cast<unsigned>(value));
      if (value <= 0xff) return put(0xcc, bits, 1);
      if (value <= 0xffff) return put(0xcd, bits, 2);
      if (value <= 0xffffffffLL) return put(0xce, bits, 4);
      return put(0xcf, bits, 8);
    }
    if (value >= -32) return put(static_cast<unsigned>(bits & 0xff));
    if (value >= -128) return put(0xd0, bits, 1);
    if (value >= -32768) return put(0xd1, bits, 2);
    if (value >= -2147483648LL) return put(0xd2, bits, 4);
    put(0xd3, bits, 8);
  }
  void pack_number(lua_Number number) {
    if (number >= -0x1p63 && number < 0x1p63 && std::floor(number) == number) return pack_integer(static_cast<std::int64_t>(number));
    const auto small = static_cast<float>(number);
    if (static_cast<lua_Number>(small) == number) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, &small, sizeof bits);
      return put(0xca, bits, 4);
    }
    std::uint64_t bits = 0;
    std::memcpy(&bits, &number, sizeof bits);
    put(0xcb, bits, 8);
  }
  void pack_head(std::size_t count, unsigned small, unsigned two, unsigned four) {
    if (count <= 15) return put(small | static_cast<unsigned>(count));
    count <= 0xffff ? put(two, count, 2) : put(four, count, 4);
  }
  /// Whether the keys are 1 to as many as there are. count: of all.
  bool is_array(std::size_t& count) {
    std::size_t highest = 0;
    bool all_positive = true;
    count = 0;
    for (lua_pushnil(state_); lua_next(state_, -2) != 0; lua_pop(state_, 1)) {
      ++count;
      const lua_Number key = lua_type(state_, -2) == LUA_TNUMBER ? lua_tonumber(state_, -2) : 0;
      if (!(key > 0 && key < 0x1p53) || std::floor(key) != key) {
        all_positive = false;
      } else {
        highest = std::max(highest, static_cast<std::size_t>(key));
      }
    }
    return all_positive && highest == count;
  }
  void pack_table(int depth) {
    std::size_t count = 0;
    if (is_array(count)) {
      pack_head(count, 0x90, 0xdc, 0xdd);
      for (std::size_t i = 1; i <= count; ++i) {
        lua_rawgeti(state_, -1, static_cast<int>(i));
        pack(depth + 1);
      }
      return;
    }
    pack_head(count, 0x80, 0xde, 0xdf);
    lua_pushnil(state_);
    while (lua_next(state_, -2) != 0) {
      lua_pushvalue(state_, -2);
      pack(depth + 1);
      pack(depth + 1);
    }
  }

  lua_State* state_;
  std::string& out_;
};

class Unpacker {
 public:
  Unpacker(lua_State* state, std::string_view in) : state_(state), in_(in) {}
  std::size_t left() const { return in_.size(); }

  void unpack() {
    luaL_checkstack(state_, 4, "too many return values at once; use unpack_one or unpack_limit instead.");
    const auto first = static_cast<unsigned char>(take(1).front());
    if (first <= 0x7f) return lua_pushnumber(state_, first);
    if (first >= 0xe0) return lua_pushnumber(state_, static_cast<signed char>(first));
    if (first >= 0xa0 && first <= 0xbf) return push_string(first & 31U);
    if (first >= 0x90 && first <= 0x9f) return push_array(first & 15U);
    if (first <= 0x8f) return push_map(first & 15U);
    switch (first) {
      case 0xc0:
        return lua_pushnil(state_);
      case 0xc2:
        return lua_pushboolean(state_, 0);
      case 0xc3:
        return lua_pushboolean(state_, 1);
      case 0xca: {
        const auto bits = static_cast<std::uint32_t>(number(4));
        float value = 0;
        std::memcpy(&value, &bits, sizeof value);
        return lua_pushnumber(state_, value);
      }
      case 0xcb: {
        const std::uint64_t bits = number(8);
        double value = 0;
        std::memcpy(&value, &bits, sizeof value);
        return lua_pushnumber(state_, value);
      }
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return lua_pushnumber(state_, static_cast<lua_Number>(number(1U << (first - 0xcc))));
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3: {
        const unsigned octets = 1U << (first - 0xd0), shift = 64 - 8 * octets;
        return lua_pushnumber(state_, static_cast<lua_Number>(static_cast<std::int64_t>(number(octets) << shift) >> shift));
      }
      case 0xc4:
      case 0xd9:
        return push_string(number(1));
      case 0xc5:
      case 0xda:
        return push_string(number(2));
      case 0xc6:
      case 0xdb:
        return push_string(number(4));
      case 0xdc:
        return push_array(number(2));
      case 0xdd:
        return push_array(number(4));
      case 0xde:
        return push_map(number(2));
      case 0xdf:
        return push_map(number(4));
      default:
        luaL_error(state_, "Bad data format in input.");
    }
  }

 private:
  std::string_view take(std::uint64_t octets) {
    if (octets > in_.size()) luaL_error(state_, "Missing bytes in input.");
    const std::string_view taken = in_.substr(0, octets);
    in_.remove_prefix(octets);
    return taken;
  }
  std::uint64_t number(unsigned octets) {
    std::uint64_t value = 0;
    for (const char c : take(octets)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  void push_string(std::uint64_t size) {
    const std::string_view text = take(size);
    lua_pushlstring(state_, text.data(), text.size());
  }
  // Elements are an octet each at least: a count that cannot be is found before anything is made for it.
  void enter(std::uint64_t octets) {
    constexpr int nested_max = 2000;  // of this program's own stack
    if (octets > in_.size()) luaL_error(state_, "Missing bytes in input.");
    if (++depth_ > nested_max) luaL_error(state_, "Bad data format in input.");
  }
  void push_array(std::uint64_t count) {
    enter(count);
    lua_newtable(state_);
    for (std::uint64_t i = 1; i <= count; ++i) {
      lua_pushnumber(state_, static_cast<lua_Number>(i));
      unpack();
      lua_settable(state_, -3);
    }
    --depth_;
  }
  void push_map(std::uint64_t count) {
    enter(count * 2);
    lua_newtable(state_);
    for (; count > 0; --count) {
      unpack();
      unpack();
      lua_settable(state_, -3);
    }
    --depth_;
  }

  lua_State* state_;
  std::string_view in_;
  int depth_ = 0;
};

int pack(lua_State* state) {
  const int count = lua_gettop(state);
  if (count == 0) return luaL_argerror(state, 0, "MessagePack pack needs input.");
  std::string out;
  for (int i = 1; i <= count; ++i) {
    lua_pushvalue(state, i);
    Packer(state, out).pack(0);
  }
  lua_pushlstring(state, out.data(), out.size());
  return 1;
}

int unpack_some(lua_State* state, int limit, lua_Number offset, bool says_offset) {
  std::size_t size = 0;
  const char* octets = luaL_checklstring(state, 1, &size);
  if (offset < 0 || limit < 0) {
    return luaL_error(state, "Invalid request to unpack with offset of %d and limit of %d.", static_cast<int>(offset), limit);
  }
  if (offset > static_cast<lua_Number>(size)) {
    return luaL_error(state, "Start offset %d greater than input length %d.", static_cast<int>(offset), static_cast<int>(size));
  }
  const bool all = limit == 0 && !says_offset;
  Unpacker unpacker(state, std::string_view(octets, size).substr(static_cast<std::size_t>(offset)));
  int count = 0;
  for (; unpacker.left() > 0 && (all || count < limit); ++count) unpacker.unpack();
  if (!says_offset) return count;
  luaL_checkstack(state, 1, "too many return values at once; use unpack_one or unpack_limit instead.");
  lua_pushinteger(state, unpacker.left() == 0 ? -1 : static_cast<lua_Integer>(size - unpacker.left()));
  lua_insert(state, -(count + 1));
  return count + 1;
}

int unpack(lua_State* state) { return unpack_some(state, 0, 0, false); }
int unpack_one(lua_State* state) { return unpack_some(state, 1, luaL_optnumber(state, 2, 0), true); }
int unpack_limit(lua_State* state) { return unpack_some(state, luaL_checkint(state, 2), luaL_optnumber(state, 3, 0), true); }

}  // namespace

void open_cmsgpack(lua_State* state) {
  lua_newtable(state);
  constexpr luaL_Reg functions[] = {{"pack", pack}, {"unpack", unpack}, {"unpack_one", unpack_one}, {"unpack_limit", unpack_limit}};
  for (const luaL_Reg& each : functions) {
    lua_pushcfunction(state, each.func);
    lua_setfield(state, -2, each.name);
  }
  lua_pushliteral(state, "cmsgpack");
  lua_setfield(state, -2, "_NAME");
  lua_pushliteral(state, "lua-cmsgpack 0.4.0");
  lua_setfield(state, -2, "_VERSION");
}

}  // namespace chorus::cache
