// Which members of an ensemble take clients, and what for.
#include "coord/member.h"

#include "coord/member_fixture.h"

namespace chorus::coord {
namespace {

using jute::ErrorCode;
using jute::OpCode;

TEST_F(Members, EachTakesWrites) {
  for (const zab::ServerId id : {1, 2, 3}) {
    connect(id, busy_);
    EXPECT_TRUE(simulation_.run_until([this] { return busy_->replies > 100; }, 60s)) << id;
    busy_.reset();
  }
}

struct LeaderOnly : Members {
  LeaderOnly() : Members({.leader_serves = false}) {}
};

TEST_F(LeaderOnly, TakesNoClients) {
  ASSERT_EQ(leader(), 3);
  connect(3, busy_);
  EXPECT_TRUE(simulation_.run_until([this] { return busy_->closed; }, 60s));
  EXPECT_EQ(busy_->replies, 0);
  busy_.reset();
  connect(1, busy_);
  EXPECT_TRUE(simulation_.run_until([this] { return busy_->replies > 100; }, 60s));
}

struct Authenticated : Members {
  Authenticated() : Members({.auth = {.learner = {{"member", "secret"}}, .users = {{"member", "secret"}}, .required = true}}) {}
};

TEST_F(Authenticated, ServeAsOthersDo) {
  connect(1, busy_);
  EXPECT_TRUE(simulation_.run_until([this] { return busy_->replies > 100; }, 60s));
  ASSERT_EQ(leader(), 3);
  nodes_.erase(3);
  machine(3).kill();
  ASSERT_TRUE(simulation_.run_until([this] { return busy_->closed; }, 60s));
  ASSERT_TRUE(simulation_.run_until([this] { return leader() != 0 && nodes_[1]->is_serving(); }, 60s));
  connect(1, busy_);
  EXPECT_TRUE(simulation_.run_until([this] { return busy_->replies > 100; }, 60s));
}

// Server 1 is cut off from the others, though not from clients.
struct CutOff : Members {
  explicit CutOff(EnsembleOptions options = {.read_only_mode_enabled = true}) : Members(options) {
    connect(1, busy_);
    EXPECT_TRUE(simulation_.run_until([this] { return busy_->replies > 100; }, 60s));
    simulation_.network().partition({&machine(1)}, {&machine(2), &machine(3)});
    EXPECT_TRUE(simulation_.run_until([this] { return busy_->closed && !nodes_[1]->is_serving(); }, 60s));
    busy_.reset();
  }
  /// The error in the answer to one request.
  template <class Body>
  ErrorCode ask(OpCode type, const Body& body) {
    reader_->ask(type, body);
    const std::string frame = answer();
    base::Reader in(frame);
    const auto header = jute::decode<jute::ReplyHeader>(in);
    EXPECT_TRUE(header && header->xid == reader_->xid);
    return header ? static_cast<ErrorCode>(header->err) : ErrorCode::system_error;
  }
  std::string answer() {
    std::string frame;
    EXPECT_TRUE(simulation_.run_until([&] { return !(frame = reader_->take()).empty() || reader_->closed; }, 60s));
    return frame;
  }
  std::string word(const std::string& what) {
    std::unique_ptr<Reader> one;
    connect(1, one);
    one->connection->write(what);
    EXPECT_TRUE(simulation_.run_until([&] { return one->closed; }, 60s));
    return one->input;
  }
  bool reads_only() const { return nodes_.at(1)->is_read_only(); }
};

TEST_F(CutOff, ServesReadsAfterAWhileUntilThereIsALeader) {
  const world::Instant since = machine(1).world().now();
  EXPECT_EQ(word("isro"), "null");
  ASSERT_TRUE(simulation_.run_until([this] { return reads_only(); }, 60s));
  EXPECT_GE(machine(1).world().now() - since, 1900ms);
  EXPECT_LE(machine(1).world().now() - since, 4s);
  EXPECT_EQ(word("isro"), "ro");
  EXPECT_NE(word("mntr").find("zk_server_state\tread-only\n"), std::string::npos);
  EXPECT_NE(word("srvr").find("READ-ONLY mode; serving only read-only clients\n"), std::string::npos);

  connect(1, reader_);
  reader_->open(false);
  EXPECT_EQ(answer(), "") << "who wants to write is sent away";
  connect(1, reader_);
  // It has seen what a leader of Java tells its clients before the first transaction of its epoch.
  reader_->open(true, std::int64_t{1} << 32);
  EXPECT_TRUE(answer().ends_with('\1'));
  EXPECT_EQ(ask(OpCode::exists, jute::PathWatchRequest{"/made", true}), ErrorCode::no_node);
  EXPECT_EQ(ask(OpCode::exists, jute::PathWatchRequest{"/", false}), ErrorCode::ok);
  EXPECT_EQ(ask(OpCode::set_data, jute::SetDataRequest{"/", "x", -1}), ErrorCode::not_read_only);
  EXPECT_EQ(ask(OpCode::sync, jute::PathRecord{"/"}), ErrorCode::not_read_only);

  simulation_.network().heal();
  ASSERT_TRUE(simulation_.run_until([this] { return reader_->closed; }, 60s));
  ASSERT_TRUE(simulation_.run_until([this] { return nodes_[1]->is_serving() && !reads_only(); }, 60s));
  EXPECT_EQ(word("isro"), "rw");
  connect(1, busy_);
  EXPECT_TRUE(simulation_.run_until([this] { return busy_->replies > 100; }, 60s));
  EXPECT_EQ(nodes_[1]->server().database().tree.find("/made"), nullptr);
}

TEST_F(CutOff, StopsAsAlways) {
  ASSERT_TRUE(simulation_.run_until([this] { return reads_only(); }, 60s));
  connect(1, reader_);
  reader_->open(true);
  EXPECT_TRUE(answer().ends_with('\1'));
  bool stopped = false;
  nodes_[1]->stop([&] { stopped = true; });
  EXPECT_TRUE(simulation_.run_until([&] { return stopped; }, 60s));
  // The end of the connection is on its way when the node has stopped.
  EXPECT_TRUE(simulation_.run_until([this] { return reader_->closed; }, 1s));
}

TEST_F(CutOff, AgainAndAgain) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(simulation_.run_until([this] { return reads_only(); }, 60s));
    simulation_.network().heal();
    ASSERT_TRUE(simulation_.run_until([this] { return nodes_[1]->is_serving() && !reads_only(); }, 60s));
    connect(1, busy_);
    ASSERT_TRUE(simulation_.run_until([this] { return busy_->replies > 100; }, 60s));
    busy_.reset();
    simulation_.network().partition({&machine(1)}, {&machine(2), &machine(3)});
    ASSERT_TRUE(simulation_.run_until([this] { return !nodes_[1]->is_serving(); }, 60s));
  }
}

struct CutOffOtherwise : CutOff {
  CutOffOtherwise() : CutOff(EnsembleOptions{}) {}
};

TEST_F(CutOffOtherwise, ServesNobody) {
  simulation_.run_for(30s);
  EXPECT_FALSE(nodes_[1]->is_serving());
  EXPECT_EQ(word("isro"), "null");
}

}  // namespace
}  // namespace chorus::coord
