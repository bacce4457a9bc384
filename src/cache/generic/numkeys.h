// Commands that say how many of their arguments are keys.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "cache/call.h"

namespace chorus::cache {

/// The keys whose number is the argument at `at`, behind it. Empty: replied. too_many: what to say when there are fewer arguments.
std::span<const std::string_view> counted_keys(Call& call, std::size_t at, std::string_view too_many = errors::syntax);
/// Of LMPOP and ZMPOP and those that wait: "COUNT n" at argument `at`, or the end, which is 1. None: replied.
std::optional<std::size_t> pop_count(Call& call, std::size_t at);
/// For the rows' find_keys: the number is the first argument, or the second behind the destination or the time.
bool find_counted_keys_1(Arguments arguments, std::vector<std::size_t>& at);
bool find_counted_keys_2(Arguments arguments, std::vector<std::size_t>& at);
/// The destination, then counted keys.
bool find_stored_keys(Arguments arguments, std::vector<std::size_t>& at);

}  // namespace chorus::cache
