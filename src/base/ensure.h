// Checks for our own bugs, kept in release builds: stop before a bad state spreads.
#pragma once

#include <fmt/format.h>

#include <string>

namespace chorus::base {

/// Prints the broken condition with the values and aborts.
[[noreturn]] void ensure_failed(const char* condition, const char* file, int line, const std::string& values);

template <class... Values>
[[noreturn]] [[gnu::cold]] void ensure_failed_with(const char* condition, const char* file, int line, const Values&... values) {
  std::string text;
  ((text += fmt::format(" {}", values)), ...);
  ensure_failed(condition, file, line, text);
}

}  // namespace chorus::base

#define ENSURE(condition, ...)                                                                       \
  do {                                                                                               \
    if (!(condition)) [[unlikely]]                                                                   \
      ::chorus::base::ensure_failed_with(#condition, __FILE__, __LINE__ __VA_OPT__(, ) __VA_ARGS__); \
  } while (false)
