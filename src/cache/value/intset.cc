#include "cache/value/intset.h"

#include <cstring>
#include <limits>

#include "cache/memory.h"

namespace chorus::cache {
namespace {

constexpr std::size_t header = 8;

template <class T>
T load(const unsigned char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

std::size_t width_of(std::int64_t value) {
  if (value >= std::numeric_limits<std::int16_t>::min() && value <= std::numeric_limits<std::int16_t>::max()) return 2;
  return value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max() ? 4 : 8;
}

std::int64_t get(const unsigned char* block, std::size_t width, std::size_t index) {
  const unsigned char* from = block + header + index * width;
  if (width == 2) return load<std::int16_t>(from);
  return width == 4 ? load<std::int32_t>(from) : load<std::int64_t>(from);
}

}  // namespace

Intset Intset::make() {
  Intset set(memory::allocate(header));
  const std::uint32_t width = 2;
  std::memcpy(set.block_, &width, sizeof width);
  set.set_count(0);
  return set;
}

void Intset::destroy() { memory::release(block_); }
std::size_t Intset::count() const { return load<std::uint32_t>(block_ + 4); }
std::size_t Intset::width() const { return load<std::uint32_t>(block_); }
std::size_t Intset::octets() const { return header + count() * width(); }
std::int64_t Intset::at(std::size_t index) const { return get(block_, width(), index); }

void Intset::set_count(std::size_t count) {
  const auto stored = static_cast<std::uint32_t>(count);
  std::memcpy(block_ + 4, &stored, sizeof stored);
}

void Intset::put(std::size_t index, std::int64_t value) {
  // Little-endian, as every machine that this is built for: the low octets come first.
  std::memcpy(block_ + header + index * width(), &value, width());
}

std::size_t Intset::lower_bound(std::int64_t value) const {
  std::size_t low = 0, high = count();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (at(middle) < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool Intset::contains(std::int64_t value) const {
  if (width_of(value) > width()) return false;
  const std::size_t index = lower_bound(value);
  return index < count() && at(index) == value;
}

bool Intset::add(std::int64_t value) {
  const std::size_t before = count(), wide = width_of(value), narrow = width();
  if (wide > narrow) {
    // All become wider; from the last on, as they move to the right.
    block_ = static_cast<unsigned char*>(memory::resize(block_, header + (before + 1) * wide));
    const auto stored = static_cast<std::uint32_t>(wide);
    std::memcpy(block_, &stored, sizeof stored);
    const std::size_t shift = value < 0 ? 1 : 0;  // it lies outside of all others
    for (std::size_t i = before; i-- > 0;) put(i + shift, get(block_, narrow, i));
    put(value < 0 ? 0 : before, value);
    set_count(before + 1);
    return true;
  }
  const std::size_t index = lower_bound(value);
  if (index < before && at(index) == value) return false;
  block_ = static_cast<unsigned char*>(memory::resize(block_, header + (before + 1) * narrow));
  unsigned char* from = block_ + header + index * narrow;
  std::memmove(from + narrow, from, (before - index) * narrow);
  put(index, value);
  set_count(before + 1);
  return true;
}

bool Intset::remove(std::int64_t value) {
  if (!contains(value)) return false;
  const std::size_t before = count(), index = lower_bound(value), octets_each = width();
  unsigned char* from = block_ + header + index * octets_each;
  std::memmove(from, from + octets_each, (before - index - 1) * octets_each);
  block_ = static_cast<unsigned char*>(memory::resize(block_, header + (before - 1) * octets_each));
  set_count(before - 1);
  return true;
}

}  // namespace chorus::cache
