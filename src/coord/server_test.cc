// The server, event by event: what it answers, in what order, and when.
#include "base/text.h"
#include "coord/disk/entry.h"
#include "coord/server_fixture.h"
#include "coord/subject.h"

namespace chorus::coord {
namespace {

TEST_F(ServerTest, NothingIsAnsweredBeforeItIsDurable) {
  const ConnectionId a = open();
  step(Received{a, create(1, "/a")});
  EXPECT_EQ(show(take(a)), "");
  const ConnectionId b = open();  // syncs
  EXPECT_EQ(show(take(a)), "1:OK@2");
  step(Received{a, create(2, "/b")});
  step(Received{b, exists(1, "/b")});
  EXPECT_EQ(show(take(b)), "1:NONODE@3");  // nobody sees what may yet be lost
  sync();
  step(Received{b, exists(2, "/b")});
  EXPECT_EQ(show(take(b)), "2:OK@4");
}

TEST_F(ServerTest, AnswersInOrderAndReadsOwnWrites) {
  const ConnectionId a = open();
  step(Received{a, exists(1, "/a") + create(2, "/a") + exists(3, "/a") + create(4, "/a") + exists(5, "/a/b") + create(6, "/a/b") +
                       request(-2, OpCode::ping) + exists(7, "/a/b")});
  EXPECT_EQ(show(take(a)), "1:NONODE@1");
  sync();
  EXPECT_EQ(show(take(a)), "2:OK@2 3:OK@2 4:NODEEXISTS@3 5:NONODE@3 6:OK@4 -2:OK@4 7:OK@4");
}

TEST_F(ServerTest, FramesMayBeCutAnywhere) {
  const ConnectionId a = open();
  const std::string octets = create(1, "/a") + exists(2, "/a") + create(3, "/b");
  for (const char octet : octets) step(Received{a, std::string_view(&octet, 1)});
  sync();
  EXPECT_EQ(show(take(a)), "1:OK@2 2:OK@2 3:OK@3");
}

TEST_F(ServerTest, RequestsMayFollowTheConnectRequestAtOnce) {
  const ConnectionId a = accept();
  step(Received{a, connect_frame() + create(1, "/a") + exists(2, "/a")});
  sync();
  EXPECT_EQ(take_connect(a).timeout_ms, 10'000);
  EXPECT_EQ(show(take(a)), "1:OK@2 2:OK@2");
}

TEST_F(ServerTest, WritesGoToTheDiskWithoutWaitingForThoseBefore) {
  const ConnectionId a = open();
  step(Received{a, create(1, "/a")});
  step(Received{a, create(2, "/b") + create(3, "/c")});
  ASSERT_EQ(disk_.size(), 2u);
  EXPECT_EQ(disk_[0].first_zxid, 2);
  EXPECT_EQ(disk_[0].last_zxid, 2);
  EXPECT_EQ(disk_[1].first_zxid, 3);
  EXPECT_EQ(disk_[1].last_zxid, 4);
  sync_one();
  EXPECT_EQ(show(take(a)), "1:OK@2");
  EXPECT_TRUE(server_.has_unpersisted());
  sync_one();
  EXPECT_EQ(show(take(a)), "2:OK@3 3:OK@4");
  EXPECT_FALSE(server_.has_unpersisted());
}

TEST_F(ServerTest, WritesThatComeTogetherShareAGroup) {
  const ConnectionId a = open();
  const ConnectionId b = open();
  const std::string from_a = create(1, "/a"), from_b = create(1, "/b");
  step(Received{a, from_a, true});
  step(Received{b, from_b, true});
  EXPECT_TRUE(disk_.empty());
  step(Flush{});
  ASSERT_EQ(disk_.size(), 1u);
  EXPECT_EQ(disk_[0].last_zxid - disk_[0].first_zxid, 1);
  sync();
  EXPECT_EQ(show(take(a)) + ' ' + show(take(b)), "1:OK@3 1:OK@4");
}

TEST_F(ServerTest, EventsComeBeforeTheStateThatTheyTellOf) {
  const ConnectionId a = open();
  const ConnectionId b = open();
  step(Received{b, exists(1, "/a", true) + request(2, OpCode::get_children, jute::PathWatchRequest{"/", true})});
  EXPECT_EQ(show(take(b)), "1:NONODE@2 2:OK@2");
  step(Received{a, create(1, "/a")});
  step(Received{b, exists(3, "/a")});
  sync();
  step(Received{b, exists(4, "/a")});
  EXPECT_EQ(show(take(b)), "3:NONODE@2 NodeCreated(/a)@3 NodeChildrenChanged(/)@3 4:OK@3");
  step(Received{a, request(2, OpCode::set_data, jute::SetDataRequest{"/a", "y", -1})});
  sync();
  EXPECT_EQ(show(take(b)), "");  // one-time watches are used up
}

TEST_F(ServerTest, RecursiveWatchesHearOfDescendants) {
  const ConnectionId a = open();
  step(Received{a, create(1, "/a") + request(2, OpCode::add_watch, jute::PathTypeRequest{"/a", 1}) +
                       request(3, OpCode::add_watch, jute::PathTypeRequest{"/a", 0})});
  sync();
  take(a);
  step(Received{a, create(4, "/a/b") + create(5, "/a/b/c") + request(6, OpCode::delete_, jute::PathVersionRequest{"/a/b/c", -1})});
  sync();
  EXPECT_EQ(show(take(a)),
            "NodeCreated(/a/b)@3 NodeChildrenChanged(/a)@3 4:OK@3 NodeCreated(/a/b/c)@4 5:OK@4 NodeDeleted(/a/b/c)@5 6:OK@5");
  step(Received{a, request(7, OpCode::remove_watches, jute::PathTypeRequest{"/a", 3}) +
                       request(8, OpCode::remove_watches, jute::PathTypeRequest{"/a", 3})});
  EXPECT_EQ(show(take(a)), "7:OK@5 8:NOWATCHER@5");
}

TEST_F(ServerTest, SetWatchesMakesGoodWhatWasMissed) {
  const ConnectionId a = open();
  step(Received{a, create(1, "/a") + create(2, "/b")});
  sync();
  take(a);
  step(Received{a, request(-8, OpCode::set_watches, jute::SetWatchesRequest{2, {"/a", "/b", "/gone"}, {"/a", "/later"}, {"/a", "/"}})});
  EXPECT_EQ(show(take(a)), "NodeDataChanged(/b)@-1 NodeDeleted(/gone)@-1 NodeCreated(/a)@-1 NodeChildrenChanged(/)@-1 -8:OK@3");
  step(Received{a, create(3, "/later")});
  sync();
  EXPECT_EQ(show(take(a)), "NodeCreated(/later)@4 3:OK@4");
}

TEST_F(ServerTest, SyncWaitsForTheWritesOfOthers) {
  const ConnectionId a = open();
  const ConnectionId b = open();
  step(Received{a, create(1, "/a")});
  step(Received{b, request(1, OpCode::sync, jute::PathRecord{"/a"}) + exists(2, "/a")});
  EXPECT_EQ(show(take(b)), "");
  sync();
  EXPECT_EQ(show(take(b)), "1:OK@3 2:OK@3");
}

TEST_F(ServerTest, ASessionGoesOnOverAnotherConnection) {
  const ConnectionId a = open();
  const std::int64_t session = session_;
  const std::string password = password_;
  step(Received{a, create(1, "/e", 1) + create(2, "/f", 1)});
  const ConnectionId b = accept();
  step(Received{b, connect_frame(session, password) + exists(1, "/f")});
  EXPECT_TRUE(closed_.contains(a));
  EXPECT_EQ(take_connect(b).session_id, session);
  EXPECT_EQ(show(take(b)), "");  // its own writes come first
  sync();
  EXPECT_EQ(show(take(b)), "1:OK@3");
}

TEST_F(ServerTest, RefusesStrangersAndThoseFromTheFuture) {
  const ConnectionId a = open();
  const std::int64_t session = session_;
  const ConnectionId b = accept();
  step(Received{b, connect_frame(session, std::string(16, 'x'))});
  EXPECT_EQ(take_connect(b).session_id, 0);
  EXPECT_TRUE(closed_.contains(b));
  EXPECT_TRUE(closed_.contains(a));  // as ZooKeeper does; the session itself lives
  EXPECT_TRUE(server_.sessions().is_alive(session));
  const ConnectionId c = accept();
  step(Received{c, connect_frame(0, std::string(16, '\0'), 1000, 1000)});
  EXPECT_TRUE(closed_.contains(c));
  EXPECT_EQ(sent_[c], "");
}

TEST_F(ServerTest, TimeOutsAreClampedAndEnd) {
  const ConnectionId a = accept();
  step(Received{a, connect_frame(0, std::string(16, '\0'), 1)});
  sync();
  EXPECT_EQ(take_connect(a).timeout_ms, 4000);
  step(Received{a, create(1, "/e", 1)});
  sync();
  step(Disconnected{a});
  pass(seconds(3));
  EXPECT_NE(server_.database().tree.find("/e"), nullptr);
  pass(seconds(6));
  EXPECT_EQ(server_.database().tree.find("/e"), nullptr);
  EXPECT_EQ(server_.database().sessions.size(), 0U);
}

TEST_F(ServerTest, PingsKeepASessionAlive) {
  const ConnectionId a = open();
  for (int i = 0; i < 10; ++i) {
    pass(seconds(5));
    step(Received{a, request(-2, OpCode::ping)});
  }
  EXPECT_FALSE(closed_.contains(a));
  EXPECT_EQ(server_.database().sessions.size(), 1U);
}

TEST_F(ServerTest, CloseEndsTheSessionAndItsNodes) {
  const ConnectionId a = open();
  step(Received{a, create(1, "/e", 1) + create(2, "/s", 3) + request(3, OpCode::close_session) + create(4, "/late")});
  sync();
  EXPECT_EQ(show(take(a)), "1:OK@2 2:OK@3 3:OK@4");
  EXPECT_TRUE(closed_.contains(a));
  EXPECT_EQ(server_.database().tree.size(), 4U);
}

TEST_F(ServerTest, WhatWasAskedBeforeTheEndOfASessionIsAnswered) {
  const ConnectionId a = open();
  step(Received{a, create(1, "/a") + exists(2, "/a") + create(3, "/b")});
  now_ += seconds(60);
  step(Tick{});  // the session's time has come while its writes are on their way to the disk
  step(Received{a, exists(4, "/a") + create(5, "/c")});
  sync();
  EXPECT_EQ(show(take(a)), "1:OK@2 2:OK@2 3:OK@3 4:SESSIONEXPIRED@3");
  EXPECT_TRUE(closed_.contains(a));
}

TEST_F(ServerTest, UnknownOperationsEndTheConnection) {
  for (const std::int32_t type : {77, 0, 13, -1, -10}) {
    const ConnectionId a = open();
    step(Received{a, request(1, static_cast<OpCode>(type))});
    sync();
    EXPECT_EQ(show(take(a)), "1:UNIMPLEMENTED@-1") << type;
    EXPECT_TRUE(closed_.contains(a));
  }
}

TEST_F(ServerTest, ARequestThatCannotBeReadKeepsTheConnection) {
  const ConnectionId a = open();
  step(Received{a, request(1, OpCode::exists) + request(2, OpCode::create) + request(3, OpCode::multi) + exists(4, "/")});
  sync();
  EXPECT_EQ(show(take(a)), "1:MARSHALLINGERROR@1 2:MARSHALLINGERROR@2 3:MARSHALLINGERROR@3 4:OK@3");
}

TEST_F(ServerTest, FramesBeyondTheLimitEndTheConnection) {
  for (const std::string& length :
       {std::string("\x00\x10\x00\x00", 4), std::string("\xff\xff\xff\xff", 4), std::string("\x7f\xff\xff\xff", 4)}) {
    const ConnectionId a = accept();
    step(Received{a, length});
    EXPECT_TRUE(closed_.contains(a));
    EXPECT_EQ(sent_[a], "");
  }
}

TEST_F(ServerTest, WordsAreOnlyKnownBeforeTheHandshake) {
  const ConnectionId a = accept();
  step(Received{a, "ru"});
  step(Received{a, "ok"});
  EXPECT_EQ(words_, std::vector<std::string>{"ruok"});
  const ConnectionId b = open();
  step(Received{b, "ruok"});  // a length that is too long
  EXPECT_TRUE(closed_.contains(b));
  EXPECT_EQ(words_.size(), 1U);
}

TEST_F(ServerTest, PipelinesWithoutEndArePaused) {
  const ConnectionId a = open();
  const std::string big(100'000, 'x');
  for (int i = 0; i < 12; ++i) step(Received{a, request(i, OpCode::set_data, jute::SetDataRequest{"/none", big, -1})});
  EXPECT_TRUE(paused_.contains(a));
  sync();
  EXPECT_FALSE(paused_.contains(a));
  EXPECT_EQ(take(a).size(), 12U);
  step(Unsent{a, 2 << 20});
  EXPECT_TRUE(paused_.contains(a));
  step(Unsent{a, 0});
  EXPECT_FALSE(paused_.contains(a));
  step(Unsent{a, 100 << 20});
  EXPECT_TRUE(closed_.contains(a));
}

TEST_F(ServerTest, AuthenticationOpensWhatItLocked) {
  const ConnectionId a = open();
  const std::vector<jute::Acl> mine = {{jute::perms::all, {"auth", ""}}};
  step(Received{a, request(1, OpCode::create, jute::CreateRequest{"/m", "x", mine, 0}) +
                       request(-4, OpCode::auth, jute::AuthRequest{0, "digest", "user:secret"}) +
                       request(2, OpCode::create, jute::CreateRequest{"/m", "x", mine, 0}) +
                       request(3, OpCode::get_acl, jute::PathRecord{"/m"})});
  sync();
  const auto replies = take(a);
  EXPECT_EQ(show(replies), "-4:OK@0 1:INVALIDACL@2 2:OK@3 3:OK@3");
  EXPECT_NE(replies.back().body.find("user:5w9W4eL3797Y4Wq8AcKUPPk8ha4="), std::string::npos);
  const ConnectionId b = open();
  step(Received{b, request(1, OpCode::get_data, jute::PathWatchRequest{"/m", false}) + exists(2, "/m")});
  EXPECT_EQ(show(take(b)), "1:NOAUTH@4 2:NOAUTH@4");
  step(Received{b, request(-4, OpCode::auth, jute::AuthRequest{0, "nosuch", "x"})});
  EXPECT_EQ(show(take(b)), "-4:AUTHFAILED@0");
  EXPECT_TRUE(closed_.contains(b));
}

TEST_F(ServerTest, ContainersAndTtlNodesAreReaped) {
  const ConnectionId a = open();
  step(Received{a, request(1, OpCode::create_container, jute::CreateRequest{"/c", "", open_acl, 4}) + create(2, "/c/x") +
                       request(3, OpCode::delete_, jute::PathVersionRequest{"/c/x", -1}) +
                       request(4, OpCode::create_container, jute::CreateRequest{"/unused", "", open_acl, 4}) +
                       request(5, OpCode::create_ttl, jute::CreateTtlRequest{"/t", "", open_acl, 5, 1000}) +
                       request(6, OpCode::create_ttl, jute::CreateTtlRequest{"/long", "", open_acl, 5, 3'600'000})});
  sync();
  pass(seconds(61));
  const Tree& tree = server_.database().tree;
  EXPECT_EQ(tree.find("/c"), nullptr);
  EXPECT_EQ(tree.find("/t"), nullptr);
  EXPECT_NE(tree.find("/unused"), nullptr);
  EXPECT_NE(tree.find("/long"), nullptr);
}

TEST_F(ServerTest, DeleteContainerDeletesNothingElse) {
  const ConnectionId a = open();
  step(Received{a, create(1, "/plain") + request(2, OpCode::delete_container, jute::PathRecord{"/plain"})});
  sync();
  EXPECT_EQ(show(take(a)), "1:OK@2 2:BADVERSION@3");
}

class FewConnections : public ServerTest {
 protected:
  FewConnections() : ServerTest(Options{.max_client_connections = 2}) {}
};
TEST_F(FewConnections, PerAddress) {
  const ConnectionId a = accept(), b = accept(), c = accept(), other = accept("10.0.0.1");
  EXPECT_EQ(closed_, std::set<ConnectionId>{c});
  step(Disconnected{a});
  step(Disconnected{c});
  EXPECT_FALSE(closed_.contains(accept()));
  EXPECT_FALSE(closed_.contains(b));
  EXPECT_FALSE(closed_.contains(other));
}

TEST(Session, PasswordsAreJavas) {
  const struct {
    std::int64_t id;
    const char* want;
  } cases[] = {{0x0100002bb7700000, "62c8c9dc478fdfce10975e3f68fa60af"},  // from a live server
               {0x01000015c6f80000, "7a5bdbef7fc0a221e8db52ca605a5c16"},
               {1, "054cc74a37327db215e702e20c73f005"},
               {static_cast<std::int64_t>(0xff00000000000005), "51d0af4ab760fac5eaf29f8f5a96423a"}};
  for (const auto& c : cases) EXPECT_EQ(base::hex(session_password(c.id)), c.want);
}

TEST(Acl, Addresses) {
  EXPECT_TRUE(ip_matches("10.1.2.3", "10.0.0.0/8"));
  EXPECT_FALSE(ip_matches("11.1.2.3", "10.0.0.0/8"));
  EXPECT_TRUE(ip_matches("10.1.2.3", "10.1.2.3"));
  EXPECT_TRUE(ip_matches("10.1.2.131", "10.1.2.128/25"));
  EXPECT_FALSE(ip_matches("10.1.2.1", "10.1.2.128/25"));
  EXPECT_TRUE(ip_matches("::1", "::/0"));
  EXPECT_FALSE(ip_matches("::1", "0.0.0.0/0"));
  for (const char* bad : {"", "x", "1.2.3", "1.2.3.4/33", "::1/129", "1.2.3.4/", "1.2.3.4/-1"}) EXPECT_FALSE(is_valid_ip_range(bad)) << bad;
}

// Each judged by a live ZooKeeper 3.8.0 as the id of an x509 entry.
TEST(Acl, Subjects) {
  for (const char* good : {"CN=", "CN=a, O=b", "cn=a", "CN=a;O=b", "CN=a+O=b", "1.2.3=#0c0161", "1.2.3=a", "OID.1.2.3=a", "CN=\"a,b\"",
                           "EMAILADDRESS=x", "CN=a=b", "CN = a", " CN=a", "SERIALNUMBER=3", "CN=a\\2Cb"}) {
    EXPECT_TRUE(is_distinguished_name(good)) << good;
  }
  for (const char* bad : {"worker", "CN", "CN=a,,O=b", "NOSUCHWORD=a", "CN=a,", ",CN=a", "CN=a<b", "CN=a\\", "CN=#zz", "=a"}) {
    EXPECT_FALSE(is_distinguished_name(bad)) << bad;
  }
  for (const char* bad : {"", "CN=#", "CN=#abc", "CN=\"a", "CN=\"a\"b", "1=a", "CN=a\\q"}) EXPECT_FALSE(is_distinguished_name(bad)) << bad;
}

}  // namespace
}  // namespace chorus::coord
