// The properties of a message: pairs in one text, `key \1 value \2` and so on, as clients send them and messages keep them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace chorus::mq {

inline constexpr char property_value_mark = 1;
inline constexpr char property_end_mark = 2;
inline constexpr std::size_t properties_octets_max = 32767;

struct Property {
  std::string_view key;
  std::string_view value;
  friend bool operator==(const Property&, const Property&) = default;
};

/// The pairs of a text, borrowed from it, in their order; what readers drop (no key, no value, no mark between) is left out.
class Properties {
 public:
  class Iterator {
   public:
    using value_type = Property;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(std::string_view rest) : rest_(rest) { next(); }
    const Property& operator*() const { return pair_; }
    const Property* operator->() const { return &pair_; }
    Iterator& operator++() {
      next();
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      next();
      return before;
    }
    friend bool operator==(const Iterator& a, std::default_sentinel_t) { return a.done_; }

   private:
    void next();
    std::string_view rest_;
    Property pair_;
    bool done_ = false;
  };

  Properties() = default;
  explicit Properties(std::string_view text) : text_(text) {}
  Iterator begin() const { return Iterator(text_); }
  std::default_sentinel_t end() const { return {}; }
  std::string_view text() const { return text_; }

  /// Where a key comes twice the last one counts, as in Java's map.
  std::optional<std::string_view> get(std::string_view key) const;
  bool has(std::string_view key) const { return get(key).has_value(); }
  /// A whole decimal number; empty when the property is missing or is none.
  std::optional<std::int64_t> get_int(std::string_view key) const;
  /// `true` in any case of letters, as Java's Boolean.parseBoolean.
  bool get_bool(std::string_view key, bool fallback = false) const;

 private:
  std::string_view text_;
};

/// Whether the pair can be written: a key and a value, neither holding octet 1 or 2.
bool can_be_property(std::string_view key, std::string_view value);

/// Appends without looking whether the key is there. The pair must be one that can be written.
void append_property(std::string& text, std::string_view key, std::string_view value);
/// Puts the value in the place of the key's first one, dropping further ones, or at the end. An empty value removes, as readers would not
/// see it.
void set_property(std::string& text, std::string_view key, std::string_view value);
/// Removes every pair of that key; tells whether there was one.
bool remove_property(std::string& text, std::string_view key);

/// What an index keeps of the tag: Java's hash of the property TAGS, 0 without one.
std::int32_t tag_hash(Properties properties);

/// Calls with each word of a KEYS property, which are separated by spaces.
template <class F>
void for_each_key(std::string_view keys, F&& use) {
  while (!keys.empty()) {
    const std::size_t space = keys.find(' ');
    if (space != 0) use(keys.substr(0, space));
    if (space == std::string_view::npos) return;
    keys.remove_prefix(space + 1);
  }
}

}  // namespace chorus::mq
