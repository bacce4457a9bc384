#include <gtest/gtest.h>

#include "base/text.h"
#include "jute/constants.h"
#include "jute/records.h"
#include "jute/txns.h"

namespace chorus::jute {
namespace {

// Sent by a real client to Apache ZooKeeper 3.9.5.
TEST(Jute, CreateRequest) {
  const std::string octets =
      base::unhex("00000001 00000001 00000002 2f61 00000001 78 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00000000")
          .value();
  base::Reader in(octets);
  EXPECT_EQ(decode<RequestHeader>(in)->type, static_cast<int>(OpCode::create));
  const auto request = decode<CreateRequest>(in);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->path, "/a");
  EXPECT_EQ(request->data, "x");
  EXPECT_EQ(request->acl, (std::vector<Acl>{{perms::all, {"world", "anyone"}}}));
  EXPECT_EQ(in.remaining(), 0U);
  EXPECT_EQ(encode(*request), octets.substr(8));
}

TEST(Jute, NullIsNotEmpty) {
  EXPECT_EQ(base::hex(encode(SaslToken{})), "ffffffff");
  EXPECT_EQ(base::hex(encode(SaslToken{.token = ""})), "00000000");
  EXPECT_FALSE(decode<SaslToken>(std::string_view("\xff\xff\xff\xff", 4))->token.has_value());
}

TEST(Jute, RefusesLengthsBeyondTheOctets) {
  for (const char* bad : {"", "000000", "00000005 61", "fffffffe", "7fffffff 61", "80000000"}) {
    EXPECT_FALSE(decode<PathRecord>(*base::unhex(bad))) << bad;
    EXPECT_FALSE(decode<PathsResponse>(*base::unhex(bad))) << bad;
  }
  EXPECT_TRUE(decode<PathsResponse>(*base::unhex("ffffffff"))->paths.empty());
}

TEST(Jute, StatIsSixtyEightOctets) {
  EXPECT_EQ(encode(Stat{}).size(), 68U);
  EXPECT_EQ(encode(StatPersisted{}).size(), 60U);
  EXPECT_EQ(encode(TxnHeader{}).size(), 32U);
  EXPECT_EQ(encode(MultiHeader{}).size(), 9U);
  EXPECT_EQ(encode(ReplyHeader{}).size(), 16U);
}

TEST(Jute, NamesAreZooKeepers) {
  EXPECT_EQ(name_of(OpCode::get_children2), "getChildren2");
  EXPECT_EQ(name_of(ErrorCode::no_children_for_ephemerals), "NOCHILDRENFOREPHEMERALS");
  EXPECT_EQ(name_of(static_cast<ErrorCode>(-999)), "UNKNOWN");
}

}  // namespace
}  // namespace chorus::jute
