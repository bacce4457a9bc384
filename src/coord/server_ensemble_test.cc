// Servers as leader and learners of one ensemble.
#include "coord/server_ensemble_fixture.h"

namespace chorus::coord {
namespace {

std::string set_data(std::int32_t xid, std::string_view path, std::string_view data, std::int32_t version = -1) {
  std::string body = jute::encode(jute::RequestHeader{xid, static_cast<std::int32_t>(OpCode::set_data)}) +
                     jute::encode(jute::SetDataRequest{path, data, version});
  std::string out;
  base::Writer(out).u32(static_cast<std::uint32_t>(body.size()));
  return out + body;
}

TEST_F(EnsembleTest, WritesByAnyServerReachAll) {
  const ConnectionId a = open(1);
  const ConnectionId b = open(2);
  const ConnectionId c = open(leader);
  say(1, a, create(1, "/a"));
  say(2, b, create(1, "/b") + create(2, "/a"));
  say(leader, c, create(1, "/c") + set_data(2, "/a", "new"));
  EXPECT_EQ(told(1, a), "1:OK@4");
  EXPECT_EQ(told(2, b), "1:OK@5 2:NODEEXISTS@6");
  EXPECT_EQ(told(leader, c), "1:OK@7 2:OK@8");
  for (const int id : {1, 2, leader}) {
    EXPECT_EQ(server(id).database().tree.find("/a")->data, "new") << id;
    EXPECT_TRUE(has_node(id, "/b") && has_node(id, "/c")) << id;
  }
  EXPECT_EQ(server(leader).database().sessions.size(), 3U);
  EXPECT_EQ(server(1).outstanding() + server(2).outstanding() + server(leader).outstanding(), 0U);
  EXPECT_FALSE(server(1).has_unpersisted() || server(leader).has_unpersisted());
  expect_agreement();
}

TEST_F(EnsembleTest, AnswersComeInOrderAndReadsWaitForTheirOwnWritesOnly) {
  const ConnectionId a = open(1);
  const ConnectionId other = open(1);
  proposals_held_ = true;
  say(1, a, exists(1, "/a") + create(2, "/a") + exists(3, "/a") + create(4, "/a/b") + create(5, "/a/b") + exists(6, "/a/b"));
  say(1, other, exists(1, "/a"));
  EXPECT_EQ(told(1, a), "1:NONODE@2");
  EXPECT_EQ(told(1, other), "1:NONODE@2");
  commit_one();
  settle();
  EXPECT_EQ(told(1, a), "2:OK@3 3:OK@3");
  proposals_held_ = false;
  settle();
  EXPECT_EQ(told(1, a), "4:OK@4 5:NODEEXISTS@5 6:OK@5");
  expect_agreement();
}

TEST_F(EnsembleTest, NothingIsSeenBeforeItIsCommitted) {
  const ConnectionId a = open(leader);
  proposals_held_ = true;
  say(leader, a, create(1, "/a"));
  const ConnectionId b = accept(leader);
  EXPECT_EQ(told(leader, a), "");
  EXPECT_FALSE(has_node(leader, "/a"));
  proposals_held_ = false;
  settle();
  EXPECT_EQ(told(leader, a), "1:OK@2");
  EXPECT_FALSE(is_closed(leader, b));
}

TEST_F(EnsembleTest, MultiAndItsFailures) {
  const ConnectionId a = open(1);
  const auto operation = [](OpCode type, const auto& record) {
    return jute::encode(jute::MultiHeader{static_cast<std::int32_t>(type), false, -1}) + jute::encode(record);
  };
  const std::string end = jute::encode(jute::MultiHeader{-1, true, -1});
  const std::string header = jute::encode(jute::RequestHeader{1, static_cast<std::int32_t>(OpCode::multi)});
  const std::string make = operation(OpCode::create, jute::CreateRequest{"/m", "x", open_acl, 0});
  say(1, a, frame(header + make + operation(OpCode::set_data, jute::SetDataRequest{"/m", "y", 0}) + end));
  auto replies = cut_replies(member(1).sent[a]);
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].error, ErrorCode::ok);
  EXPECT_EQ(replies[0].body.size(), 9 + 6 + 9 + 68 + 9U);
  say(1, a, frame(header + make + operation(OpCode::delete_, jute::PathVersionRequest{"/m", -1}) + end));
  replies = cut_replies(member(1).sent[a]);
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].body, jute::encode(jute::MultiHeader{-1, false, -110}) + jute::encode(jute::ErrorResponse{-110}) +
                                 jute::encode(jute::MultiHeader{-1, false, -2}) + jute::encode(jute::ErrorResponse{-2}) + end);
  EXPECT_TRUE(has_node(2, "/m"));
  expect_agreement();
}

