// Small helpers for text that people read and write.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chorus::base {

/// Lower-case hexadecimal, two digits an octet.
std::string hex(std::string_view octets);
/// The reverse; white space is passed over. Empty when the text is not whole octets in hexadecimal.
std::optional<std::string> unhex(std::string_view text);

/// Splits at every `separator`; "" gives one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::string lower(std::string_view text);

/// A whole decimal number (optional sign, no spaces); empty when it is not one or does not fit.
std::optional<std::int64_t> parse_int(std::string_view text);

/// The candidate with the smallest edit distance to `word`, for "did you mean"; empty when none is near (more than a third of it off).
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// Whether the octets are well-formed UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view octets);

}  // namespace chorus::base
