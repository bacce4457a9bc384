// What we call ourselves, and what clients may call themselves.
#pragma once

#include <string>
#include <string_view>

#include "cache/call.h"

namespace chorus::cache {

/// Clients look at names and numbers: those of what is replaced.
inline constexpr std::string_view redis_version = "7.2.4";

/// False: it has a character that would break CLIENT LIST's lines, and that is replied.
bool set_client_name(Call& call, std::string_view name);
/// As CLIENT GETREDIR says: -1 without tracking, 0 where it tells the client itself.
std::int64_t redirection_of(const Client& client);
/// A line of CLIENT LIST, its end included.
std::string describe(Server& server, const Client& client);

}  // namespace chorus::cache
