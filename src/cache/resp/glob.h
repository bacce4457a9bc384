// Patterns of KEYS, SCAN, PSUBSCRIBE, ACLs and CONFIG GET.
#pragma once

#include <string_view>

namespace chorus::cache {

/// `*`, `?`, `[abc]`, `[^a-z]` and `\x`, octet by octet, the whole text. Time is bounded by the product of both lengths.
bool glob_matches(std::string_view pattern, std::string_view text, bool ignore_case = false);

}  // namespace chorus::cache
