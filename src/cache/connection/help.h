// HELP of containers.
#pragma once

#include <initializer_list>
#include <string_view>

#include "cache/call.h"

namespace chorus::cache {

/// The lines of its subcommands, framed as every HELP is.
void reply_help(Call& call, std::initializer_list<std::string_view> lines);

/// What a subcommand says to arguments that it cannot take, where Redis does not say "syntax error".
void reply_wrong_subcommand(Call& call);

}  // namespace chorus::cache
