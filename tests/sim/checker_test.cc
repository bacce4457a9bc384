// Each rule of the checker, kept and broken once.
#include "checker.h"

#include <gmock/gmock.h>

#include "story.h"

namespace chorus::coord_sim {
namespace {

using jute::ErrorCode;
using jute::EventType;
using jute::OpCode;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t anna = 0x1001, bert = 0x2001;
const CheckOptions ensemble{.reads_are_linearizable = false, .stale_leader_ms = 500, .expiry_slack_ms = 100};

Op create(const std::string& path, const std::string& data = "x", std::int32_t flags = 0) {
  return {.code = OpCode::create, .path = path, .data = data, .flags = flags};
}
Op set(const std::string& path, const std::string& data) { return {.code = OpCode::set_data, .path = path, .data = data}; }
Op get(const std::string& path, bool watch = false) { return {.code = OpCode::get_data, .path = path, .watch = watch}; }
Op sync() { return {.code = OpCode::sync, .path = "/"}; }
constexpr std::int32_t ephemeral = 1;

/// Two sessions with a connection each, and a node to quarrel about.
class CheckerTest : public testing::Test {
 protected:
  CheckerTest() {
    story.open(anna);
    story.open(bert);
    a = story.connect(anna);
    b = story.connect(bert);
    first = story.write(a, create("/a", "1"));
  }
  void expect_sound(const CheckOptions& options = ensemble) { EXPECT_THAT(story.check(options).faults, ElementsAre()); }
  void expect_fault(const char* words, const CheckOptions& options = ensemble) {
    EXPECT_THAT(story.check(options).faults, Contains(HasSubstr(words)));
  }

