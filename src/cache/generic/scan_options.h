// The cursor and options that SCAN, SSCAN, HSCAN and ZSCAN share.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "cache/call.h"
#include "cache/resp/glob.h"

namespace chorus::cache {

struct ScanOptions {
  std::uint64_t cursor = 0;
  std::int64_t count = 10;
  std::optional<std::string_view> pattern;
  std::optional<Type> type;  // SCAN only

  bool matches(std::string_view text) const { return !pattern || glob_matches(*pattern, text); }
};

/// False: replied.
bool read_scan_cursor(Call& call, std::size_t at, ScanOptions& options);
/// From argument `from` on. False: replied.
bool read_scan_options(Call& call, std::size_t from, bool takes_type, ScanOptions& options);
/// Of SSCAN, HSCAN and ZSCAN: the cursor, then the key, which is of `type`, then options, in the order of their errors. Null: replied.
Entry* begin_scan(Call& call, Type type, ScanOptions& options);
/// The reply of the three: where to go on, and an array of `count` elements, which `found` has as they are written.
void end_scan(Call& call, std::uint64_t cursor, std::size_t count, std::string_view found);

}  // namespace chorus::cache
