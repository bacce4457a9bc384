#include "cache/resp/glob.h"

#include <cctype>
#include <cstddef>
#include <utility>

namespace chorus::cache {
namespace {

unsigned char fold(char c, bool ignore_case) {
  const auto octet = static_cast<unsigned char>(c);
  return ignore_case ? static_cast<unsigned char>(std::tolower(octet)) : octet;
}

/// One class, of which `at` is the '['; leaves `at` behind it. A class that is not closed ends with the pattern.
bool class_matches(std::string_view pattern, std::size_t& at, char c, bool ignore_case) {
  const unsigned char octet = fold(c, ignore_case);
  ++at;
  const bool inverted = at < pattern.size() && pattern[at] == '^';
  if (inverted) ++at;
  bool found = false;
  for (; at < pattern.size() && pattern[at] != ']'; ++at) {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) {
      ++at;
      found = found || pattern[at] == c;  // an escaped octet is compared as it is
    } else if (at + 2 < pattern.size() && pattern[at + 1] == '-') {
      unsigned char low = fold(pattern[at], ignore_case), high = fold(pattern[at + 2], ignore_case);
      if (low > high) std::swap(low, high);
      found = found || (octet >= low && octet <= high);
      at += 2;
    } else {
      found = found || fold(pattern[at], ignore_case) == octet;
    }
  }
  if (at < pattern.size()) ++at;
  return found != inverted;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text, bool ignore_case) {
  // Where the last star can be tried again, one octet further: an earlier one never needs to be.
  constexpr std::size_t none = std::string_view::npos;
  std::size_t p = 0, t = 0, star = none, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      mark = t;
      continue;
    }
    bool matched = false;
    std::size_t after = p;
    if (p < pattern.size()) {
      switch (pattern[p]) {
        case '?':
          matched = true;
          after = p + 1;
          break;
        case '[':
          matched = class_matches(pattern, after, text[t], ignore_case);
          break;
        default:
          if (pattern[p] == '\\' && p + 1 < pattern.size()) ++p;
          matched = fold(pattern[p], ignore_case) == fold(text[t], ignore_case);
          after = p + 1;
      }
    }
    if (matched) {
      p = after;
      ++t;
    } else if (star != none) {
      p = star;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace chorus::cache
