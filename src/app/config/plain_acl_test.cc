#include "app/config/plain_acl.h"

#include <gtest/gtest.h>

namespace chorus::app {
namespace {

using mq::acl::Account;
using mq::acl::User;
using mq::acl::UserType;

// As the release's own conf/plain_acl.yml is laid out.
TEST(PlainAcl, ReadsAFile) {
  const auto read = read_plain_acl(R"(# comment
globalWhiteRemoteAddresses:
  - 10.10.103.*
  - 192.168.0.*

accounts:
  - accessKey: RocketMQ
    secretKey: 12345678
    whiteRemoteAddress:
    admin: false
    defaultTopicPerm: DENY
    defaultGroupPerm: SUB
    topicPerms:
      - topicA=DENY
      - topicB=PUB|SUB
    groupPerms:
      # the group should convert to retry topic
      - groupA=DENY
  - {accessKey: 'rocketmq2', secretKey: "12345678", whiteRemoteAddress: 192.168.1.*, admin: true}
)");
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_EQ(read->white_addresses, (std::vector<std::string>{"10.10.103.*", "192.168.0.*"}));
  ASSERT_EQ(read->accounts.size(), 2u);
  EXPECT_EQ(read->accounts[0], (Account{.access_key = "RocketMQ",
                                        .secret_key = "12345678",
                                        .default_topic_perm = "DENY",
                                        .default_group_perm = "SUB",
                                        .topic_perms = {{"topicA=DENY", "topicB=PUB|SUB"}},
                                        .group_perms = {{"groupA=DENY"}}}));
  EXPECT_EQ(read->accounts[1],
            (Account{.access_key = "rocketmq2", .secret_key = "12345678", .white_remote_address = "192.168.1.*", .admin = true}));
}

TEST(PlainAcl, SaysWhatIsWrong) {
  const struct {
    std::string_view yaml, words;
  } cases[] = {{"accounts: [", "line"},
               {"- a", "wants accounts"},
               {"accounts: [{accessKey: short, secretKey: '12345678'}]", "accessKey=short"},
               {"accounts: [{accessKey: RocketMQ, secretKey: '12345678', topicPerms: [a]}]", "format error for a"},
               {"accounts: [{accessKey: RocketMQ, secretKey: '12345678', whiteRemoteAddress: host}]", "netaddress is host"},
               {"globalWhiteRemoteAddresses: [host]", "netaddress is host"}};
  for (const auto& c : cases) {
    const auto read = read_plain_acl(c.yaml);
    ASSERT_FALSE(read.has_value()) << c.yaml;
    EXPECT_NE(read.error().find(c.words), std::string::npos) << read.error();
  }
  EXPECT_TRUE(read_plain_acl("").has_value());
  EXPECT_TRUE(read_plain_acl("accounts:").has_value());
}

TEST(PlainAcl, InitialUser) {
  const User root{"root", "a:b", UserType::super};
  EXPECT_EQ(read_initial_user("root:a:b"), root);
  EXPECT_EQ(read_initial_user(R"({"username":"root","password":"a:b"})"), root);
  for (const std::string_view bad : {"root", ":p", "root:", "{}", R"({"username":1,"password":"p"})"})
    EXPECT_FALSE(read_initial_user(bad)) << bad;
}

}  // namespace
}  // namespace chorus::app
