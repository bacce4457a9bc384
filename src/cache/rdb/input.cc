#include "cache/rdb/input.h"

#include <lzf.h>

#include "cache/rdb/format.h"
#include "cache/resp/number.h"

namespace chorus::cache::rdb {
namespace {

/// A reference of three octets gives at most this many.
constexpr std::size_t lzf_copy_max = 264;

std::uint64_t big(std::string_view octets) {
  std::uint64_t value = 0;
  for (const char c : octets) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

std::optional<std::string> unpack_lzf(std::string_view octets, std::size_t size) {
  // So that what strangers claim is bounded by what they sent.
  if (octets.empty() || size == 0 || size > string_octets_max || size / lzf_copy_max > octets.size()) return {};
  std::string out(size, '\0');
  if (lzf_decompress(octets.data(), static_cast<unsigned>(octets.size()), out.data(), static_cast<unsigned>(size)) != size) return {};
  return out;
}

bool Input::octets(std::size_t count, std::string_view& out) {
  if (has_failed() || count > remaining()) return false;
  out = octets_.substr(at_, count);
  at_ += count;
  return true;
}

bool Input::u8(std::uint8_t& out) {
  std::string_view view;
  if (!octets(1, view)) return false;
  out = static_cast<std::uint8_t>(view[0]);
  return true;
}

bool Input::little(std::size_t size, std::uint64_t& out) {
  std::string_view view;
  if (!octets(size, view)) return false;
  out = 0;
  for (std::size_t i = size; i-- > 0;) out = out << 8 | static_cast<unsigned char>(view[i]);
  return true;
}

bool Input::length_or_special(std::uint64_t& out, bool& is_special) {
  const std::size_t mark = at_;
  std::uint8_t first = 0;
  if (!u8(first)) return false;
  is_special = first >> 6 == 3;
  out = first & 63;
  std::size_t more = 0;
  if (first >> 6 == 1) more = 1;
  if (first >> 6 == 2) {
    if (first != 0x80 && first != 0x81) return fail("a length of a kind that does not exist");
    more = first == 0x80 ? 4 : 8;
    out = 0;
  }
  std::string_view rest;
  if (!octets(more, rest)) {
    at_ = mark;
    return false;
  }
  if (more > 0) out = out << (8 * more % 64) | big(rest);
  return true;
}

bool Input::length(std::uint64_t& out) {
  bool is_special = false;
  if (!length_or_special(out, is_special)) return false;
  return is_special ? fail("a special string where a count belongs") : true;
}

bool Input::packed_string(Token& out) {
  std::uint64_t packed = 0, size = 0;
  if (!length(packed) || !length(size)) return false;
  if (packed > string_octets_max || size > string_octets_max) return fail("a string that is too long");
  std::string_view octets_packed;
  if (!octets(packed, octets_packed)) return false;
  auto text = unpack_lzf(octets_packed, size);
  if (!text) return fail("a compressed string that is damaged");
  out.own_ = std::move(*text);
  out.view_ = out.own_;
  return true;
}

bool Input::string(Token& out) {
  const std::size_t mark = at_;
  std::uint64_t length = 0;
  bool is_special = false;
  const auto read = [&] {
    if (!length_or_special(length, is_special)) return false;
    if (!is_special) return length > string_octets_max ? fail("a string that is too long") : octets(length, out.view_);
    if (length == 3) return packed_string(out);
    if (length > 3) return fail("a string of a kind that does not exist");
    const std::size_t size = std::size_t{1} << length;
    std::uint64_t bits = 0;
    if (!little(size, bits)) return false;
    const auto shift = static_cast<int>(64 - 8 * size);
    NumberText digits;
    out.own_ = digits.of(static_cast<std::int64_t>(bits << shift) >> shift);
    out.view_ = out.own_;
    return true;
  };
  if (read()) return true;
  at_ = mark;
  return false;
}

}  // namespace chorus::cache::rdb
