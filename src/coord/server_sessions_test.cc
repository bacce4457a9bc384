// Sessions that end with requests under way, and what is left of those that are gone.
#include "coord/server_fixture.h"

namespace chorus::coord {
namespace {

TEST_F(ServerTest, ReadsBeforeTheEndOfTheirSessionAreServed) {
  const ConnectionId a = open();
  step(Received{a, create(1, "/a") + exists(2, "/a") + request(3, OpCode::close_session) + exists(4, "/a")});
  sync();
  EXPECT_EQ(show(take(a)), "1:OK@2 2:OK@2 3:OK@3");
}

TEST_F(ServerTest, ClosingFindsEphemeralsThatAreStillOnTheirWay) {
  const ConnectionId a = open();
  step(Received{a, create(1, "/old", 1) + create(2, "/again", 1)});
  sync();
  const auto remove = [&](std::int32_t xid, std::string_view path) {
    return request(xid, OpCode::delete_, jute::PathVersionRequest{path, -1});
  };
  step(Received{a, create(3, "/kept") + remove(4, "/again") + create(5, "/again", 1) + create(6, "/new", 1) + create(7, "/brief", 1) +
                       remove(8, "/brief") + remove(9, "/old") + request(10, OpCode::close_session)});
  sync();
  EXPECT_EQ(show(take(a)), "1:OK@2 2:OK@3 3:OK@4 4:OK@5 5:OK@6 6:OK@7 7:OK@8 8:OK@9 9:OK@10 10:OK@11");
  EXPECT_EQ(server_.database().tree.size(), 5U);
  EXPECT_EQ(server_.database().tree.ephemeral_count(), 0U);
  EXPECT_EQ(server_.database().digest_mismatches, 0);
}

std::unique_ptr<Database> with_lost_session() {
  auto database = std::make_unique<Database>(true);
  for (const std::int64_t owner : {7, 8}) {
    const std::string path = "/of" + std::to_string(owner);
    database->tree.create({path, "x", open_acl, owner, -1}, owner, 0, nullptr);
  }
  database->sessions[8] = 10'000;
  database->last_zxid = 8;
  return database;
}
class LostSession : public ServerTest {
 protected:
  LostSession() : ServerTest(Options{}, with_lost_session()) {}
};

TEST_F(LostSession, ItsNodesGo) {
  pass(seconds(1));
  EXPECT_EQ(server_.database().tree.find("/of7"), nullptr);
  EXPECT_NE(server_.database().tree.find("/of8"), nullptr);
}

}  // namespace
}  // namespace chorus::coord
