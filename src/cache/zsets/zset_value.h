// A sorted set, whatever its encoding. Everything by score, by member and by position comes down to ranks.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cache/call.h"
#include "cache/value/listpack.h"
#include "cache/value/ranked_set.h"

namespace chorus::cache {

/// Of one entry, which does not move by what is done here. What is empty afterwards is the caller's to remove.
class ZsetValue {
 public:
  using Visit = std::function<void(std::string_view member, double score)>;

  ZsetValue(const Thresholds& thresholds, Entry* entry) : thresholds_(&thresholds), entry_(entry) {}
  /// An empty one, not in the database yet, in the encoding that suits its first member.
  static Entry* make(const Thresholds& thresholds, std::string_view key, std::size_t first_member_size);

  std::size_t size() const;
  std::optional<double> score(std::string_view member) const;
  /// Adds it, or gives it that score; true: it is new. The score is no NaN.
  bool set(std::string_view member, double score);
  bool remove(std::string_view member);
  /// From 0, in ascending order.
  std::optional<std::size_t> rank(std::string_view member) const;
  /// How many have a lower score (`or_equal`: or that one).
  std::size_t count_below(double score, bool or_equal) const;
  /// How many members are smaller (or that one); all scores are taken to be equal.
  std::size_t count_below_lex(std::string_view member, bool or_equal) const;
  /// `count` from rank `start` on, which are there; from there downwards if `reverse`.
  void for_range(std::size_t start, std::size_t count, bool reverse, const Visit& visit) const;
  void erase_range(std::size_t start, std::size_t count);
  /// All at once with cursor 0 when it is packed.
  std::uint64_t scan(std::uint64_t cursor, const Visit& visit) const;

 private:
  bool is_packed() const { return entry_->encoding() == Encoding::listpack; }
  RankedSet& ranked() const { return *entry_->payload<RankedSet>(); }
  void unpack();
  /// Of a packed one: the position of a member, and its rank.
  Listpack::Position find(std::string_view member, std::size_t& rank) const;
  void insert_packed(std::string_view member, double score);

  const Thresholds* thresholds_;
  Entry* entry_;
};

}  // namespace chorus::cache
