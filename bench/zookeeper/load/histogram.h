// Latencies in buckets of constant relative width, in the manner of HdrHistogram: 128 buckets for each power of two, so that a reported
// value is off by less than 0.8 %.
#pragma once

#include <array>
#include <cstdint>

namespace chorus::bench {

class Histogram {
 public:
  void record(std::uint64_t nanoseconds) { record(nanoseconds, 1); }
  void record(std::uint64_t nanoseconds, std::uint64_t times);

  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }
  /// The smallest recorded value that is not below `fraction` (0..1) of all values; 0 when nothing was recorded.
  std::uint64_t quantile(double fraction) const;

 private:
  static constexpr int kBits = 7;  // buckets a power of two, as a power of two
  static constexpr int kPowers = 40;

  std::array<std::uint64_t, (kPowers + 1) << kBits> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace chorus::bench
