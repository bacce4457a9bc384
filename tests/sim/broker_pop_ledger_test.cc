// Each rule of those who pop, kept once and broken once.
#include "broker_pop_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chorus::mq_sim {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Outcome = PopLedger::Outcome;

const Queue orders{"orders", 0}, retry{"%RETRY%g_orders", 0}, dead{"%DLQ%g", 0};

struct PopLedgerTest : testing::Test {
  Ledger ledger;
  PopLedger pops{ledger, {{.name = "g", .in_order = false, .retry_max = 2}, {.name = "o", .in_order = true}}, false};

  PopLedgerTest() { ledger.judged_elsewhere({retry.topic, dead.topic}); }

  /// Sent to `orders`, at the next offset, and seen there.
  Id sent() {
    const Id id = ledger.ask({.queue = orders});
    const auto offset = static_cast<std::int64_t>(id) - 1;
    ledger.stored(id, offset);
    ledger.seen(orders, offset, {.id = id});
    return id;
  }
  static Given of(Id id, std::int64_t pop_time_ms, std::int64_t invisible_ms = 100) {
    return {
        .queue = orders, .offset = static_cast<std::int64_t>(id) - 1, .id = id, .pop_time_ms = pop_time_ms, .invisible_ms = invisible_ms};
  }
  Given copy_of(Id id, std::int64_t pop_time_ms, std::int32_t failures, std::int64_t offset = 0) {
    Given given = of(id, pop_time_ms);
    given.queue = retry;
    given.offset = offset;
    given.reconsume_times = failures;
    ledger.seen(retry, offset, {.id = id, .reconsume_times = failures});
    return given;
  }
  void ack(const std::string& group, const Given& given, Outcome outcome = Outcome::success) {
    pops.ack_asked(group, given);
    pops.acked(group, given, outcome);
  }
  /// With all acknowledged by the group that pops in order.
  const std::vector<std::string>& judged() {
    for (Id id = 1; id <= ledger.size(); ++id) {
      pops.given("o", {of(id, 1'000'000)});
      ack("o", of(id, 1'000'000));
    }
    pops.judge();
    return ledger.faults();
  }
};

