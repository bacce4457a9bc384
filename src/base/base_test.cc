#include <gtest/gtest.h>

#include <set>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ensure.h"
#include "base/random.h"
#include "base/strong.h"
#include "base/text.h"

namespace chorus::base {
namespace {

TEST(Bytes, RoundTripsBigEndian) {
  std::string out;
  Writer writer(out);
  writer.u8(1);
  writer.u16(0x0203);
  writer.i32(-2);
  writer.i64(-3);
  writer.octets("abc");
  EXPECT_EQ(hex(out), "010203fffffffefffffffffffffffd616263");
  writer.patch_u32(3, 7);
  Reader reader(out);
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.i32(), 7);
  EXPECT_EQ(reader.i64(), -3);
  EXPECT_EQ(reader.octets(3), "abc");
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0U);
}

TEST(Bytes, FirstFailureSticks) {
  Reader reader("\1\2\3");
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_EQ(reader.rest(), "");
  EXPECT_EQ(reader.offset(), 0U);
  Reader huge("abc");
  EXPECT_EQ(huge.octets(~std::size_t{0}), "");
  EXPECT_FALSE(huge.ok());
}

TEST(Checksum, KnownValues) {
  EXPECT_EQ(adler32("Wikipedia"), 0x11e60398U);  // the worked example of RFC 1950's algorithm
  EXPECT_EQ(crc32("123456789"), 0xcbf43926U);    // check value, catalogue of CRC algorithms
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);  // RFC 3720 B.4
  EXPECT_EQ(crc64_jones("123456789"), 0xe9c6d914c4b8d9caU);
}

TEST(Checksum, Continues) {
  std::string text(100'000, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
  for (const std::size_t cut : {0U, 1U, 15U, 4096U, 65'535U, 99'999U}) {
    EXPECT_EQ(adler32(text.substr(cut), adler32(text.substr(0, cut))), adler32(text)) << cut;
    EXPECT_EQ(crc32(text.substr(cut), crc32(text.substr(0, cut))), crc32(text)) << cut;
    EXPECT_EQ(crc32c(text.substr(cut), crc32c(text.substr(0, cut))), crc32c(text)) << cut;
    EXPECT_EQ(crc64_jones(text.substr(cut), crc64_jones(text.substr(0, cut))), crc64_jones(text)) << cut;
  }
}

TEST(Random, SameSeedSameNumbers) {
  Random a(7), b(7), c(8);
  for (int i = 0; i < 100; ++i) {
    const auto value = a.next();
    EXPECT_EQ(value, b.next());
    EXPECT_NE(value, c.next());
  }
}

TEST(Random, StaysInRange) {
  Random random(1);
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto value = random.between(-2, 2);
    EXPECT_GE(value, -2);
    EXPECT_LE(value, 2);
    seen.insert(value);
    EXPECT_LT(random.unit(), 1.0);
  }
  EXPECT_EQ(seen.size(), 5U);
  EXPECT_EQ(random.below(0), 0U);
}

TEST(Text, Hex) {
  EXPECT_EQ(unhex("00 ff\n7A"), std::string("\0\xff\x7a", 3));
  EXPECT_FALSE(unhex("0"));
  EXPECT_FALSE(unhex("zz"));
}

TEST(Text, SplitAndTrim) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
  EXPECT_EQ(trim(" \ta b\n"), "a b");
}

TEST(Text, Numbers) {
  EXPECT_EQ(parse_int("-42"), -42);
  EXPECT_EQ(parse_int("+42"), 42);
  EXPECT_FALSE(parse_int("42x"));
  EXPECT_FALSE(parse_int(""));
  EXPECT_FALSE(parse_int("9223372036854775808"));
}

TEST(Text, Nearest) {
  const std::string_view keys[] = {"tickTime", "dataDir", "clientPort"};
  EXPECT_EQ(nearest("ticktime", keys), "tickTime");
  EXPECT_EQ(nearest("dataDri", keys), "dataDir");
  EXPECT_EQ(nearest("banana", keys), "");
}

TEST(Text, Utf8) {
  EXPECT_TRUE(is_utf8("h\xc3\xa9-\xe4\xb8\xad \xf0\x9f\x98\x80"));
  for (const char* bad : {"\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe4\xb8", "\x80", "\xe0\x80\x80"})
    EXPECT_FALSE(is_utf8(bad)) << hex(bad);
}

TEST(EnsureDeathTest, NamesConditionAndValues) {
  const int limit = 3;
  EXPECT_DEATH(ENSURE(limit > 4, limit), "limit > 4 with 3");
}

TEST(Strong, ComparesAndHashes) {
  using Zxid = Strong<std::int64_t, struct ZxidTag>;
  EXPECT_LT(Zxid(1), Zxid(2));
  EXPECT_EQ(std::hash<Zxid>{}(Zxid(5)), std::hash<std::int64_t>{}(5));
}

}  // namespace
}  // namespace chorus::base
