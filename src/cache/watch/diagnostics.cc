#include "cache/watch/diagnostics.h"

#include <numeric>

namespace chorus::cache {

void Rate::look(std::uint64_t count, std::int64_t now_us) {
  if (now_us <= at_us_) return;
  // Counts begin anew with CONFIG RESETSTAT.
  const std::uint64_t more = count >= count_ ? count - count_ : count;
  samples_[next_++ % samples_.size()] = static_cast<double>(more) * 1e6 / static_cast<double>(now_us - at_us_);
  count_ = count;
  at_us_ = now_us;
}

double Rate::per_second() const { return std::accumulate(samples_.begin(), samples_.end(), 0.0) / static_cast<double>(samples_.size()); }

}  // namespace chorus::cache
