// A key and its value in one block of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cache/resp/number.h"
#include "cache/value/type.h"

namespace chorus::cache {

/// A string that is changed in place: SETRANGE, APPEND, SETBIT. Room beyond its size is the block's.
struct Text {
  std::size_t size;
  char* octets() { return reinterpret_cast<char*>(this + 1); }  // behind it, in the same block
  const char* octets() const { return reinterpret_cast<const char*>(this + 1); }
};

/// Eight octets of header, then what there is of: the time of expiry (8), a pointer or number (8), the key's length (1, or 5 from 255 on),
/// the key, a small string's octets. Made and destroyed here only; a change of shape gives a new block, which the database puts in place
/// of the old.
class Entry {
 public:
  static constexpr std::size_t embedded_octets_max = 2048;
  static constexpr std::size_t embstr_octets_max = 44;  // OBJECT ENCODING: "embstr" up to here, "raw" above

  /// In the encoding that fits: integer, embedded or raw. expiry: Unix time in ms.
  static Entry* make_string(std::string_view key, std::string_view value, std::optional<std::int64_t> expiry = {});
  static Entry* make_integer(std::string_view key, std::int64_t value, std::optional<std::int64_t> expiry = {});
  /// Owns `payload` from then on.
  static Entry* make(std::string_view key, Type type, Encoding encoding, void* payload, std::optional<std::int64_t> expiry = {});
  /// The same value under another key or expiry, or both; `from` is left without its payload, to be ended by release_shell().
  static Entry* remake(const Entry& from, std::string_view key, std::optional<std::int64_t> expiry);
  /// Without what the payload points to.
  static void release_shell(Entry* entry);

  Type type() const { return static_cast<Type>(type_); }
  Encoding encoding() const { return static_cast<Encoding>(encoding_); }
  std::string_view key() const;
  std::optional<std::int64_t> expiry() const;
  bool expires() const { return (flags_ & has_expiry) != 0; }
  bool is_expired(std::int64_t now_ms) const { return expires() && expiry_at() <= now_ms; }
  /// Only where expires().
  void set_expiry(std::int64_t at);

  template <class T>
  T* payload() const {
    return static_cast<T*>(pointer());
  }
  void set_payload(Encoding encoding, void* payload);

  /// Of strings. scratch: for numbers.
  std::string_view text(NumberText& scratch) const;
  std::size_t text_size() const;
  std::int64_t integer() const;
  void set_integer(std::int64_t value);
  /// Puts `value` in place of an embedded string where the block has room for it and does not waste much; else false, and nothing changed.
  bool assign_embedded(std::string_view value);

  /// Seconds of the LRU clock (24 bits), or LFU: minutes (16 bits) and a counter (8).
  std::uint32_t access() const { return access_; }
  void set_access(std::uint32_t value) { access_ = value; }

  /// Seven bits for whoever goes over all keys: which of them it has been at. 0 when made.
  std::uint8_t mark() const { return static_cast<std::uint8_t>(flags_ >> 1); }
  void set_mark(std::uint8_t mark) { flags_ = static_cast<std::uint8_t>((flags_ & has_expiry) | mark << 1); }

  /// What the entry itself takes, without what the payload points to.
  std::size_t shell_cost() const;

 private:
  static constexpr std::uint8_t has_expiry = 1;

  static Entry* allocate(std::string_view key, Type type, Encoding encoding, std::size_t value_size, std::optional<std::int64_t> expiry);
  char* base() { return reinterpret_cast<char*>(this); }
  const char* base() const { return reinterpret_cast<const char*>(this); }
  std::size_t word_at() const { return sizeof(Entry) + (expires() ? 8 : 0); }
  std::size_t key_at() const { return word_at() + (encoding() == Encoding::embedded ? 0 : 8); }
  std::int64_t expiry_at() const;
  void* pointer() const;

  std::uint32_t access_;
  std::uint8_t type_ : 4;
  std::uint8_t encoding_ : 4;
  std::uint8_t flags_;
  std::uint16_t value_size_;  // of an embedded string
};
static_assert(sizeof(Entry) == 8);

/// A Text of `size` octets with room for `capacity`; what is not copied is zero.
Text* make_text(std::string_view octets, std::size_t size, std::size_t capacity);

}  // namespace chorus::cache
