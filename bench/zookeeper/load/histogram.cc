#include "zookeeper/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace chorus::bench {

void Histogram::record(std::uint64_t nanoseconds, std::uint64_t times) {
  // Values below 2^kBits have a bucket each; above, the highest kBits + 1 bits choose it.
  const int shift = std::max(0, static_cast<int>(std::bit_width(nanoseconds)) - kBits - 1);
  const std::size_t bucket = (static_cast<std::size_t>(shift) << kBits) + (nanoseconds >> shift);
  buckets_[std::min(bucket, buckets_.size() - 1)] += times;
  count_ += times;
  max_ = std::max(max_, nanoseconds);
}

std::uint64_t Histogram::quantile(double fraction) const {
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen < wanted) continue;
    // The middle of the bucket, never more than what was really seen.
    const std::size_t power = bucket >> kBits;
    const std::size_t shift = power > 1 ? power - 1 : 0;
    const std::uint64_t low = (bucket - (shift << kBits)) << shift;
    return std::min(max_, low + ((std::uint64_t{1} << shift) >> 1));
  }
  return max_;
}

}  // namespace chorus::bench
