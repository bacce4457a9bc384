// Where an entry is in a stream.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace chorus::cache {

/// Printed as "ms-seq".
struct StreamId {
  std::uint64_t ms = 0, seq = 0;

  friend auto operator<=>(const StreamId&, const StreamId&) = default;
  static constexpr StreamId last() { return {std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max()}; }
  bool is_zero() const { return ms == 0 && seq == 0; }
  /// Empty: this is the last, or the first.
  std::optional<StreamId> next() const {
    if (seq != last().seq) return StreamId{ms, seq + 1};
    return ms == last().ms ? std::nullopt : std::optional(StreamId{ms + 1, 0});
  }
  std::optional<StreamId> previous() const {
    if (seq != 0) return StreamId{ms, seq - 1};
    return ms == 0 ? std::nullopt : std::optional(StreamId{ms - 1, last().seq});
  }
  std::string text() const { return std::to_string(ms) + '-' + std::to_string(seq); }
};

}  // namespace chorus::cache
