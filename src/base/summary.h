// What was measured so often that single values cannot be kept: extremes, sum, quantiles. source: AvgMinMaxCounter,
// AvgMinMaxPercentileCounter
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace chorus::base {

struct Summary {
  std::int64_t min = 0, max = 0, sum = 0, count = 0;  // min and max are 0 while there is nothing

  void add(std::int64_t value, std::int64_t times = 1) {
    if (times <= 0) return;
    min = count == 0 ? value : std::min(min, value);
    max = count == 0 ? value : std::max(max, value);
    sum += value * times;
    count += times;
  }
  void add(const Summary& other) {
    if (other.count == 0) return;
    min = count == 0 ? other.min : std::min(min, other.min);
    max = count == 0 ? other.max : std::max(max, other.max);
    sum += other.sum;
    count += other.count;
  }
  double average() const { return count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count); }
};

/// And quantiles, of all values since the start. Java keeps a random choice of 4,096; here each value is counted in a bucket, exact below
/// 32 and no wider than a sixteenth of the value above, so that equal values give equal quantiles. Values are not negative; 3.5 KiB.
class QuantileSummary : public Summary {
 public:
  void add(std::int64_t value, std::int64_t times = 1) {
    if (times <= 0) return;
    value = std::max<std::int64_t>(value, 0);
    Summary::add(value, times);
    buckets_[bucket_of(value)] += static_cast<std::uint64_t>(times);
  }

  /// Between the two values that it falls between, as in Java's UniformSnapshot. q: 0 .. 1.
  double quantile(double q) const {
    if (count == 0) return 0;
    const double position = q * static_cast<double>(count + 1);
    if (position < 1) return static_cast<double>(min);
    if (position >= static_cast<double>(count)) return static_cast<double>(max);
    const double below = value_at(static_cast<std::uint64_t>(position));
    const double above = value_at(static_cast<std::uint64_t>(position) + 1);
    return below + (position - std::floor(position)) * (above - below);
  }

 private:
  static constexpr int exact_bits = 5, step_bits = 4, octaves = 26;  // up to 2^31: 24 days in milliseconds
  static constexpr std::size_t buckets = (1 << exact_bits) + (octaves << step_bits);

  static std::size_t bucket_of(std::int64_t value) {
    if (value < 1 << exact_bits) return static_cast<std::size_t>(value);
    const int width = std::bit_width(static_cast<std::uint64_t>(value));
    const auto step = static_cast<std::size_t>(value >> (width - 1 - step_bits)) - (1 << step_bits);
    const std::size_t octave = static_cast<std::size_t>(width - 1 - exact_bits) << step_bits;
    return std::min((1 << exact_bits) + octave + step, buckets - 1);
  }
  /// In the middle of the bucket.
  static double value_of(std::size_t bucket) {
    if (bucket < 1 << exact_bits) return static_cast<double>(bucket);
    const std::size_t above = bucket - (1 << exact_bits);
    const double width = std::ldexp(1, exact_bits - step_bits + static_cast<int>(above >> step_bits));
    return width * (static_cast<double>((above & ((1 << step_bits) - 1)) + (1 << step_bits)) + 0.5) - 0.5;
  }
  /// The rank-th smallest, from 1.
  double value_at(std::uint64_t rank) const {
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
      seen += buckets_[bucket];
      if (seen >= rank) return std::clamp(value_of(bucket), static_cast<double>(min), static_cast<double>(max));
    }
    return static_cast<double>(max);
  }

  std::array<std::uint64_t, buckets> buckets_{};
};

}  // namespace chorus::base
