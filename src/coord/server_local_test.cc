// Sessions that only one server of an ensemble knows.
#include "coord/server_ensemble_fixture.h"

namespace chorus::coord {
namespace {

EnsembleOptions with_local_sessions(bool upgrading) {
  EnsembleOptions options;
  options.local_sessions_enabled = true;
  options.local_sessions_upgrading_enabled = upgrading;
  return options;
}

class LocalSessions : public EnsembleTest {
 protected:
  explicit LocalSessions(bool upgrading = false) : EnsembleTest(with_local_sessions(upgrading)) {}
};

TEST_F(LocalSessions, CostNoTransactionAndMayWrite) {
  for (const int id : {1, leader}) {
    const ConnectionId a = open(id);
    EXPECT_NE(session_, 0);
    EXPECT_TRUE(server(leader).database().sessions.empty());
    EXPECT_EQ(server(id).local_sessions().size(), 1U);
    const std::string path = "/by" + std::to_string(id);
    const std::string at = "@" + std::to_string(id == 1 ? 1 : 2);
    say(id, a, create(1, path) + exists(2, path));
    EXPECT_EQ(told(id, a), "1:OK" + at + " 2:OK" + at);
    say(id, a, create(3, path + "/mine", 1) + request(4, OpCode::close_session) + exists(5, path));
    EXPECT_EQ(told(id, a), "3:EPHEMERALONLOCALSESSION" + at + " 4:OK" + at);
    EXPECT_TRUE(is_closed(id, a));
    EXPECT_EQ(server(id).local_sessions().size(), 0U);
  }
  EXPECT_TRUE(proposals_.empty());
  expect_agreement();
}

TEST_F(LocalSessions, EndWhereTheyAreAndLiveNowhereElse) {
  const ConnectionId a = open(1);
  const std::int64_t session = session_;
  const std::string password = password_;
  const ConnectionId elsewhere = open(2, session, password);
  EXPECT_EQ(session_, 0);
  EXPECT_TRUE(is_closed(2, elsewhere));
  const ConnectionId again = open(1, session, password);
  EXPECT_EQ(session_, session);
  EXPECT_TRUE(is_closed(1, a));
  pass(seconds(30));
  EXPECT_TRUE(is_closed(1, again));
  ASSERT_EQ(member(1).ended.size(), 1U);
  EXPECT_TRUE(member(1).ended[0].expired);
  open(1, session, password);
  EXPECT_EQ(session_, 0);
  EXPECT_EQ(server(leader).database().last_zxid, 0);
}

// The leader's own must be known to it; others' may be anything.
TEST_F(LocalSessions, TheLeaderKnowsItsOwn) {
  const auto ask = [&](std::int64_t session, std::int32_t flags) {
    std::string data;
    base::Writer out(data);
    out.i64(session);
    out.i32(1);
    out.i32(static_cast<std::int32_t>(OpCode::create));
    out.octets(jute::encode(jute::CreateRequest{"/a", "x", open_acl, flags}));
    step(leader, FromLearner{link_of(1), zab::make_packet(zab::PacketType::request, -1, std::move(data))});
    const zab::Txn txn = proposals_.front();
    commit_one();
    base::Reader in(*txn.octets);
    const auto header = *jute::decode<jute::TxnHeader>(in);
    return header.type == static_cast<std::int32_t>(OpCode::error) ? jute::decode<jute::ErrorTxn>(in)->err : 0;
  };
  EXPECT_EQ(ask((std::int64_t{leader} << 56) + 7, 0), -112);
  EXPECT_EQ(ask((std::int64_t{1} << 56) + 7, 1), -112);
  EXPECT_EQ(ask((std::int64_t{1} << 56) + 7, 0), 0);
}

class UpgradedSessions : public LocalSessions {
 protected:
  UpgradedSessions() : LocalSessions(true) {}
};

TEST_F(UpgradedSessions, BecomeGlobalWithTheirFirstEphemeralNode) {
  for (const int id : {1, leader}) {
    const ConnectionId a = open(id);
    const std::int64_t session = session_;
    const std::string password = password_;
    const std::string path = "/by" + std::to_string(id);
    const std::string body = jute::encode(jute::MultiHeader{static_cast<std::int32_t>(OpCode::create), false, -1}) +
                             jute::encode(jute::CreateRequest{path + "s", "x", open_acl, 1}) +
                             jute::encode(jute::MultiHeader{-1, true, -1});
    if (id == 1) {
      say(id, a, create(1, path, 1) + exists(2, path));
      EXPECT_EQ(told(id, a), "1:OK@2 2:OK@2");
    } else {
      say(id, a, frame(jute::encode(jute::RequestHeader{1, static_cast<std::int32_t>(OpCode::multi)}) + body) + exists(2, path + "s"));
      EXPECT_EQ(told(id, a), "1:OK@5 2:OK@5");
    }
    EXPECT_TRUE(server(2).database().sessions.contains(session)) << id;
    EXPECT_EQ(server(id).local_sessions().size(), 0U);
    const ConnectionId b = open(2, session, password);
    EXPECT_EQ(session_, session);
    say(2, b, request(3, OpCode::close_session));
    EXPECT_EQ(told(2, b), id == 1 ? "3:OK@3" : "3:OK@6");
    EXPECT_TRUE(is_closed(id, a));
    EXPECT_FALSE(has_node(1, path));
  }
  expect_agreement();
}

}  // namespace
}  // namespace chorus::coord
