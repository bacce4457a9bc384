// Lengths and strings out of octets that may not all be there yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chorus::cache::rdb {

/// A string as it was read: borrowed from the input, or from itself where it was packed or a number.
class Token {
 public:
  std::string_view view() const { return view_; }

 private:
  friend class Input;
  std::string own_;
  std::string_view view_;
};

/// A cursor over borrowed octets. A read that finds too few returns false and takes nothing; so does one that finds nonsense, and then
/// error() says what it is, and every later read returns false. A reader of several things in a row goes back to its mark where one is
/// not all there, and tries again with more octets.
class Input {
 public:
  explicit Input(std::string_view octets) : octets_(octets) {}

  std::size_t position() const { return at_; }
  std::size_t remaining() const { return octets_.size() - at_; }
  void rewind(std::size_t position) { at_ = position; }
  const std::string& error() const { return error_; }
  bool has_failed() const { return !error_.empty(); }
  bool fail(std::string_view why) {
    if (error_.empty()) error_ = why;
    return false;
  }

  bool octets(std::size_t count, std::string_view& out);
  bool u8(std::uint8_t& out);
  /// Little-endian, of `size` octets.
  bool little(std::size_t size, std::uint64_t& out);
  /// A count; the kinds of special strings are none.
  bool length(std::uint64_t& out);
  bool string(Token& out);

 private:
  bool length_or_special(std::uint64_t& out, bool& is_special);
  bool packed_string(Token& out);

  std::string_view octets_;
  std::size_t at_ = 0;
  std::string error_;
};

/// `octets` packed by LZF, unpacked to `size`; empty: they are not that.
std::optional<std::string> unpack_lzf(std::string_view octets, std::size_t size);

}  // namespace chorus::cache::rdb
