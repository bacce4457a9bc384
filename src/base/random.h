// Seeded random numbers that are the same on every machine and in every build.
#pragma once

#include <cstdint>

namespace chorus::base {

/// xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. Not for secrets.
class Random {
 public:
  using result_type = std::uint64_t;
  explicit Random(std::uint64_t seed);

  std::uint64_t next();
  /// Uniform in [0, bound); 0 when bound is 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [low, high], both included.
  std::int64_t between(std::int64_t low, std::int64_t high);
  /// True with the given probability.
  bool chance(double probability);
  /// Uniform in [0, 1).
  double unit();
  /// An independent generator, for a part that must not disturb this one's sequence.
  Random fork() { return Random(next()); }

  static constexpr std::uint64_t min() { return 0; }
  static constexpr std::uint64_t max() { return ~std::uint64_t{0}; }
  std::uint64_t operator()() { return next(); }

 private:
  std::uint64_t state_[4];
};

}  // namespace chorus::base