TEST_F(PopLedgerTest, OneAcknowledgedAndOneThatCameAgain) {
  const Id first = sent(), second = sent();
  pops.given("g", {of(first, 0), of(second, 0)});
  ack("g", of(first, 0));
  pops.clock(100);
  const Given copy = copy_of(second, 100, 1);
  pops.given("g", {copy});
  ack("g", copy);
  EXPECT_THAT(judged(), IsEmpty());
  EXPECT_EQ(pops.given_again_count(), 1u);
}
TEST_F(PopLedgerTest, AnAcknowledgedOneThatComesAgain) {
  const Id id = sent();
  pops.given("g", {of(id, 0)});
  ack("g", of(id, 0));
  pops.died(true);
  pops.given("g", {of(id, 500)});
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("was acknowledged, and comes again")));
}
TEST_F(PopLedgerTest, OneThatIsHeldAndGiven) {
  const Id id = sent();
  pops.given("g", {of(id, 0)});
  pops.died(false);
  pops.given("g", {copy_of(id, 99, 1)});
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("is held until 100 and given at 99")));
}
TEST_F(PopLedgerTest, TheDateMayGoBack) {
  const Id id = sent();
  pops.given("g", {of(id, 0)});
  pops.clock(500);
  pops.given("g", {copy_of(id, 20, 1)});
  EXPECT_THAT(ledger.faults(), IsEmpty());
}
TEST_F(PopLedgerTest, FromItsPlaceAMessageIsGivenOnceUnlessThePowerFails) {
  const Id id = sent();
  pops.given("g", {of(id, 0)});
  pops.died(true);
  pops.given("g", {of(id, 1)});
  EXPECT_THAT(ledger.faults(), IsEmpty());
  pops.died(false);
  pops.given("g", {of(id, 700)});
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("is given twice from orders[0]")));
}
TEST_F(PopLedgerTest, FailuresAreCountedUpToWhatTheGroupAllows) {
  const Id id = sent();
  pops.given("g", {copy_of(id, 0, 2, 0)});
  pops.given("g", {copy_of(id, 200, 1, 1)});
  pops.given("g", {copy_of(id, 400, 3, 2)});
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("had failed 2 times, and comes as failed 1"), HasSubstr("failed 3 times, and may 2")));
}
TEST_F(PopLedgerTest, ACopyInAnotherTopic) {
  const Id id = sent();
  Given copy = of(id, 0);
  copy.queue.topic = "%RETRY%g_payments";
  copy.reconsume_times = 1;
  pops.given("g", {copy});
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("is of orders and comes by")));
}
TEST_F(PopLedgerTest, WhatIsInTimeIsNotRefused) {
  const Id first = sent(), second = sent(), third = sent();
  pops.given("g", {of(first, 0), of(second, 0), of(third, 0)});
  pops.clock(50);
  ack("g", of(first, 0), Outcome::refused);
  pops.change_asked("g", of(second, 0));
  pops.changed("g", of(second, 0), Outcome::refused, {});
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("acknowledgement is refused at 50"), HasSubstr("change is refused at 50")));
  pops.clock(100);
  ack("g", of(third, 0), Outcome::refused);
  EXPECT_EQ(ledger.faults().size(), 2u);
}
TEST_F(PopLedgerTest, WhatThePowerTookMayBeRefused) {
  const Id first = sent(), second = sent();
  pops.given("g", {of(first, 0), of(second, 0)});
  pops.died(true);
  ack("g", of(first, 0), Outcome::refused);
  pops.change_asked("g", of(second, 0));
  pops.changed("g", of(second, 0), Outcome::refused, {});
  EXPECT_THAT(ledger.faults(), IsEmpty());
}
TEST_F(PopLedgerTest, AChangedTimeCounts) {
  const Id id = sent();
  const Given before = of(id, 0), now = of(id, 50, 300);
  pops.given("g", {before});
  pops.change_asked("g", before);
  pops.changed("g", before, Outcome::success, now);
  pops.given("g", {copy_of(id, 200, 1)});
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("is held until 350")));
}
TEST_F(PopLedgerTest, ADeadLetter) {
  const Id id = sent();
  pops.given("g", {of(id, 0)});
  copy_of(id, 0, 1, 0);
  copy_of(id, 0, 2, 1);
  ledger.seen(dead, 0, {.id = id, .reconsume_times = 2});
  EXPECT_THAT(judged(), IsEmpty());
}
TEST_F(PopLedgerTest, ADeadLetterTooEarly) {
  const Id id = sent();
  copy_of(id, 0, 1, 0);
  ledger.seen(dead, 0, {.id = id, .reconsume_times = 1});
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("a dead letter after 1 failures"), HasSubstr("1 copies and 1 dead letters")));
}
TEST_F(PopLedgerTest, ADeadLetterThatWasAcknowledged) {
  const Id id = sent();
  const Given last = copy_of(id, 0, 2, 1);
  copy_of(id, 0, 1, 0);
  pops.given("g", {last});
  ack("g", last);
  ledger.seen(dead, 0, {.id = id, .reconsume_times = 2});
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("was acknowledged, and is a dead letter")));
}
TEST_F(PopLedgerTest, OneFailureMakesOneCopy) {
  const Id id = sent();
  const Given last = copy_of(id, 0, 1, 0);
  copy_of(id, 0, 1, 1);
  pops.given("g", {last});
  ack("g", last);
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("that of failure 2 is missing, or there twice")));
}
TEST_F(PopLedgerTest, OneThatIsLostToAGroup) {
  sent();
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("never given")));
}
TEST_F(PopLedgerTest, AnUnansweredAcknowledgementMayBeEither) {
  const Id first = sent(), second = sent();
  pops.given("g", {of(first, 0), of(second, 0)});
  pops.ack_asked("g", of(first, 0));
  pops.ack_asked("g", of(second, 0));
  pops.died(false);
  const Given copy = copy_of(second, 300, 1);
  pops.given("g", {copy});
  ack("g", copy);
  EXPECT_THAT(judged(), IsEmpty());
}
TEST_F(PopLedgerTest, InOrderNothingOvertakes) {
  const Id first = sent(), second = sent();
  pops.given("o", {of(first, 0)});
  pops.clock(100);
  pops.given("o", {of(second, 100)});
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("is not acknowledged, and 1 is given")));
}
TEST_F(PopLedgerTest, InOrderNothingIsLeftOut) {
  sent();
  const Id second = sent();
  pops.given("o", {of(second, 100)});
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("gives 1 before 0, which was never given")));
}
TEST_F(PopLedgerTest, InOrderWhatIsHeldHoldsTheQueue) {
  const Id first = sent(), second = sent();
  pops.given("o", {of(first, 0), of(second, 0)});
  ack("o", of(first, 0));
  Given again = of(second, 99);
  again.count = 1;
  pops.died(true);
  pops.given("o", {again});
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("is held until 100 at 1 of orders[0]")));
}
TEST_F(PopLedgerTest, InOrderWhatComesAgainSaysHowOften) {
  const Id id = sent();
  pops.given("o", {of(id, 0)});
  Given again = of(id, 100);
  again.count = 1;
  pops.given("o", {again});
  EXPECT_THAT(ledger.faults(), IsEmpty());
  again.pop_time_ms = 300;
  pops.given("o", {again});
  EXPECT_THAT(ledger.faults(), ElementsAre(HasSubstr("was given 2 times before, it says 1")));
  pops.pop_unanswered("o");
  again.pop_time_ms = 500;
  again.count = 7;
  pops.given("o", {again});
  EXPECT_EQ(ledger.faults().size(), 1u);
}

}  // namespace
}  // namespace chorus::mq_sim
