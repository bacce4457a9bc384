#include "cache/hash.h"

#include <cstddef>
#include <cstring>

namespace chorus::cache {
namespace {

std::uint64_t seed_now = 0x9e3779b97f4a7c15ULL;

// Odd numbers with about as many ones as zeros.
constexpr std::uint64_t k0 = 0xd6e8feb86659fd93ULL, k1 = 0xa0761d6478bd642fULL, k2 = 0xe7037ed1a0b428dbULL;

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

void set_hash_seed(std::uint64_t seed) { seed_now = seed; }

std::uint64_t hash_of(std::string_view octets) {
  const char* at = octets.data();
  std::size_t left = octets.size();
  std::uint64_t state = seed_now ^ k0;
  while (left > 16) {
    state = fold(load<std::uint64_t>(at) ^ k1, load<std::uint64_t>(at + 8) ^ state);
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
  return fold(k2 ^ octets.size(), fold(a ^ k1, b ^ state) ^ seed_now);
}

}  // namespace chorus::cache
