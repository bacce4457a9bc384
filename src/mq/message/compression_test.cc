#include "mq/message/compression.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace chorus::mq {
namespace {

constexpr Compression all[] = {Compression::zlib, Compression::lz4, Compression::zstd};

std::int32_t flags(Compression how) { return sys_flag::compressed | static_cast<std::int32_t>(how); }

std::string noise(std::size_t octets) {
  std::string out;
  std::uint32_t state = 12345;
  while (out.size() < octets) {
    state = state * 1664525 + 1013904223;
    out += static_cast<char>(state >> 24);
  }
  return out;
}

TEST(Compression, ComesBack) {
  for (const Compression how : all) {
    SCOPED_TRACE(static_cast<int>(how));
    for (const std::string& body : {std::string("x"), std::string(100'000, 'x') + "end", noise(5'000'000)}) {
      const std::string packed = compress(body, how);
      EXPECT_EQ(decompress(packed, flags(how)), body);
      // Exactly as much as is allowed, and one octet more.
      EXPECT_EQ(decompress(packed, flags(how), body.size()), body);
      EXPECT_EQ(decompress(packed, flags(how), body.size() - 1), std::nullopt);
    }
    EXPECT_LT(compress(std::string(100'000, 'x'), how).size(), 1'000U);
  }
  EXPECT_EQ(decompress(compress("old", Compression::zlib), sys_flag::compressed), "old") << "RocketMQ 4 does not say which";
}

TEST(Compression, WhatIsNotWholeIsNotTaken) {
  const std::string body = noise(3000) + std::string(3000, 'x');
  for (const Compression how : all) {
    SCOPED_TRACE(static_cast<int>(how));
    const std::string packed = compress(body, how);
    for (std::size_t size = 0; size < packed.size(); ++size)
      ASSERT_EQ(decompress(packed.substr(0, size), flags(how)), std::nullopt) << size;
    for (const Compression other : all) {
      if (other != how) EXPECT_EQ(decompress(packed, flags(other)), std::nullopt);
    }
    EXPECT_EQ(decompress("plain text", flags(how)), std::nullopt);
  }
  EXPECT_EQ(decompress(compress("x", Compression::zlib), sys_flag::compressed | 7 << 8), std::nullopt) << "nobody's";
}

// By RocketMQ 5.5.0's own compressors (common/compression/CompressorFactory) at level 5: "RocketMQ", twenty times.
TEST(Compression, ReadsWhatRocketmqWrote) {
  std::string body;
  for (int i = 0; i < 20; ++i) body += "RocketMQ";
  const struct {
    Compression how;
    std::string_view hex;
  } cases[] = {
      {Compression::zlib, "785e0bca4fce4e2df10d0c1aa434000aa13c79"},
      {Compression::lz4, "04224d18607073120000008f526f636b65744d51080080506b65744d5100000000"},
      {Compression::zstd, "28b52ffd00587c000040526f636b65744d5101009551850b010000"},
  };
  for (const auto& each : cases) EXPECT_EQ(decompress(*base::unhex(each.hex), flags(each.how)), body) << static_cast<int>(each.how);
}

}  // namespace
}  // namespace chorus::mq
