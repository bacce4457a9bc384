// What is damaged or missing when a store is opened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mq/log/checkpoint.h"
#include "mq/log/frame.h"
#include "mq/log/index_file.h"
#include "mq/log/store_fixture.h"

namespace chorus::mq::log {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const QueueKey a{"TopicA", 0};
const QueueKey b{"TopicB", 3};

class RecoveryTest : public testing::Test, public StoreFixture {
 protected:
  void SetUp() override {
    ASSERT_TRUE(start());
    positions_[b].push_back(append(b, "idle")->position);
    for (int i = 0; i < 60; ++i) {
      auto appended = append(a, fmt::format("{}", i) + std::string(100, '.'));
      ASSERT_TRUE(appended);
      positions_[a].push_back(appended->position);
      written_.push_back(fmt::format("{}:{}", i, i) + std::string(100, '.'));
    }
    simulation.run_for(2s);
    machine.kill();
    for (const std::string& name : machine.disk().all_files()) {
      if (name.ends_with(".log")) logs_.push_back(name);
    }
    ASSERT_GT(logs_.size(), 3U);
  }
  void flip(const std::string& path, std::uint64_t offset) { ASSERT_TRUE(machine.disk().flip_bit(path, offset, 3)) << path; }
  static Position base_of(const std::string& path) { return *position_in_name(path.substr(path.rfind('/') + 1), ".log"); }
  /// Number of the entry of `a` that is the `n`-th in its segment.
  std::size_t entry_in(const std::string& path, std::size_t n) const {
    const auto& all = positions_.at(a);
    return static_cast<std::size_t>(std::lower_bound(all.begin(), all.end(), base_of(path)) - all.begin()) + n;
  }
  void flip_entry(const std::string& path, std::size_t number) {
    flip(path, static_cast<std::uint64_t>(positions_.at(a)[number] - base_of(path) + 150));
  }

