// When requests are due that are to leave at a fixed rate, whatever the answers do.
#pragma once

#include <cstdint>

#include "zookeeper/load/session.h"

namespace chorus::bench::rocketmq {

class Pacer {
 public:
  /// `rate`: requests a second, above 0.
  Pacer(double rate, Clock::time_point start) : rate_(rate), start_(start) {}

  /// When the next one is due, which then is the one after that.
  Clock::time_point take() { return at(taken_++); }
  Clock::time_point next() const { return at(taken_); }

 private:
  // From the start each time, so that rounding does not add up.
  Clock::time_point at(std::uint64_t number) const {
    return start_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(static_cast<double>(number) / rate_));
  }

  double rate_;
  Clock::time_point start_;
  std::uint64_t taken_ = 0;
};

}  // namespace chorus::bench::rocketmq
