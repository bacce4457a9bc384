// Popping, over kills and power failures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "mq/broker/broker_pop_fixture.h"

namespace chorus::mq {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Status = PopAnswer::Status;

TEST_F(BrokerPopTest, EachMessageIsGivenToOneOnly) {
  restart();
  send_all({"a", "b", "c"});
  const PopAnswer first = popped(request(2));
  EXPECT_THAT(bodies(first), ElementsAre("a", "b"));
  EXPECT_EQ(first.rest, 1);
  ASSERT_EQ(first.queues.size(), 1u);
  EXPECT_THAT(first.queues[0].offsets, ElementsAre(0, 1));
  EXPECT_EQ(first.queues[0].start, 0);
  EXPECT_THAT(pop_bodies(request()), ElementsAre("c"));
  EXPECT_EQ(popped(request()).status, Status::nothing);
  EXPECT_EQ(broker->committed("g", {"t", 0}), 3) << "as tools see it";
  EXPECT_EQ(broker->state().pops().handles().size(), 3u);
}

TEST_F(BrokerPopTest, WhatIsAcknowledgedDoesNotComeAgainWhateverCrashes) {
  restart();
  send_all({"a", "b", "c"});
  const PopAnswer answer = popped(request());
  PopAck some = all_of(answer);
  some.offsets = {0, 2};
  ASSERT_TRUE(ack(some));
  machine.crash();
  machine.start();
  EXPECT_THAT(pop_bodies(request()), IsEmpty()) << "it is invisible still";
  pass(11s);
  const PopAnswer again = popped(request());
  EXPECT_THAT(bodies(again), ElementsAre("b"));
  EXPECT_EQ(again.queues[0].queue, (QueueKey{"%RETRY%g_t", 0}));
  const auto message = decode_message(again.queues[0].payloads);
  EXPECT_EQ(message->reconsume_times, 1);
  EXPECT_EQ(message->properties().get_int(property::first_pop_time), answer.pop_time_ms);
  EXPECT_EQ(ack(some).error().code, BrokerErrc::not_found) << "once more: before the crash it was no error";
  EXPECT_TRUE(ack(all_of(again)));
  pass(30s);
  EXPECT_THAT(pop_bodies(request()), IsEmpty());
  EXPECT_EQ(broker->counters().pop_revived, 1u);
}

TEST_F(BrokerPopTest, WhatWasPoppedStaysInvisibleOverAKill) {
  restart();
  send_all({"a", "b"});
  EXPECT_THAT(pop_bodies(request(1, 5s)), ElementsAre("a"));
  restart();
  EXPECT_THAT(pop_bodies(request()), ElementsAre("b"));
  pass(6s);
  EXPECT_THAT(pop_bodies(request()), ElementsAre("a"));
}

TEST_F(BrokerPopTest, AMessageThatFailsTooOftenIsADeadLetter) {
  restart();
  send_all({"a"});
  for (int time = 0; time <= 2; ++time) {
    EXPECT_THAT(pop_bodies(request(32, 1s)), ElementsAre("a")) << time;
    pass(1500ms);
  }
  EXPECT_THAT(pop_bodies(request()), IsEmpty());
  const auto dead = pull({"%DLQ%g", 0}, 0);
  ASSERT_EQ(BrokerWorld::bodies(*dead).size(), 1u);
  const auto message = decode_message(dead->payloads);
  EXPECT_EQ(message->properties().get(property::dlq_origin_topic), "t");
  EXPECT_EQ(message->reconsume_times, 2);
  EXPECT_EQ(broker->counters().dead_letters, 1u);
  EXPECT_EQ(broker->state().pops().handles().size(), 0u);
}

TEST_F(BrokerPopTest, TheTimeOfOneMessageIsChanged) {
  restart();
  send_all({"a", "b"});
  const PopAck held = all_of(popped(request(32, 2s)));
  const auto changed = change(held, 20s);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->invisible_ms, 20'000);
  EXPECT_EQ(change(held, 1s).error().code, BrokerErrc::not_found) << "it has another handle";
  EXPECT_EQ(ack(held).error().code, BrokerErrc::not_found) << "of one of them; the other is acknowledged all the same";
  restart();
  pass(5s);
  EXPECT_THAT(pop_bodies(request()), IsEmpty());
  PopAck now = held;
  now.offsets = {0};
  now.pop_time_ms = changed->pop_time_ms;
  ASSERT_TRUE(change(now, 0s)) << "given back at once";
  pass(100ms);
  EXPECT_THAT(pop_bodies(request()), ElementsAre("a"));
}

TEST_F(BrokerPopTest, WhoLostAMessageIsToldSo) {
  restart();
  send_all({"a", "b"});
  PopAck never = all_of(popped(request(1)));
  const PopAck held = never;
  never.offsets = {1};
  EXPECT_EQ(ack(never).error().code, BrokerErrc::not_found) << "nobody has popped it";
  PopAck other = held;
  other.pop_time_ms -= 1;
  EXPECT_EQ(ack(other).error().code, BrokerErrc::not_found);
  EXPECT_TRUE(ack(held));
  EXPECT_TRUE(ack(held));
}

TEST_F(BrokerPopTest, WhatIsGivenAgainIsNotAcknowledgedByWhoWasTooLate) {
  restart();
  send_all({"a", "b"});
  const PopAck late = all_of(popped(request(1, 1s)));
  const PopAck in_time = all_of(popped(request(1, 60s)));
  ASSERT_TRUE(ack(in_time));
  pass(2s);
  EXPECT_EQ(ack(late).error().code, BrokerErrc::not_found) << "its copy is there";
  EXPECT_TRUE(ack(in_time)) << "acknowledging again is no error";
  restart();
  EXPECT_EQ(ack(late).error().code, BrokerErrc::not_found);
  EXPECT_EQ(ack(in_time).error().code, BrokerErrc::not_found) << "it is not known any more how it ended";
  EXPECT_THAT(pop_bodies(request()), ElementsAre("a"));
}

TEST_F(BrokerPopTest, APopThatWaitsGetsTheNextMessageAndNobodyElseDoes) {
  restart();
  send_all({"a"});
  EXPECT_THAT(pop_bodies(request(32, 60s)), ElementsAre("a"));
  const auto first = waiting_pop(request(), 15s), second = waiting_pop(request(), 15s);
  EXPECT_EQ(broker->pops_waiting(), 2u);
  EXPECT_EQ(broker->pops_waiting("g", {"t", -1}), 2u);
  EXPECT_EQ(broker->pops_waiting("h", {"t", -1}), 0u);
  send_all({"b"});
  pass(100ms);
  ASSERT_TRUE(first->has_value());
  EXPECT_THAT(bodies(**first), ElementsAre("b"));
  EXPECT_FALSE(second->has_value());
  pass(15s);
  ASSERT_TRUE(second->has_value()) << "what is not acknowledged comes again to those who wait";
  EXPECT_THAT(bodies(**second), ElementsAre("b"));
  const auto third = waiting_pop(request(), 2s);
  pass(3s);
  ASSERT_TRUE(third->has_value());
  EXPECT_EQ((*third)->status, Status::nothing);
  EXPECT_EQ(broker->pops_waiting(), 0u);
}

TEST_F(BrokerPopTest, WhatOneLeavesTheNextGets) {
  restart();
  send_all({"x"});
  EXPECT_THAT(pop_bodies(request()), ElementsAre("x"));
  std::vector<std::shared_ptr<std::optional<PopAnswer>>> all;
  for (int i = 0; i < 4; ++i) all.push_back(waiting_pop(request(1), 15s));
  for (const std::string_view body : {"a", "b", "c", "d"}) {
    NewMessage message{.topic = "t", .queue = 0, .body = body};
    broker->send(std::move(message), {.queues = 1}, [](BrokerResult<StoredMessage>) {});
  }
  pass(200ms);
  std::vector<std::string> got;
  for (const auto& one : all) {
    ASSERT_TRUE(one->has_value());
    for (const std::string& body : bodies(**one)) got.push_back(body);
  }
  EXPECT_THAT(got, UnorderedElementsAre("a", "b", "c", "d"));
}

TEST_F(BrokerPopTest, NoMoreWaitThanMay) {
  options.pop_waits_per_queue_max = 2;
  restart();
  send_all({"a"});
  EXPECT_THAT(pop_bodies(request()), ElementsAre("a"));
  const auto first = waiting_pop(request(), 15s), second = waiting_pop(request(), 15s), third = waiting_pop(request(), 15s);
  ASSERT_TRUE(third->has_value());
  EXPECT_EQ((*third)->status, Status::full);
  EXPECT_FALSE(first->has_value());
  broker->forget(ConnectionId(1));
  EXPECT_EQ(broker->pops_waiting(), 0u);
}

TEST_F(BrokerPopTest, AGroupHoldsNoMoreThanItMay) {
  options.pop_in_flight_per_queue_max = 2;
  restart();
  send_all({"a", "b", "c"});
  const PopAnswer held = popped(request(2, 60s));
  EXPECT_THAT(bodies(held), ElementsAre("a", "b"));
  const auto next = waiting_pop(request(), 15s);
  pass(1s);
  EXPECT_FALSE(next->has_value());
  PopAck one = all_of(held);
  one.offsets = {1};
  ASSERT_TRUE(ack(one));
  pass(100ms);
  ASSERT_TRUE(next->has_value());
  EXPECT_THAT(bodies(**next), ElementsAre("c"));
}

TEST_F(BrokerPopTest, FiltersGoOnBehindWhatIsNotWanted) {
  restart();
  ASSERT_TRUE(send("t", "a", {{"kind", "x"}}));
  ASSERT_TRUE(send("t", "b", {{"kind", "y"}}));
  ASSERT_TRUE(send("t", "c", {{"kind", "x"}}));
  PopRequest wanted = request();
  wanted.match = [](std::string_view octets) { return decode_message(octets)->properties().get("kind") == "y"; };
  const PopAnswer answer = popped(wanted);
  EXPECT_THAT(bodies(answer), ElementsAre("b"));
  EXPECT_THAT(answer.queues[0].offsets, ElementsAre(1));
  EXPECT_EQ(answer.queues[0].start, 0);
  EXPECT_EQ(broker->committed("g", {"t", 0}), 3);
  ASSERT_TRUE(send("t", "d", {{"kind", "x"}}));
  EXPECT_THAT(pop_bodies(wanted), IsEmpty());
  EXPECT_EQ(broker->committed("g", {"t", 0}), 4);
  const auto next = waiting_pop(wanted, 15s);
  ASSERT_TRUE(send("t", "e", {{"kind", "x"}}));
  ASSERT_TRUE(send("t", "f", {{"kind", "y"}}));
  pass(100ms);
  ASSERT_TRUE(next->has_value());
  EXPECT_THAT(bodies(**next), ElementsAre("f"));
}

TEST_F(BrokerPopTest, AllQueuesAreLookedThrough) {
  restart();
  ASSERT_TRUE(wait<BrokerResult<void>>(
      [&](auto done) { broker->update_topic({.name = "t", .read_queues = 4, .write_queues = 4}, "", std::move(done)); }));
  for (int queue = 0; queue < 4; ++queue) ASSERT_TRUE(send("t", std::string(1, static_cast<char>('a' + queue)), {}, queue));
  PopRequest one = request();
  one.queue = 2;
  EXPECT_THAT(pop_bodies(one), ElementsAre("c"));
  const PopAnswer answer = popped(request());
  EXPECT_THAT(bodies(answer), UnorderedElementsAre("a", "b", "d"));
  EXPECT_EQ(answer.queues.size(), 3u);
}

TEST_F(BrokerPopTest, ANewGroupBeginsAtOneEndOfAQueueOrTheOther) {
  restart();
  send_all({"a", "b"});
  PopRequest newest = request();
  newest.from_newest = true;
  EXPECT_THAT(pop_bodies(newest), ElementsAre("a", "b")) << "the queue has its first message still";
}

TEST_F(BrokerPopTest, AnOffsetThatIsStoredIsNotOlderThanAPopOnItsWay) {
  restart();
  send_all({"a", "b"});
  broker->offsets().commit("g", {"t", 0}, 0);
  bool popped_first = false;
  broker->pop(request(1, 60s), [&](BrokerResult<PopAnswer> answer) { popped_first = answer && answer->status == Status::found; });
  // While the pop is on its way to the log somebody wants offsets to be durable.
  for (int i = 0; i < 1000 && !popped_first; ++i) {
    broker->store_offsets([](BrokerResult<void>) {});
    simulation.run_for(20us);
  }
  ASSERT_TRUE(simulation.run_until([&] { return popped_first; }, 5s));
  restart();
  EXPECT_EQ(broker->committed("g", {"t", 0}), 1);
}

TEST_F(BrokerPopTest, ATopicMadeAnewOwesNothing) {
  restart();
  send_all({"old"});
  EXPECT_THAT(pop_bodies(request(32, 1s)), ElementsAre("old"));
  ASSERT_TRUE(wait<BrokerResult<void>>([&](auto done) { broker->remove_topic("t", std::move(done)); }));
  send_all({"new"});
  EXPECT_THAT(pop_bodies(request(32, 1s)), ElementsAre("new"));
  pass(3s);
  EXPECT_THAT(pop_bodies(request()), ElementsAre("new"));
  ASSERT_TRUE(wait<BrokerResult<void>>([&](auto done) { broker->remove_group("g", false, std::move(done)); }));
  EXPECT_EQ(broker->state().pops().handles().size(), 0u);
}

TEST_F(BrokerPopTest, TopicsOfTheNewKindOfRetryAreReadBesideTheOld) {
  restart();
  send_all({"a"});
  EXPECT_THAT(pop_bodies(request(32, 1s)), ElementsAre("a"));
  pass(2s);
  options.pop_retry_topic_v2 = true;
  restart();
  send_all({"b"});
  std::vector<std::string> got;
  for (int i = 0; i < 60; ++i) {
    for (const std::string& body : pop_bodies(request(32, 1s))) got.push_back(body);
    pass(100ms);
  }
  EXPECT_EQ(std::set<std::string>(got.begin(), got.end()), (std::set<std::string>{"a", "b"}));
  EXPECT_GT(broker->bounds({"%RETRY%g+t", 0}).max, 0);
}

TEST_F(BrokerPopTest, SoAreThoseOfTheNewKindOnceItIsSwitchedOffAgain) {
  options.pop_retry_topic_v2 = true;
  restart();
  send_all({"a"});
  EXPECT_THAT(pop_bodies(request(32, 1s)), ElementsAre("a"));
  pass(2s);
  options.pop_retry_topic_v2 = false;
  restart();
  EXPECT_EQ(broker->bounds({"%RETRY%g+t", 0}).max, 1);
  EXPECT_THAT(pop_bodies(request()), ElementsAre("a"));
}

TEST_F(BrokerPopTest, WhoAsksWhetherThereIsSomethingIsTold) {
  restart();
  send_all({"a"});
  const auto asked = [&](std::chrono::milliseconds hold) {
    auto got = std::make_shared<std::optional<Status>>();
    PopRequest one = request();
    if (hold > 0ms) one.hold_until = catalogue.world->now() + hold;
    broker->await_message(std::move(one), [got](Status status) { *got = status; });
    pass(10ms);
    return got;
  };
  EXPECT_EQ(*asked(0ms), Status::found);
  EXPECT_THAT(pop_bodies(request()), ElementsAre("a"));
  EXPECT_EQ(*asked(0ms), Status::nothing);
  const auto waits = asked(10s);
  EXPECT_FALSE(waits->has_value());
  send_all({"b"});
  pass(100ms);
  EXPECT_EQ(*waits, Status::found);
}

TEST_F(BrokerPopTest, APeekTakesNothing) {
  restart();
  send_all({"a", "b"});
  const auto seen = wait<BrokerResult<PopAnswer>>([&](auto done) { broker->peek(request(1), std::move(done)); });
  EXPECT_THAT(bodies(*seen), ElementsAre("a"));
  EXPECT_EQ(seen->rest, 2);
  EXPECT_THAT(pop_bodies(request()), ElementsAre("a", "b"));
  EXPECT_EQ(wait<BrokerResult<PopAnswer>>([&](auto done) { broker->peek(request(1), std::move(done)); })->status, Status::nothing);
}

TEST_F(BrokerPopTest, WhatCannotBeWrittenIsNotGiven) {
  restart();
  send_all({"a"});
  machine.fail_disk(true);
  EXPECT_EQ(pop(request()).error().code, BrokerErrc::unavailable);
  machine.fail_disk(false);
  restart();
  EXPECT_THAT(pop_bodies(request()), ElementsAre("a"));
}

TEST_F(BrokerPopTest, WhatHasNoRoomToComeAgainComesWhenThereIsSome) {
  restart();
  const std::string large(20'000, 'x');
  ASSERT_TRUE(send("t", large));
  EXPECT_THAT(pop_bodies(request(32, 1s)), ElementsAre(large));
  machine.disk().options.capacity = (64 << 20) - machine.disk().free_space();
  while (send("t", large)) EXPECT_LT(broker->bounds({"t", 0}).max, 100);
  pass(5s);
  EXPECT_EQ(broker->counters().pop_revived, 0u);
  EXPECT_EQ(broker->state().pops().handles().size(), 1u);
  machine.disk().options.capacity = 64 << 20;
  pass(90s);
  EXPECT_EQ(broker->counters().pop_revived, 1u);
  EXPECT_EQ(broker->bounds({"%RETRY%g_t", 0}).max, 1);
}

TEST_F(BrokerPopTest, TheModeOfAGroupIsKept) {
  restart();
  ASSERT_TRUE(
      wait<BrokerResult<void>>([&](auto done) { broker->set_request_mode("t", "g", {.pop = true, .share_queues = 3}, std::move(done)); }));
  machine.crash();
  machine.start();
  EXPECT_EQ(broker->state().pops().mode("t", "g"), (RequestMode{.pop = true, .share_queues = 3}));
}

}  // namespace
}  // namespace chorus::mq
