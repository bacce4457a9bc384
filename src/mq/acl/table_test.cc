#include "mq/acl/table.h"

#include <gtest/gtest.h>

namespace chorus::mq::acl {
namespace {

void keep(AccessTable& table, const AclResult<Record>& record) {
  ASSERT_TRUE(record.has_value()) << record.error().message;
  EXPECT_TRUE(table.apply(*record));
}

Acl rules(std::string subject, std::string_view resource, std::vector<Action> actions, std::vector<std::string> ips = {}) {
  return {std::move(subject), {{PolicyType::custom, {{*parse_resource(resource), std::move(actions), std::move(ips), Decision::allow}}}}};
}

TEST(AccessTable, KeepsUsers) {
  AccessTable table;
  EXPECT_EQ(table.create_user({.name = ""}).error().code, AclErrc::invalid);
  EXPECT_EQ(table.create_user({.name = "u"}).error().message, "password can not be blank");
  keep(table, table.create_user({.name = "u", .password = "p"}));
  EXPECT_EQ(*table.user("u"), (User{"u", "p", UserType::normal, UserStatus::enable}));
  EXPECT_EQ(table.create_user({.name = "u", .password = "q"}).error().message, "The user is existed");
  EXPECT_EQ(table.update_user({.name = "v"}).error().message, "The user is not exist");
  keep(table, table.update_user({.name = "u", .status = UserStatus::disable}));
  EXPECT_EQ(*table.user("u"), (User{"u", "p", UserType::normal, UserStatus::disable}));
  keep(table, table.update_user({.name = "u", .password = "q", .type = UserType::super}));
  EXPECT_EQ(*table.user("u"), (User{"u", "q", UserType::super, UserStatus::disable}));
  for (const Record& record : table.remove_user("u")) EXPECT_TRUE(table.apply(record));
  EXPECT_EQ(table.user("u"), nullptr);
  EXPECT_TRUE(table.remove_user("u").empty());
}

TEST(AccessTable, TellsWhoMay) {
  AccessTable table;
  keep(table, table.create_user({.name = "root", .password = "p", .type = UserType::super}));
  keep(table, table.create_user({.name = "u", .password = "p"}));
  const Resource orders = Resource::literal(ResourceType::topic, "orders");
  EXPECT_EQ(table.refusal("root", orders, {Action::pub}, "::1"), "");
  EXPECT_EQ(table.refusal("nobody", orders, {Action::pub}, "::1"), "User:nobody not found.");
  EXPECT_EQ(table.refusal("u", orders, {Action::pub}, "::1"),
            "User:u has no permission to access Topic:orders from ::1, no matched policies.");
  keep(table, table.merge_acl(rules("User:u", "Topic:orders", {Action::pub})));
  EXPECT_EQ(table.refusal("u", orders, {Action::pub}, "::1"), "");
  EXPECT_NE(table.refusal("u", orders, {Action::sub}, "::1"), "");
  Acl deny = rules("User:u", "Topic:orders", {Action::pub});
  deny.policies[0].entries[0].decision = Decision::deny;
  keep(table, table.merge_acl(deny));
  EXPECT_EQ(table.refusal("u", orders, {Action::pub}, "::1"),
            "User:u has no permission to access Topic:orders from ::1, the decision is deny.");
  keep(table, table.update_user({.name = "root", .status = UserStatus::disable}));
  EXPECT_EQ(table.refusal("root", orders, {Action::pub}, "::1"), "User:root is disabled.");
}

TEST(AccessTable, RefusesRulesThatCannotBe) {
  AccessTable table;
  EXPECT_EQ(table.merge_acl(rules("User:u", "*", {Action::pub})).error().message, "The subject of User:u is not exist.");
  keep(table, table.create_user({.name = "u", .password = "p"}));
  EXPECT_EQ(table.merge_acl({"User:u", {}}).error().message, "The policies is empty.");
  EXPECT_EQ(table.merge_acl({"User:u", {{PolicyType::custom, {}}}}).error().message, "The policy entries is empty.");
  EXPECT_EQ(table.merge_acl(rules("User:u", "*", {})).error().message, "The actions is empty.");
  EXPECT_EQ(table.merge_acl(rules("User:u", "*", {Action::any})).error().message, "The actions can not be Any.");
  EXPECT_EQ(table.merge_acl(rules("User:u", "*", {Action::pub}, {" "})).error().message, "The source ip is empty.");
  EXPECT_EQ(table.merge_acl(rules("User:u", "*", {Action::pub}, {"1.2.3"})).error().message, "The source ip is invalid.");
  EXPECT_EQ(table.remove_acl("User:u", PolicyType::custom, {}).error().message, "The acl is not exist.");
  EXPECT_EQ(table.remove_acl("User:v", PolicyType::custom, {}).error().message, "The subject is not exist.");
}

TEST(AccessTable, RemovesRules) {
  AccessTable table;
  keep(table, table.create_user({.name = "u", .password = "p"}));
  keep(table, table.merge_acl(rules("User:u", "Topic:a", {Action::pub})));
  keep(table, table.merge_acl(rules("User:u", "Topic:b", {Action::pub})));
  keep(table, table.remove_acl("User:u", PolicyType::custom, parse_resource("Topic:a")));
  ASSERT_NE(table.acl("User:u"), nullptr);
  keep(table, table.remove_acl("User:u", PolicyType::custom, parse_resource("Topic:b")));
  EXPECT_EQ(table.acl("User:u"), nullptr);
  keep(table, table.merge_acl(rules("User:u", "Topic:a", {Action::pub})));
  EXPECT_EQ(table.remove_user("u").size(), 2u);
}

TEST(AccessTable, WhatCannotBeReadAllowsNothing) {
  AccessTable table;
  keep(table, table.create_user({.name = "u", .password = "p"}));
  keep(table, table.merge_acl(rules("User:u", "Topic:a", {Action::pub})));
  EXPECT_FALSE(table.apply({Kind::policies, "User:u", R"({"subject":"User:u","policies":[{"policyType":"Custom","entries":[{}]}]})"}));
  EXPECT_EQ(table.acl("User:u"), nullptr);
  EXPECT_FALSE(table.apply({Kind::user, "u", R"({"username":"other","password":"p","userType":"Super","userStatus":"enable"})"}));
  EXPECT_EQ(table.user("u"), nullptr);
  EXPECT_FALSE(table.apply({Kind::setting, std::string(white_addresses_setting), R"(["host"])"}));
  EXPECT_FALSE(table.is_white("10.0.0.1"));
}

TEST(AccessTable, RecordsRoundTrip) {
  const User user{"ü \"x\"", "p\n", UserType::super, UserStatus::disable};
  EXPECT_EQ(user_from_json(to_json(user)), user);
  Acl acl = rules("User:u", "Topic:a*", {Action::pub, Action::remove}, {"10.0.0.0/8"});
  acl.policies.push_back({PolicyType::fallback, {{Resource{}, {Action::all}, {}, Decision::deny}}});
  EXPECT_EQ(acl_from_json(to_json(acl)), acl);
  const Account account{
      .access_key = "access-key", .secret_key = "secret-key", .admin = true, .default_topic_perm = "PUB|SUB", .group_perms = {{"g=SUB"}}};
  EXPECT_EQ(account_from_json(to_json(account)), account);
}

TEST(Plain, TellsWhoMay) {
  AccessTable table;
  EXPECT_FALSE(table.update_account({.access_key = "short", .secret_key = "secret-key"}).has_value());
  EXPECT_FALSE(table.update_account({.access_key = "access-key", .secret_key = "secret-key", .topic_perms = {{"a"}}}).has_value());
  EXPECT_FALSE(table.update_account({.access_key = "access-key", .secret_key = "secret-key", .topic_perms = {{"a=READ"}}}).has_value());
  keep(table, table.update_account({.access_key = "access-key",
                                    .secret_key = "secret-key",
                                    .white_remote_address = "10.0.0.*",
                                    .default_topic_perm = "SUB",
                                    .topic_perms = {{"orders=PUB|SUB", "hidden=DENY"}},
                                    .group_perms = {{"g=SUB"}}}));
  const PlainAccount* account = table.account("access-key");
  ASSERT_NE(account, nullptr);
  EXPECT_TRUE(account->comes_from_white_address("10.0.0.7"));
  EXPECT_FALSE(account->comes_from_white_address("10.0.1.7"));
  using namespace plain_perm;
  const struct {
    PlainNeeds needs;
    std::string_view refusal;
  } cases[] = {{{{"orders", pub}}, ""},
               {{{"other", sub}}, ""},
               {{{"other", pub}}, "No default permission for topic:other"},
               {{{"hidden", sub}}, "No default permission for topic:hidden"},
               {{{"%RETRY%g", sub}, {"orders", sub}}, ""},
               {{{"%RETRY%h", sub}}, "No default permission for group:h"},
               {{}, ""}};
  for (const auto& c : cases) EXPECT_EQ(account->refusal(10, false, c.needs), c.refusal);
  EXPECT_EQ(account->refusal(17, true, {}), "Need admin permission for request code=17, but accessKey=access-key is not");

  keep(table, table.update_account({.access_key = "access-key", .admin = true, .topic_perms = {std::vector<std::string>{}}}));
  EXPECT_EQ(table.account("access-key")->account().secret_key, "secret-key");
  EXPECT_EQ(table.account("access-key")->refusal(17, true, {}), "");
  keep(table, table.remove_account("access-key"));
  EXPECT_FALSE(table.remove_account("access-key").has_value());
}

TEST(Plain, WhiteAddressesOfAll) {
  AccessTable table;
  EXPECT_EQ(table.set_white_addresses({"host"}).error().message, "Netaddress examine Exception netaddress is host");
  keep(table, table.set_white_addresses({"10.0.0.*", "192.168.1.1"}));
  EXPECT_TRUE(table.is_white("10.0.0.9"));
  EXPECT_FALSE(table.is_white("127.0.0.1"));
  EXPECT_EQ(table.white_addresses().size(), 2u);
}

}  // namespace
}  // namespace chorus::mq::acl
