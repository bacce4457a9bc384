// Each rule of the ledger, kept once and broken once.
#include "broker_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chorus::mq_sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Queue orders{"orders", 0};

struct LedgerTest : testing::Test {
  Ledger ledger;
  Id plain(std::int64_t offset) {
    const Id id = ledger.ask({.queue = orders});
    if (offset >= 0) ledger.stored(id, offset);
    return id;
  }
  Id transaction(Decision decision) {
    const Id id = ledger.ask({.queue = orders, .decision = decision});
    ledger.stored(id, -1);
    return id;
  }
  /// All that is in the queue, from offset 0.
  std::vector<std::string> judged(std::vector<Id> ids, bool retention = false) {
    for (std::size_t i = 0; i < ids.size(); ++i) ledger.seen(orders, static_cast<std::int64_t>(i), {.id = ids[i]});
    ledger.bounds(orders, 0, static_cast<std::int64_t>(ids.size()));
    ledger.judge(retention);
    return ledger.faults();
  }
};

TEST_F(LedgerTest, WhatWasAcknowledgedIsThere) {
  const Id first = plain(0), second = plain(1);
  EXPECT_THAT(judged({first, second}), IsEmpty());
}
TEST_F(LedgerTest, ALostOne) {
  const Id first = plain(0);
  plain(1);
  EXPECT_THAT(judged({first}), ElementsAre(HasSubstr("is lost")));
}
TEST_F(LedgerTest, OneThatIsElsewhereThanAcknowledged) {
  const Id first = plain(1), second = plain(2);
  EXPECT_THAT(judged({first, second}), testing::Contains(HasSubstr("was acknowledged at 1")));
}
TEST_F(LedgerTest, ARefusedOneIsNotThere) {
  const Id id = plain(-1);
  ledger.refused(id);
  EXPECT_THAT(judged({}), IsEmpty());
}
TEST_F(LedgerTest, ARefusedOneThatIsThere) {
  const Id id = plain(-1);
  ledger.refused(id);
  EXPECT_THAT(judged({id}), ElementsAre(HasSubstr("was refused")));
}
TEST_F(LedgerTest, AnUnansweredOneMayBeEither) {
  const Id lost = plain(-1), kept = plain(-1);
  ledger.unknown(lost);
  ledger.unknown(kept);
  EXPECT_THAT(judged({kept}), IsEmpty());
}
TEST_F(LedgerTest, OneThatIsThereTwice) {
  const Id id = plain(0);
  EXPECT_THAT(judged({id, id}), ElementsAre(HasSubstr("there 2 times")));
}
TEST_F(LedgerTest, OrderIsThatOfAcknowledgements) {
  plain(5);
  plain(4);
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("behind which 5")));
}
TEST_F(LedgerTest, AHole) {
  const Id first = plain(0), third = plain(2);
  ledger.seen(orders, 0, {.id = first});
  ledger.seen(orders, 2, {.id = third});
  ledger.bounds(orders, 0, 3);
  ledger.judge(false);
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("hole at offset 1")));
}
TEST_F(LedgerTest, APlaceThatChangesItsMessage) {
  const Id first = plain(0), second = plain(-1);
  ledger.seen(orders, 0, {.id = first});
  ledger.seen(orders, 0, {.id = second});
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("later message 2")));
}
TEST_F(LedgerTest, WhatAReaderWasGivenIsNotTakenBack) {
  const Id first = plain(0);
  ledger.seen(orders, 0, {.id = first});
  ledger.bounds(orders, 0, 0);
  ledger.judge(false);
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("a reader was given offset 0")));
}
TEST_F(LedgerTest, WhatNobodySent) {
  ledger.seen(orders, 0, {.id = 7});
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("nobody sent")));
}
TEST_F(LedgerTest, TransactionsThatEndAsTheirProducersSay) {
  const Id committed = transaction(Decision::commit);
  transaction(Decision::rollback);
  transaction(Decision::undecided);
  ledger.message(committed).end_acknowledged = true;
  EXPECT_THAT(judged({committed}), IsEmpty());
}
TEST_F(LedgerTest, ARolledBackOneThatIsSeen) {
  const Id id = transaction(Decision::rollback);
  EXPECT_THAT(judged({id}), ElementsAre(HasSubstr("was not committed")));
}
TEST_F(LedgerTest, AnAcknowledgedCommitThatIsLost) {
  const Id id = transaction(Decision::commit);
  ledger.message(id).end_acknowledged = true;
  EXPECT_THAT(judged({}), testing::Contains(HasSubstr("commit was acknowledged")));
}
TEST_F(LedgerTest, ACommitThatWasGivenUp) {
  const Id id = transaction(Decision::commit);
  const Queue aside{"TRANS_CHECK_MAX_TIME_TOPIC", 0};
  ledger.seen(aside, 0, {.id = id});
  ledger.bounds(aside, 0, 1);
  EXPECT_THAT(judged({}), IsEmpty());
}
TEST_F(LedgerTest, ACommitThatNeverEnds) {
  transaction(Decision::commit);
  EXPECT_THAT(judged({}), ElementsAre(HasSubstr("neither committed nor given up")));
}
TEST_F(LedgerTest, ADelayedOneThatDoesNotCome) {
  ledger.stored(ledger.ask({.queue = orders, .delayed = true, .due_ms = 5}), -1);
  EXPECT_THAT(judged({}), ElementsAre(HasSubstr("did not come")));
}
TEST_F(LedgerTest, ADelayedOneThatComesEarly) {
  const Id id = ledger.ask({.queue = orders, .delayed = true, .due_ms = 5});
  ledger.stored(id, -1);
  EXPECT_THAT(judged({id}), ElementsAre(HasSubstr("5 ms early")));
}
TEST_F(LedgerTest, WhatWasSentBackComesAgain) {
  const Id id = plain(0);
  ledger.message(id).sent_back["audit"] = {1, 2};
  const Queue retry{"%RETRY%audit", 0}, dead{"%DLQ%audit", 0};
  ledger.seen(retry, 0, {.id = id});
  ledger.bounds(retry, 0, 1);
  ledger.seen(dead, 0, {.id = id});
  ledger.bounds(dead, 0, 1);
  EXPECT_THAT(judged({id}), IsEmpty());
}
TEST_F(LedgerTest, WhatWasSentBackAndDoesNotCome) {
  const Id id = plain(0);
  ledger.message(id).sent_back["audit"] = {1, 1};
  EXPECT_THAT(judged({id}), ElementsAre(HasSubstr("came again 0 times")));
}
TEST_F(LedgerTest, ACopyForAGroupThatDidNotSendItBack) {
  const Id id = plain(0);
  const Queue retry{"%RETRY%audit", 0};
  ledger.seen(retry, 0, {.id = id});
  ledger.bounds(retry, 0, 1);
  EXPECT_THAT(judged({id}), ElementsAre(HasSubstr("never sent it back")));
}
TEST_F(LedgerTest, OffsetsThatWereAcknowledgedAreThere) {
  ledger.commit_asked("audit", orders, 4);
  ledger.commits_acknowledged(ledger.commits_asked());
  ledger.commit_asked("audit", orders, 9);
  ledger.commit_found("audit", orders, 9);
  EXPECT_THAT(ledger.faults(), IsEmpty());
  ledger.commit_found("audit", orders, 3);
  ledger.commit_found("audit", orders, 10);
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("durably"), HasSubstr("never committed")));
}