  std::map<QueueKey, std::vector<Position>> positions_;
  std::vector<std::string> written_;
  std::vector<std::string> logs_;
};

TEST_F(RecoveryTest, IndexesComeBackFromTheLogAlone) {
  ASSERT_TRUE(start());
  const auto remove = [&](std::string_view extension) {
    for (const std::string& name : machine.disk().all_files()) {
      if (name.ends_with(extension)) ASSERT_TRUE(machine.disk().remove(name));
    }
  };
  machine.kill();
  remove(".index");
  ASSERT_TRUE(start()) << refusal;
  EXPECT_THAT(report.rebuilt, SizeIs(logs_.size() - 1));
  EXPECT_THAT(report.damage, IsEmpty());
  EXPECT_EQ(all(a), written_);
  EXPECT_THAT(all(b), ElementsAre("0:idle"));
  EXPECT_EQ(append(b, "next")->offset, 1) << "nothing of it is in later segments";
  machine.kill();
  remove(".index");
  remove(".state");
  ASSERT_TRUE(start()) << refusal;
  EXPECT_EQ(all(a), written_);
  EXPECT_THAT(all(b), ElementsAre("0:idle", "1:next"));
}

TEST_F(RecoveryTest, ADamagedEntryOfASealedSegmentIsLostAlone) {
  const std::size_t number = entry_in(logs_[1], 2);
  flip_entry(logs_[1], number);
  ASSERT_TRUE(start());
  EXPECT_THAT(report.damage, IsEmpty()) << "nobody reads it at the start";
  auto wanted = written_;
  wanted[number] = fmt::format("lost {}-{}", number, number);
  EXPECT_EQ(all(a), wanted);
  EXPECT_GE(store->statistics().damaged, 1U);
  EXPECT_EQ(read_at(positions_[a][number]).error().code, StoreErrc::damaged);
  EXPECT_TRUE(read_at(positions_[a][number + 1]));

  machine.kill();
  ASSERT_TRUE(machine.disk().remove(logs_[1].substr(0, logs_[1].size() - 3) + "index"));
  ASSERT_TRUE(start());
  ASSERT_THAT(report.damage, SizeIs(1)) << "found when the index was made again";
  EXPECT_EQ(report.damage[0].path, logs_[1]);
  EXPECT_EQ(all(a), wanted);
}

TEST_F(RecoveryTest, DamageInTheOpenSegmentIsIsolated) {
  const std::size_t number = entry_in(logs_.back(), 1);
  flip_entry(logs_.back(), number);
  ASSERT_TRUE(start()) << refusal;
  ASSERT_THAT(report.damage, SizeIs(1));
  EXPECT_THAT(report.torn, IsEmpty());
  const auto max = store->bounds(a)->max;
  EXPECT_GT(max, 60) << "offsets that may have been given are not given again";
  auto wanted = written_;
  wanted[number] = fmt::format("lost {}-{}", number, number);
  wanted.push_back(fmt::format("lost 60-{}", max - 1));
  EXPECT_EQ(all(a), wanted);
  ASSERT_EQ(append(a, "on")->offset, max);
  wanted.push_back(fmt::format("{}:on", max));
  restart();
  EXPECT_EQ(all(a), wanted);
  EXPECT_EQ(append(b, "on")->offset, store->bounds(b)->max - 1);
}

TEST_F(RecoveryTest, ADamagedIndexIsMadeAgainWhenItIsMet) {
  ASSERT_TRUE(start());
  const std::string index = logs_[1].substr(0, logs_[1].size() - 3) + "index";
  machine.kill();
  flip(index, 200);
  ASSERT_TRUE(start());
  EXPECT_EQ(all(a), written_);
  EXPECT_EQ(store->statistics().damaged, 0U);
  restart();
  EXPECT_THAT(report.rebuilt, IsEmpty()) << "it is sound again";
}

TEST_F(RecoveryTest, AMissingSegmentIsToldAndPassedOver) {
  ASSERT_TRUE(machine.disk().remove(logs_[2]));
  ASSERT_TRUE(start()) << refusal;
  ASSERT_THAT(report.missing, SizeIs(1));
  EXPECT_EQ(report.missing[0], (std::pair{base_of(logs_[2]), base_of(logs_[3])}));
  EXPECT_EQ(read_at(base_of(logs_[2]) + 64).error().code, StoreErrc::not_found);
  const auto first = entry_in(logs_[2], 0);
  const auto behind = entry_in(logs_[3], 0);
  auto wanted = written_;
  wanted.erase(wanted.begin() + static_cast<std::ptrdiff_t>(first), wanted.begin() + static_cast<std::ptrdiff_t>(behind));
  wanted.insert(wanted.begin() + static_cast<std::ptrdiff_t>(first), fmt::format("lost {}-{}", first, behind - 1));
  EXPECT_EQ(all(a), wanted);
}

TEST_F(RecoveryTest, ADamagedCheckpointLeavesOlderOnes) {
  std::string newest;
  for (const std::string& name : machine.disk().all_files()) {
    if (name.ends_with(".state")) newest = name;
  }
  flip(newest, 30);
  ASSERT_TRUE(start());
  EXPECT_THAT(report.unusable_checkpoints, ElementsAre(newest));
  EXPECT_FALSE(to_lines(report).empty());
  EXPECT_EQ(all(a), written_);
}

TEST(Checkpoint, RoundTripsAndRefuses) {
  const Checkpoint checkpoint{.position = 77, .state = "state", .queues = {{"T", 3, 9}, {"", -1, 0}}};
  const std::string octets = encode_checkpoint(checkpoint);
  const auto read = decode_checkpoint(octets);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->position, 77);
  EXPECT_EQ(read->state, "state");
  ASSERT_THAT(read->queues, SizeIs(2));
  EXPECT_EQ(read->queues[0].next, 9);
  for (std::size_t i = 0; i < octets.size(); ++i) {
    std::string changed = octets;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(decode_checkpoint(changed)) << i;
    EXPECT_FALSE(decode_checkpoint(octets.substr(0, i))) << i;
  }
}

TEST(Frame, SaysWhatItHolds) {
  const NewEntry entry{.kind = Kind::batch,
                       .queue = {"topic", 7},
                       .payload = std::string(70, 'p'),
                       .count = 4,
                       .tag_hash = -5,
                       .keys = {key_hash("k")},
                       .due_ms = 99,
                       .type = 2};
  std::string group;
  encode_entry(entry, {.position = 4096, .epoch = 3, .offset = 12, .store_time_ms = 1000}, group);
  EXPECT_EQ(group.size(), framed_octets(entry));
  EXPECT_EQ(group.size() % entry_alignment, 0U);
  EXPECT_FALSE(check_entry(group, 4096)) << "no checksum yet";
  fill_checksums(group);
  const auto view = check_entry(group, 4096);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->epoch, 3U);
  EXPECT_EQ(view->topic, "topic");
  EXPECT_EQ(view->index, (IndexEntry{4096, 70, 4, 12, -5, 1000, Kind::batch}));
  EXPECT_EQ(view->due_ms, 99);
  EXPECT_EQ(view->type, 2);
  EXPECT_EQ(base::Reader(view->key_hashes).u64(), key_hash("k"));
  EXPECT_FALSE(check_entry(group, 4104)) << "another place";
  for (std::size_t i = 0; i < group.size(); ++i) {
    std::string changed = group;
    changed[i] = static_cast<char>(changed[i] ^ 4);
    EXPECT_FALSE(check_entry(changed, 4096)) << i;
    EXPECT_FALSE(check_entry(std::string_view(group).substr(0, i), 4096)) << i;
  }
}

}  // namespace
}  // namespace chorus::mq::log
