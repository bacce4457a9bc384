// Values of Lua from replies, and replies from values of Lua.
#pragma once

#include <string_view>

#include "cache/call.h"

struct lua_State;

namespace chorus::cache {

/// Pushes what a whole reply, in either protocol, is to a script.
void push_reply(lua_State* state, std::string_view reply);
/// The value on top becomes the reply to `call`, and goes. script_protocol: what the script chose.
void reply_value(lua_State* state, Call& call, int script_protocol);

}  // namespace chorus::cache
