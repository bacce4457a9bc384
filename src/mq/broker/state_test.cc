#include "mq/broker/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mq/message/message.h"
#include "mq/message/names.h"

namespace chorus::mq {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;

struct BrokerStateTest : testing::Test {
  BrokerState state;
  void own(EntryType type, const std::string& payload, BrokerState* to = nullptr) {
    (to ? to : &state)->apply({.kind = Kind::own, .type = static_cast<std::uint8_t>(type), .payload = payload});
  }
  void message(EntryType type, Position position, const MessageView& view) {
    const std::string payload = encode_message(view);
    state.apply(
        {.type = static_cast<std::uint8_t>(type), .index = {.position = position, .offset = 3, .store_time_ms = 77}, .payload = payload});
  }
  /// What comes back from the checkpoint.
  BrokerState again() {
    BrokerState other;
    other.restore(state.checkpoint());
    EXPECT_THAT(other.complaints(), IsEmpty());
    return other;
  }
};

TEST_F(BrokerStateTest, ATransactionEndsByItsCopyOrARollback) {
  message(EntryType::half, 100, {.topic = "h"});
  std::string properties;
  append_property(properties, property::check_immunity_seconds, "60");
  message(EntryType::half, 200, {.topic = "h", .properties_text = properties});
  message(EntryType::half, 300, {.topic = "h"});
  own(EntryType::half_checked, encode_positions({100, 300, 100}));
  EXPECT_THAT(again().halves(), ElementsAre(Key(100), Key(200), Key(300)));
  EXPECT_EQ(again().halves().at(100).checks, 2);
  EXPECT_EQ(again().halves().at(100).store_time_ms, 77);
  EXPECT_EQ(again().halves().at(200).immunity_ms, 60'000);
  message(EntryType::transaction_copy, 400, {.prepared_offset = 100, .topic = "t"});
  own(EntryType::rollback, encode_positions({300}));
  EXPECT_THAT(again().halves(), ElementsAre(Key(200)));
}

TEST_F(BrokerStateTest, ADeliveryThatWasCutShortIsKnown) {
  own(EntryType::recalled, encode_positions({11}));
  own(EntryType::delivery, encode_dues({{5, 10}, {5, 11}, {6, 9}}));
  EXPECT_EQ(state.delivered_to(), (Due{6, 9}));
  EXPECT_TRUE(again().is_recalled(11));
  message(EntryType::delivered, 400, {.prepared_offset = 10, .topic = "t"});
  EXPECT_THAT(again().open_delivery(), ElementsAre(Due{5, 11}, Due{6, 9}));
  own(EntryType::skipped, encode_positions({11}));
  message(EntryType::delivered, 500, {.prepared_offset = 9, .topic = "t"});
  EXPECT_THAT(again().open_delivery(), IsEmpty());
  EXPECT_FALSE(again().is_recalled(11));
}

TEST_F(BrokerStateTest, OffsetsComeFromTheJournalUntilLive) {
  Offsets source;
  source.commit("g", {"t", 0}, 5);
  const std::string record = source.take_changes().front();
  own(EntryType::offsets, record);
  EXPECT_EQ(again().offsets.committed("g", {"t", 0}), 5);
  state.go_live();
  state.offsets.commit("g", {"t", 0}, 9);
  own(EntryType::offsets, record);
  EXPECT_EQ(state.offsets.committed("g", {"t", 0}), 9) << "an older record that reached the disk now";
}

// It was committed in memory when the checkpoint was written; a failure of power may leave the checkpoint before.
TEST_F(BrokerStateTest, OffsetsThatACheckpointAloneHasGetIntoTheJournal) {
  state.offsets.commit("g", {"t", 0}, 5);
  BrokerState restored;
  restored.restore(state.checkpoint());
  EXPECT_TRUE(restored.offsets.is_dirty());
  Offsets read;
  read.apply(restored.offsets.take_changes().at(0));
  EXPECT_EQ(read.committed("g", {"t", 0}), 5);
}

TEST_F(BrokerStateTest, ARemovedTopicIsAnotherOneLater) {
  own(EntryType::topic_removed, "t");
  own(EntryType::topic_removed, "t");
  EXPECT_EQ(again().incarnation("t"), 2u);
  EXPECT_EQ(again().incarnation("u"), 0u);
}

TEST_F(BrokerStateTest, WhatCannotBeUnderstoodIsTold) {
  own(EntryType::rollback, "abc");
  state.apply({.type = 99});
  message(EntryType::half, 1, {.topic = "h"});
  state.apply({.type = static_cast<std::uint8_t>(EntryType::half), .payload = "x"});
  EXPECT_EQ(state.complaints().size(), 3u);
  const std::string checkpoint = state.checkpoint();
  BrokerState other;
  other.restore(checkpoint.substr(0, checkpoint.size() - 1));
  EXPECT_EQ(other.complaints().size(), 1u);
}

}  // namespace
}  // namespace chorus::mq