  Story story;
  std::size_t a, b;
  std::size_t first;
};

TEST_F(CheckerTest, ASoundHistoryPasses) {
  story.read(b, get("/a", true));
  const std::size_t change = story.ask(a, set("/a", "2"));
  story.execute(change);
  story.event(b, EventType::node_data_changed, "/a", story.zxid());
  story.answer(change);
  story.read(b, get("/a"));
  story.new_epoch();
  story.read(a, get("/a"));  // of a new leader that has no transaction yet
  const std::size_t a2 = story.connect(anna);
  story.write(a2, create("/e", "3", ephemeral));
  story.write(a2, create("/a"));  // is there
  story.write(a2, {.code = OpCode::close_session});
  story.read(b, get("/e"));
  story.read_from(b, get("/a"), story.zxid());
  expect_sound();
  EXPECT_GT(story.check(ensemble).checks, 50U);
  EXPECT_EQ(story.check(ensemble).acknowledged, 5U);
}

TEST_F(CheckerTest, AnAcknowledgedWriteIsLost) {
  story.write(a, set("/a", "2"));
  story.transactions.pop_back();
  expect_fault("acknowledged write lost");
}

TEST_F(CheckerTest, AnUnacknowledgedWriteMayBeLostOrKept) {
  story.execute(story.ask(a, set("/a", "2")));
  story.ask(a, set("/a", "3"));
  expect_sound();
  EXPECT_EQ(story.check(ensemble).unknown_kept, 1U);
  EXPECT_EQ(story.check(ensemble).unknown_lost, 1U);
}

TEST_F(CheckerTest, AWriteIsExecutedTwice) {
  story.execute(first);
  expect_fault("was executed twice");
}

TEST_F(CheckerTest, ATransactionThatNobodyAskedFor) {
  story.write(a, set("/a", "2"));
  story.transactions.back().cxid = 77;
  expect_fault("never sent a write with xid 77");
}

TEST_F(CheckerTest, WritesOfASessionChangePlaces) {
  const std::size_t one = story.ask(a, set("/a", "2"));
  const std::size_t two = story.ask(a, set("/a", "3"));
  story.execute(two);
  story.execute(one);
  story.answer(one);
  expect_fault("was executed after xid");
}

TEST_F(CheckerTest, AHoleInTheWritesOfAConnection) {
  story.ask(a, set("/a", "2"));
  story.execute(story.ask(a, set("/a", "3")));
  expect_fault("sent before it was not");
}

TEST_F(CheckerTest, AnAnswerNamesTheWrongZxid) {
  story.answer_of(first).zxid += 1;
  story.write(b, set("/a", "2"));
  expect_fault("and is there as");
}

TEST_F(CheckerTest, AnswersOutOfOrder) {
  const std::size_t one = story.ask(a, get("/a"));
  const std::size_t two = story.ask(a, get("/a"));
  story.answer(two);
  story.answer(one);
  expect_fault("was answered out of order");
}

TEST_F(CheckerTest, AReplyThatIsNotTheOutcome) {
  const std::size_t change = story.write(a, set("/a", "2"));
  story.answer_of(change).body[60] ^= 1;
  expect_fault("should be");
}

TEST_F(CheckerTest, AnErrorThatIsNotDue) {
  story.answer_of(first).err = static_cast<std::int32_t>(ErrorCode::node_exists);
  expect_fault("was answered with");
}

TEST_F(CheckerTest, AReadShowsAnotherStateThanItsZxid) {
  const std::int64_t before = story.zxid();
  story.write(a, set("/a", "2"));
  const std::size_t read = story.read_from(b, get("/a"), before);
  expect_sound();
  story.answer_of(read).zxid = story.zxid();
  expect_fault("should be");
}

TEST_F(CheckerTest, AReadOfAnUncommittedWrite) {
  story.execute(story.ask(a, set("/a", "2")));
  story.read(b, get("/a"));
  story.transactions.pop_back();
  expect_fault("which is no transaction");
}

TEST_F(CheckerTest, AHoleInTheZxids) {
  story.transactions.back().zxid += 1;
  expect_fault("follows");
}

TEST_F(CheckerTest, AnEpochThatDoesNotBeginAtOne) {
  story.new_epoch();
  story.transactions.back().zxid = story.zxid() + 2;
  expect_fault("follows");
}

TEST_F(CheckerTest, ASessionSeesZxidsGoBack) {
  story.write(a, set("/a", "2"));
  story.read_from(a, get("/a"), story.zxid() - 1);
  expect_fault("zxid went back");
}

TEST_F(CheckerTest, ASessionSeesZxidsGoBackOnAnotherServer) {
  story.write(a, set("/a", "2"));
  story.read_from(story.connect(anna), get("/a"), story.zxid() - 1);
  expect_fault("over a reconnection");
}

TEST_F(CheckerTest, AWriteComesBeforeWhatWasSeenBeforeIt) {
  story.ask(a, set("/a", "2"));
  story.execute(1);  // nobody knows of it yet
  story.answer(1);
  const std::size_t later = story.ask(b, set("/a", "3"));
  story.execute(later);
  story.answer(later);
  expect_sound();
  // The same two the other way round.
  Story other;
  other.open(anna);
  other.open(bert);
  const std::size_t x = other.connect(anna), y = other.connect(bert);
  const std::size_t create_it = other.ask(x, create("/a"));
  const std::size_t early = other.ask(x, set("/a", "2"));
  other.execute(create_it);
  const std::size_t late = other.ask(y, set("/a", "3"));
  other.execute(late);
  other.execute(early);
  other.answer(create_it);
  other.answer(early);
  other.answer(late);
  other.history.requests[late].sent_ns = other.history.requests[early].answered_ns + 1;
  EXPECT_THAT(other.check(ensemble).faults, Contains(HasSubstr("had been seen before it was sent")));
}

TEST_F(CheckerTest, OneServerReadsWhatWasAcknowledged) {
  story.write(a, set("/a", "2"));
  story.read_from(b, get("/a"), story.zxid() - 1);
  expect_sound();
  expect_fault("had been seen before it was sent", {});
}

TEST_F(CheckerTest, AReadBehindASyncIsStale) {
  const std::int64_t old = story.zxid();
  story.write(a, set("/a", "2"));
  story.read_from(b, sync(), old);
  story.read_from(b, get("/a"), old);
  expect_fault("came after a sync");
}

TEST_F(CheckerTest, AReadBehindASyncShowsWhatWasBeforeTheSync) {
  const std::size_t asked = story.ask(b, sync());
  const std::int64_t old = story.zxid();
  story.write(a, set("/a", "2"));
  story.answer_from(asked, old);
  story.read_from(b, get("/a"), old);
  expect_sound();
}

TEST_F(CheckerTest, ALeaderThatIsNoneAnswersASyncForAWhile) {
  const std::int64_t old = story.zxid();
  story.new_epoch();
  story.write(a, set("/a", "2"));
  story.wait_ms(400);
  story.read_from(b, sync(), old);
  story.read_from(b, get("/a"), old);
  expect_sound();
  story.wait_ms(200);
  story.read_from(b, sync(), old);
  story.read_from(b, get("/a"), old);
  expect_fault("came after a sync");
}

TEST_F(CheckerTest, AFollowerOfANewLeaderIsAtTheOldZxid) {
  const std::int64_t old = story.zxid();
  story.new_epoch();
  story.read(a, get("/a"));
  story.wait_ms(1000);
  story.read_from(b, sync(), old);
  story.read_from(b, get("/a"), old);
  expect_sound();
}

TEST_F(CheckerTest, AWriteByALeftConnectionIsRefused) {
  const std::size_t late = story.ask(a, set("/a", "2"));
  story.write(story.connect(anna), set("/a", "3"));
  story.refuse(late, ErrorCode::session_moved);
  expect_sound();
}

TEST_F(CheckerTest, ALeftConnectionEndsTheSessionLate) {
  const std::size_t late = story.ask(a, {.code = OpCode::close_session});
  story.write(story.connect(anna), set("/a", "3"));
  story.execute(late);
  expect_sound();
}

TEST_F(CheckerTest, ASessionThatNeverMovedIsRefusedAsMoved) {
  story.refuse(story.ask(a, set("/a", "2")), ErrorCode::session_moved);
  expect_fault("never left its server");
}

TEST_F(CheckerTest, AWriteComesLateForASessionThatHasEnded) {
  const std::size_t late = story.ask(a, set("/a", "2"));
  story.write(story.connect(anna), {.code = OpCode::close_session});
  story.refuse(late, ErrorCode::session_expired);
  expect_sound();
  story.transactions.back().type = static_cast<std::int32_t>(OpCode::set_data);
  story.transactions.back().err = 0;
  expect_fault("was executed after xid");
}

TEST_F(CheckerTest, AnEphemeralGoesBeforeItsSession) {
  story.write(a, create("/e", "", ephemeral));
  const std::size_t read = story.read(b, get("/e"));
  Frame& frame = story.answer_of(read);
  frame.err = static_cast<std::int32_t>(ErrorCode::no_node);
  frame.body.clear();
  expect_fault("was answered with");
}

TEST_F(CheckerTest, AnEphemeralStaysAfterItsSession) {
  story.write(a, create("/e", "", ephemeral));
  const std::size_t before = story.read(b, get("/e"));
  story.expire(anna);
  const std::size_t after = story.read(b, get("/e"));
  expect_sound();
  story.answer_of(after).err = 0;
  story.answer_of(after).body = story.answer_of(before).body;
  expect_fault("was answered with");
}

TEST_F(CheckerTest, ASessionIsServedAfterItsEnd) {
  story.expire(anna);
  expect_sound();
  story.read(a, get("/a"));
  expect_fault("though its session had ended");
}

TEST_F(CheckerTest, ASessionIsRefusedAndNeverEnded) {
  story.history.sessions[anna].refused_ns = 5'000'000'000;
  expect_fault("never ended");
}

TEST_F(CheckerTest, ASessionExpiresTooEarly) {
  story.expire(anna);
  SessionHistory& session = story.history.sessions[anna];
  session.heard_ns = {5'000'000'000};
  session.refused_ns = session.heard_ns.back() + 920'000'000;
  expect_sound();
  session.refused_ns = session.heard_ns.back() + 820'000'000;
  expect_fault("expired 820 ms after");
}

TEST_F(CheckerTest, ASessionExpiresAsItsServerHearsOfItLate) {
  story.expire(anna);
  SessionHistory& session = story.history.sessions[anna];
  // What came in the last 100 ms did not get to the leader.
  session.heard_ns = {4'000'000'000, 5'000'000'000, 5'970'000'000};
  session.refused_ns = 6'050'000'000;
  expect_sound();
  session.heard_ns = {4'000'000'000, 5'000'000'000, 5'500'000'000, 5'970'000'000};
  expect_fault("expired 550 ms after");
}

TEST_F(CheckerTest, AnAbandonedSessionStays) {
  story.history.sessions[anna].abandoned = true;
  expect_fault("never expired");
}

TEST_F(CheckerTest, AGrantedSessionIsLost) {
  story.history.sessions[0x77].timeout_ms = 1000;
  expect_fault("its creation is lost");
}

TEST_F(CheckerTest, AMultiIsThereInPart) {
  Op multi{.code = OpCode::multi};
  multi.parts = {create("/m"), create("/n")};
  story.execute(story.ask(a, multi));  // never answered
  const std::size_t m = story.read(b, get("/m"));
  const std::size_t n = story.read(b, get("/n"));
  expect_sound();
  story.answer_of(n).err = static_cast<std::int32_t>(ErrorCode::no_node);
  EXPECT_EQ(story.answer_of(m).err, 0);
  expect_fault("was answered with");
}

TEST_F(CheckerTest, AnEventComesAfterTheReadThatShowsItsCause) {
  story.read(b, get("/a", true));
  story.write(a, set("/a", "2"));
  story.read(b, get("/a"));
  expect_fault("before the event");
}

TEST_F(CheckerTest, AnEventWithoutAWatch) {
  story.write(a, set("/a", "2"));
  story.event(b, EventType::node_data_changed, "/a", story.zxid());
  expect_fault("without a watch for it");
}

TEST_F(CheckerTest, AnEventOfAnotherZxid) {
  story.read(b, get("/a", true));
  story.write(a, set("/a", "2"));
  story.write(a, set("/a", "3"));
  story.event(b, EventType::node_data_changed, "/a", story.zxid());
  story.read(b, get("/a"));
  expect_fault("is due");
}

TEST_F(CheckerTest, SetWatchesMakesUpForWhatWasMissed) {
  story.read(b, get("/a", true));
  const std::int64_t seen = story.zxid();
  story.write(a, set("/a", "2"));
  const std::size_t b2 = story.connect(bert);
  Op rearm{.code = OpCode::set_watches2};
  rearm.relative_zxid = seen;
  rearm.data_watches = {"/a"};
  const std::size_t asked = story.ask(b2, rearm);
  Story forgetful = story;
  story.event(b2, EventType::node_data_changed, "/a", -1);
  story.answer(asked);
  expect_sound();
  forgetful.answer(asked);
  EXPECT_THAT(forgetful.check(ensemble).faults, Contains(HasSubstr("1 events are due")));
}

}  // namespace
}  // namespace chorus::coord_sim
