#include "mq/broker/broker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mq/broker/broker_fixture.h"
#include "mq/broker/topic_attributes.h"

namespace chorus::mq {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(BrokerTest, WhatWasSentIsPulledAlsoAfterAKill) {
  ASSERT_TRUE(send("t", "one"));
  const auto two = send("t", "two", {{property::keys, "k1 k2"}});
  ASSERT_TRUE(two);
  EXPECT_EQ(two->offset, 1);
  EXPECT_FALSE(two->unique_key.empty());
  EXPECT_THAT(all({"t", 0}), ElementsAre("one", "two"));
  restart();
  EXPECT_THAT(all({"t", 0}), ElementsAre("one", "two"));
  EXPECT_NE(broker->topics().find("t"), nullptr) << "made by the send, and told to the catalogue";
  const auto found =
      wait<StoreResult<std::vector<std::string>>>([&](auto done) { broker->find_key("t", "k2", 0, 1LL << 60, 10, std::move(done)); });
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(decode_message(found->front())->body, "two");
}

TEST_F(BrokerTest, RefusalsSayWhy) {
  EXPECT_EQ(send("a.b", "x").error().code, BrokerErrc::invalid);
  EXPECT_EQ(send("SCHEDULE_TOPIC_XXXX", "x").error().code, BrokerErrc::no_permission);
  EXPECT_EQ(send("t", "x", {}, 9).error().code, BrokerErrc::no_queue);
  EXPECT_EQ(send("t", std::string(5 << 20, 'x')).error().code, BrokerErrc::illegal_message);
  EXPECT_EQ(send("t", "x", {{"long", std::string(32'760, 'x')}}).error().code, BrokerErrc::illegal_message);
  EXPECT_EQ(send("%RETRY%nobody", "x").error().code, BrokerErrc::group_unknown);
}

TEST_F(BrokerTest, AReaderThatWaitsIsWokenByTheNextMessage) {
  ASSERT_TRUE(send("t", "one"));
  auto got = std::make_shared<std::optional<Batch>>();
  broker->pull({.queue = {"t", 0}, .from = 1, .hold_until = catalogue.world->now() + 15s, .connection = ConnectionId(1)},
               [got](StoreResult<Batch> batch) { *got = std::move(*batch); });
  pass(5s);
  EXPECT_FALSE(got->has_value());
  EXPECT_EQ(broker->waiting(), 1u);
  ASSERT_TRUE(send("t", "two"));
  ASSERT_TRUE(simulation.run_until([&] { return got->has_value(); }, 1s));
  EXPECT_THAT(bodies(**got), ElementsAre("two"));
  EXPECT_EQ(pull({"t", 0}, 2, 3s)->status, Batch::Status::at_end) << "nothing came in time";
}

TEST_F(BrokerTest, WhoIsGoneWaitsNoMore) {
  ASSERT_TRUE(send("t", "one"));
  bool answered = false;
  broker->pull({.queue = {"t", 0}, .from = 1, .hold_until = catalogue.world->now() + 15s, .connection = ConnectionId(5)},
               [&](StoreResult<Batch>) { answered = true; });
  pass(1s);
  broker->forget(ConnectionId(5));
  EXPECT_EQ(broker->waiting(), 0u);
  pass(20s);
  EXPECT_FALSE(answered);
}

TEST_F(BrokerTest, ADelayedMessageComesWhenItIsDueAndOnce) {
  ASSERT_TRUE(send("t", "now"));
  ASSERT_TRUE(send("t", "later", {{property::delay_level, "2"}}));
  ASSERT_TRUE(send("t", "soon", {{property::delay_level, "1"}}));
  pass(900ms);
  EXPECT_THAT(all({"t", 0}), ElementsAre("now"));
  pass(1s);
  EXPECT_THAT(all({"t", 0}), ElementsAre("now", "soon"));
  restart();
  pass(10s);
  EXPECT_THAT(all({"t", 0}), ElementsAre("now", "soon", "later"));
  restart();
  pass(10s);
  EXPECT_THAT(all({"t", 0}), ElementsAre("now", "soon", "later"));
}

TEST_F(BrokerTest, ATimedMessageBeyondTheRollComesInTime) {
  options.timer_roll = 10s;
  restart();
  ASSERT_TRUE(send("t", "x"));
  ASSERT_TRUE(send("t", "timed", {{property::timer_delay_seconds, "35"}}));
  pass(34s);
  EXPECT_THAT(all({"t", 0}), ElementsAre("x"));
  pass(2s);
  EXPECT_THAT(all({"t", 0}), ElementsAre("x", "timed"));
}

TEST_F(BrokerTest, ARecalledMessageDoesNotCome) {
  options.recall = true;
  restart();
  ASSERT_TRUE(send("t", "x"));
  const auto timed = send("t", "timed", {{property::timer_delay_seconds, "5"}});
  ASSERT_TRUE(timed);
  EXPECT_TRUE(wait<BrokerResult<void>>([&](auto done) { broker->recall("t", timed->unique_key, timed->recall_due_ms, std::move(done)); }));
  restart();
  pass(10s);
  EXPECT_THAT(all({"t", 0}), ElementsAre("x"));
}

TEST_F(BrokerTest, ATransactionIsSeenWhenItIsCommitted) {
  ASSERT_TRUE(send("t", "x"));
  const auto first = send("t", "first", half()), second = send("t", "second", half());
  ASSERT_TRUE(first && second);
  EXPECT_THAT(all({"t", 0}), ElementsAre("x"));
  EXPECT_EQ(end(*first, TransactionOutcome::commit, "other").error().code, BrokerErrc::invalid);
  EXPECT_TRUE(end(*first, TransactionOutcome::commit));
  EXPECT_TRUE(end(*second, TransactionOutcome::rollback));
  EXPECT_EQ(end(*first, TransactionOutcome::commit).error().code, BrokerErrc::not_found) << "it has ended";
  EXPECT_EQ(end(*second, TransactionOutcome::commit).error().code, BrokerErrc::not_found);
  EXPECT_THAT(all({"t", 0}), ElementsAre("x", "first"));
  restart();
  EXPECT_THAT(all({"t", 0}), ElementsAre("x", "first"));
  EXPECT_THAT(broker->state().halves(), IsEmpty());
}

TEST_F(BrokerTest, AProducerIsAskedAboutATransactionAndThenItIsPutAside) {
  options.transaction_check_max = 3;
  restart();
  broker->clients().producer("p", {.client_id = "c", .connection = ConnectionId(4), .last_seen = catalogue.world->now()});
  ASSERT_TRUE(send("t", "x"));
  const auto half_message = send("t", "half", half());
  ASSERT_TRUE(half_message);
  pass(1500ms);
  EXPECT_THAT(checks, IsEmpty()) << "it is too young";
  pass(2s);
  ASSERT_FALSE(checks.empty());
  EXPECT_EQ(checks.front().producer.client_id, "c");
  EXPECT_EQ(checks.front().half_position, half_message->position);
  EXPECT_EQ(decode_message(checks.front().message)->topic, "t");
  pass(10s);
  EXPECT_EQ(checks.size(), 3u);
  EXPECT_THAT(broker->state().halves(), IsEmpty());
  EXPECT_THAT(all({"TRANS_CHECK_MAX_TIME_TOPIC", 0}), ElementsAre("half"));
  EXPECT_THAT(all({"t", 0}), ElementsAre("x"));
}

TEST_F(BrokerTest, AMessageThatIsSentBackComesAgainAndIsADeadLetterInTheEnd) {
  ASSERT_TRUE(broker->ensure_group("g"));
  const auto sent = send("t", "work");
  ASSERT_TRUE(sent);
  const auto back = [&](Position position, std::int32_t level) {
    return wait<BrokerResult<void>>([&](auto done) {
      broker->send_back({.position = position, .group = "g", .delay_level = level, .max_reconsume_times = 1}, std::move(done));
    });
  };
  ASSERT_TRUE(back(sent->position, 1));
  pass(2s);
  const auto again = pull({"%RETRY%g", 0}, 0);
  ASSERT_EQ(again->entries.size(), 1u);
  const auto message = decode_message(again->payloads);
  EXPECT_EQ(message->reconsume_times, 1);
  EXPECT_EQ(message->properties().get(property::retry_topic), "t");
  EXPECT_EQ(message->properties().get(property::origin_message_id), sent->message_id);
  ASSERT_TRUE(back(again->entries.front().position, 0));
  EXPECT_THAT(all({"%DLQ%g", 0}), ElementsAre("work"));
  EXPECT_EQ(back(1 << 20, 1).error().code, BrokerErrc::not_found);
}

TEST_F(BrokerTest, OffsetsSurvive) {
  ASSERT_TRUE(send("t", "one"));
  broker->offsets().commit("g", {"t", 0}, 1);
  EXPECT_TRUE(wait<BrokerResult<void>>([&](auto done) { broker->store_offsets(std::move(done)); }));
  restart();
  EXPECT_EQ(broker->committed("g", {"t", 0}), 1);
}

TEST_F(BrokerTest, ATopicThatIsMadeAnewIsEmpty) {
  ASSERT_TRUE(send("t", "old"));
  EXPECT_TRUE(wait<BrokerResult<void>>([&](auto done) { broker->remove_topic("t", std::move(done)); }));
  EXPECT_EQ(broker->topics().find("t"), nullptr);
  ASSERT_TRUE(send("t", "new"));
  restart();
  EXPECT_THAT(all({"t", 0}), ElementsAre("new"));
  EXPECT_EQ(broker->bounds({"t", 0}).min, 0);
}

TEST_F(BrokerTest, SettingsChangeAndAreKept) {
  ASSERT_TRUE(send("before", "m").has_value());
  BrokerOptions changed = broker->options();
  changed.topics.auto_create = false;
  changed.name = "another";
  ASSERT_TRUE(wait<BrokerResult<void>>([&](auto done) {
                broker->change(changed, {{"autoCreateTopicEnable", "false"}}, std::move(done));
              }).has_value());
  EXPECT_EQ(catalogue.settings, (std::map<std::string, std::string>{{"autoCreateTopicEnable", "false"}}));
  EXPECT_EQ(broker->options().name, options.name);
  EXPECT_EQ(broker->topics().find(topic::auto_create), nullptr);
  EXPECT_EQ(send("after", "m").error().code, BrokerErrc::topic_unknown);
  EXPECT_TRUE(send("before", "m").has_value());
  changed.permission = perm::read;
  ASSERT_TRUE(wait<BrokerResult<void>>([&](auto done) { broker->change(changed, {}, std::move(done)); }).has_value());
  EXPECT_EQ(send("before", "m").error().code, BrokerErrc::no_permission);
}

TEST_F(BrokerTest, WhatAGroupMayNotReadIsKept) {
  ASSERT_TRUE(wait<BrokerResult<void>>([&](auto done) { broker->forbid("g", "t", true, std::move(done)); }).has_value());
  EXPECT_TRUE(broker->groups().is_forbidden("g", "t"));
  restart();
  EXPECT_TRUE(broker->groups().is_forbidden("g", "t"));
  // Another change of the group leaves it alone.
  ASSERT_TRUE(
      wait<BrokerResult<void>>([&](auto done) { broker->update_group({.name = "g", .retry_max_times = 3}, std::move(done)); }).has_value());
  EXPECT_TRUE(broker->groups().is_forbidden("g", "t"));
  ASSERT_TRUE(wait<BrokerResult<void>>([&](auto done) { broker->forbid("g", "t", false, std::move(done)); }).has_value());
  restart();
  EXPECT_FALSE(broker->groups().is_forbidden("g", "t"));
}

TEST_F(BrokerTest, CountsWhatGoesInAndOut) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(send("t", "m").has_value());
  const auto batch = wait<StoreResult<Batch>>([&](auto done) {
    broker->pull({.queue = {.topic = "t", .queue = 0}, .from = 0, .connection = ConnectionId(1), .group = "g"}, std::move(done));
  });
  ASSERT_TRUE(batch.has_value());
  const std::int64_t now = catalogue.world->wall_now().time_since_epoch().count();
  EXPECT_EQ(broker->statistics().find(stats::topic_put_count, "t", now)->day.sum, 3);
  EXPECT_EQ(broker->statistics().find(stats::group_get_count, "t@g", now)->day.sum, 3);
  EXPECT_EQ(broker->statistics().find(stats::broker_put_count, options.cluster, now)->day.sum, 3);
  EXPECT_FALSE(broker->statistics().find(stats::group_get_count, "t@h", now));
  EXPECT_EQ(broker->counters().sends_waiting, 0u);
}

struct FlushTest : BrokerTest {
  void make(std::string name, std::string_view flush) {
    const auto made = wait<BrokerResult<void>>([&](auto done) {
      broker->update_topic({.name = std::move(name), .read_queues = 1, .write_queues = 1}, fmt::format("+flush.disk.type={}", flush),
                           std::move(done));
    });
    ASSERT_TRUE(made.has_value()) << made.error().message;
  }
  /// Whether what was sent was on the disk when it was acknowledged.
  bool synced(std::string_view topic, std::string_view body, std::vector<std::pair<std::string_view, std::string>> properties = {}) {
    const auto before = machine.disk_counts().syncs;
    EXPECT_TRUE(send(topic, body, std::move(properties)).has_value());
    return machine.disk_counts().syncs > before;
  }
};

TEST_F(FlushTest, ATopicSaysWhenItsMessagesAreAcknowledged) {
  make("quick", "ASYNC_FLUSH");
  make("safe", "SYNC_FLUSH");
  EXPECT_TRUE(synced("other", "1"));
  EXPECT_TRUE(synced("safe", "1"));
  EXPECT_FALSE(synced("quick", "1"));
  EXPECT_FALSE(synced("safe", "2", {{property::wait_store_ok, "false"}})) << "it does not wait";
  // On its way somewhere else.
  for (const auto& way : {std::vector<std::pair<std::string_view, std::string>>{{property::delay_level, "3"}}, half()}) {
    EXPECT_FALSE(synced("quick", "later", way));
    EXPECT_TRUE(synced("safe", "later", way));
  }
  flush = Flush::async;
  restart();
  EXPECT_FALSE(synced("other", "2"));
  EXPECT_FALSE(synced("quick", "2"));
  EXPECT_TRUE(synced("safe", "3"));
}

TEST_F(FlushTest, EachIsKeptAsItsTopicPromises) {
  make("quick", "ASYNC_FLUSH");
  ASSERT_TRUE(synced("safe", "begins the log"));
  ASSERT_FALSE(synced("quick", "killed"));
  restart();
  EXPECT_THAT(all({"quick", 0}), ElementsAre("killed")) << "a process that ends loses nothing";
  // What a later message waited for holds for all before it.
  ASSERT_FALSE(synced("quick", "covered"));
  ASSERT_TRUE(synced("safe", "covers"));
  machine.crash();
  machine.start();
  EXPECT_THAT(all({"quick", 0}), ElementsAre("killed", "covered"));
  EXPECT_THAT(all({"safe", 0}), ElementsAre("begins the log", "covers"));
  // And by itself it is on the disk after a while.
  ASSERT_FALSE(synced("quick", "in time"));
  pass(1s);
  machine.crash();
  machine.start();
  EXPECT_THAT(all({"quick", 0}), ElementsAre("killed", "covered", "in time"));
  EXPECT_EQ(flush_of(*broker->topics().find("quick")), Flush::async) << "it is kept with the topic";
}

}  // namespace
}  // namespace chorus::mq
