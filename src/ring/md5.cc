#include "ring/md5.h"

#include <bit>
#include <cstring>

namespace chorus::ring {
namespace {

static_assert(std::endian::native == std::endian::little, "words are taken from the octets as they lie in memory");

constexpr std::size_t block_octets = 64;
using State = std::array<std::uint32_t, 4>;

// floor(2^32 * |sin(i + 1)|). RFC 1321 §3.4
constexpr std::array<std::uint32_t, 64> sines = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1,
    0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453,
    0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942,
    0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05,
    0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d,
    0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr int rotations[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

void add_block(State& state, const char* block) {
  std::uint32_t words[16];
  std::memcpy(words, block, block_octets);
  auto [a, b, c, d] = state;
#pragma clang loop unroll(full)
  for (unsigned i = 0; i < 64; ++i) {
    std::uint32_t mixed = 0;
    unsigned word = 0;
    if (i < 16) {
      mixed = (b & c) | (~b & d);
      word = i;
    } else if (i < 32) {
      mixed = (d & b) | (~d & c);
      word = (5 * i + 1) % 16;
    } else if (i < 48) {
      mixed = b ^ c ^ d;
      word = (3 * i + 5) % 16;
    } else {
      mixed = c ^ (b | ~d);
      word = (7 * i) % 16;
    }
    const std::uint32_t turned = b + std::rotl(a + mixed + words[word] + sines[i], rotations[i / 16][i % 4]);
    a = d;
    d = c;
    c = b;
    b = turned;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

}  // namespace

std::array<std::uint32_t, 4> md5(std::string_view octets) {
  State state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  const std::uint64_t bits = std::uint64_t{octets.size()} * 8;
  for (; octets.size() >= block_octets; octets.remove_prefix(block_octets)) add_block(state, octets.data());
  // One bit, zeros, and the length in bits, which end a block: the one begun, or another when that has no room for all of it.
  char tail[2 * block_octets] = {};
  octets.copy(tail, octets.size());
  tail[octets.size()] = static_cast<char>(0x80);
  const std::size_t size = octets.size() + 1 + sizeof bits <= block_octets ? block_octets : 2 * block_octets;
  std::memcpy(tail + size - sizeof bits, &bits, sizeof bits);
  for (std::size_t at = 0; at < size; at += block_octets) add_block(state, tail + at);
  return state;
}

}  // namespace chorus::ring
