#include "mq/acl/policy.h"

#include <gtest/gtest.h>

namespace chorus::mq::acl {
namespace {

TEST(Policy, ReadsResources) {
  const struct {
    std::string_view text, again;
  } cases[] = {{"*", "*"},
               {"Topic:orders", "Topic:orders"},
               {"topic:orders", "Topic:orders"},
               {"Group:bill*", "Group:bill*"},
               {"Topic:*", "Topic:*"},
               {"Cluster:c", "Cluster:c"},
               {"Topic:a*b*", "Topic:a*"}};
  for (const auto& c : cases) {
    const auto resource = parse_resource(c.text);
    ASSERT_TRUE(resource) << c.text;
    EXPECT_EQ(to_string(*resource), c.again);
  }
  for (const std::string_view none : {"", " ", "orders", "Queue:1"}) EXPECT_FALSE(parse_resource(none)) << none;
}

TEST(Policy, TheMostSpecialEntryDecides) {
  const auto entry = [](std::string_view resource, std::vector<Action> actions, Decision decision, std::vector<std::string> ips = {}) {
    return Entry{*parse_resource(resource), std::move(actions), std::move(ips), decision};
  };
  Acl acl{.subject = "User:u"};
  acl.merge({{PolicyType::custom,
              {entry("*", {Action::get}, Decision::allow), entry("Topic:*", {Action::all}, Decision::deny),
               entry("Topic:ord*", {Action::pub, Action::sub}, Decision::allow), entry("Topic:orders-old*", {Action::pub}, Decision::deny),
               entry("Topic:orders", {Action::pub}, Decision::deny, {"10.0.0.0/8"})}},
             {PolicyType::fallback, {entry("Group:*", {Action::sub}, Decision::allow), entry("Topic:*", {Action::all}, Decision::allow)}}});
  const struct {
    ResourceType type;
    std::string_view name;
    std::vector<Action> actions;
    std::string_view ip;
    std::string_view decision;
  } cases[] = {{ResourceType::topic, "orders", {Action::pub}, "127.0.0.1", "Allow"},       // by prefix
               {ResourceType::topic, "orders", {Action::pub}, "10.0.0.1", "Deny"},         // by name, from there
               {ResourceType::topic, "orders-old-1", {Action::pub}, "127.0.0.1", "Deny"},  // the longer prefix
               {ResourceType::topic, "orders-old-1", {Action::sub}, "127.0.0.1", "Allow"},
               {ResourceType::topic, "bills", {Action::get}, "127.0.0.1", "Deny"},  // before "*"
               {ResourceType::cluster, "c", {Action::get}, "127.0.0.1", "Allow"},
               {ResourceType::cluster, "c", {Action::update}, "127.0.0.1", "none"},
               {ResourceType::cluster, "c", {Action::update, Action::get}, "127.0.0.1", "Allow"},  // one is enough
               {ResourceType::group, "g", {Action::sub}, "127.0.0.1", "Allow"},                    // the fallback
               {ResourceType::group, "g", {Action::update}, "127.0.0.1", "none"}};
  for (const auto& c : cases) {
    const Entry* found = acl.deciding(Resource::literal(c.type, c.name), c.actions, c.ip);
    EXPECT_EQ(found ? name_of(found->decision) : "none", c.decision) << c.name << " " << c.ip;
  }
}

TEST(Policy, DenyWinsAmongEquals) {
  const Resource orders = Resource::literal(ResourceType::topic, "orders");
  const Acl acl{"User:u",
                {{PolicyType::custom, {{orders, {Action::pub}, {}, Decision::allow}, {orders, {Action::pub}, {}, Decision::deny}}}}};
  EXPECT_EQ(acl.deciding(orders, {Action::pub}, "::1")->decision, Decision::deny);
}

TEST(Policy, MergesAndRemovesByResource) {
  const Resource a = Resource::literal(ResourceType::topic, "a"), b = Resource::literal(ResourceType::topic, "b");
  Acl acl{.subject = "User:u"};
  acl.merge({{PolicyType::custom, {{a, {Action::pub}, {}, Decision::allow}}}});
  acl.merge({{PolicyType::custom, {{b, {Action::pub}, {}, Decision::allow}, {a, {Action::sub}, {"::1"}, Decision::deny}}}});
  ASSERT_EQ(acl.policies.size(), 1u);
  EXPECT_EQ(acl.policies[0].entries,
            (std::vector<Entry>{{a, {Action::sub}, {"::1"}, Decision::deny}, {b, {Action::pub}, {}, Decision::allow}}));
  acl.remove(PolicyType::fallback, a);
  EXPECT_EQ(acl.policies[0].entries.size(), 2u);
  acl.remove(PolicyType::custom, a);
  EXPECT_EQ(acl.policies[0].entries.size(), 1u);
  acl.remove(PolicyType::custom, b);
  EXPECT_TRUE(acl.policies.empty());
}

}  // namespace
}  // namespace chorus::mq::acl
