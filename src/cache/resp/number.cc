#include "cache/resp/number.h"

#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace chorus::cache {
namespace {

/// strto* stops at a NUL and needs one at the end; a number is short, or is none.
constexpr std::size_t number_octets_max = 5 * 1024;

template <class T, class Parse>
std::optional<T> parse_float(std::string_view text, Parse parse) {
  if (text.empty() || text.size() > number_octets_max || std::isspace(static_cast<unsigned char>(text.front())) != 0) return {};
  const std::string terminated(text);
  char* end = nullptr;
  errno = 0;
  const T value = parse(terminated.c_str(), &end);
  if (end != terminated.c_str() + text.size() || std::isnan(value)) return {};
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return {};
  return value;
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  if (text.empty() || text.size() > 20) return {};
  const bool negative = text.front() == '-';
  const std::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.empty() || digits.front() < '0' || digits.front() > '9') return {};
  if (digits.front() == '0') return text == "0" ? std::optional<std::int64_t>(0) : std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

std::optional<double> parse_double(std::string_view text) {
  return parse_float<double>(text, [](const char* s, char** end) { return std::strtod(s, end); });
}

std::optional<long double> parse_long_double(std::string_view text) {
  return parse_float<long double>(text, [](const char* s, char** end) { return std::strtold(s, end); });
}

std::string_view NumberText::of(std::int64_t value) {
  const auto result = std::to_chars(digits, digits + sizeof digits, value);
  return {digits, static_cast<std::size_t>(result.ptr - digits)};
}

std::string double_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (value == 0) return std::signbit(value) ? "-0" : "0";
  // Whole numbers that a double holds exactly print as integers, however many zeros they end with.
  if (constexpr double exact = 1LL << 52; value > -exact && value < exact && value == std::trunc(value)) {
    return std::to_string(static_cast<std::int64_t>(value));
  }
  char text[40];
  const auto written = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  // d[.ddd]e±xx: the digits and the power of ten of the first decide the form.
  std::string digits;
  const char* at = text;
  std::string out;
  if (*at == '-') {
    out = "-";
    ++at;
  }
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits += *at;
  }
  int exponent = 0;
  ++at;
  if (*at == '+') ++at;  // from_chars takes no plus
  std::from_chars(at, written.ptr, exponent);
  const int count = static_cast<int>(digits.size());
  const int last = exponent - count + 1;  // power of ten of the last digit
  if (last >= 0 && exponent < count + 7) return out + digits + std::string(static_cast<std::size_t>(last), '0');
  if (last < 0 && (last > -7 || std::abs(exponent) < 4)) {
    if (exponent < 0) return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
    return out + digits.substr(0, static_cast<std::size_t>(exponent) + 1) + "." + digits.substr(static_cast<std::size_t>(exponent) + 1);
  }
  out += digits[0];
  if (count > 1) out += "." + digits.substr(1);
  return out + (exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(exponent));
}

std::string long_double_text(long double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char text[5 * 1024];
  int size = std::snprintf(text, sizeof text, "%.17Lf", value);
  if (size < 0 || static_cast<std::size_t>(size) >= sizeof text) return "0";
  while (size > 0 && text[size - 1] == '0') --size;
  if (size > 0 && text[size - 1] == '.') --size;
  const std::string_view shown(text, static_cast<std::size_t>(size));
  return shown == "-0" ? "0" : std::string(shown);
}

}  // namespace chorus::cache
