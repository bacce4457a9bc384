#include "cache/scripts/convert.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <lua.hpp>
#include <string>

#include "cache/scripts/machine.h"

namespace chorus::cache {
namespace {

/// Reads replies that this server wrote: they are whole and sound.
class Reader {
 public:
  Reader(lua_State* state, std::string_view reply) : state_(state), left_(reply) {}

  void push() {
    luaL_checkstack(state_, 8, "too many nested replies");
    const char type = left_.front();
    const std::string_view line = take_line().substr(1);
    switch (type) {
      case ':':
        return lua_pushnumber(state_, static_cast<lua_Number>(number(line)));
      case '$':
        if (line == "-1") return lua_pushboolean(state_, 0);
        return push_text(take(number(line)));
      case '+':
        return push_field("ok", line);
      case '-':
        push_error(state_, std::string("-") + std::string(line));
        lua_pushboolean(state_, 1);
        return lua_setfield(state_, -2, counted_error);
      case '*':
        if (line == "-1") return lua_pushboolean(state_, 0);
        return push_array(number(line));
      case '%':
        return push_pairs("map", number(line), true);
      case '~':
        return push_pairs("set", number(line), false);
      case '_':
        return lua_pushnil(state_);
      case '#':
        return lua_pushboolean(state_, line == "t" ? 1 : 0);
      case ',':
        lua_createtable(state_, 0, 1);
        lua_pushnumber(state_, std::strtod(std::string(line).c_str(), nullptr));
        return lua_setfield(state_, -2, "double");
      case '(':
        return push_field("big_number", line);
      case '=':
        return push_verbatim(take(number(line)));
      case '|':  // scripts do not see what is said about a reply
        for (std::int64_t left = 2 * number(line); left > 0; --left) {
          push();
          lua_pop(state_, 1);
        }
        return push();
      default:
        lua_pushnil(state_);
    }
  }

 private:
  static std::int64_t number(std::string_view text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
  std::string_view take_line() {
    const std::size_t end = left_.find("\r\n");
    const std::string_view line = left_.substr(0, end);
    left_.remove_prefix(end + 2);
    return line;
  }
  std::string_view take(std::int64_t size) {
    const std::string_view octets = left_.substr(0, static_cast<std::size_t>(size));
    left_.remove_prefix(octets.size() + 2);
    return octets;
  }
  void push_text(std::string_view text) { lua_pushlstring(state_, text.data(), text.size()); }
  void push_field(const char* name, std::string_view value) {
    lua_createtable(state_, 0, 1);
    push_text(value);
    lua_setfield(state_, -2, name);
  }
  void push_array(std::int64_t count) {
    lua_createtable(state_, static_cast<int>(count), 0);
    for (int i = 1; i <= count; ++i) {
      push();
      lua_rawseti(state_, -2, i);
    }
  }
  void push_pairs(const char* name, std::int64_t count, bool has_values) {
    lua_createtable(state_, 0, 1);
    lua_createtable(state_, 0, static_cast<int>(count));
    for (; count > 0; --count) {
      push();
      has_values ? push() : lua_pushboolean(state_, 1);
      lua_rawset(state_, -3);
    }
    lua_setfield(state_, -2, name);
  }
  void push_verbatim(std::string_view octets) {
    lua_createtable(state_, 0, 1);
    lua_createtable(state_, 0, 2);
    push_text(octets.substr(4));
    lua_setfield(state_, -2, "string");
    push_text(octets.substr(0, 3));
    lua_setfield(state_, -2, "format");
    lua_setfield(state_, -2, "verbatim_string");
  }

  lua_State* state_;
  std::string_view left_;
};

class Writer {
 public:
  Writer(lua_State* state, Call& call, int script_protocol) : state_(state), call_(call), script_protocol_(script_protocol) {}

  /// The value on top, which goes.
  void write() {
    if (lua_checkstack(state_, 8) == 0) {
      call_.reply.error("ERR reached lua stack limit");
      return lua_pop(state_, 1);
    }
    switch (lua_type(state_, -1)) {
      case LUA_TSTRING:
        call_.reply.bulk(text(-1));
        break;
      case LUA_TBOOLEAN:
        write_boolean(lua_toboolean(state_, -1) != 0);
        break;
      case LUA_TNUMBER:
        call_.reply.integer(whole(lua_tonumber(state_, -1)));
        break;
      case LUA_TTABLE:
        write_table();
        break;
      default:
        call_.reply.null();
    }
    lua_pop(state_, 1);
  }