TEST_F(EnsembleTest, WatchesFireWhereTheyAreSetBeforeTheAnswer) {
  const ConnectionId a = open(1);
  const ConnectionId b = open(2);
  say(1, a, exists(1, "/a", true));
  say(2, b, exists(1, "/a", true) + create(2, "/a"));
  EXPECT_EQ(told(1, a), "1:NONODE@2 NodeCreated(/a)@3");
  EXPECT_EQ(told(2, b), "1:NONODE@2 NodeCreated(/a)@3 2:OK@3");
}

TEST_F(EnsembleTest, SyncShowsWhatWasCommittedBefore) {
  const ConnectionId a = open(leader);
  const ConnectionId b = open(1);
  member(1).held = true;
  say(leader, a, create(1, "/a"));
  EXPECT_EQ(told(leader, a), "1:OK@3");
  const std::string sync = request(2, OpCode::sync, jute::PathRecord{"/a"});
  say(1, b, exists(1, "/a") + sync + exists(3, "/a"));
  EXPECT_EQ(told(1, b), "1:NONODE@2");
  member(1).held = false;
  settle();
  EXPECT_EQ(told(1, b), "2:OK@3 3:OK@3");

  // What is proposed when it is asked for is waited for as well; the leader's own clients wait likewise.
  proposals_held_ = true;
  say(leader, a, create(2, "/b"));
  const ConnectionId c = open(leader);
  EXPECT_EQ(told(leader, c), "");
  say(1, b, sync + exists(4, "/b"));
  EXPECT_EQ(told(1, b), "");
  proposals_held_ = false;
  settle();
  EXPECT_EQ(told(1, b), "2:OK@5 4:OK@5");
}

TEST_F(EnsembleTest, SessionsMoveBetweenServers) {
  const ConnectionId a = open(1);
  const std::int64_t session = session_;
  const std::string password = password_;
  say(1, a, create(1, "/mine", 1));
  EXPECT_EQ(told(1, a), "1:OK@2");
  for (const int id : {2, leader, 1}) {
    const ConnectionId there = open(id, session, password);
    EXPECT_EQ(session_, session) << id;
    say(id, there, set_data(1, "/mine", "x") + exists(2, "/mine"));
    EXPECT_TRUE(told(id, there).starts_with("1:OK@")) << id;
    EXPECT_FALSE(is_closed(id, there)) << id;
  }
  EXPECT_EQ(server(2).database().tree.find("/mine")->stat.ephemeral_owner, session);

  // A wrong password does not even ask the leader.
  const ConnectionId wrong = open(2, session, std::string(16, 'x'));
  EXPECT_EQ(session_, 0);
  EXPECT_TRUE(is_closed(2, wrong));
  // Nor does a session live that nobody knows.
  const ConnectionId unknown = open(2, 7, session_password(7));
  EXPECT_EQ(session_, 0);
  EXPECT_TRUE(is_closed(2, unknown));
  expect_agreement();
}

TEST_F(EnsembleTest, AConnectionThatIsLeftBehindWritesNoMore) {
  for (const int old : {1, leader}) {
    const ConnectionId a = open(old);
    const ConnectionId b = open(2, session_, password_);
    say(old, a, create(1, "/a"));
    EXPECT_EQ(told(old, a), "") << old;
    EXPECT_TRUE(is_closed(old, a)) << old;
    EXPECT_FALSE(has_node(1, "/a"));
    say(2, b, exists(1, "/a"));
    EXPECT_TRUE(told(2, b).starts_with("1:NONODE@")) << old;
    EXPECT_FALSE(is_closed(2, b)) << old;
  }
  // Reads notice on the leader alone.
  const ConnectionId c = open(leader);
  open(2, session_, password_);
  say(leader, c, exists(1, "/a"));
  EXPECT_EQ(told(leader, c), "");
  EXPECT_TRUE(is_closed(leader, c));
  expect_agreement();
}

