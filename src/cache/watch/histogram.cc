#include "cache/watch/histogram.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace chorus::cache {
namespace {

constexpr std::uint64_t linear = 256, half = linear / 2;
constexpr std::int64_t most = (std::int64_t{1} << 31) - 1;

/// Values of one range differ in the lowest `shift` bits.
unsigned shift_of(std::uint64_t value) { return value < linear ? 0 : static_cast<unsigned>(std::bit_width(value)) - 8; }
std::size_t index_of(std::uint64_t value) {
  const unsigned shift = shift_of(value);
  return shift == 0 ? value : linear + (shift - 1) * half + ((value >> shift) - half);
}
std::int64_t highest_of(std::size_t index) {
  if (index < linear) return static_cast<std::int64_t>(index);
  const std::size_t shift = (index - linear) / half + 1, place = (index - linear) % half + half;
  return static_cast<std::int64_t>(((place + 1) << shift) - 1);
}

}  // namespace

void Histogram::add(std::int64_t nanoseconds) {
  const std::size_t index = index_of(static_cast<std::uint64_t>(std::clamp<std::int64_t>(nanoseconds, 1, most)));
  if (counts_.size() <= index) counts_.resize(index + 1);
  ++counts_[index];
  ++count_;
}

std::int64_t Histogram::percentile(double percent) const {
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(percent / 100 * static_cast<double>(count_) + 0.5));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted) return highest_of(i);
  }
  return 0;
}

void Histogram::for_each_doubling(const std::function<void(std::int64_t, std::uint64_t)>& visit) const {
  std::uint64_t seen = 0, told = 0;
  std::size_t i = 0;
  for (std::uint64_t level = 1024; seen < count_; level *= 2) {
    const std::size_t end = index_of(level);
    for (; i <= end && i < counts_.size(); ++i) seen += counts_[i];
    if (seen != std::exchange(told, seen)) visit(highest_of(end), seen);
  }
}

}  // namespace chorus::cache
