#include "mq/broker/pop_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mq/broker/state.h"
#include "mq/message/message.h"

namespace chorus::mq {
namespace {

using testing::IsEmpty;

const GroupQueue of{.group = "g", .queue = {"t", 3}};

TEST(PopEntries, ComeBackFromTheirOctets) {
  const PoppedEntry popped{
      .of = of, .next = 19, .pop_time_ms = 1'700'000'000'000, .invisible_ms = 60'000, .start = 10, .offsets = {10, 12, 18}};
  EXPECT_EQ(decode_popped(encode_entry(popped)), popped);
  const PopChangedEntry changed{.id = 77, .pop_time_ms = 5, .invisible_ms = 6};
  EXPECT_EQ(decode_pop_changed(encode_entry(changed)), changed);
  const OrderPoppedEntry ordered{.of = of, .attempt_id = "a", .pop_time_ms = 5, .invisible_ms = 6, .start = 1, .offsets = {1, 4}};
  EXPECT_EQ(decode_order_popped(encode_entry(ordered)), ordered);
  const OrderAckedEntry acked{.of = of, .pop_time_ms = 5, .offsets = {1, 4}};
  EXPECT_EQ(decode_order_acked(encode_entry(acked)), acked);
  const OrderChangedEntry moved{.of = of, .pop_time_ms = 5, .offset = 4, .visible_ms = 9};
  EXPECT_EQ(decode_order_changed(encode_entry(moved)), moved);
  const RequestModeEntry mode{.group = "g", .topic = "t", .mode = {.pop = true, .share_queues = -1}};
  EXPECT_EQ(decode_request_mode(encode_entry(mode)), mode);
  EXPECT_EQ(decode_group_queue(encode_entry(of)), of);
  // What is cut off is none, but where the list it ends with may be shorter.
  EXPECT_EQ(decode_pop_changed(encode_entry(changed).substr(1)), std::nullopt);
  for (std::size_t n = 0; n < encode_entry(mode).size(); ++n)
    EXPECT_EQ(decode_request_mode(encode_entry(mode).substr(0, n)), std::nullopt) << n;
  for (std::size_t n = 0; n < encode_entry(moved).size(); ++n)
    EXPECT_EQ(decode_order_changed(encode_entry(moved).substr(0, n)), std::nullopt) << n;
  EXPECT_EQ(decode_popped(encode_entry(popped).substr(0, encode_entry(popped).size() - 1)), std::nullopt);
}

struct PopStateTest : testing::Test {
  BrokerState state;
  Position at = 1000;
  void own(EntryType type, const std::string& payload) {
    at += 200;
    state.apply({.kind = Kind::own, .type = static_cast<std::uint8_t>(type), .index = {.position = at}, .payload = payload});
    EXPECT_THAT(state.complaints(), IsEmpty());
  }
  BrokerState again() {
    BrokerState other;
    other.restore(state.checkpoint());
    EXPECT_THAT(other.complaints(), IsEmpty());
    return other;
  }
};

TEST_F(PopStateTest, APopMovesTheGroupOnAndHoldsTheMessages) {
  own(EntryType::popped,
      encode_entry(PoppedEntry{.of = of, .next = 9, .pop_time_ms = 5, .invisible_ms = 60, .start = 5, .offsets = {5, 8}}));
  EXPECT_EQ(again().offsets.committed("g", of.queue), 9);
  EXPECT_EQ(again().pops().handles().size(), 2u);
  const PopHandle handle = *again().pops().handles().find(of, 8);
  EXPECT_EQ(handle, (PopHandle{.id = at + 1, .offset = 8, .pop_time_ms = 5, .invisible_ms = 60}));
  own(EntryType::pop_changed, encode_entry(PopChangedEntry{.id = handle.id, .pop_time_ms = 50, .invisible_ms = 10}));
  EXPECT_EQ(again().pops().handles().find(of, 8)->due_ms(), 60);
  own(EntryType::pop_ended, encode_positions({handle.id}));
  EXPECT_EQ(again().pops().handles().find(of, 8), nullptr);
  const std::string copy = encode_message({.prepared_offset = handle.id - 1, .topic = "%RETRY%g_t"});
  state.apply({.type = static_cast<std::uint8_t>(EntryType::revived), .payload = copy});
  EXPECT_EQ(again().pops().handles().size(), 0u);
}

TEST_F(PopStateTest, AnOrderedPopMovesTheGroupOnWithItsAcknowledgements) {
  own(EntryType::order_popped,
      encode_entry(OrderPoppedEntry{.of = of, .attempt_id = {}, .pop_time_ms = 5, .invisible_ms = 60, .start = 5, .offsets = {5, 6}}));
  EXPECT_EQ(again().offsets.committed("g", of.queue), 5);
  own(EntryType::order_acked, encode_entry(OrderAckedEntry{.of = of, .pop_time_ms = 5, .offsets = {5}}));
  EXPECT_EQ(again().offsets.committed("g", of.queue), 6);
  own(EntryType::order_acked, encode_entry(OrderAckedEntry{.of = of, .pop_time_ms = 4, .offsets = {6}}));
  EXPECT_EQ(again().offsets.committed("g", of.queue), 6) << "of another pop";
  own(EntryType::order_changed, encode_entry(OrderChangedEntry{.of = of, .pop_time_ms = 5, .offset = 6, .visible_ms = 500}));
  EXPECT_TRUE(again().pops().orders().is_blocked(of, "", 499));
  own(EntryType::order_cleared, encode_entry(of));
  EXPECT_FALSE(again().pops().orders().is_blocked(of, "", 0));
}

TEST_F(PopStateTest, WhatBelongsToATopicOrGroupGoesWithIt) {
  const auto pop = [&](const std::string& group) {
    own(EntryType::popped, encode_entry(PoppedEntry{.of = {.group = group, .queue = of.queue}, .next = 6, .start = 5, .offsets = {5}}));
    own(EntryType::request_mode, encode_entry(RequestModeEntry{.group = group, .topic = "t", .mode = {.pop = true, .share_queues = 2}}));
  };
  pop("g");
  pop("h");
  EXPECT_EQ(again().pops().mode("t", "g"), (RequestMode{.pop = true, .share_queues = 2}));
  EXPECT_EQ(again().pops().mode("u", "g"), std::nullopt);
  own(EntryType::group_removed, "g");
  EXPECT_FALSE(state.pops().has_group("g"));
  EXPECT_TRUE(state.pops().has_group("h"));
  own(EntryType::topic_removed, "t");
  EXPECT_FALSE(state.pops().has_group("h"));
  EXPECT_EQ(again().offsets.committed("h", of.queue), std::nullopt) << "or messages of the next topic of that name would be skipped";
}

TEST_F(PopStateTest, ACheckpointOfBeforeIsRead) {
  BrokerState old;
  std::string octets = old.checkpoint();
  octets.resize(octets.size() - 12);  // three empty lists
  octets[3] = 1;
  state.restore(octets);
  EXPECT_THAT(state.complaints(), IsEmpty());
}

}  // namespace
}  // namespace chorus::mq
