// Numbers as Redis reads and writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chorus::cache {

/// An optional '-' and digits; no '+', no leading zero, no space; in 64 bits. What reads as one may be kept as one: it prints the same.
std::optional<std::int64_t> parse_integer(std::string_view text);
/// As strtod reads all of it (exponents, hexadecimal, inf), but no leading space, no NaN, no overflow.
std::optional<double> parse_double(std::string_view text);
/// The same in the 80 bits of INCRBYFLOAT.
std::optional<long double> parse_long_double(std::string_view text);

/// Decimal digits in a buffer of its own.
struct NumberText {
  char digits[24];
  std::string_view of(std::int64_t value);
};
/// The shortest text that reads back as the same double: "3", "0.1", "1e+20", "inf", "nan".
std::string double_text(double value);
/// Seventeen decimals, without trailing zeros, never with an exponent.
std::string long_double_text(long double value);

}  // namespace chorus::cache
