// What scripts know as "redis".
#include <absl/container/inlined_vector.h>
#include <fmt/format.h>

#include <cmath>
#include <lua.hpp>
#include <string>

#include "cache/call.h"
#include "cache/scripts/convert.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {
namespace {

constexpr const char* version = "7.2.4";
constexpr int version_number = 0x00070204;
constexpr int log_levels = 4;
enum Replication { to_none = 0, to_log = 1, to_replicas = 2, to_all = 3 };

Scripts& owner_of(lua_State* state) { return *static_cast<Scripts*>(lua_touserdata(state, lua_upvalueindex(1))); }

int raise(lua_State* state, std::string_view text) {
  push_error(state, text);
  return lua_error(state);
}

std::string_view text_at(lua_State* state, int at) {
  std::size_t size = 0;
  const char* octets = lua_tolstring(state, at, &size);
  return {octets, size};
}

using Words = absl::InlinedVector<std::string_view, 16>;

/// Arguments as words of a command; numbers become text in their place on the stack. Empty: it is none, and `wrong` says why.
Words words_of(lua_State* state, std::string_view& wrong) {
  Words words;
  const int count = lua_gettop(state);
  if (count == 0) wrong = "Please specify at least one argument for this redis lib call";
  for (int i = 1; i <= count; ++i) {
    if (lua_type(state, i) == LUA_TNUMBER) {
      const lua_Number number = lua_tonumber(state, i);
      const bool is_whole = std::floor(number) == number && std::fabs(number) < 0x1p63;
      const std::string text = is_whole ? fmt::format("{}", static_cast<std::int64_t>(number)) : fmt::format("{:.17g}", number);
      lua_pushlstring(state, text.data(), text.size());
      lua_replace(state, i);
    } else if (lua_type(state, i) != LUA_TSTRING) {
      wrong = "Lua redis lib command arguments must be strings or integers";
      return {};
    }
    words.push_back(text_at(state, i));
  }
  return words;
}

int call_command(lua_State* state, bool raises) {
  std::string_view wrong;
  const Words words = words_of(state, wrong);
  if (words.empty()) {
    push_error(state, wrong);
    return raises ? lua_error(state) : 1;
  }
  const std::string_view reply = owner_of(state).call(words);
  lua_settop(state, 0);  // there may be as many arguments as the stack holds
  push_reply(state, reply);
  return raises && reply.front() == '-' ? lua_error(state) : 1;
}

int redis_call(lua_State* state) { return call_command(state, true); }
int redis_pcall(lua_State* state) { return call_command(state, false); }

int error_reply(lua_State* state) {
  if (lua_gettop(state) != 1 || lua_type(state, 1) != LUA_TSTRING) {
    push_error(state, "wrong number or type of arguments");
    return 1;
  }
  const std::string_view text = text_at(state, 1);
  push_error(state, text.starts_with('-') ? std::string(text) : "-" + std::string(text));
  return 1;
}

int status_reply(lua_State* state) {
  if (lua_gettop(state) != 1 || lua_type(state, 1) != LUA_TSTRING) {
    push_error(state, "wrong number or type of arguments");
    return 1;
  }
  lua_newtable(state);
  lua_pushvalue(state, 1);
  lua_setfield(state, -2, "ok");
  return 1;
}

int sha1hex(lua_State* state) {
  if (lua_gettop(state) != 1) return raise(state, "wrong number of arguments");
  const std::string digest = Scripts::digest(lua_isstring(state, 1) != 0 ? text_at(state, 1) : std::string_view());
  lua_pushlstring(state, digest.data(), digest.size());
  return 1;
}

int log(lua_State* state) {
  const int count = lua_gettop(state);
  if (count < 2) return raise(state, "redis.log() requires two arguments or more.");
  if (lua_isnumber(state, 1) == 0) return raise(state, "First argument must be a number (log level).");
  const auto level = static_cast<int>(lua_tonumber(state, 1));
  if (level < 0 || level >= log_levels) return raise(state, "Invalid debug level.");
  std::string line;
  for (int i = 2; i <= count; ++i) {
    if (lua_isstring(state, i) == 0) continue;
    if (i > 2) line += ' ';
    line += text_at(state, i);
  }
  owner_of(state).server().log(level, fmt::format("script says text=\"{}\"", line));
  return 0;
}

int setresp(lua_State* state) {
  if (lua_gettop(state) != 1) return raise(state, "redis.setresp() requires one argument.");
  const auto protocol = static_cast<int>(lua_tonumber(state, 1));
  if (protocol != 2 && protocol != 3) return raise(state, "RESP version must be 2 or 3.");
  owner_of(state).client().protocol = protocol;
  return 0;
}

int set_repl(lua_State* state) {
  if (lua_gettop(state) != 1) return raise(state, "redis.set_repl() requires one argument.");
  const auto flags = static_cast<int>(lua_tonumber(state, 1));
  if ((flags & ~to_all) != 0) return raise(state, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
  // Who follows gets all of it or nothing: the log and replicas follow the same effects.
  owner_of(state).client().skips_effects = flags == to_none;
  return 0;
}

int replicate_commands(lua_State* state) {
  lua_pushboolean(state, 1);
  return 1;
}

/// There is no debugger to stop in.
int breakpoint(lua_State* state) {
  lua_pushboolean(state, 0);
  return 1;
}

int debug(lua_State* /*state*/) { return 0; }

int acl_check_cmd(lua_State* state) {
  std::string_view wrong;
  const Words words = words_of(state, wrong);
  if (words.empty()) return raise(state, wrong);
  const CommandTable& table = CommandTable::all();
  const Command* command = table.find(words.front());
  if (command != nullptr && !command->subcommands.empty() && words.size() > 1) command = table.find_subcommand(*command, words[1]);
  if (command == nullptr) return raise(state, "Invalid command passed to redis.acl_check_cmd()");
  Scripts& owner = owner_of(state);
  const Client* caller = owner.running() == nullptr ? nullptr : owner.server().find_client(owner.running()->caller);
  lua_pushboolean(state, caller != nullptr && owner.server().may_run(*caller, *command, words) ? 1 : 0);
  return 1;
}

/// name, callback; or one table of named arguments. Empty: `wrong` says why.
std::optional<Function> function_of(lua_State* state, std::string_view& wrong) {
  Function function;
  const int count = lua_gettop(state);
  if (count < 1 || count > 2) return wrong = "wrong number of arguments to redis.register_function", std::nullopt;
  if (count == 2) {
    if (lua_type(state, 1) != LUA_TSTRING) return wrong = "first argument to redis.register_function must be a string", std::nullopt;
    if (lua_type(state, 2) != LUA_TFUNCTION) return wrong = "second argument to redis.register_function must be a function", std::nullopt;
    function.name = text_at(state, 1);
    function.callback = luaL_ref(state, LUA_REGISTRYINDEX);
    return function;
  }
  if (lua_type(state, 1) != LUA_TTABLE) {
    wrong = "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).";
    return std::nullopt;
  }
  bool has_name = false;
  for (lua_pushnil(state); lua_next(state, 1) != 0; lua_pop(state, 1)) {
    if (lua_type(state, -2) != LUA_TSTRING)
      return wrong = "named argument key given to redis.register_function is not a string", std::nullopt;
    const std::string_view key = text_at(state, -2);
    const int type = lua_type(state, -1);
    if (key == "function_name") {
      if (type != LUA_TSTRING) return wrong = "function_name argument given to redis.register_function must be a string", std::nullopt;
      function.name = text_at(state, -1);
      has_name = true;
    } else if (key == "description") {
      if (type != LUA_TSTRING) return wrong = "description argument given to redis.register_function must be a string", std::nullopt;
      function.description = text_at(state, -1);
      function.has_description = true;
    } else if (key == "callback") {
      if (type != LUA_TFUNCTION) return wrong = "callback argument given to redis.register_function must be a function", std::nullopt;
      lua_pushvalue(state, -1);
      function.callback = luaL_ref(state, LUA_REGISTRYINDEX);
    } else if (key == "flags") {
      if (type != LUA_TTABLE) {
        return wrong = "flags argument to redis.register_function must be a table representing function flags", std::nullopt;
      }
      for (int i = 1;; ++i) {
        lua_rawgeti(state, -1, i);
        const bool is_end = lua_isnil(state, -1);
        const bool is_known = is_end || (lua_type(state, -1) == LUA_TSTRING && function.flags.add(text_at(state, -1)));
        lua_pop(state, 1);
        if (!is_known) return wrong = "unknown flag given", std::nullopt;
        if (is_end) break;
      }
    } else {
      return wrong = "unknown argument given to redis.register_function", std::nullopt;
    }
  }
  if (!has_name) return wrong = "redis.register_function must get a function name argument", std::nullopt;
  if (function.callback == 0) return wrong = "redis.register_function must get a callback argument", std::nullopt;
  return function;
}

int register_function(lua_State* state) {
  Scripts& owner = owner_of(state);
  if (!owner.is_loading()) return raise(state, "redis.register_function can only be called on FUNCTION LOAD command");
  std::string_view wrong;
  auto function = function_of(state, wrong);
  if (function) {
    const int callback = function->callback;
    wrong = owner.register_function(std::move(*function));
    if (!wrong.empty()) luaL_unref(state, LUA_REGISTRYINDEX, callback);
  }
  return wrong.empty() ? 0 : raise(state, wrong);
}

}  // namespace

void open_redis(lua_State* state, Scripts& owner, bool for_functions) {
  constexpr luaL_Reg functions[] = {{"call", redis_call},           {"pcall", redis_pcall}, {"error_reply", error_reply},
                                    {"status_reply", status_reply}, {"sha1hex", sha1hex},   {"log", log},
                                    {"setresp", setresp},           {"set_repl", set_repl}, {"acl_check_cmd", acl_check_cmd}};
  constexpr luaL_Reg script_functions[] = {{"replicate_commands", replicate_commands}, {"breakpoint", breakpoint}, {"debug", debug}};
  lua_newtable(state);
  const auto add = [&](const luaL_Reg& each) {
    lua_pushlightuserdata(state, &owner);
    lua_pushcclosure(state, each.func, 1);
    lua_setfield(state, -2, each.name);
  };
  for (const luaL_Reg& each : functions) add(each);
  if (for_functions) {
    add({"register_function", register_function});
  } else {
    for (const luaL_Reg& each : script_functions) add(each);
  }
  const std::pair<const char*, int> numbers[] = {{"LOG_DEBUG", 0},
                                                 {"LOG_VERBOSE", 1},
                                                 {"LOG_NOTICE", 2},
                                                 {"LOG_WARNING", 3},
                                                 {"REPL_NONE", to_none},
                                                 {"REPL_AOF", to_log},
                                                 {"REPL_SLAVE", to_replicas},
                                                 {"REPL_REPLICA", to_replicas},
                                                 {"REPL_ALL", to_all},
                                                 {"REDIS_VERSION_NUM", version_number}};
  for (const auto& [name, value] : numbers) {
    lua_pushinteger(state, value);
    lua_setfield(state, -2, name);
  }
  lua_pushstring(state, version);
  lua_setfield(state, -2, "REDIS_VERSION");
}

}  // namespace chorus::cache
