// A set, whatever its encoding.
#pragma once

#include <functional>
#include <string_view>

#include "cache/call.h"

namespace chorus::cache {

/// Of one entry, which does not move by what is done here. What is empty afterwards is the caller's to remove.
class SetValue {
 public:
  using Visit = std::function<void(std::string_view member)>;

  SetValue(const Thresholds& thresholds, Entry* entry) : thresholds_(&thresholds), entry_(entry) {}
  /// An empty one, not in the database yet, in the encoding that suits its first member.
  static Entry* make(const Thresholds& thresholds, std::string_view key, std::string_view first);

  std::size_t size() const;
  bool contains(std::string_view member) const;
  /// True: it is new.
  bool add(std::string_view member);
  bool remove(std::string_view member);
  void for_each(const Visit& visit) const;
  /// All at once with cursor 0 when it is packed.
  std::uint64_t scan(std::uint64_t cursor, const Visit& visit) const;
  /// Any, all as likely; the set is not empty.
  std::string random(base::Random& random) const;
  Entry* entry() const { return entry_; }

 private:
  Encoding encoding() const { return entry_->encoding(); }
  void to_table();
  /// From integers to whatever takes `member` as well.
  void widen_for(std::string_view member);

  const Thresholds* thresholds_;
  Entry* entry_;
};

}  // namespace chorus::cache
