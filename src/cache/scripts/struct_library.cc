// "struct": numbers and strings as octets, by a format. The formats are those of Lua's struct library, as Redis has it.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <lua.hpp>
#include <string>
#include <string_view>

#include "cache/scripts/machine.h"

namespace chorus::cache {
namespace {

constexpr std::size_t integer_octets_max = 32, align_max = 16;
constexpr std::size_t numeric_octets_max = 8;  // beyond, integers are filled up

struct Layout {
  bool is_little = true;
  std::size_t align = 1;
};

/// Reads a format, an option after the other.
class Format {
 public:
  Format(lua_State* state, const char* text) : state_(state), at_(text) {}
  bool is_over() const { return *at_ == '\0'; }
  char next() { return *at_++; }
  std::size_t number(std::size_t otherwise) {
    if (std::isdigit(static_cast<unsigned char>(*at_)) == 0) return otherwise;
    std::size_t value = 0;
    for (; std::isdigit(static_cast<unsigned char>(*at_)) != 0; ++at_) {
      const auto digit = static_cast<std::size_t>(*at_ - '0');
      if (value > (static_cast<std::size_t>(INT32_MAX) - digit) / 10) luaL_error(state_, "integral size overflow");
      value = value * 10 + digit;
    }
    return value;
  }
  /// Octets of what the option stands for.
  std::size_t size_of(char option) {
    switch (option) {
      case 'B':
      case 'b':
        return 1;
      case 'H':
      case 'h':
        return 2;
      case 'T':
      case 'L':
      case 'l':
        return sizeof(long);
      case 'f':
        return sizeof(float);
      case 'd':
        return sizeof(double);
      case 'x':
        return 1;
      case 'c':
        return number(1);
      case 'i':
      case 'I': {
        const std::size_t size = number(sizeof(int));
        if (size > integer_octets_max)
          luaL_error(state_, "integral size %d is larger than limit of %d", static_cast<int>(size), static_cast<int>(integer_octets_max));
        return size;
      }
      default:
        return 0;
    }
  }
  /// What is before an element so that it is aligned.
  static std::size_t padding(std::size_t size, const Layout& layout, char option, std::size_t total) {
    if (size == 0 || option == 'c') return 0;
    const std::size_t align = std::min(size, layout.align);
    return align > 1 ? (align - (total & (align - 1))) & (align - 1) : 0;
  }
  /// Options that are no elements.
  void control(char option, Layout& layout) {
    switch (option) {
      case ' ':
        return;
      case '>':
        layout.is_little = false;
        return;
      case '<':
        layout.is_little = true;
        return;
      case '!': {
        const std::size_t align = number(8);
        if (align == 0 || (align & (align - 1)) != 0) luaL_error(state_, "alignment is not a power of 2");
        layout.align = std::min(align, align_max);
        return;
      }
      default:
        luaL_error(state_, "invalid format option '%c'", option);
    }
  }

 private:
  lua_State* state_;
  const char* at_;
};

void put_integer(std::string& out, lua_Number number, std::size_t size, bool is_little) {
  const std::uint64_t value =
      number < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(number)) : static_cast<std::uint64_t>(number);
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t at = is_little ? i : size - 1 - i;
    out += at < numeric_octets_max ? static_cast<char>(value >> (8 * at) & 255) : (number < 0 ? '\xff' : '\0');
  }
}

lua_Number get_integer(std::string_view octets, bool is_little, bool is_signed) {
  std::uint64_t value = 0;
  const std::size_t size = octets.size();
  for (std::size_t i = 0; i < std::min(size, numeric_octets_max); ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(octets[is_little ? i : size - 1 - i])) << (8 * i);
  }
  if (!is_signed) return static_cast<lua_Number>(value);
  if (size < numeric_octets_max) {
    const unsigned shift = static_cast<unsigned>(64 - 8 * size);
    return static_cast<lua_Number>(static_cast<std::int64_t>(value << shift) >> shift);
  }
  return static_cast<lua_Number>(static_cast<std::int64_t>(value));
}

void reverse_if(char* octets, std::size_t size, bool is_little) {
  if (!is_little) std::reverse(octets, octets + size);
}

/// As the processor takes a double for an integer, where it is one of 64 bits.
lua_Number checked_integer(lua_State* state, int at) {
  const lua_Number number = luaL_checknumber(state, at);
  if (!(number > -0x1p63 && number < 0x1p64)) return luaL_argerror(state, at, "number has no integer representation");
  return number;
}

