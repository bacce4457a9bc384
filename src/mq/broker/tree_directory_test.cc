#include "mq/broker/tree_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chorus::mq {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::VariantWith;

const BrokerKey a{"c", "a"}, b{"c", "b"};

Announcement at(std::string address, std::int32_t permission = 6) {
  return {.address = std::move(address), .permission = permission, .system_topics = {{.name = "TBW102", .perm = 7}}};
}

struct TreeDirectoryTest : testing::Test {
  TreeDirectory directory{BrokerKey{"c", "own"}};

  std::vector<DirectoryChange> apply(const std::string& path, const std::optional<std::string>& data) {
    std::vector<DirectoryChange> out;
    directory.apply(path, data ? &*data : nullptr, out);
    return out;
  }
  std::vector<DirectoryChange> live(const BrokerKey& broker, const std::optional<Announcement>& announcement) {
    return apply(path_of(broker) + "/live", announcement ? std::optional(to_json(*announcement)) : std::nullopt);
  }
  std::vector<DirectoryChange> topic(const BrokerKey& broker, const std::string& name, const std::optional<TopicConfig>& config) {
    return apply(path_of(broker) + "/topics/" + name, config ? std::optional(to_json(*config)) : std::nullopt);
  }
};

TEST_F(TreeDirectoryTest, ABrokerIsThereWhileItIsLive) {
  EXPECT_THAT(topic(a, "t", TopicConfig{.name = "t"}), IsEmpty()) << "it does not run";
  EXPECT_THAT(live(a, at("h:1")),
              ElementsAre(VariantWith<BrokerUp>(BrokerUp{a, "h:1", 0, {{"TBW102", {.name = "TBW102", .perm = 7}}, {"t", {.name = "t"}}}})));
  EXPECT_THAT(live(a, at("h:1")), IsEmpty()) << "nothing new";
  EXPECT_THAT(topic(a, "u", TopicConfig{.name = "u", .read_queues = 3}),
              ElementsAre(VariantWith<TopicChanged>(TopicChanged{a, "u", TopicConfig{.name = "u", .read_queues = 3}})));
  EXPECT_THAT(topic(a, "t", std::nullopt), ElementsAre(VariantWith<TopicChanged>(TopicChanged{a, "t", std::nullopt})));
  EXPECT_THAT(topic(a, "t", std::nullopt), IsEmpty());
  EXPECT_THAT(live(a, std::nullopt), ElementsAre(VariantWith<BrokerDown>(BrokerDown{a, "h:1"})));
  EXPECT_THAT(topic(a, "v", TopicConfig{.name = "v"}), IsEmpty());
  EXPECT_EQ(directory.find(a), std::nullopt);
}

TEST_F(TreeDirectoryTest, ItMayComeBackElsewhere) {
  live(a, at("h:1"));
  const auto moved = live(a, at("h:2"));
  ASSERT_EQ(moved.size(), 2u);
  EXPECT_EQ(std::get<BrokerDown>(moved[0]), (BrokerDown{a, "h:1"}));
  EXPECT_EQ(std::get<BrokerUp>(moved[1]).address, "h:2");
  std::size_t count = 0;
  directory.for_each_up([&](const BrokerKey& broker, const std::string& address, std::int64_t id) {
    EXPECT_EQ(std::tie(broker, address), std::make_tuple(a, "h:2"));
    EXPECT_EQ(id, 0);
    ++count;
  });
  EXPECT_EQ(count, 1u);
}

TEST_F(TreeDirectoryTest, WhatABrokerForbidsIsForbiddenOfItsTopics) {
  topic(a, "t", TopicConfig{.name = "t"});
  const auto up = live(a, at("h:1", perm::read));
  EXPECT_EQ(std::get<BrokerUp>(up.at(0)).topics.at("t").perm, perm::read);
  EXPECT_EQ(std::get<BrokerUp>(up.at(0)).topics.at("TBW102").perm, perm::read | perm::inherit);
  EXPECT_EQ(std::get<TopicChanged>(topic(a, "u", TopicConfig{.name = "u"}).at(0)).config->perm, perm::read);
  EXPECT_EQ(std::get<BrokerUp>(live(a, at("h:1")).at(0)).topics.at("u").perm, perm::read | perm::write)
      << "allowed again, at the same place";
}

TEST_F(TreeDirectoryTest, OfTwoBrokersOfOneNameTheOtherHasItsPlaceAgain) {
  const BrokerKey other{"d", "a"};
  live(a, at("h:1"));
  live(other, at("h:2"));
  const auto gone = live(other, std::nullopt);
  ASSERT_EQ(gone.size(), 2u);
  EXPECT_EQ(std::get<BrokerDown>(gone[0]), (BrokerDown{other, "h:2"}));
  EXPECT_EQ(std::get<BrokerUp>(gone[1]).address, "h:1");
}

TEST_F(TreeDirectoryTest, OtherNodesArePassedOver) {
  EXPECT_THAT(live({"c", "own"}, at("h:9")), IsEmpty());
  for (const char* path : {"/chorus/mq", "/chorus/mq/c", "/chorus/mq/c/a", "/chorus/mq/c/a/topics", "/chorus/mq/c/a/groups/g",
                           "/chorus/mq/c/a/settings", "/chorus/mqx/c/a/live", "/x"}) {
    EXPECT_THAT(apply(path, "{}"), IsEmpty()) << path;
  }
}

TEST_F(TreeDirectoryTest, WhatCannotBeReadIsSaidAndNotTaken) {
  live(a, at("h:1"));
  topic(a, "t", TopicConfig{.name = "t"});
  const auto spoilt = topic(a, "t", TopicConfig{.name = "other"});
  ASSERT_EQ(spoilt.size(), 2u);
  EXPECT_EQ(std::get<NodeUnreadable>(spoilt[0]).path, "/chorus/mq/c/a/topics/t");
  EXPECT_EQ(std::get<TopicChanged>(spoilt[1]).config, std::nullopt);
  for (const char* text : {"", "{", "[]", "{\"address\":1}", "{\"id\":0}"}) {
    const auto bad = apply("/chorus/mq/c/a/live", text);
    EXPECT_THAT(bad.front(), VariantWith<NodeUnreadable>(NodeUnreadable{"/chorus/mq/c/a/live"})) << text;
  }
  EXPECT_EQ(directory.find(a), std::nullopt);
  EXPECT_THAT(apply("/chorus/mq/%zz/a/live", "{}"), ElementsAre(VariantWith<NodeUnreadable>(NodeUnreadable{"/chorus/mq/%zz/a/live"})));
}

TEST_F(TreeDirectoryTest, NamesMayBeAnything) {
  const BrokerKey odd{"a/b", ".."};
  EXPECT_EQ(path_of(odd), "/chorus/mq/a%2Fb/%2E.");
  EXPECT_EQ(std::get<BrokerUp>(live(odd, at("h:1")).at(0)).broker, odd);
}

}  // namespace
}  // namespace chorus::mq
