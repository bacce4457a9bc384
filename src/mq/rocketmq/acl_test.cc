#include "mq/rocketmq/acl.h"

#include <gtest/gtest.h>

namespace chorus::mq::rocketmq {
namespace {

Command decode(std::string_view header) {
  auto command = Command::decode({HeaderFormat::json, header, "hello"});
  EXPECT_TRUE(command.has_value());
  return std::move(*command);
}

// As AclClientRPCHook of RocketMQ 5.5.0 signs it for ("user", "12345678"), body "hello".
constexpr std::string_view signed_header =
    R"({"code":310,"extFields":{"AccessKey":"user","a":"group","b":"Topic","e":"3","i":"TAGS\u0001é\u0002","Signature":"H6yDt+2kPdJT56pnk1nyZjL6Ezs="},"flag":0,"language":"JAVA","opaque":5,"serializeTypeCurrentRPC":"JSON","version":473})";

TEST(Acl, KnowsASignature) {
  const Command command = decode(signed_header);
  EXPECT_EQ(access_key_of(command), "user");
  EXPECT_TRUE(is_signed_with(command, "12345678"));
  EXPECT_FALSE(is_signed_with(command, "12345679"));
  EXPECT_FALSE(is_signed_with(command, ""));
  Command other_body = decode(signed_header);
  other_body.body = "hallo";
  EXPECT_FALSE(is_signed_with(other_body, "12345678"));
}

TEST(Acl, CoversTheTextOfNumbersAndNotWhatOldClientsAdd) {
  const std::string header =
      R"({"code":12,"extFields":{"maxNum":32,"key":"k","AccessKey":"u","_UNIQUE_KEY_QUERY":"true","Signature":"x","on":false},"version":)";
  EXPECT_EQ(signed_content(decode(header + "399}")), "uk32falsehello");
  EXPECT_EQ(signed_content(decode(header + "401}")), "utruek32falsehello");
}

TEST(Acl, WithoutASignatureIsNotSigned) {
  const Command command = decode(R"({"code":1})");
  EXPECT_FALSE(is_signed_with(command, "12345678"));
  EXPECT_EQ(access_key_of(command), std::nullopt);
}

}  // namespace
}  // namespace chorus::mq::rocketmq
