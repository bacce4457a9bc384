// EX, PX, EXAT and PXAT, and the times of EXPIRE: into Unix time in ms.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "cache/call.h"

namespace chorus::cache {

/// unit: 1000 for seconds, 1 for ms; is_absolute: the argument is a date. must_be_positive: as SET wants it. Empty: the error is replied.
std::optional<std::int64_t> expiry_of(Call& call, std::size_t argument, std::int64_t unit, bool is_absolute, bool must_be_positive);

}  // namespace chorus::cache
