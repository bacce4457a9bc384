// HELP of containers.
#pragma once

#include <initializer_list>
#include <string_view>

#include "cache/call.h"

namespace chorus::cache {

/// The lines of its subcommands, framed as every HELP is.
void reply_help(Call& call, std::initializer_list<std::string_view> lines);

}  // namespace chorus::cache
