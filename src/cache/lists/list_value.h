// A list, whatever its encoding.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cache/call.h"
#include "cache/value/quicklist.h"

namespace chorus::cache {

enum class End : std::uint8_t { left, right };

/// Of one entry, which does not move by what is done here. What is empty afterwards is the caller's to remove.
class ListValue {
 public:
  ListValue(const Thresholds& thresholds, Entry* entry) : limit_{thresholds.list_listpack_size}, entry_(entry) {}
  /// An empty one, not in the database yet.
  static Entry* make(std::string_view key);

  std::size_t size() const;
  void push(End end, std::string_view value);
  /// The list is not empty.
  std::string pop(End end);
  /// index: from 0, from the end with -1; empty: out of range.
  std::optional<std::string> at(std::int64_t index) const;
  bool set(std::int64_t index, std::string_view value);
  /// `count` elements from `start` on, which are there; from `start` backwards if `reverse`.
  void for_range(std::size_t start, std::size_t count, bool reverse, const std::function<void(std::string_view)>& visit) const;
  /// Elements from `start` on go.
  void erase(std::size_t start, std::size_t count);
  /// The first `limit` that equal `value` go (0: all), looked for from the left or the right. Returns how many.
  std::size_t remove(std::string_view value, std::size_t limit, End from);
  /// Beside the first that equals `pivot`; false: there is none.
  bool insert(std::string_view pivot, bool after, std::string_view value);
  /// visit(index) for those that equal `value`, from the left or the right, until it says false; looks at `limit` elements (0: all).
  void find(std::string_view value, End from, std::size_t limit, const std::function<bool(std::size_t index)>& visit) const;

 private:
  bool is_packed() const { return entry_->encoding() == Encoding::listpack; }
  Quicklist& chain() const { return *entry_->payload<Quicklist>(); }
  /// Into a chain, when one packed list is not enough for what is to come.
  void grow_for(std::string_view value);
  /// Back into one, when it is less than half of what one may be.
  void shrink();

  NodeLimit limit_;
  Entry* entry_;
};

}  // namespace chorus::cache
