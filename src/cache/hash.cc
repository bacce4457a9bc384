#include "cache/hash.h"

#include <cstddef>
#include <cstring>
#include <mutex>

#include "base/random.h"

namespace chorus::cache {
namespace {

/// Whoever knew one of the factors could make it zero with a key, and with it the product: all of them are drawn.
struct Factors {
  explicit Factors(std::uint64_t seed) {
    base::Random random(seed);
    for (std::uint64_t* each : {&start, &block, &length, &end}) *each = random.next() | 1;
  }
  std::uint64_t start = 0, block = 0, length = 0, end = 0;
};

Factors factors(0x9e3779b97f4a7c15ULL);
std::once_flag is_seeded;

__extension__ using Wide = unsigned __int128;

/// Both halves of a 128-bit product folded: one multiplication spreads every bit.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <class T>
std::uint64_t load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

void set_hash_seed(std::uint64_t seed) {
  std::call_once(is_seeded, [seed] { factors = Factors(seed); });
}

std::uint64_t hash_of(std::string_view octets) {
  const char* at = octets.data();
  std::size_t left = octets.size();
  std::uint64_t state = factors.start;
  while (left > 16) {
    state = fold(load<std::uint64_t>(at) ^ factors.block, load<std::uint64_t>(at + 8) ^ state);
    at += 16;
    left -= 16;
  }
  std::uint64_t a = 0, b = 0;
  if (left >= 8) {
    a = load<std::uint64_t>(at);
    b = load<std::uint64_t>(at + left - 8);  // may overlap what a has
  } else if (left >= 4) {
    a = load<std::uint32_t>(at);
    b = load<std::uint32_t>(at + left - 4);
  } else if (left > 0) {
    a = static_cast<std::uint64_t>(static_cast<unsigned char>(at[0])) << 16 |
        static_cast<std::uint64_t>(static_cast<unsigned char>(at[left / 2])) << 8 | static_cast<unsigned char>(at[left - 1]);
  }
  return fold(factors.length ^ octets.size(), fold(a ^ factors.block, b ^ state) ^ factors.end);
}

}  // namespace chorus::cache
