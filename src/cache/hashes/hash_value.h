// A hash, whatever its encoding.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "cache/call.h"

namespace chorus::cache {

/// Of one entry, which does not move by what is done here. What is empty afterwards is the caller's to remove.
class HashValue {
 public:
  using Visit = std::function<void(std::string_view field, std::string_view value)>;

  HashValue(const Thresholds& thresholds, Entry* entry) : thresholds_(thresholds), entry_(entry) {}
  /// An empty one, not in the database yet.
  static Entry* make(std::string_view key);

  std::size_t size() const;
  /// scratch: for a value kept as a number.
  std::optional<std::string_view> get(std::string_view field, NumberText& scratch) const;
  /// True: the field is new.
  bool set(std::string_view field, std::string_view value);
  bool remove(std::string_view field);
  void for_each(const Visit& visit) const;
  /// All at once with cursor 0 when it is packed.
  std::uint64_t scan(std::uint64_t cursor, const Visit& visit) const;
  /// Any field, all as likely; the hash is not empty.
  void random(base::Random& random, const Visit& visit) const;
  bool is_packed() const { return entry_->encoding() == Encoding::listpack; }

 private:
  void unpack();

  const Thresholds& thresholds_;
  Entry* entry_;
};

}  // namespace chorus::cache
