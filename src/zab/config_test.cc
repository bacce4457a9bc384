#include "zab/config.h"

#include <gmock/gmock.h>

#include <initializer_list>
#include <limits>

#include "base/random.h"
#include "zab/election_vectors.h"

namespace chorus::zab {
namespace {

using testing::HasSubstr;

EnsembleConfig config(std::string_view text) {
  auto parsed = parse_config(text);
  EXPECT_TRUE(parsed.has_value()) << parsed.error();
  return parsed.value_or(EnsembleConfig{});
}

bool quorum(const EnsembleConfig& config, const std::set<ServerId>& ids) {
  return config.is_quorum([&](ServerId id) { return ids.contains(id); });
}

TEST(Config, PrintsWhatJavaServersPrint) {
  const auto vectors = read_election_vectors();
  EXPECT_EQ(vectors.configs.size(), 6U);
  for (const auto& [name, text] : vectors.configs) {
    SCOPED_TRACE(name);
    const EnsembleConfig parsed = config(text);
    EXPECT_EQ(parsed.to_text(), text);
    EXPECT_EQ(parsed.voters(), name == "D" || name == "E" ? 2U : 3U);
    EXPECT_EQ(parsed.version, name == "E" ? 0x1'0000'0002 : name == "C" || name == "F" ? parsed.version : 0);
  }
}

TEST(Config, Members) {
  const EnsembleConfig parsed = config(read_election_vectors().configs.at("B"));
  EXPECT_TRUE(parsed.is_voter(3));
  EXPECT_FALSE(parsed.is_voter(4));
  EXPECT_FALSE(parsed.is_voter(5));
  const Member expected{.quorum_addresses = {{"127.0.0.1", 2884}},
                        .election_addresses = {{"127.0.0.1", 3884}},
                        .is_observer = true,
                        .client_address = world::Address{"127.0.0.1", 21815}};
  EXPECT_EQ(parsed.members.at(4), expected);
}

// What the parser takes and how it is printed. source: QuorumPeer.QuorumServer
TEST(Config, MemberSpecs) {
  const struct {
    std::string_view spec, want;
  } cases[] = {
      {"zoo1:2888:3888", "zoo1:2888:3888:participant"},
      {"zoo1:2888:3888:OBSERVER", "zoo1:2888:3888:observer"},
      {"zoo1:2888:3888;2181", "zoo1:2888:3888:participant;0.0.0.0:2181"},
      {" zoo-1.example:2888:3888:participant;[::]:2181 ", "zoo-1.example:2888:3888:participant;[::]:2181"},
      {"[2001:db8::1]:2888:3888:participant;[fe80::1%eth0]:2181", "[2001:db8::1]:2888:3888:participant;[fe80::1%eth0]:2181"},
      {"b:2:3|a:4:5:observer", "a:4:5|b:2:3:observer"},
      {"b:2:3:observer|a:4:5:observer;", "a:4:5|b:2:3:observer"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.spec);
    const auto member = parse_member(c.spec);
    ASSERT_TRUE(member.has_value()) << member.error();
    EnsembleConfig one;
    one.members[1] = *member;
    EXPECT_EQ(one.to_text(), "server.1=" + std::string(c.want) + "\nversion=0");
  }
}

TEST(Config, RefusesAndSaysWhy) {
  const struct {
    std::string text, why;
  } cases[] = {
      {"", "must be a participant"},
      {"server.1=a:1:2:observer", "must be a participant"},
      {"server.1=a", "malformed server address"},
      {"server.1=a:1", "malformed server address"},
      {"server.1=:1:2", "malformed server address"},
      {"server.1=a b:1:2", "malformed server address"},
      {"server.1=a:1:2:participant:3", "malformed server address"},
      {"server.1=[::1:1:2", "malformed server address"},
      {"server.1=[::1]1:2", "malformed server address"},
      {"server.1=a:1:2|", "malformed server address"},
      {"server.1=a:x:2", "no number up to 65535"},
      {"server.1=a:1:65536", "no number up to 65535"},
      {"server.1=a:-1:2", "no number up to 65535"},
      {"server.1=a:2:2", "one port for two purposes"},
      {"server.1=a:1:2:leader", "unknown role"},
      {"server.1=a:1:2:observer|b:1:2:participant", "two different roles"},
      {"server.1=a:1:2|a:1:3", "an address twice"},
      {"server.1=a:1:2;x", "malformed client address"},
      {"server.1=a:1:2;b:1:2", "malformed client address"},
      {"server.1=a:1:2;1;2", "malformed client address"},
      {"server.x=a:1:2", "must end with the number of a server"},
      {"server.-1=a:1:2", "must end with the number of a server"},
      {"server.9223372036854775807=a:1:2", "must end with the number of a server"},
      {"server.1=a:1:2\nserver.01=b:1:2", "server.1 is given twice"},
      {"server.1=a:1:2\nclientPort=2181", "'clientPort' is not known here"},
      {"server.1=a:1:2\nversion=xyz", "hexadecimal"},
      {"server.1=a:1:2\nversion=-1", "hexadecimal"},
      {"server.1=a:1:2\nversion=8000000000000000", "hexadecimal"},
      {"server.1=a:1:2\nweight.1=2", "is in no group"},
      {"server.1=a:1:2\nserver.2=b:1:2\ngroup.1=1", "server 2 is in no group"},
      {"server.1=a:1:2\ngroup.1=1:1", "in several groups"},
      {"server.1=a:1:2\ngroup.1=1\ngroup.2=1", "in several groups"},
      {"server.1=a:1:2\ngroup.1=1:2", "group.1 names server 2, which is no participant"},
      {"server.1=a:1:2\ngroup.1=", "joined by ':'"},
      {"server.1=a:1:2\ngroup.1=1\nweight.1=-1", "a whole number up to"},
      {"server.1=a:1:2\ngroup.1=1\nweight.1=9223372036854775807", "a whole number up to"},
      {"server.1=" + std::string(2 << 20, 'a'), "has at most"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text.substr(0, 80));
    const auto parsed = parse_config(c.text);
    ASSERT_FALSE(parsed.has_value());
    EXPECT_THAT(parsed.error(), HasSubstr(c.why));
    EXPECT_LT(parsed.error().size(), 600U);
  }
}

TEST(Config, ReadsPropertiesAsPeopleWriteThem) {
  const EnsembleConfig parsed = config("# ours\n\nserver.1 = zoo1:2888:3888\r\n server.2: zoo2\\:2888\\:3888 ; 2181 \nversion=1f\n");
  EXPECT_EQ(parsed.to_text(), "server.1=zoo1:2888:3888:participant\nserver.2=zoo2:2888:3888:participant;0.0.0.0:2181\nversion=1f");
}

TEST(Config, Majorities) {
  for (int voters = 1; voters <= 7; ++voters) {
    EnsembleConfig ensemble;
    for (ServerId id = 1; id <= voters; ++id) ensemble.members[id];
    ensemble.members[8].is_observer = true;
    std::set<ServerId> ids{8, 9};
    for (int has = 0; has <= voters; ++has) {
      EXPECT_EQ(quorum(ensemble, ids), 2 * has > voters) << has << " of " << voters;
      ids.insert(has + 1);
    }
  }
  EXPECT_FALSE(quorum(EnsembleConfig{}, {1, 2}));
}

const std::string three_groups =
    "server.1=a:1:2:participant\nserver.2=b:1:2:participant\nserver.3=c:1:2:participant\nserver.4=d:1:2:participant\n"
    "server.5=e:1:2:participant\nserver.6=f:1:2:participant\nserver.7=g:1:2:participant\nserver.8=h:1:2:observer\n"
    "group.1=1:2:3\ngroup.2=4:5:6\ngroup.3=7\n"
    "weight.1=1\nweight.2=1\nweight.3=1\nweight.4=3\nweight.5=1\nweight.6=1\nweight.7=0\nversion=5";

// source: QuorumHierarchical.containsQuorum
TEST(Config, HierarchicalQuorums) {
  const EnsembleConfig ensemble = config(three_groups);
  EXPECT_EQ(ensemble.to_text(), three_groups);
  EXPECT_EQ(ensemble.weight(4), 3);
  EXPECT_EQ(ensemble.weight(7), 0);
  // Group 3 weighs nothing, so both others are needed.
  EXPECT_TRUE(quorum(ensemble, {1, 2, 4}));
  EXPECT_TRUE(quorum(ensemble, {2, 3, 4, 5, 7}));
  EXPECT_FALSE(quorum(ensemble, {1, 2, 3, 5, 6, 7})) << "2 of 5 in group 2";
  EXPECT_FALSE(quorum(ensemble, {1, 4, 5, 6, 7})) << "1 of 3 in group 1";
  EXPECT_FALSE(quorum(ensemble, {}));
  EnsembleConfig third = ensemble;
  third.weights[7] = 1;
  EXPECT_TRUE(quorum(third, {4, 7})) << "two of three groups";
  EXPECT_FALSE(quorum(third, {1, 5, 7}));
  EnsembleConfig weightless = ensemble;
  for (auto& [id, weight] : weightless.weights) weight = 0;
  EXPECT_FALSE(quorum(weightless, {1, 2, 3, 4, 5, 6, 7}));
}

TEST(Config, WeightsAreOneUnlessGiven) {
  const EnsembleConfig ensemble = config("server.1=a:1:2\nserver.2=b:1:2\ngroup.4=1:2\nweight.2=0");
  EXPECT_EQ(ensemble.to_text(), "server.1=a:1:2:participant\nserver.2=b:1:2:participant\ngroup.4=1:2\nweight.1=1\nweight.2=0\nversion=0");
  EXPECT_TRUE(quorum(ensemble, {1}));
  EXPECT_FALSE(quorum(ensemble, {2}));
}

TEST(Config, AnyTwoQuorumsShareAServer) {
  base::Random random(4);
  for (int round = 0; round < 300; ++round) {
    EnsembleConfig ensemble;
    const ServerId servers = random.between(1, 8);
    const bool grouped = random.chance(0.7);
    for (ServerId id = 1; id <= servers; ++id) {
      ensemble.members[id].is_observer = !grouped && random.chance(0.2);
      if (grouped) ensemble.groups[id] = random.between(1, 3);
      if (grouped) ensemble.weights[id] = random.between(0, 3);
    }
    for (int pair = 0; pair < 100; ++pair) {
      std::set<ServerId> some, others;
      for (ServerId id = 1; id <= servers; ++id) (random.chance(0.5) ? some : others).insert(id);
      EXPECT_FALSE(quorum(ensemble, some) && quorum(ensemble, others)) << ensemble.to_text();
    }
  }
}

}  // namespace
}  // namespace chorus::zab
