#include "mq/acl/address.h"

#include <gtest/gtest.h>

namespace chorus::mq::acl {
namespace {

TEST(Address, KnowsNetworks) {
  const struct {
    std::string_view ip, network;
    bool in;
  } cases[] = {{"10.1.2.3", "10.1.2.3", true},          {"10.1.2.3", "10.1.2.4", false},
               {"10.1.2.3", "10.0.0.0/8", true},        {"11.1.2.3", "10.0.0.0/8", false},
               {"10.1.2.3", "0.0.0.0/0", true},         {"10.1.130.3", "10.1.128.0/17", true},
               {"10.1.127.3", "10.1.128.0/17", false},  {"2001:db8::1", "2001:db8::/32", true},
               {"2001:db9::1", "2001:db8::/32", false}, {"::1", "::1", true},
               {"::1", "0:0:0:0:0:0:0:1", true},        {"::1", "0.0.0.0/0", false},
               {"::ffff:10.1.2.3", "10.0.0.0/8", true}, {"10.1.2.3", "10.0.0.0/33", false},
               {"no address", "0.0.0.0/0", false},      {"10.1.2.3", "10.0.0.0/8/8", false}};
  for (const auto& c : cases) EXPECT_EQ(is_in(c.ip, c.network), c.in) << c.ip << " in " << c.network;
}

TEST(Address, KnowsWhatARuleMayName) {
  for (const std::string_view good : {"1.2.3.4", "1.2.3.0/24", "::1", "fe80::/10"}) EXPECT_TRUE(is_ip_or_network(good)) << good;
  for (const std::string_view bad : {"", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "/8", "host", "::1/129", "1.2.3.4/-1", "1.2.3.256"}) {
    EXPECT_FALSE(is_ip_or_network(bad)) << bad;
  }
  EXPECT_FALSE(is_ip_or_network(std::string_view("1.2.3.4\0x", 9)));
}

TEST(AddressPattern, MatchesAsRocketMQ4Does) {
  const struct {
    std::string_view pattern, ip;
    bool matches;
  } cases[] = {{"", "10.0.0.1", false},
               {"*", "10.0.0.1", true},
               {"*.*.*.*", "::1", true},
               {"10.10.103.*", "10.10.103.7", true},
               {"10.10.103.*", "10.10.104.7", false},
               {"10.10.10-20.*", "10.10.20.7", true},
               {"10.10.10-20.*", "10.10.21.7", false},
               {"10.10.10.10-20", "10.10.10.15", true},
               {"10.10.1.1,10.10.1.2", "10.10.1.2", true},
               {"10.10.1.1,10.10.1.2", "10.10.1.3", false},
               {"10.10.1.{1,3}", "10.10.1.3", true},
               {"10.10.1.{1,3}", "10.10.1.2", false},
               {"10.10.1.1", "10.10.1.1", true},
               {"10.10.1.1", "10.10.1.10", false},
               {"2001:db8::{1,2}", "2001:db8::2", true},
               {"1::*", "1::ffff", true},
               {"1:2:*", "1:2:3:4:5:6:7:8", true},
               {"1:2:*", "1:3:3:4:5:6:7:8", false},
               {"::1", "0:0:0:0:0:0:0:1", true},
               {"2::ac5:78:1-200:*", "2::ac5:78:150:9", true},
               {"2::ac5:78:1-200:*", "2::ac5:78:201:9", false}};
  for (const auto& c : cases) {
    const auto pattern = AddressPattern::parse(c.pattern);
    ASSERT_TRUE(pattern.has_value()) << c.pattern;
    EXPECT_EQ(pattern->matches(c.ip), c.matches) << c.pattern << " and " << c.ip;
  }
}

TEST(AddressPattern, RefusesWhatIsNone) {
  for (const std::string_view bad : {"10.10", "10.10.*", "10.10.10.300", "10.10.20-10.1", "host", "10.10.1.{1,x}", "::1::2", "1.2.3.4,",
                                     "{1}", "1:2:3:4:5:6:7:8:9", "1-", "::12345"}) {
    EXPECT_FALSE(AddressPattern::parse(bad).has_value()) << bad;
  }
  EXPECT_EQ(AddressPattern::parse("host").error(), "Netaddress examine Exception netaddress is host");
}

}  // namespace
}  // namespace chorus::mq::acl