 private:
  std::string_view text(int at) const {
    std::size_t size = 0;
    const char* octets = lua_tolstring(state_, at, &size);
    return {octets, size};
  }
  /// As the processor makes one of it: what is none, or does not fit, is the smallest.
  static std::int64_t whole(lua_Number number) {
    if (std::isnan(number) || number >= 0x1p63 || number < -0x1p63) return std::numeric_limits<std::int64_t>::min();
    return static_cast<std::int64_t>(number);
  }
  /// As Redis reads them: up to a zero octet, ends of lines as blanks.
  static std::string one_line(std::string_view text) {
    std::string line(text.substr(0, text.find('\0')));
    for (char& c : line) c = c == '\r' || c == '\n' ? ' ' : c;
    return line;
  }
  void write_boolean(bool value) {
    if (script_protocol_ < 3) return value ? call_.reply.integer(1) : call_.reply.null();
    call_.reply.boolean(value);
  }
  /// Pushes a field of the table on top where it is of that type.
  bool field(const char* name, int type) {
    lua_pushstring(state_, name);
    lua_rawget(state_, -2);
    if (lua_type(state_, -1) == type) return true;
    lua_pop(state_, 1);
    return false;
  }
  void write_table() {
    if (const bool is_counted = is_counted_error(state_); field("err", LUA_TSTRING)) {
      is_counted ? call_.repeat_error(one_line(text(-1))) : call_.error(one_line(text(-1)));
    } else if (field("ok", LUA_TSTRING)) {
      call_.reply.simple(one_line(text(-1)));
    } else if (field("double", LUA_TNUMBER)) {
      call_.reply.real(lua_tonumber(state_, -1));
    } else if (field("map", LUA_TTABLE)) {
      write_pairs(true);
    } else if (field("set", LUA_TTABLE)) {
      write_pairs(false);
    } else if (field("big_number", LUA_TSTRING)) {
      call_.reply.big_number(one_line(text(-1)));
    } else if (field("verbatim_string", LUA_TTABLE)) {
      if (!write_verbatim()) return lua_pop(state_, 1), write_array();
    } else {
      return write_array();
    }
    lua_pop(state_, 1);
  }
  bool write_verbatim() {
    if (!field("format", LUA_TSTRING)) return false;
    const std::string kind(text(-1));
    lua_pop(state_, 1);
    if (!field("string", LUA_TSTRING)) return false;
    // Three letters are what the protocol has room for.
    call_.reply.verbatim((kind + "   ").substr(0, 3), text(-1));
    lua_pop(state_, 1);
    return true;
  }
  void write_pairs(bool has_values) {
    const std::size_t mark = call_.reply.begin();
    std::size_t count = 0;
    lua_pushnil(state_);
    for (;;) {
      if (call_.is_too_long()) {  // a table within itself would go on for ever
        lua_pop(state_, 1);
        break;
      }
      if (lua_next(state_, -2) == 0) break;
      lua_pushvalue(state_, -2);
      write();
      if (has_values) {
        lua_pushvalue(state_, -1);
        write();
      }
      lua_pop(state_, 1);
      ++count;
    }
    has_values ? call_.reply.end_map(mark, count) : call_.reply.end_set(mark, count);
  }
  void write_array() {
    const std::size_t mark = call_.reply.begin();
    int count = 0;
    while (!call_.is_too_long()) {
      lua_rawgeti(state_, -1, count + 1);
      if (lua_isnil(state_, -1)) {
        lua_pop(state_, 1);
        break;
      }
      write();
      ++count;
    }
    call_.reply.end_array(mark, static_cast<std::size_t>(count));
  }

  lua_State* state_;
  Call& call_;
  int script_protocol_;
};

}  // namespace

void push_reply(lua_State* state, std::string_view reply) { Reader(state, reply).push(); }

void reply_value(lua_State* state, Call& call, int script_protocol) { Writer(state, call, script_protocol).write(); }

}  // namespace chorus::cache
