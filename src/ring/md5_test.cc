#include "ring/md5.h"

#include <gtest/gtest.h>

#include <string>

#include "base/text.h"

namespace chorus::ring {
namespace {

std::string digest(std::string_view octets) {
  const auto words = md5(octets);
  return base::hex({reinterpret_cast<const char*>(words.data()), sizeof words});
}

TEST(Md5, GivesWhatTheStandardLists) {  // RFC 1321, A.5
  EXPECT_EQ(digest(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(digest("a"), "0cc175b9c0f1b6a831c399e269772661");
  EXPECT_EQ(digest("abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(digest("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(digest("abcdefghijklmnopqrstuvwxyz"), "c3fcd3d76192e4007dfb496cca67e13b");
  EXPECT_EQ(digest("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), "d174ab98d277d9f5a5611c2c9f419d9f");
  EXPECT_EQ(digest("12345678901234567890123456789012345678901234567890123456789012345678901234567890"), "57edf4a22be3c955ac49da2e2107b67a");
}

TEST(Md5, PadsAtTheEndsOfBlocks) {  // source: Python's hashlib
  const struct {
    std::size_t size;
    const char* want;
  } cases[] = {{55, "ef1772b6dff9a122358552954ad0df65"},  {56, "3b0c8ac703f828b04c6c197006d17218"},
               {63, "b06521f39153d618550606be297466d5"},  {64, "014842d480b571495a4a0363793f7367"},
               {65, "c743a45e0d2e6a95cb859adae0248435"},  {119, "8a7bd0732ed6a28ce75f6dabc90e1613"},
               {120, "5f61c0ccad4cac44c75ff505e1f1e537"}, {128, "e510683b3f5ffe4093d021808bc6ff70"}};
  for (const auto& c : cases) EXPECT_EQ(digest(std::string(c.size, 'a')), c.want) << c.size;
}

}  // namespace
}  // namespace chorus::ring