TEST_F(EnsembleTest, AClientThatHasSeenMoreIsSentAway) {
  const ConnectionId a = open(1);
  const std::int64_t session = session_;
  const std::string password = password_;
  member(2).held = true;
  say(1, a, create(1, "/a"));
  const ConnectionId b = accept(2);
  step(2, Received{b, connect_frame(session, password, 10'000, server(1).database().last_zxid)});
  EXPECT_TRUE(is_closed(2, b));
  EXPECT_TRUE(to_leader_.empty());
}

TEST_F(EnsembleTest, WritesUnderWayComeBeforeTheReadsOfTheNewConnection) {
  const ConnectionId a = open(1);
  proposals_held_ = true;
  say(1, a, create(1, "/a") + create(2, "/b"));
  const ConnectionId b = open(1, session_, password_);
  EXPECT_TRUE(is_closed(1, a));
  say(1, b, exists(3, "/b") + create(4, "/c"));
  EXPECT_EQ(told(1, b), "");
  proposals_held_ = false;
  settle();
  EXPECT_EQ(told(1, b), "3:OK@3 4:OK@4");
  expect_agreement();
}

TEST_F(EnsembleTest, PingsKeepSessionsAliveAndTheLeaderEndsTheOthers) {
  const ConnectionId a = open(1);
  const std::int64_t kept = session_;
  const ConnectionId b = open(2);
  const std::int64_t lost = session_;
  say(1, a, create(1, "/kept", 1));
  say(2, b, create(1, "/lost", 1));
  const ConnectionId watcher = open(leader);
  say(leader, watcher, exists(1, "/lost", true));
  told(leader, watcher);
  for (int i = 0; i < 20; ++i) {
    say(1, a, request(-2, OpCode::ping));
    say(leader, watcher, request(-2, OpCode::ping));
    pass(seconds(1));
  }
  EXPECT_FALSE(has_node(1, "/lost"));
  EXPECT_TRUE(has_node(2, "/kept"));
  EXPECT_NE(told(leader, watcher).find("NodeDeleted(/lost)"), std::string::npos);
  EXPECT_TRUE(is_closed(2, b));
  EXPECT_FALSE(is_closed(1, a));
  EXPECT_TRUE(server(1).database().sessions.contains(kept));
  EXPECT_FALSE(server(1).database().sessions.contains(lost));
  ASSERT_EQ(member(leader).ended.size(), 1U);
  EXPECT_TRUE(member(leader).ended[0].expired);
  EXPECT_EQ(open(1, lost, session_password(lost)), ConnectionId(last_));
  EXPECT_EQ(session_, 0);
  expect_agreement();
}

TEST_F(EnsembleTest, ClosingASession) {
  const ConnectionId a = open(1);
  say(1, a, create(1, "/mine", 1) + request(2, OpCode::close_session));
  EXPECT_EQ(told(1, a), "1:OK@2 2:OK@3");
  EXPECT_TRUE(is_closed(1, a));
  EXPECT_FALSE(has_node(2, "/mine"));
  EXPECT_TRUE(server(leader).database().sessions.empty());
  EXPECT_EQ(server(leader).sessions().size(), 0U);
  expect_agreement();
}

TEST_F(EnsembleTest, AnEndOfTheSessionIsNotTakenForAnAnswer) {
  const ConnectionId a = open(1);
  const std::int64_t session = session_;
  say(1, a, create(1, "/mine", 1));
  told(1, a);
  // The leader lets the session expire, under the number 0, while a request of the same number is on its way.
  for (int i = 0; i < 40; ++i) {
    now_ += milliseconds(500);
    step(leader, Tick{});
  }
  step(1, Received{a, set_data(0, "/mine", "x")});
  settle();
  EXPECT_EQ(told(1, a), "");
  EXPECT_TRUE(is_closed(1, a));
  EXPECT_FALSE(server(2).database().sessions.contains(session));
  EXPECT_EQ(server(1).outstanding(), 0U);
  EXPECT_FALSE(server(1).has_unpersisted());
  expect_agreement();
}

TEST_F(EnsembleTest, WhatAClientSendsBeforeItsSessionStandsIsTakenUpThen) {
  const ConnectionId a = accept(1);
  step(1, Received{a, connect_frame() + create(1, "/a") + exists(2, "/a")});
  settle();
  cut_connect(member(1).sent[a], password_);
  EXPECT_EQ(told(1, a), "1:OK@2 2:OK@2");
}

TEST_F(EnsembleTest, MemoryOfALearnerIsBounded) {
  const ConnectionId a = open(1);
  proposals_held_ = true;
  const std::string data(100'000, 'x');
  for (int i = 0; i < 40; ++i) say(1, a, set_data(i + 1, "/zookeeper", data));
  EXPECT_LT(server(1).outstanding(), 20U);
  EXPECT_TRUE(server(1).connections().at(a)->paused);
  proposals_held_ = false;
  settle();
  EXPECT_FALSE(server(1).connections().at(a)->paused);
  EXPECT_EQ(server(1).outstanding(), 0U);
}

TEST_F(EnsembleTest, WhatLearnersSendIsNotTrusted) {
  const auto send = [&](zab::PacketType type, std::string data) {
    step(leader, FromLearner{link_of(1), zab::make_packet(type, -1, std::move(data))});
  };
  send(zab::PacketType::request, "short");
  send(zab::PacketType::revalidate, "short");
  send(zab::PacketType::ping, "short");
  send(zab::PacketType::proposal, "");
  std::string from_nobody;
  base::Writer out(from_nobody);
  out.i64(0);
  out.i32(1);
  out.i32(static_cast<std::int32_t>(OpCode::delete_container));
  out.octets(jute::encode(jute::PathRecord{"/zookeeper"}));
  send(zab::PacketType::request, from_nobody);
  EXPECT_EQ(member(leader).refused_links.size(), 5U);
  EXPECT_TRUE(proposals_.empty());
  // A session without its time-out is refused, not logged as it is.
  std::string session;
  base::Writer session_out(session);
  session_out.i64(9);
  session_out.i32(0);
  session_out.i32(static_cast<std::int32_t>(OpCode::create_session));
  send(zab::PacketType::request, session);
  settle();
  EXPECT_TRUE(server(1).database().sessions.empty());
  EXPECT_TRUE(member(1).cannot_apply.empty());
}

TEST_F(EnsembleTest, WhatTheLeaderSendsIsNotTrusted) {
  const auto send = [&](zab::PacketType type, std::string data) { step(1, FromLeader{zab::make_packet(type, -1, std::move(data))}); };
  send(zab::PacketType::sync, "");
  send(zab::PacketType::revalidate, "short");
  send(zab::PacketType::request, "");
  EXPECT_EQ(member(1).refused_links.size(), 3U);
  const ConnectionId a = open(1);
  step(1, Committed{{epoch_zxid + 2, std::make_shared<std::string>("no transaction")}});
  ASSERT_EQ(member(1).cannot_apply.size(), 1U);
  EXPECT_EQ(member(1).cannot_apply[0].zxid, epoch_zxid + 2);
  // Nothing is applied over the gap.
  say(1, a, create(1, "/a"));
  EXPECT_EQ(told(1, a), "");
  EXPECT_FALSE(has_node(1, "/a"));
  EXPECT_TRUE(has_node(2, "/a"));
}

TEST_F(EnsembleTest, TheDatabaseOutlivesATerm) {
  const ConnectionId a = open(leader);
  say(leader, a, create(1, "/a"));
  proposals_held_ = true;
  say(leader, a, create(2, "/b") + set_data(3, "/a", "never"));
  auto database = server(leader).release();
  EXPECT_EQ(database->tree.find("/b"), nullptr);
  EXPECT_EQ(database->sessions.size(), 1U);
  EXPECT_EQ(database->tree.acls().size(), Database(true).tree.acls().size());
  proposals_.clear();
  // As a learner of the next leader.
  member(1).server = std::make_unique<Server>(Options{}, std::move(database), now_, 1, Serve{.role = Serve::Role::learner});
  EXPECT_EQ(server(1).sessions().size(), 0U);
  EXPECT_TRUE(has_node(1, "/a"));
}

TEST_F(EnsembleTest, ANewLeaderGivesSessionsTheirWholeTime) {
  open(1);
  const std::int64_t session = session_;
  pass(seconds(6));
  auto database = server(2).release();
  Options options;
  options.server_id = 2;
  Server next(options, std::move(database), now_, 1, {.role = Serve::Role::leader, .zxid = epoch_zxid * 2});
  std::vector<Action> actions;
  const auto proposed = [&] { return std::ranges::count_if(actions, [](const Action& a) { return std::holds_alternative<Propose>(a); }); };
  next.step({now_ + seconds(9), wall_, Tick{}}, actions);
  EXPECT_EQ(proposed(), 0);
  next.step({now_ + seconds(13), wall_, Tick{}}, actions);
  ASSERT_EQ(proposed(), 1);
  const auto& txn =
      std::get<Propose>(*std::ranges::find_if(actions, [](const Action& a) { return std::holds_alternative<Propose>(a); })).txn;
  EXPECT_EQ(txn.zxid, epoch_zxid * 2 + 1);
  EXPECT_EQ(jute::decode<jute::TxnHeader>(*txn.octets)->session_id, session);
}

}  // namespace
}  // namespace chorus::coord
