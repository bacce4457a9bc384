#include "cache/access.h"

#include <algorithm>

namespace chorus::cache {
namespace {

std::uint32_t minutes(std::int64_t unix_us) { return static_cast<std::uint32_t>(unix_us / 60'000'000) & 0xffff; }

}  // namespace

std::uint32_t lru_clock(std::int64_t unix_us) { return static_cast<std::uint32_t>(unix_us / 1'000'000) & 0xffffff; }

std::int64_t idle_seconds(std::uint32_t access, std::int64_t unix_us) { return (lru_clock(unix_us) - access) & 0xffffff; }

std::uint32_t lru_idle(std::uint64_t seconds, std::int64_t unix_us) {
  return static_cast<std::uint32_t>((lru_clock(unix_us) - seconds) & 0xffffff);
}

std::uint32_t lfu_with(std::uint8_t counter, std::int64_t unix_us) { return minutes(unix_us) << 8 | counter; }

std::uint32_t lfu_fresh(std::int64_t unix_us) { return minutes(unix_us) << 8 | lfu_fresh_counter; }

std::uint8_t lfu_frequency(std::uint32_t access, const LfuSettings& settings, std::int64_t unix_us) {
  const std::uint32_t counter = access & 0xff;
  if (settings.decay_minutes == 0) return static_cast<std::uint8_t>(counter);
  const std::uint32_t elapsed = (minutes(unix_us) - (access >> 8)) & 0xffff;
  return static_cast<std::uint8_t>(counter - std::min(counter, elapsed / settings.decay_minutes));
}

std::uint32_t lfu_used(std::uint32_t access, const LfuSettings& settings, std::int64_t unix_us, base::Random& random) {
  std::uint32_t counter = lfu_frequency(access, settings, unix_us);
  const std::uint32_t above = counter > lfu_fresh_counter ? counter - lfu_fresh_counter : 0;
  if (counter < 255 && random.chance(1.0 / (static_cast<double>(above) * settings.log_factor + 1))) ++counter;
  return minutes(unix_us) << 8 | counter;
}

}  // namespace chorus::cache
