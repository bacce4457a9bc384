#include "coord/reconfig.h"

#include <gtest/gtest.h>

#include "coord/server_ensemble_fixture.h"

namespace chorus::coord {
namespace {

constexpr std::string_view three =
    "server.1=h1:2888:3888:participant;c1:2181\nserver.2=h2:2888:3888:participant;c2:2181\nserver.3=h3:2888:3888:participant;c3:2181\n"
    "version=5";

Membership membership() { return {.config = zab::parse_config(three).value(), .synced = {1, 2, 3}}; }

// In the order of ZooKeeper's checks: what is refused first comes first, and each breaks what is checked later as well.
TEST(Reconfig, RefusesInZooKeepersOrder) {
  Membership pending = membership();
  pending.is_pending = true;
  Membership alone = membership();
  alone.synced = {1};
  Membership grouped = membership();
  grouped.config = zab::parse_config(std::string(three) + "\ngroup.1=1:2:3").value();
  constexpr auto none = std::nullopt;
  const struct {
    const char* name;
    const Membership& from;
    jute::ReconfigRequest request;
    ErrorCode error;
  } cases[] = {
      {"another is under way", pending, {none, "nonsense", none, 4}, ErrorCode::reconfig_in_progress},
      {"it starts from another version", alone, {none, "nonsense", none, 4}, ErrorCode::bad_version},
      {"who leaves is no number", alone, {none, "nonsense", none, 5}, ErrorCode::bad_arguments},
      {"who joins is no server", alone, {"server.4", none, none, -1}, ErrorCode::bad_arguments},
      {"who joins has no client address", alone, {"server.4=h4:2888:3888:participant", none, none, -1}, ErrorCode::bad_arguments},
      {"who joins has another's address", alone, {"server.4=h1:2888:3889;c4:2181", none, none, -1}, ErrorCode::bad_arguments},
      {"groups change as a whole only", grouped, {none, "1", none, -1}, ErrorCode::bad_arguments},
      {"new members that cannot be read", alone, {none, none, "server.1=h1:1", -1}, ErrorCode::bad_arguments},
      {"one voter is left", alone, {none, "2,3", none, -1}, ErrorCode::bad_arguments},
      {"too few would be in step", alone, {none, "3", none, -1}, ErrorCode::new_config_no_quorum},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto after = c.from.after(c.request, 6, true);
    ASSERT_FALSE(after);
    EXPECT_EQ(after.error(), c.error);
  }
}

TEST(Reconfig, MakesTheNextConfiguration) {
  const auto next =
      membership().after({"server.4 = h4:2888:3888:observer;2181 , server.1=h9:2888:3888;c1:2181", "2,9", std::nullopt, 5}, 0x100, true);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->to_text(),
            "server.1=h9:2888:3888:participant;c1:2181\nserver.3=h3:2888:3888:participant;c3:2181\n"
            "server.4=h4:2888:3888:observer;0.0.0.0:2181\nversion=100");
  const auto whole =
      membership().after({std::nullopt, std::nullopt, "server.1=h1:2888:3888;2181,server.2=h2:2888:3888;2181,version=7", -1}, 0x101, true);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->members.size(), 2U);
  EXPECT_EQ(whole->version, 0x101);
  EXPECT_TRUE(membership().after({std::nullopt, "2,3", std::nullopt, -1}, 0x102, false));
}

EnsembleOptions with_reconfig() {
  EnsembleOptions options;
  options.reconfig_enabled = true;
  return options;
}

class ReconfigTest : public EnsembleTest {
 protected:
  ReconfigTest() : EnsembleTest(with_reconfig(), epoch_zxid, zab::parse_config(three).value()) {}
  static std::string without_server_2(std::int32_t xid) {
    return request(xid, OpCode::reconfig, jute::ReconfigRequest{std::nullopt, "2", std::nullopt, -1});
  }
};

TEST_F(ReconfigTest, OneAtATimeAndOnlyByWhoMayWriteTheNode) {
  step(leader, SyncedMembers{{1, 3}});
  const ConnectionId a = open(1);
  say(1, a, without_server_2(1));
  EXPECT_EQ(told(1, a), "1:NOAUTH@2");
  say(1, a, request(-4, OpCode::auth, jute::AuthRequest{0, "digest", "super:secret"}));
  told(1, a);
  say(1, a, exists(2, "/zookeeper/config", true));
  proposals_held_ = true;
  say(1, a, without_server_2(3) + without_server_2(4));
  proposals_held_ = false;
  settle();
  EXPECT_EQ(told(1, a), "2:OK@2 NodeDataChanged(/zookeeper/config)@3 3:OK@3 4:RECONFIGINPROGRESS@4");
  for (const int id : {1, 2, leader}) {
    EXPECT_EQ(server(id).database().tree.find("/zookeeper/config")->data,
              "server.1=h1:2888:3888:participant;c1:2181\nserver.3=h3:2888:3888:participant;c3:2181\nversion=100000003");
  }
  say(1, a, without_server_2(5));
  EXPECT_EQ(told(1, a), "5:OK@5");
  step(leader, SyncedMembers{{3}});
  say(1, a, without_server_2(6));
  EXPECT_EQ(told(1, a), "6:NEWCONFIGNOQUORUM@6");
  expect_agreement();
}

TEST_F(EnsembleTest, ReconfigurationIsOffUnlessAskedFor) {
  const ConnectionId a = open(1);
  say(1, a, request(1, OpCode::reconfig, jute::ReconfigRequest{std::nullopt, "2", std::nullopt, -1}));
  EXPECT_EQ(told(1, a), "1:RECONFIGDISABLED@2");
}

class AloneWithReconfig : public ServerTest {
 protected:
  AloneWithReconfig() : ServerTest(Options{.ensemble = with_reconfig()}) {}
};

TEST_F(AloneWithReconfig, HasNobodyToChange) {
  const ConnectionId a = open();
  step(Received{a, request(1, OpCode::reconfig, jute::ReconfigRequest{std::nullopt, "2", std::nullopt, -1})});
  sync();
  EXPECT_EQ(show(take(a)), "1:UNIMPLEMENTED@2");
}

}  // namespace
}  // namespace chorus::coord
