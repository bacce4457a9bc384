// What strangers may make the server hold.
#include <algorithm>

#include "coord/server_fixture.h"

namespace chorus::coord {
namespace {

std::string get_data(std::int32_t xid, std::string_view path) {
  return jute::encode(jute::RequestHeader{xid, static_cast<std::int32_t>(OpCode::get_data)}) +
         jute::encode(jute::PathWatchRequest{path, false});
}

class ServerBounds : public ServerTest {
 protected:
  using ServerTest::ServerTest;

  ConnectionId open_with_big_node() {
    const ConnectionId a = open();
    step(Received{a, request(1, OpCode::create, jute::CreateRequest{"/big", big_, open_acl, 0})});
    sync();
    take(a);
    return a;
  }
  // What the client is sent until nothing more comes, which it takes whenever it waits; the most that waited at once in `most_unsent_`.
  std::vector<Reply> take_all(ConnectionId id) {
    std::vector<Reply> all;
    while (!sent_[id].empty()) {
      const std::size_t unsent = sent_[id].size();
      most_unsent_ = std::max(most_unsent_, unsent);
      for (Reply& reply : take(id)) all.push_back(std::move(reply));
      if (unsent <= world::Connection::high_water) continue;
      step(Unsent{id, unsent});
      step(Unsent{id, 0});
    }
    return all;
  }

  const std::string big_ = std::string(600'000, 'x');
  std::size_t most_unsent_ = 0;
};

TEST_F(ServerBounds, RepliesAreMadeAsTheClientTakesThem) {
  const ConnectionId a = open_with_big_node();
  std::string octets;
  for (int i = 1; i <= 300; ++i) octets += frame(get_data(i, "/big"));
  step(Received{a, octets});
  const auto replies = take_all(a);
  ASSERT_EQ(replies.size(), 300U);
  for (int i = 1; i <= 300; ++i) EXPECT_EQ(replies[static_cast<std::size_t>(i) - 1].xid, i);
  EXPECT_LT(most_unsent_, 2U << 20);
  EXPECT_FALSE(closed_.contains(a));
  EXPECT_FALSE(paused_.contains(a));
}

TEST_F(ServerBounds, RepliesBehindAWriteAreMadeAsTheClientTakesThem) {
  const ConnectionId a = open_with_big_node();
  std::string octets = create(1, "/a");
  for (int i = 2; i <= 301; ++i) octets += frame(get_data(i, "/big"));
  octets += create(302, "/b") + exists(303, "/b");
  step(Received{a, octets.substr(0, 5000)});
  step(Received{a, octets.substr(5000)});
  EXPECT_TRUE(paused_.contains(a));
  sync();
  auto replies = take_all(a);
  sync();
  for (Reply& reply : take_all(a)) replies.push_back(std::move(reply));
  ASSERT_EQ(replies.size(), 303U);
  for (int i = 1; i <= 303; ++i) EXPECT_EQ(replies[static_cast<std::size_t>(i) - 1].xid, i);
  EXPECT_EQ(replies.back().error, ErrorCode::ok);
  EXPECT_LT(most_unsent_, 4U << 20);
  EXPECT_FALSE(paused_.contains(a));
}

class LittleUnread : public ServerBounds {
 protected:
  LittleUnread() : ServerBounds(Options{.connection_unsent_max = 2 << 20}) {}
};

TEST_F(LittleUnread, MultiReadsHaveAnEnd) {
  const ConnectionId a = open_with_big_node();
  const auto multi_read = [&](int reads) {
    std::string body = jute::encode(jute::RequestHeader{1, static_cast<std::int32_t>(OpCode::multi_read)});
    for (int i = 0; i < reads; ++i) {
      body += jute::encode(jute::MultiHeader{static_cast<std::int32_t>(OpCode::get_data), false, -1}) +
              jute::encode(jute::PathWatchRequest{"/big", false});
    }
    return frame(body + jute::encode(jute::MultiHeader{-1, true, -1}));
  };
  step(Received{a, multi_read(3)});
  EXPECT_EQ(show(take(a)), "1:OK@2");
  step(Received{a, multi_read(4)});
  EXPECT_EQ(show(take(a)), "1:BADARGUMENTS@2");
}

TEST_F(LittleUnread, WhoeverGetsMoreAtOnceThanItMayLeaveUnreadIsEnded) {
  const ConnectionId a = open();
  std::string octets = create(1, "/a") + request(2, OpCode::create, jute::CreateRequest{"/big", big_, open_acl, 0});
  for (int i = 3; i <= 20; ++i) octets += frame(get_data(i, "/big"));  // nobody knows yet how much that will be
  step(Received{a, octets});
  sync();
  EXPECT_TRUE(closed_.contains(a));
  EXPECT_LT(sent_[a].size(), 3U << 20);
}

TEST_F(ServerBounds, AConnectionHasAFewHundredIdsAtMost) {
  const ConnectionId a = open();
  int accepted = 0;
  for (; accepted < 10'000 && !closed_.contains(a); ++accepted) {
    step(Received{a, request(-4, OpCode::auth, jute::AuthRequest{0, "digest", "user" + std::to_string(accepted) + ":secret"})});
  }
  EXPECT_TRUE(closed_.contains(a));
  EXPECT_GT(accepted, 300);
  const ConnectionId b = open();
  step(Received{b, request(-4, OpCode::auth, jute::AuthRequest{0, "digest", std::string(100'000, 'u') + ":secret"})});
  EXPECT_TRUE(closed_.contains(b));
}

class LittleMemory : public ServerBounds {
 protected:
  LittleMemory() : ServerBounds(Options{.all_connections_buffer_max = 1 << 20}) {}
};

TEST_F(LittleMemory, NobodyConnectsWhileTheDiskTakesNothing) {
  const ConnectionId a = open();
  const std::int64_t session = session_;
  const std::string password = password_;
  step(Received{a, create(1, "/a")});  // the group that the disk does not take
  step(Received{a, request(2, OpCode::create, jute::CreateRequest{"/b", big_, open_acl, 0}) +
                       request(3, OpCode::create, jute::CreateRequest{"/c", big_, open_acl, 0})});
  EXPECT_TRUE(paused_.contains(a));
  step(Disconnected{a});
  const ConnectionId b = accept();
  step(Received{b, connect_frame(session, password)});
  EXPECT_TRUE(closed_.contains(b));
  const ConnectionId c = accept();
  step(Received{c, connect_frame()});
  EXPECT_TRUE(closed_.contains(c));
  sync();
  const ConnectionId d = open(session, password);
  EXPECT_EQ(session_, session);
  EXPECT_FALSE(closed_.contains(d));
}

}  // namespace
}  // namespace chorus::coord
