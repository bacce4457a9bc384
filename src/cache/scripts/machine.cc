#include "cache/scripts/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <limits>
#include <lua.hpp>
#include <string>

#include "base/ensure.h"
#include "cache/memory.h"
#include "cache/scripts/libraries.h"

extern "C" {
int luaopen_cjson(lua_State* state);
int luaopen_bit(lua_State* state);
}

namespace chorus::cache {
namespace {

/// No string of a script is longer: cjson counts with int that each octet may become six.
constexpr std::size_t block_octets_max = 340U << 20;
constexpr const char* readonly = "Attempt to modify a readonly table";
char protection;  // its address marks the metatables of protected tables

/// Whether the value at `at` is a protected table; then what is behind it is pushed.
bool push_protected(lua_State* state, int at) {
  if (lua_type(state, at) != LUA_TTABLE || lua_getmetatable(state, at) == 0) return false;
  lua_rawgeti(state, -1, 2);
  const bool is_protected = lua_touserdata(state, -1) == &protection;
  lua_pop(state, 1);
  if (!is_protected) {
    lua_pop(state, 1);
    return false;
  }
  lua_rawgeti(state, -1, 1);
  lua_remove(state, -2);
  return true;
}

int refuse_change(lua_State* state) { return luaL_error(state, readonly); }

/// What scripts get for a metatable that they are not to have: an empty table that cannot be changed.
void push_sealed(lua_State* state);

/// Puts a table that cannot be changed in place of the one on top.
void protect(lua_State* state, bool is_sealed = false) {
  lua_newtable(state);
  lua_newtable(state);
  lua_pushvalue(state, -3);
  lua_rawseti(state, -2, 1);
  lua_pushlightuserdata(state, &protection);
  lua_rawseti(state, -2, 2);
  lua_pushvalue(state, -3);
  lua_setfield(state, -2, "__index");
  lua_pushcfunction(state, refuse_change);
  lua_setfield(state, -2, "__newindex");
  is_sealed ? lua_pushvalue(state, -2) : push_sealed(state);
  lua_setfield(state, -2, "__metatable");
  lua_setmetatable(state, -2);
  lua_remove(state, -2);
}

void push_sealed(lua_State* state) {
  constexpr const char* key = "sealed";
  lua_getfield(state, LUA_REGISTRYINDEX, key);
  if (!lua_isnil(state, -1)) return;
  lua_pop(state, 1);
  lua_newtable(state);
  protect(state, true);
  lua_pushvalue(state, -1);
  lua_setfield(state, LUA_REGISTRYINDEX, key);
}

/// Of Lua's functions that go past metatables: upvalue 1 is the function; it may not change protected tables.
int guarded_change(lua_State* state) {
  if (push_protected(state, 1)) {
    lua_pushstring(state, readonly);
    return lua_error(state);
  }
  lua_pushvalue(state, lua_upvalueindex(1));
  lua_insert(state, 1);
  lua_call(state, lua_gettop(state) - 1, LUA_MULTRET);
  return lua_gettop(state);
}

/// The same of those that read: they read what is behind.
int guarded_read(lua_State* state) {
  if (push_protected(state, 1)) lua_replace(state, 1);
  lua_pushvalue(state, lua_upvalueindex(1));
  lua_insert(state, 1);
  lua_call(state, lua_gettop(state) - 1, LUA_MULTRET);
  return lua_gettop(state);
}

/// In the table on top.
void guard(lua_State* state, const char* name, lua_CFunction by) {
  lua_getfield(state, -1, name);
  lua_pushcclosure(state, by, 1);
  lua_setfield(state, -2, name);
}

/// Of string's functions that match patterns. They go as deep in this program's stack as the pattern is long.
int guarded_pattern(lua_State* state) {
  constexpr std::size_t pattern_octets_max = 10'000;
  std::size_t size = 0;
  const char* pattern = lua_tolstring(state, 2, &size);
  if (pattern != nullptr && size > pattern_octets_max &&
      std::string_view(pattern, size).find_first_of("^$*+?.([%-") != std::string_view::npos) {
    return luaL_error(state, "pattern too complex");
  }
  lua_pushvalue(state, lua_upvalueindex(1));
  lua_insert(state, 1);
  lua_call(state, lua_gettop(state) - 1, LUA_MULTRET);
  return lua_gettop(state);
}

/// pcall as scripts know it: an error of redis.call, which is a table, comes as its text.
int call_with_text_of_errors(lua_State* state) {
  luaL_checkany(state, 1);
  const bool is_well = lua_pcall(state, lua_gettop(state) - 1, LUA_MULTRET, 0) == 0;
  if (!is_well && lua_istable(state, -1)) {
    lua_getfield(state, -1, "err");
    if (lua_isstring(state, -1) == 0) {
      lua_pop(state, 1);
    } else {
      lua_replace(state, -2);
    }
  }
  lua_pushboolean(state, is_well ? 1 : 0);
  lua_insert(state, 1);
  return lua_gettop(state);
}

/// bit.tohex writes before its buffer where the number of digits is the smallest there is. More than eight are eight.
int guarded_tohex(lua_State* state) {
  constexpr lua_Number digits_max = 8;
  if (lua_isnumber(state, 2) != 0) {
    const lua_Number digits = lua_tonumber(state, 2);
    lua_pushnumber(state, std::isnan(digits) ? 0 : std::clamp(digits, -digits_max, digits_max));
    lua_replace(state, 2);
  }
  lua_pushvalue(state, lua_upvalueindex(1));
  lua_insert(state, 1);
  lua_call(state, lua_gettop(state) - 1, LUA_MULTRET);
  return lua_gettop(state);
}

/// In place of Lua's own, where the count of results may overflow and memory beyond the stack is written.
int unpack(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  const int first = luaL_optint(state, 2, 1);
  const int last = lua_isnoneornil(state, 3) ? static_cast<int>(lua_objlen(state, 1)) : luaL_checkint(state, 3);
  if (first > last) return 0;
  const std::int64_t count = std::int64_t{last} - first + 1;
  if (count > std::numeric_limits<int>::max() || lua_checkstack(state, static_cast<int>(count)) == 0) {
    return luaL_error(state, "too many results to unpack");
  }
  for (std::int64_t i = first; i <= last; ++i) lua_rawgeti(state, 1, static_cast<int>(i));
  return static_cast<int>(count);
}

/// While it lives, nothing is collected: Lua 5.1's parser holds a string that the collector does not know of (CVE-2025-49844). What is
/// compiled stays within the limit of memory all the same.
class NoCollection {
 public:
  explicit NoCollection(lua_State* state) : state_(state) { lua_gc(state_, LUA_GCSTOP, 0); }
  ~NoCollection() { lua_gc(state_, LUA_GCRESTART, 0); }
  NoCollection(const NoCollection&) = delete;
  NoCollection& operator=(const NoCollection&) = delete;