const Queue clicks{"clicks", 0};

struct LaterTest : testing::Test {
  Ledger ledger;
  Id sent(const Queue& queue, std::int64_t offset, std::int64_t position, std::int64_t now_us) {
    const Id id = ledger.ask({.queue = queue, .flushed_later = queue == clicks});
    ledger.stored(id, offset, position, now_us);
    return id;
  }
};

TEST_F(LaterTest, WhatIsFlushedLaterMayGoWithThePower) {
  const Id kept = sent(clicks, 0, 100, 1'000), lost = sent(clicks, 1, 200, 5'000);
  ledger.seen(clicks, 0, {.id = kept});
  ledger.seen(clicks, 1, {.id = lost});
  ledger.log_found(150, 4'000);
  ledger.end_found(clicks, 1, true);
  // Its place is another one's now.
  const Id next = sent(clicks, 1, 150, 9'000);
  ledger.seen(clicks, 1, {.id = next});
  ledger.bounds(clicks, 0, 2);
  ledger.judge(false);
  EXPECT_THAT(ledger.faults(), IsEmpty());
}
TEST_F(LaterTest, NotWhenItWasAcknowledgedLongBefore) {
  sent(clicks, 0, 200, 3'000);
  ledger.log_found(150, 5'000);
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("a power failure 2 ms later")));
}
TEST_F(LaterTest, NotWithAKill) {
  const Id id = sent(clicks, 0, 200, 5'000);
  ledger.seen(clicks, 0, {.id = id});
  ledger.log_found(150, std::nullopt);
  ledger.end_found(clicks, 0, false);
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("after a kill"), HasSubstr("without a power failure")));
}
TEST_F(LaterTest, NeverWhatIsOnTheDiskWhenItIsAcknowledged) {
  sent(orders, 0, 200, 5'000);
  ledger.log_found(150, 0);
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("the log ends at 150 after a start")));
}

}  // namespace
}  // namespace chorus::mq_sim
