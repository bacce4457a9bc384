// Big-endian cursors over octets, the byte order of jute, RocketMQ remoting, Kafka and DNS.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace chorus::base {

/// Reads forward over borrowed octets. The first read beyond the end fails and every later one too, returning zeros and empty views, so
/// that a parser may check ok() once, at the end.
class Reader {
 public:
  explicit Reader(std::string_view octets) : octets_(octets) {}

  bool ok() const { return ok_; }
  std::size_t offset() const { return offset_; }
  std::size_t remaining() const { return ok_ ? octets_.size() - offset_ : 0; }

  std::uint8_t u8() { return fixed<std::uint8_t>(); }
  std::uint16_t u16() { return fixed<std::uint16_t>(); }
  std::uint32_t u32() { return fixed<std::uint32_t>(); }
  std::uint64_t u64() { return fixed<std::uint64_t>(); }
  std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }

  /// The next `count` octets, borrowed from the underlying ones; empty and failed when fewer are left.
  std::string_view octets(std::size_t count) {
    if (!ok_ || count > octets_.size() - offset_) {
      ok_ = false;
      return {};
    }
    const std::string_view view = octets_.substr(offset_, count);
    offset_ += count;
    return view;
  }
  std::string_view rest() { return octets(remaining()); }
  void fail() { ok_ = false; }

 private:
  template <std::unsigned_integral T>
  T fixed() {
    const std::string_view view = octets(sizeof(T));
    if (view.empty()) return 0;
    T value;
    std::memcpy(&value, view.data(), sizeof(T));
    if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::little) value = std::byteswap(value);
    return value;
  }

  std::string_view octets_;
  std::size_t offset_ = 0;
  bool ok_ = true;
};

/// Appends to a string that the caller owns.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void u16(std::uint16_t value) { fixed(value); }
  void u32(std::uint32_t value) { fixed(value); }
  void u64(std::uint64_t value) { fixed(value); }
  void i32(std::int32_t value) { fixed(static_cast<std::uint32_t>(value)); }
  void i64(std::int64_t value) { fixed(static_cast<std::uint64_t>(value)); }
  void octets(std::string_view value) { out_.append(value); }

  std::size_t size() const { return out_.size(); }
  /// Overwrites four octets written earlier, such as a length that is known only now.
  void patch_u32(std::size_t at, std::uint32_t value) {
    const std::uint32_t swapped = big_endian(value);
    std::memcpy(out_.data() + at, &swapped, sizeof swapped);
  }

 private:
  template <std::unsigned_integral T>
  static T big_endian(T value) {
    if constexpr (std::endian::native == std::endian::little) return std::byteswap(value);
    return value;
  }
  template <std::unsigned_integral T>
  void fixed(T value) {
    const T swapped = big_endian(value);
    out_.append(reinterpret_cast<const char*>(&swapped), sizeof swapped);
  }

  std::string& out_;
};

}  // namespace chorus::base
