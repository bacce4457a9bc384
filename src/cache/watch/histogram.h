// How long calls took: counts in ranges that grow with the value, so that each is known to one in a hundred.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace chorus::cache {

/// Of nanoseconds, 1 .. 2^31 - 1. Ranges as HdrHistogram has them with two digits: one wide below 256, from there 128 to each doubling.
class Histogram {
 public:
  void add(std::int64_t nanoseconds);
  std::uint64_t count() const { return count_; }
  /// The highest value of the range in which that part (0 .. 100) of all calls has ended; 0: there were none.
  std::int64_t percentile(double percent) const;
  /// For 1024, 2048 and so on: the highest value of its range, and how many calls took no longer; only where that changes.
  void for_each_doubling(const std::function<void(std::int64_t nanoseconds, std::uint64_t calls)>& visit) const;

 private:
  std::vector<std::uint64_t> counts_;  // as long as the largest value needs
  std::uint64_t count_ = 0;
};

}  // namespace chorus::cache
