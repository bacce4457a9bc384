// When a key was used last, or how often: what the 24 bits of Entry::access() mean under a policy.
#pragma once

#include <cstdint>

#include "base/random.h"

namespace chorus::cache {

/// Under the policies but LFU: seconds, which come round after 194 days.
std::uint32_t lru_clock(std::int64_t unix_us);
/// Of a key that was used so many seconds ago.
std::uint32_t lru_idle(std::uint64_t seconds, std::int64_t unix_us);
std::int64_t idle_seconds(std::uint32_t access, std::int64_t unix_us);

/// Under LFU: 16 bits of minutes when the counter was looked after last, 8 bits of a counter that grows with the logarithm of the uses and
/// falls with time.
struct LfuSettings {
  std::uint32_t log_factor = 10;    // lfu-log-factor: how many uses saturate the counter
  std::uint32_t decay_minutes = 1;  // lfu-decay-time: minutes for each that it falls by; 0: never
};
inline constexpr std::uint8_t lfu_fresh_counter = 5;  // so that a new key has a chance to be used again

/// Of a key that is made.
std::uint32_t lfu_fresh(std::int64_t unix_us);
/// With that counter, as of now.
std::uint32_t lfu_with(std::uint8_t counter, std::int64_t unix_us);
/// As time has left it.
std::uint8_t lfu_frequency(std::uint32_t access, const LfuSettings& settings, std::int64_t unix_us);
/// Of one that is used: decayed, then counted up with a probability that falls as the counter rises.
std::uint32_t lfu_used(std::uint32_t access, const LfuSettings& settings, std::int64_t unix_us, base::Random& random);

}  // namespace chorus::cache
