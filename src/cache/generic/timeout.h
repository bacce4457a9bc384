// How long a blocking command waits.
#pragma once

#include <cstdint>
#include <optional>

#include "cache/call.h"

namespace chorus::cache {

/// Seconds, with a fraction, into microseconds; 0: forever. Empty: replied.
std::optional<std::int64_t> timeout_of(Call& call, std::size_t argument);

}  // namespace chorus::cache
