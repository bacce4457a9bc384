#include "cache/generic/timeout.h"

#include <algorithm>
#include <cmath>

namespace chorus::cache {

std::optional<std::int64_t> timeout_of(Call& call, std::size_t argument) {
  const auto seconds = parse_double(call[argument]);
  // 2^63 ms is where Redis' own clock ends.
  if (!seconds || *seconds * 1000 >= 9.2e18) {
    call.error(seconds && !std::isinf(*seconds) ? "ERR timeout is out of range" : "ERR timeout is not a float or out of range");
    return {};
  }
  if (*seconds < 0) {
    call.error("ERR timeout is negative");
    return {};
  }
  constexpr double longest_ms = 9e15;  // in microseconds it still fits
  return static_cast<std::int64_t>(std::min(std::ceil(*seconds * 1000), longest_ms)) * 1000;
}

}  // namespace chorus::cache