 private:
  lua_State* state_;
};

int load_text(lua_State* state, std::string_view text, const char* name) {
  // Compiled chunks are not checked by Lua and could do anything.
  if (!text.empty() && text.front() == LUA_SIGNATURE[0]) {
    lua_pushnil(state);
    lua_pushliteral(state, "attempt to load a binary chunk");
    return 2;
  }
  const auto load = [&] {
    const NoCollection collection(state);  // syntax errors come as a result: nothing is thrown past it
    return luaL_loadbuffer(state, text.data(), text.size(), name);
  };
  if (load() == 0) return 1;
  lua_pushnil(state);
  lua_insert(state, -2);
  return 2;
}

int load_string(lua_State* state) {
  std::size_t size = 0;
  const char* text = luaL_checklstring(state, 1, &size);
  return load_text(state, {text, size}, luaL_optstring(state, 2, text));
}

int load_pieces(lua_State* state) {
  luaL_checktype(state, 1, LUA_TFUNCTION);
  const char* name = luaL_optstring(state, 2, "=(load)");
  std::string all;
  for (;;) {
    lua_pushvalue(state, 1);
    lua_call(state, 0, 1);
    if (lua_isnil(state, -1)) break;
    std::size_t size = 0;
    const char* piece = lua_tolstring(state, -1, &size);
    if (piece == nullptr) return luaL_error(state, "reader function must return a string");
    if (size == 0) break;
    if (all.size() + size > Machine::value_octets_max) return luaL_error(state, "not enough memory");
    all.append(piece, size);
    lua_pop(state, 1);
  }
  return load_text(state, all, name);
}

int os_clock(lua_State* state) {
  lua_pushnumber(state, static_cast<lua_Number>(std::clock()) / static_cast<lua_Number>(CLOCKS_PER_SEC));
  return 1;
}

int refuse_unknown(lua_State* state) {
  const char* name = lua_tostring(state, 2);
  return luaL_error(state, "Script attempted to access nonexistent global variable '%s'", name == nullptr ? "(null)" : name);
}

void open(lua_State* state, const char* name, lua_CFunction library) {
  lua_pushcfunction(state, library);
  lua_pushstring(state, name);
  lua_call(state, 1, 0);
}

}  // namespace

void* Machine::allocate(void* self, void* block, std::size_t before, std::size_t after) {
  auto& machine = *static_cast<Machine*>(self);
  if (block == nullptr) before = 0;
  if (after == 0) {
    memory::release(block);
    machine.octets_ -= before;
    return nullptr;
  }
  if (machine.is_limited_ && after > block_octets_max) return nullptr;
  if (machine.is_limited_ && after > before && machine.octets_ - before + after > machine.octets_max_) return nullptr;
  void* moved = memory::resize(block, after);
  machine.octets_ = machine.octets_ - before + after;
  return moved;
}

Machine::Machine(Scripts& owner, bool for_functions, std::size_t octets_max)
    : octets_max_(octets_max), state_(lua_newstate(allocate, this)) {
  ENSURE(state_ != nullptr);
  open_libraries();
  open_redis(state_, owner, for_functions);
  if (for_functions) make_loading_globals();
  protect(state_);
  lua_setglobal(state_, "redis");
  protect_globals();
  lua_settop(state_, 0);
}

Machine::~Machine() { lua_close(state_); }

void Machine::open_libraries() {
  open(state_, "", luaopen_base);
  open(state_, LUA_TABLIBNAME, luaopen_table);
  open(state_, LUA_STRLIBNAME, luaopen_string);
  open(state_, LUA_MATHLIBNAME, luaopen_math);
  open(state_, "bit", luaopen_bit);
  lua_pushcfunction(state_, luaopen_cjson);
  lua_call(state_, 0, 1);
  protect(state_);
  lua_setglobal(state_, "cjson");
  open_struct(state_);
  protect(state_);
  lua_setglobal(state_, "struct");
  open_cmsgpack(state_);
  protect(state_);
  lua_setglobal(state_, "cmsgpack");
  lua_newtable(state_);
  lua_pushcfunction(state_, os_clock);
  lua_setfield(state_, -2, "clock");
  protect(state_);
  lua_setglobal(state_, "os");

  lua_getglobal(state_, "math");
  open_random(state_);
  lua_pop(state_, 1);
  lua_getglobal(state_, "table");
  for (const char* name : {"insert", "remove", "sort", "setn"}) guard(state_, name, guarded_change);
  lua_pop(state_, 1);
  lua_getglobal(state_, "string");
  for (const char* name : {"find", "match", "gmatch", "gsub"}) guard(state_, name, guarded_pattern);
  lua_pushnil(state_);
  lua_setfield(state_, -2, "gfind");  // the old name of gmatch
  lua_pop(state_, 1);
  lua_getglobal(state_, "bit");
  guard(state_, "tohex", guarded_tohex);
  lua_pop(state_, 1);
  for (const char* name : {"table", "string", "math", "bit", "coroutine"}) {
    lua_getglobal(state_, name);
    protect(state_);
    lua_setglobal(state_, name);
  }
  // Strings find their methods in the same protected table, and show nobody how.
  lua_pushliteral(state_, "");
  lua_getmetatable(state_, -1);
  lua_getglobal(state_, "string");
  lua_setfield(state_, -2, "__index");
  push_sealed(state_);
  lua_setfield(state_, -2, "__metatable");
  lua_pop(state_, 2);

  lua_pushvalue(state_, LUA_GLOBALSINDEX);
  for (const char* name : {"dofile", "loadfile", "print", "getfenv", "setfenv", "newproxy"}) {
    lua_pushnil(state_);
    lua_setfield(state_, -2, name);
  }
  for (const char* name : {"rawset", "setmetatable"}) guard(state_, name, guarded_change);
  for (const char* name : {"rawget", "next", "pairs"}) guard(state_, name, guarded_read);
  lua_pushcfunction(state_, load_string);
  lua_setfield(state_, -2, "loadstring");
  lua_pushcfunction(state_, load_pieces);
  lua_setfield(state_, -2, "load");
  lua_pushcfunction(state_, call_with_text_of_errors);
  lua_setfield(state_, -2, "pcall");
  lua_pushcfunction(state_, unpack);
  lua_setfield(state_, -2, "unpack");
  lua_pop(state_, 1);
}

void Machine::protect_globals() {
  lua_pushvalue(state_, LUA_GLOBALSINDEX);
  lua_newtable(state_);
  lua_pushcfunction(state_, refuse_unknown);
  lua_setfield(state_, -2, "__index");
  lua_setmetatable(state_, -2);
  lua_pushvalue(state_, -1);
  globals_ = luaL_ref(state_, LUA_REGISTRYINDEX);
  lua_pushvalue(state_, -1);
  protect(state_);  // of what is behind, a copy of the reference
  lua_pushvalue(state_, -1);
  lua_setfield(state_, -3, "_G");
  lua_replace(state_, LUA_GLOBALSINDEX);
  lua_pop(state_, 1);
}

void Machine::set_global_from_top(const char* name) {
  lua_rawgeti(state_, LUA_REGISTRYINDEX, globals_);
  lua_insert(state_, -2);
  lua_pushstring(state_, name);
  lua_insert(state_, -2);
  lua_rawset(state_, -3);
  lua_pop(state_, 1);
}

int Machine::compile(std::string_view source, const char* name, std::string& wrong) {
  if (!source.empty() && source.front() == LUA_SIGNATURE[0]) {
    wrong = "binary chunks are not taken";
    return 0;
  }
  const auto load = [&] {
    const Limit limit(*this);
    const NoCollection collection(state_);
    return luaL_loadbuffer(state_, source.data(), source.size(), name);
  };
  if (load() != 0) {
    std::size_t size = 0;
    const char* text = lua_tolstring(state_, -1, &size);
    wrong.assign(text == nullptr ? "" : text, text == nullptr ? 0 : size);
    lua_settop(state_, 0);
    return 0;
  }
  return luaL_ref(state_, LUA_REGISTRYINDEX);
}

void Machine::release(int reference) { luaL_unref(state_, LUA_REGISTRYINDEX, reference); }

void Machine::collect() {
  // A step takes as long as many a script.
  constexpr unsigned runs_each = 50;
  constexpr int step = 50;
  if (octets_ > octets_max_ / 2) {
    lua_gc(state_, LUA_GCCOLLECT, 0);
  } else if (++runs_ % runs_each == 0) {
    lua_gc(state_, LUA_GCSTEP, step);
  }
}

void Machine::make_loading_globals() {
  const auto refuse_others = [&] {
    lua_newtable(state_);
    lua_pushcfunction(state_, refuse_unknown);
    lua_setfield(state_, -2, "__index");
    lua_setmetatable(state_, -2);
  };
  lua_newtable(state_);
  lua_newtable(state_);
  for (const char* name :
       {"register_function", "log", "LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING", "REDIS_VERSION", "REDIS_VERSION_NUM"}) {
    lua_getfield(state_, -3, name);
    lua_setfield(state_, -2, name);
  }
  refuse_others();
  protect(state_);
  lua_setfield(state_, -2, "redis");
  refuse_others();
  loading_globals_ = luaL_ref(state_, LUA_REGISTRYINDEX);
  lua_pushnil(state_);
  lua_setfield(state_, -2, "register_function");
}

void Machine::set_loading(bool is_loading) {
  lua_pushvalue(state_, LUA_GLOBALSINDEX);
  lua_getmetatable(state_, -1);
  lua_rawgeti(state_, LUA_REGISTRYINDEX, is_loading ? loading_globals_ : globals_);
  lua_setfield(state_, -2, "__index");
  lua_pop(state_, 2);
}

void push_error(lua_State* state, std::string_view text) {
  std::string whole;
  const auto trimmed = [](std::string_view from) {
    while (!from.empty() && (from.back() == '\r' || from.back() == '\n')) from.remove_suffix(1);
    return from;
  };
  if (text.starts_with('-')) {
    text.remove_prefix(1);
    const bool has_code = text.find(' ') != std::string_view::npos;
    whole = fmt::format("{}{}", has_code ? "" : "ERR ", trimmed(text));
  } else {
    whole = fmt::format("ERR {}", trimmed(text));
  }
  lua_newtable(state);
  lua_pushlstring(state, whole.data(), whole.size());
  lua_setfield(state, -2, "err");
}

int on_error(lua_State* state) {
  lua_Debug info{};
  bool is_known = lua_getstack(state, 1, &info) != 0 && lua_getinfo(state, "nSl", &info) != 0;
  if (is_known && std::string_view(info.what) == "C")
    is_known = lua_getstack(state, 2, &info) != 0 && lua_getinfo(state, "nSl", &info) != 0;
  if (!lua_istable(state, 1)) {
    std::size_t size = 0;
    const char* text = lua_tolstring(state, 1, &size);
    const std::string message =
        text == nullptr ? fmt::format("ERR {}", luaL_typename(state, 1)) : fmt::format("ERR {}", std::string_view(text, size));
    lua_newtable(state);
    lua_pushlstring(state, message.data(), message.size());
    lua_setfield(state, -2, "err");
  } else if (push_protected(state, 1)) {
    lua_settop(state, 1);  // a library was raised: it stays as it is
    return 1;
  }
  if (is_known) {
    lua_pushstring(state, info.source);
    lua_setfield(state, -2, "source");
    lua_pushinteger(state, info.currentline);
    lua_setfield(state, -2, "line");
  }
  return 1;
}

bool is_counted_error(lua_State* state) {
  if (!lua_istable(state, -1)) return false;
  lua_pushstring(state, counted_error);
  lua_rawget(state, -2);
  const bool is_counted = lua_toboolean(state, -1) != 0;
  lua_pop(state, 1);
  return is_counted;
}

std::string error_text(lua_State* state, std::string_view script) {
  const auto text_of = [&](const char* name) {
    lua_pushstring(state, name);
    lua_rawget(state, -2);
    std::size_t size = 0;
    const char* text = lua_tolstring(state, -1, &size);
    const std::string out = text == nullptr ? std::string() : std::string(text, size);
    lua_pop(state, 1);
    return out;
  };
  if (!lua_istable(state, -1)) {
    std::size_t size = 0;
    const char* text = lua_tolstring(state, -1, &size);
    constexpr std::size_t shown_octets_max = 100;
    return fmt::format("ERR Error running script {}, {}", script,
                       text == nullptr ? "execution failure" : std::string_view(text, std::min(size, shown_octets_max)));
  }
  std::string message = text_of("err");
  lua_pushliteral(state, "err");
  lua_rawget(state, -2);  // no metamethod: nobody would catch what it throws
  if (lua_isnil(state, -1)) message = "ERR unknown error";
  lua_pop(state, 1);
  if (script.empty()) return message;
  const std::string source = text_of("source"), line = text_of("line");
  if (source.empty() || line.empty()) return fmt::format("{} script: {}", message, script);
  return fmt::format("{} script: {}, on {}:{}.", message, script, source, line);
}

}  // namespace chorus::cache