int pack(lua_State* state) {
  Format format(state, luaL_checkstring(state, 1));
  Layout layout;
  std::string out;
  int argument = 2;
  while (!format.is_over()) {
    const char option = format.next();
    std::size_t size = format.size_of(option);
    if (out.size() + size > Machine::value_octets_max) return luaL_error(state, "not enough memory");
    out.append(Format::padding(size, layout, option, out.size()), '\0');
    switch (option) {
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'l':
      case 'L':
      case 'T':
      case 'i':
      case 'I':
        put_integer(out, checked_integer(state, argument++), size, layout.is_little);
        break;
      case 'x':
        out += '\0';
        break;
      case 'f': {
        const auto value = static_cast<float>(luaL_checknumber(state, argument++));
        char octets[sizeof value];
        std::memcpy(octets, &value, sizeof value);
        reverse_if(octets, sizeof value, layout.is_little);
        out.append(octets, sizeof value);
        break;
      }
      case 'd': {
        const double value = luaL_checknumber(state, argument++);
        char octets[sizeof value];
        std::memcpy(octets, &value, sizeof value);
        reverse_if(octets, sizeof value, layout.is_little);
        out.append(octets, sizeof value);
        break;
      }
      case 'c':
      case 's': {
        std::size_t length = 0;
        const char* octets = luaL_checklstring(state, argument++, &length);
        if (option == 's' || size == 0) size = length;
        luaL_argcheck(state, length >= size, argument - 1, "string too short");
        out.append(octets, size);
        if (option == 's') out += '\0';
        break;
      }
      default:
        format.control(option, layout);
    }
  }
  lua_pushlstring(state, out.data(), out.size());
  return 1;
}

int unpack(lua_State* state) {
  Format format(state, luaL_checkstring(state, 1));
  std::size_t length = 0;
  const char* data = luaL_checklstring(state, 2, &length);
  const lua_Number start = luaL_optnumber(state, 3, 1);
  luaL_argcheck(state, start >= 1, 3, "offset must be 1 or greater");
  if (!(start - 1 <= static_cast<lua_Number>(length))) return luaL_error(state, "data string too short");
  auto at = static_cast<std::size_t>(start - 1);
  Layout layout;
  int values = 0;
  while (!format.is_over()) {
    const char option = format.next();
    std::size_t size = format.size_of(option);
    at += Format::padding(size, layout, option, at);
    luaL_argcheck(state, size <= length && at <= length - size, 2, "data string too short");
    luaL_checkstack(state, 2, "too many results");
    switch (option) {
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'l':
      case 'L':
      case 'T':
      case 'i':
      case 'I':
        lua_pushnumber(state, get_integer({data + at, size}, layout.is_little, std::islower(static_cast<unsigned char>(option)) != 0));
        ++values;
        break;
      case 'x':
        break;
      case 'f': {
        char octets[sizeof(float)];
        float value = 0;
        std::memcpy(octets, data + at, sizeof value);
        reverse_if(octets, sizeof value, layout.is_little);
        std::memcpy(&value, octets, sizeof value);
        lua_pushnumber(state, value);
        ++values;
        break;
      }
      case 'd': {
        char octets[sizeof(double)];
        double value = 0;
        std::memcpy(octets, data + at, sizeof value);
        reverse_if(octets, sizeof value, layout.is_little);
        std::memcpy(&value, octets, sizeof value);
        lua_pushnumber(state, value);
        ++values;
        break;
      }
      case 'c':
        if (size == 0) {
          // As long as the number before it says, which it takes the place of.
          if (values == 0 || lua_isnumber(state, -1) == 0) return luaL_error(state, "format 'c0' needs a previous size");
          const lua_Number given = lua_tonumber(state, -1);
          lua_pop(state, 1);
          --values;
          luaL_argcheck(state, given >= 0 && given <= static_cast<lua_Number>(length - at), 2, "data string too short");
          size = static_cast<std::size_t>(given);
        }
        lua_pushlstring(state, data + at, size);
        ++values;
        break;
      case 's': {
        const auto* end = static_cast<const char*>(std::memchr(data + at, '\0', length - at));
        if (end == nullptr) return luaL_error(state, "unfinished string in data");
        size = static_cast<std::size_t>(end - (data + at)) + 1;
        lua_pushlstring(state, data + at, size - 1);
        ++values;
        break;
      }
      default:
        format.control(option, layout);
    }
    at += size;
  }
  lua_pushinteger(state, static_cast<lua_Integer>(at) + 1);
  return values + 1;
}

int size(lua_State* state) {
  Format format(state, luaL_checkstring(state, 1));
  Layout layout;
  std::size_t total = 0;
  while (!format.is_over()) {
    const char option = format.next();
    const std::size_t each = format.size_of(option);
    total += Format::padding(each, layout, option, total);
    if (option == 's') luaL_argerror(state, 1, "variable-size format for size");
    if (option == 'c' && each == 0) luaL_argerror(state, 1, "variable-length format for size");
    if (each == 0) format.control(option, layout);
    if (total + each > static_cast<std::size_t>(INT32_MAX)) return luaL_error(state, "integral size overflow");
    total += each;
  }
  lua_pushinteger(state, static_cast<lua_Integer>(total));
  return 1;
}

}  // namespace

void open_struct(lua_State* state) {
  lua_newtable(state);
  for (const luaL_Reg& each : {luaL_Reg{"pack", pack}, luaL_Reg{"unpack", unpack}, luaL_Reg{"size", size}}) {
    lua_pushcfunction(state, each.func);
    lua_setfield(state, -2, each.name);
  }
}

}  // namespace chorus::cache
