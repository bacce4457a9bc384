#include "mq/broker/offsets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace chorus::mq {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string show(const Offsets& offsets, std::string_view group) {
  std::string text;
  for (const auto& of : offsets.of_group(group)) {
    text += of.queue.topic + ":" + std::to_string(of.queue.queue) + "=" + std::to_string(of.offset) + " ";
  }
  return text;
}

TEST(Offsets, WhatWasCommittedIsThere) {
  Offsets offsets;
  EXPECT_EQ(offsets.committed("g", {"t", 0}), std::nullopt);
  offsets.commit("g", {"t", 0}, 7);
  offsets.commit("g", {"t", 0}, -1);
  EXPECT_EQ(offsets.committed("g", {"t", 0}), 7) << "a negative one says nothing";
  offsets.commit("g", {"t", 0}, 3);
  EXPECT_EQ(offsets.committed("g", {"t", 0}), 3) << "backwards is allowed";
  EXPECT_EQ(offsets.committed("h", {"t", 0}), std::nullopt);
}

TEST(Offsets, AResetHoldsAgainstCommitsUntilItIsTold) {
  Offsets offsets;
  offsets.commit("g", {"t", 0}, 70);
  offsets.reset("g", {"t", 0}, 5);
  offsets.commit("g", {"t", 0}, 71);
  EXPECT_EQ(offsets.committed("g", {"t", 0}), 5);
  EXPECT_EQ(offsets.take_reset("g", {"t", 0}), 5);
  EXPECT_EQ(offsets.take_reset("g", {"t", 0}), std::nullopt);
  offsets.commit("g", {"t", 0}, 6);
  EXPECT_EQ(offsets.committed("g", {"t", 0}), 6);
}

TEST(Offsets, WhatIsHeldIsNotTaken) {
  Offsets offsets;
  offsets.commit("g", {"t", 0}, 1);
  offsets.commit("g", {"t", 1}, 2);
  offsets.hold("g", {"t", 0});
  offsets.hold("g", {"t", 0});
  EXPECT_THAT(offsets.held_changes(), ElementsAre(Offsets::Held{"g", {"t", 0}}));
  EXPECT_TRUE(offsets.is_dirty());
  Offsets other;
  for (const std::string& record : offsets.take_changes()) other.apply(record);
  EXPECT_EQ(show(other, "g"), "t:1=2 ");
  EXPECT_FALSE(offsets.is_dirty());
  offsets.release("g", {"t", 0});
  EXPECT_FALSE(offsets.is_dirty());
  offsets.release("g", {"t", 0});
  EXPECT_TRUE(offsets.is_dirty());
  EXPECT_THAT(offsets.held_changes(), IsEmpty());
  for (const std::string& record : offsets.take_changes()) other.apply(record);
  EXPECT_EQ(show(other, "g"), "t:0=1 t:1=2 ");
}

TEST(Offsets, GroupsAndTopicsAreListedCopiedAndRemoved) {
  Offsets offsets;
  offsets.commit("g", {"t", 0}, 1);
  offsets.commit("g", {"t", 1}, 2);
  offsets.commit("g", {"u", 0}, 3);
  offsets.commit("h", {"t", 0}, 4);
  EXPECT_THAT(offsets.groups_of("t"), ElementsAre("g", "h"));
  EXPECT_THAT(offsets.topics_of("g"), ElementsAre("t", "u"));
  offsets.copy("g", "i", "t");
  EXPECT_EQ(show(offsets, "i"), "t:0=1 t:1=2 ");
  offsets.remove_topic("t");
  EXPECT_EQ(show(offsets, "g"), "u:0=3 ");
  EXPECT_EQ(show(offsets, "h"), "");
  offsets.remove_group("g");
  EXPECT_THAT(offsets.groups_of("u"), IsEmpty());
}

TEST(Offsets, TheJournalGivesTheSameStateAgain) {
  base::Random random(5);
  Offsets offsets;
  Offsets again;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 20; ++i) {
      const std::string group = "g" + std::to_string(random.below(4));
      const QueueKey queue{"t" + std::to_string(random.below(5)), static_cast<std::int32_t>(random.below(4))};
      offsets.commit(group, queue, static_cast<Offset>(random.below(1000)));
    }
    if (random.chance(0.1)) offsets.remove_group("g" + std::to_string(random.below(4)));
    if (random.chance(0.1)) offsets.remove_topic("t" + std::to_string(random.below(5)));
    for (const std::string& record : offsets.take_changes(random.chance(0.5) ? 40 : 4000)) ASSERT_TRUE(again.apply(record));
    ASSERT_FALSE(offsets.is_dirty());
    Offsets whole;
    for (const std::string& record : offsets.all(100)) ASSERT_TRUE(whole.apply(record));
    for (const char* group : {"g0", "g1", "g2", "g3"}) {
      ASSERT_EQ(show(again, group), show(offsets, group));
      ASSERT_EQ(show(whole, group), show(offsets, group));
    }
  }
}

TEST(Offsets, ARecordThatIsCutShortIsRefused) {
  Offsets offsets;
  offsets.commit("g", {"t", 0}, 1);
  offsets.commit("g", {"t", 1}, 2);
  const std::string record = offsets.take_changes().front();
  for (std::size_t size = 1; size < record.size(); ++size) {
    Offsets again;
    EXPECT_FALSE(again.apply(record.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace chorus::mq
