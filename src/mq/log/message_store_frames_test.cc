// A log that follows another: the same entries at the same positions, whatever happens to either.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "mq/log/frame.h"
#include "mq/log/replication.h"
#include "mq/log/store_fixture.h"

namespace chorus::mq::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const QueueKey a{"a", 0}, b{"b", 3};

struct FramesTest : testing::Test {
  StoreFixture leader{1}, follower{2};
  void SetUp() override {
    ASSERT_TRUE(leader.start());
    ASSERT_TRUE(follower.start());
  }
  static StoreResult<Frames> read(StoreFixture& from, Position position, std::uint64_t octets_max = 4096) {
    return from.wait<Frames>([&](auto done) { frames_of(*from.store).read_frames(position, octets_max, std::move(done)); });
  }
  static StoreResult<void> append(StoreFixture& to, Position first, std::string octets) {
    return to.wait<void>([&](auto done) { frames_of(*to.store).append_frames(first, std::move(octets), std::move(done)); });
  }
  static Position end_of(const StoreFixture& of) { return of.store->statistics().end; }
  static void send(StoreFixture& to, int count, std::string_view what = "m") {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(to.append(i % 3 == 0 ? b : a, fmt::format("{}{}{}", what, i, std::string(100, '.'))));
  }
  /// As far as the leader is.
  static void follow(StoreFixture& of, StoreFixture& by, std::uint64_t octets_max = 700) {
    for (Position next = end_of(by);;) {
      const auto frames = read(of, next, octets_max);
      ASSERT_TRUE(frames) << frames.error().message;
      if (frames->octets.empty()) return;
      const auto appended = append(by, frames->first, frames->octets);
      ASSERT_TRUE(appended) << appended.error().message;
      next = frames->next;
    }
  }
  /// Segments, octet for octet.
  static void expect_same(StoreFixture& one, StoreFixture& other, bool in_epochs = true) {
    ASSERT_EQ(end_of(one), end_of(other));
    if (in_epochs) EXPECT_EQ(one.store->epochs(), other.store->epochs());
    EXPECT_EQ(one.store->statistics().segments, other.store->statistics().segments);
    EXPECT_EQ(one.all(a), other.all(a));
    EXPECT_EQ(one.all(b), other.all(b));
    EXPECT_EQ(one.journal.seen, other.journal.seen);
    for (Position next = 0;;) {
      const auto first = read(one, next), second = read(other, next);
      ASSERT_TRUE(first && second);
      ASSERT_EQ(first->first, second->first);
      const std::size_t size = std::min(first->octets.size(), second->octets.size());
      ASSERT_EQ(first->octets.substr(0, size), second->octets.substr(0, size));
      if (size == 0) return;
      next = first->first + static_cast<Position>(size);
    }
  }
};

TEST_F(FramesTest, AFollowerHasEveryEntryWhereTheLeaderHasIt) {
  send(leader, 100);
  ASSERT_TRUE(leader.append({.kind = Kind::own, .payload = "s1", .type = 1}));
  EXPECT_GT(leader.store->statistics().segments, 3u);
  follow(leader, follower);
  expect_same(leader, follower);
  // Ended in the middle of a segment, in order and not, either of them.
  leader.simulation.run_for(2s);
  follower.restart();
  expect_same(leader, follower);
  send(leader, 20);
  leader.restart();
  send(leader, 20);
  ASSERT_TRUE(follower.wait<void>([&](auto done) { follower.store->close(std::move(done)); }));
  follower.restart();
  follow(leader, follower, 1);
  expect_same(leader, follower);
}

TEST_F(FramesTest, AFollowerLeadsOn) {
  send(leader, 30);
  follow(leader, follower);
  follower.store->begin_epoch(5);
  send(follower, 30, "five");
  follow(follower, leader);
  expect_same(follower, leader);
  EXPECT_EQ(leader.store->epochs().back().first, 5u);
}

TEST_F(FramesTest, WhatAFormerLeaderHasAloneIsCutOff) {
  send(leader, 30);
  follow(leader, follower);
  const Position together = end_of(leader);
  send(leader, 40, "lost");  // nobody followed
  follower.store->begin_epoch(2);
  send(follower, 25, "two");
  const auto parting = parting_of(follower.store->epochs(), end_of(follower), leader.store->epochs(), end_of(leader));
  EXPECT_EQ(parting, together);
  ASSERT_TRUE(leader.wait<void>([&](auto done) { leader.store->truncate(*parting, std::move(done)); }));
  follow(follower, leader);
  expect_same(follower, leader);
  leader.restart();
  expect_same(follower, leader);
}

