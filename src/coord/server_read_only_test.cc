// A member without a leader.
#include "coord/server_fixture.h"

namespace chorus::coord {
namespace {

std::unique_ptr<Database> with_a_node_and_a_session() {
  auto database = std::make_unique<Database>(true);
  database->tree.create({"/a", "x", open_acl, 0, -1}, 4, 0, nullptr);
  database->sessions[7] = 10'000;
  database->last_zxid = 4;
  return database;
}

class ReadOnly : public ServerTest {
 protected:
  ReadOnly() : ServerTest(Options{}, with_a_node_and_a_session(), {.role = Serve::Role::read_only}) {}
  static std::string connect(bool takes_read_only, std::int64_t session = 0, std::int64_t seen = 0) {
    std::string sent = connect_frame(session, session == 0 ? std::string(16, '\0') : session_password(session), 10'000, seen);
    sent.back() = takes_read_only ? 1 : 0;
    return sent;
  }
  ConnectionId open_read_only(std::int64_t session = 0) {
    const ConnectionId id = accept();
    step(Received{id, connect(true, session)});
    EXPECT_TRUE(sent_[id].ends_with('\1'));  // readOnly
    return id;
  }
};

TEST_F(ReadOnly, ServesReadsAndWatchesAndRefusesTheRest) {
  const ConnectionId a = open_read_only();
  EXPECT_GT(take_connect(a).session_id, 0);
  EXPECT_EQ(server_.local_sessions().size(), 1U);
  step(Received{a, exists(1, "/a", true) + create(2, "/b") + request(3, OpCode::sync, jute::PathRecord{"/a"}) + exists(4, "/b", true) +
                       request(5, OpCode::reconfig, jute::ReconfigRequest{}) +
                       request(6, OpCode::check, jute::PathVersionRequest{"/a", 0}) + request(-2, OpCode::ping)});
  EXPECT_EQ(show(take(a)), "1:OK@4 2:NOTREADONLY@4 3:NOTREADONLY@4 4:NONODE@4 5:NOTREADONLY@4 6:NOTREADONLY@4 -2:OK@4");
  // What was on its way when the leader was lost may still come.
  std::string txn = jute::encode(jute::TxnHeader{7, 1, 5, 0, static_cast<std::int32_t>(OpCode::create)}) +
                    jute::encode(jute::CreateTxn{"/b", "x", open_acl, false, 2});
  step(Committed{{5, std::make_shared<std::string>(std::move(txn))}});
  step(Received{a, request(7, OpCode::close_session)});
  EXPECT_EQ(show(take(a)), "NodeCreated(/b)@5 7:OK@5");
  EXPECT_TRUE(closed_.contains(a));
  EXPECT_TRUE(disk_.empty());
}

TEST_F(ReadOnly, IsForThoseWhoAllowIt) {
  const ConnectionId writer = accept();
  step(Received{writer, connect(false)});
  const ConnectionId ahead = accept();
  step(Received{ahead, connect(true, 0, 5)});
  // A session of the ensemble is neither served nor declared dead.
  const ConnectionId global = accept();
  step(Received{global, connect(true, 7)});
  for (const ConnectionId id : {writer, ahead, global}) {
    EXPECT_TRUE(closed_.contains(id));
    EXPECT_EQ(sent_[id], "");
  }
  // One of another server's is.
  const ConnectionId unknown = accept();
  step(Received{unknown, connect(true, 8)});
  EXPECT_EQ(take_connect(unknown).session_id, 0);
  EXPECT_TRUE(closed_.contains(unknown));
  // Its own come back.
  const ConnectionId a = open_read_only();
  const std::int64_t session = take_connect(a).session_id;
  const ConnectionId again = open_read_only(session);
  EXPECT_EQ(take_connect(again).session_id, session);
  EXPECT_TRUE(closed_.contains(a));
  pass(seconds(30));
  EXPECT_TRUE(closed_.contains(again));
  EXPECT_TRUE(server_.database().sessions.contains(7));
}

}  // namespace
}  // namespace chorus::coord