TEST_F(FramesTest, WhatDoesNotFollowIsRefused) {
  send(leader, 10);
  const auto frames = read(leader, 0, 10'000);
  ASSERT_TRUE(frames);
  const auto half = read(leader, 0, frames->octets.size() / 2);
  ASSERT_TRUE(half);
  EXPECT_EQ(append(follower, half->next, frames->octets.substr(half->octets.size())).error().code, StoreErrc::not_found);
  ASSERT_TRUE(append(follower, half->first, half->octets));
  EXPECT_EQ(append(follower, half->first, half->octets).error().code, StoreErrc::not_found) << "twice";
  std::string rest = frames->octets.substr(half->octets.size());
  EXPECT_EQ(append(follower, half->next, rest.substr(0, rest.size() - 8)).error().code, StoreErrc::damaged);
  base::Random random(1);
  for (int i = 0; i < 200; ++i) {
    std::string changed = rest;
    const std::size_t at = random.below(changed.size());
    changed[at] = static_cast<char>(changed[at] ^ (1 << random.below(8)));
    EXPECT_EQ(append(follower, half->next, changed).error().code, StoreErrc::damaged) << at;
  }
  EXPECT_EQ(end_of(follower), half->next) << "nothing of it was taken";
  ASSERT_TRUE(append(follower, half->next, rest));
  expect_same(leader, follower);
  // What is of another place.
  follower.store->begin_epoch(9);
  ASSERT_TRUE(follower.append(a, "nine"));
  send(leader, 1, "one");
  EXPECT_EQ(append(follower, end_of(follower), read(leader, frames->next)->octets).error().code, StoreErrc::damaged);
}

TEST_F(FramesTest, OffsetsThatContradictAreRefused) {
  const auto frames_with = [](const QueueKey& queue, std::string_view body, Offset offset, Epoch epoch, Position position) {
    std::string octets;
    encode_entry(StoreFixture::entry(queue, body),
                 {.position = position, .epoch = epoch, .offset = offset, .store_time_ms = 4'000'000'000'000}, octets);
    fill_checksums(octets);
    return octets;
  };
  ASSERT_TRUE(append(follower, 64, frames_with(a, "x", 0, 3, 64)));
  const Position next = end_of(follower);
  EXPECT_THAT(append(follower, next, frames_with(a, "x", 2, 3, next)).error().message, HasSubstr("which goes on at 1"));
  EXPECT_THAT(append(follower, next, frames_with(b, "x", 1, 3, next)).error().message, HasSubstr("which goes on at 0"));
  EXPECT_THAT(append(follower, next, frames_with(a, "x", 1, 2, next)).error().message, HasSubstr("epoch 2, and 3 has begun"));
  EXPECT_FALSE(follower.store->bounds(b));
  ASSERT_TRUE(append(follower, next, frames_with(a, "x", 1, 3, next)));
}

TEST_F(FramesTest, WhatIsNotThereIsNotGiven) {
  send(leader, 10);
  const auto frames = read(leader, 0);
  ASSERT_TRUE(frames);
  EXPECT_EQ(frames->first, 64);
  EXPECT_EQ(read(leader, 72).error().code, StoreErrc::not_found) << "in the middle of an entry";
  EXPECT_EQ(read(leader, end_of(leader) + 8).error().code, StoreErrc::not_found);
  const auto none = read(leader, end_of(leader));
  ASSERT_TRUE(none);
  EXPECT_EQ(none->octets, "");
  EXPECT_EQ(none->next, end_of(leader));
  leader.options.retain_octets = 8 << 10;
  leader.options.retain_check_interval = 100ms;
  leader.restart();
  send(leader, 200);
  leader.simulation.run_for(5s);
  EXPECT_GT(leader.store->statistics().segments_deleted, 0u);
  EXPECT_EQ(read(leader, 64).error().code, StoreErrc::not_found);
  EXPECT_GT(read(leader, 0)->first, 64);
}

/// A leader that has deleted what was first, and the files of its store before the open segment that `wanted` wants, in the follower's
/// directory.
struct LateFramesTest : FramesTest {
  void SetUp() override {
    leader.options.retain_octets = 12 << 10;
    leader.options.retain_check_interval = 100ms;
    FramesTest::SetUp();
    ASSERT_TRUE(leader.append({.kind = Kind::own, .payload = "long ago", .type = 1}));
    send(leader, 150);
    leader.simulation.run_for(5s);
    ASSERT_GT(leader.store->statistics().segments_deleted, 0u);
  }
  void copy(const std::function<bool(const std::string& name, const std::string& open)>& wanted) {
    auto& from = leader.machine.world().files();
    auto& to = follower.machine.world().files();
    ASSERT_TRUE(to.make_directories("/copy"));
    const auto entries = from.list("/mq");
    ASSERT_TRUE(entries);
    std::string open;
    for (const world::Entry& entry : *entries) {
      if (entry.name.ends_with(".log")) open = std::max(open, entry.name.substr(0, entry.name.find('.')));
    }
    for (const world::Entry& entry : *entries) {
      if (!wanted(entry.name, open)) continue;
      const auto octets = world::read_file(from, "/mq/" + entry.name);
      ASSERT_TRUE(octets);
      ASSERT_TRUE(world::write_file(to, "/copy/" + entry.name, *octets));
    }
    follower.options.directory = "/copy";
    follower.restart();
  }
};

TEST_F(LateFramesTest, OneThatComesTooLateGetsTheSealedFiles) {
  copy([](const std::string& name, const std::string& open) {
    const std::string position = name.substr(0, name.find('.'));
    return ((name.ends_with(".log") || name.ends_with(".index")) && position < open) || (name.ends_with(".state") && position <= open);
  });
  EXPECT_EQ(follower.store->statistics().begin, leader.store->statistics().begin);
  EXPECT_EQ(parting_of(leader.store->epochs(), end_of(leader), follower.store->epochs(), end_of(follower)), end_of(follower));
  follow(leader, follower);
  expect_same(leader, follower, false);  // the leader knows where the deleted ones began
  EXPECT_THAT(follower.journal.seen, ElementsAre("1:long ago"));
}

TEST_F(LateFramesTest, OrACheckpointAloneAndBeginsThere) {
  copy([](const std::string& name, const std::string& open) { return name == open + ".state"; });
  EXPECT_GT(follower.store->statistics().begin, leader.store->statistics().begin);
  EXPECT_THAT(follower.journal.seen, ElementsAre("1:long ago"));
  follow(leader, follower);
  send(leader, 30, "more");
  follow(leader, follower);
  EXPECT_EQ(end_of(leader), end_of(follower));
  EXPECT_EQ(leader.store->bounds(a)->max, follower.store->bounds(a)->max);
  const auto here = follower.all(a), there = leader.all(a);
  ASSERT_LE(here.size(), there.size());
  EXPECT_EQ(here, std::vector<std::string>(there.end() - static_cast<std::ptrdiff_t>(here.size()), there.end()));
  follower.restart();
  EXPECT_EQ(follower.all(a), here);
}

TEST_F(FramesTest, ACrashAtAnyFileOperationLeavesABeginning) {
  send(leader, 60);
  for (std::uint64_t operations = 1; operations < 60; ++operations) {
    follower.machine.crash_after_file_operations(operations);
    for (Position next = end_of(follower); follower.machine.running();) {
      const auto frames = read(leader, next, 700);
      ASSERT_TRUE(frames);
      if (frames->octets.empty() || !append(follower, frames->first, frames->octets)) break;
      next = frames->next;
    }
    follower.machine.crash();
    ASSERT_TRUE(follower.start()) << follower.refusal;
    follow(leader, follower);
    expect_same(leader, follower);
    ASSERT_TRUE(
        follower.wait<void>([&](auto done) { follower.store->truncate(64 + static_cast<Position>(operations) * 8, std::move(done)); }));
  }
}

TEST(Parting, IsWhereTheNewestCommonEpochEnds) {
  const struct {
    const char* name;
    Epochs leader;
    Position leader_end;
    Epochs follower;
    Position follower_end;
    std::optional<Position> want;
  } cases[] = {
      {"behind", {{1, 64}}, 500, {{1, 64}}, 300, 300},
      {"nothing yet", {{1, 64}}, 500, {}, 64, 64},
      {"ahead", {{1, 64}, {2, 300}}, 500, {{1, 64}}, 400, 300},
      {"another epoch of its own", {{1, 64}, {3, 300}}, 500, {{1, 64}, {2, 200}}, 250, 200},
      {"the same epoch, ahead", {{1, 64}}, 200, {{1, 64}}, 400, 200},
      {"its oldest is gone at the leader", {{4, 900}}, 1000, {{1, 64}}, 800, std::nullopt},
      {"an epoch that begins elsewhere", {{1, 64}, {2, 300}}, 500, {{1, 64}, {2, 310}}, 400, 300},
      {"the begin of its oldest is deleted", {{1, 64}, {2, 300}}, 500, {{1, 200}}, 250, 250},
      {"and of the leader's", {{2, 400}, {3, 450}}, 500, {{1, 64}, {2, 300}}, 600, 450},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(parting_of(one.leader, one.leader_end, one.follower, one.follower_end), one.want) << one.name;
  }
}

}  // namespace
}  // namespace chorus::mq::log
