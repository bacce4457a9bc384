#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mq/log/frame.h"
#include "mq/log/store_fixture.h"

namespace chorus::mq::log {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Status = Batch::Status;

const QueueKey a{"TopicA", 0};
const QueueKey b{"TopicB", 3};

class MessageStoreTest : public testing::Test, public StoreFixture {
 protected:
  /// Until all index files are written.
  void settle() { simulation.run_for(2s); }
  std::vector<std::string> fill(const QueueKey& queue, int count, std::size_t octets = 100) {
    std::vector<std::string> out;
    for (int i = 0; i < count; ++i) {
      const std::string body = fmt::format("{}{}", queue.topic, i) + std::string(octets, '.');
      auto appended = append(queue, body);
      EXPECT_TRUE(appended) << (appended ? "" : appended.error().message);
      if (appended) out.push_back(fmt::format("{}:{}", appended->offset, body));
    }
    return out;
  }
  std::size_t files(std::string_view extension) {
    std::size_t count = 0;
    for (const std::string& name : machine.disk().all_files()) count += name.ends_with(extension);
    return count;
  }
};

TEST_F(MessageStoreTest, GivesPositionsAndOffsetsInOrder) {
  ASSERT_TRUE(start());
  EXPECT_FALSE(store->bounds(a));
  EXPECT_EQ(read(a, 0)->status, Status::unknown_queue);
  const auto first = append(a, "one");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->position, 64) << "behind the segment's header";
  EXPECT_EQ(first->offset, 0);
  EXPECT_EQ(append(b, "two")->offset, 0);
  EXPECT_EQ(append(a, "three")->offset, 1);
  EXPECT_EQ(store->bounds(a)->max, 2);
  const auto batch = read(a, 0);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->status, Status::found);
  EXPECT_EQ(batch->next, 2);
  ASSERT_THAT(batch->entries, SizeIs(2));
  EXPECT_EQ(read(a, 2)->status, Status::at_end);
  EXPECT_EQ(read(a, 3)->status, Status::beyond_end);
  EXPECT_EQ(read(a, -1)->status, Status::before_begin);
  EXPECT_THAT(all(a), ElementsAre("0:one", "1:three"));
}

TEST_F(MessageStoreTest, FillsInWhatOnlyItKnows) {
  ASSERT_TRUE(start());
  append(a, "x");
  const auto message = append(a, "y");
  const auto entry = read_at(message->position);
  ASSERT_TRUE(entry) << entry.error().message;
  base::Reader in(std::string_view(entry->payload).substr(20));
  EXPECT_EQ(in.i64(), 1) << "queue offset";
  EXPECT_EQ(in.i64(), message->position);
  EXPECT_EQ(base::Reader(std::string_view(entry->payload).substr(56)).i64(), message->store_time_ms);
  EXPECT_EQ(entry->queue, a);

  const auto batch = append({.kind = Kind::batch, .queue = a, .payload = std::string(61, '\0'), .count = 5});
  ASSERT_TRUE(batch);
  EXPECT_EQ(append(a, "z")->offset, 7);
  const auto stored = read_at(batch->position + 4);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->index.position, batch->position) << "the entry that reaches over the position";
  EXPECT_EQ(base::Reader(stored->payload).i64(), 2) << "base offset";
  EXPECT_EQ(base::Reader(std::string_view(stored->payload).substr(12)).u32(), 1U) << "leader epoch";
  const auto inside = read(a, 4, {.entries_max = 1});
  ASSERT_THAT(inside->entries, SizeIs(1));
  EXPECT_EQ(inside->entries[0].offset, 2) << "the whole batch";
  EXPECT_EQ(inside->next, 7);
  EXPECT_EQ(append({.kind = Kind::batch, .queue = a, .payload = "short"}).error().code, StoreErrc::too_large);
  EXPECT_EQ(append(a, std::string(1 << 20, 'x')).error().code, StoreErrc::too_large);
}

TEST_F(MessageStoreTest, ReadsWithinLimitsWhatIsWanted) {
  options.tail_octets = 1 << 20;
  ASSERT_TRUE(start());
  for (int i = 0; i < 10; ++i) append({.queue = a, .payload = message_with("m"), .tag_hash = i % 2});
  const Wanted odd = [](const IndexEntry& entry) { return entry.tag_hash == 1; };
  const auto batch = read(a, 0, {.entries_max = 2}, odd);
  ASSERT_THAT(batch->entries, SizeIs(2));
  EXPECT_EQ(batch->entries[1].offset, 3);
  EXPECT_EQ(batch->next, 5) << "behind what was passed over, up to the next wanted one";
  EXPECT_THAT(read(a, 0, {.octets_max = 1})->entries, SizeIs(1)) << "one is always given";
  const auto none = read(a, 0, {}, [](const IndexEntry&) { return false; });
  EXPECT_EQ(none->status, Status::none_wanted);
  EXPECT_EQ(none->next, 10);
  EXPECT_EQ(store->statistics().disk_reads, 0U);
}

TEST_F(MessageStoreTest, EntriesOfOneTurnShareASync) {
  ASSERT_TRUE(start());
  int done = 0;
  std::vector<std::string> arrivals;
  store->on_arrival(
      [&](const QueueKey& queue, const IndexEntry& newest) { arrivals.push_back(fmt::format("{} {}", queue.topic, newest.offset)); });
  const auto syncs = machine.disk_counts().syncs;
  for (int i = 0; i < 100; ++i) store->append(entry(i % 2 == 0 ? a : b, "m"), [&](const auto&) { ++done; });
  EXPECT_EQ(read(a, 0)->status, Status::unknown_queue) << "nothing is readable before it is durable";
  simulation.run_for(100ms);
  EXPECT_EQ(done, 100);
  EXPECT_EQ(store->statistics().groups, 4U) << "one a segment";
  EXPECT_LE(machine.disk_counts().syncs - syncs, 20U) << "some for each segment, not for each entry";
  EXPECT_THAT(arrivals, ElementsAre("TopicA 49", "TopicB 49"));
  const auto together = wait<std::vector<Appended>>([&](auto call) {
    std::vector<NewEntry> entries;
    for (int i = 0; i < 3; ++i) entries.push_back(entry(a, "t"));
    store->append_all(std::move(entries), std::move(call));
  });
  ASSERT_TRUE(together);
  ASSERT_THAT(*together, SizeIs(3));
  EXPECT_EQ((*together)[2].offset, 52);
}

TEST_F(MessageStoreTest, AsyncIsReadableOnceWrittenAndDurableSoon) {
  options.flush = Flush::async;
  options.flush_interval = 200ms;
  ASSERT_TRUE(start());
  ASSERT_TRUE(append(a, "first"));
  simulation.run_for(300ms);
  const auto syncs = machine.disk_counts().syncs;
  ASSERT_TRUE(append(a, "soft"));
  EXPECT_EQ(machine.disk_counts().syncs, syncs);
  EXPECT_THAT(all(a), SizeIs(2));
  simulation.run_for(300ms);
  EXPECT_EQ(machine.disk_counts().syncs, syncs + 1);
  auto hard = entry(a, "hard");
  hard.flush = Flush::sync;
  append(a, "before");
  ASSERT_TRUE(append(std::move(hard)));
  machine.disk().power_loss = sim::PowerLoss::lose;
  machine.crash();
  ASSERT_TRUE(start()) << refusal;
  EXPECT_THAT(all(a), ElementsAre("0:first", "1:soft", "2:before", "3:hard"));
}

TEST_F(MessageStoreTest, SegmentsAreSealedAndReadFromTheDisk) {
  ASSERT_TRUE(start());
  append(b, "only");
  const auto written = fill(a, 100);
  settle();
  EXPECT_GT(store->statistics().segments, 5U);
  EXPECT_EQ(files(".index"), store->statistics().segments - 1);
  EXPECT_EQ(files(".state"), 3U);
  EXPECT_EQ(all(a), written);
  EXPECT_THAT(all(b), ElementsAre("0:only"));
  EXPECT_GT(store->statistics().disk_reads, 0U);
  restart();
  EXPECT_THAT(report.rebuilt, IsEmpty());
  EXPECT_EQ(all(a), written);
  EXPECT_THAT(all(b), ElementsAre("0:only"));
  EXPECT_EQ(append(b, "next")->offset, 1);
}

TEST_F(MessageStoreTest, ClosesInOrder) {
  ASSERT_TRUE(start());
  fill(a, 3);
  ASSERT_TRUE(wait<void>([&](auto done) { store->close(std::move(done)); }));
  EXPECT_EQ(append(a, "late").error().code, StoreErrc::closing);
  machine.crash();
  ASSERT_TRUE(start());
  EXPECT_THAT(report.torn, IsEmpty());
  EXPECT_EQ(append(a, "again")->offset, 3);
}

TEST_F(MessageStoreTest, FindsByKeyTimeAndPosition) {
  ASSERT_TRUE(start());
  std::vector<Appended> appended;
  for (int i = 0; i < 60; ++i) {
    auto one =
        append({.queue = a, .payload = message_with(std::string(50, 'x')), .keys = {key_hash("all"), key_hash(fmt::format("k{}", i))}});
    ASSERT_TRUE(one);
    appended.push_back(*one);
    simulation.run_for(20ms);
  }
  for (const bool again : {false, true}) {
    if (again) restart();
    settle();
    for (const std::size_t i : {0, 7, 30, 59}) {
      const auto found =
          wait<std::vector<IndexEntry>>([&](auto done) { store->find_key(fmt::format("k{}", i), 0, INT64_MAX, 10, std::move(done)); });
      ASSERT_TRUE(found) << found.error().message;
      ASSERT_THAT(*found, SizeIs(1)) << i;
      EXPECT_EQ((*found)[0].position, appended[i].position);
      EXPECT_EQ((*found)[0].offset, static_cast<Offset>(i));
      const auto offset = wait<Offset>([&](auto done) { store->find_time(a, appended[i].store_time_ms, std::move(done)); });
      ASSERT_TRUE(offset);
      EXPECT_EQ(*offset, static_cast<Offset>(i));
      const auto at = read_at(appended[i].position + 40);
      ASSERT_TRUE(at) << at.error().message;
      EXPECT_EQ(at->index.offset, static_cast<Offset>(i));
    }
    const auto newest = wait<std::vector<IndexEntry>>(
        [&](auto done) { store->find_key("all", appended[10].store_time_ms, appended[50].store_time_ms, 3, std::move(done)); });
    ASSERT_THAT(*newest, SizeIs(3));
    EXPECT_EQ((*newest)[0].offset, 50);
    EXPECT_EQ((*newest)[2].offset, 48);
    EXPECT_EQ(*wait<Offset>([&](auto done) { store->find_time(a, INT64_MAX, std::move(done)); }), 60);
    EXPECT_EQ(*wait<Offset>([&](auto done) { store->find_time(a, 0, std::move(done)); }), 0);
    EXPECT_EQ(read_at(10).error().code, StoreErrc::not_found);
    EXPECT_EQ(read_at(1 << 30).error().code, StoreErrc::not_found);
  }
}

TEST_F(MessageStoreTest, TellsWhatIsDueInOrder) {
  ASSERT_TRUE(start());
  std::vector<Due> all_dues;
  for (int i = 0; i < 80; ++i) {
    const std::int64_t due_ms = 1'000'000 + (i * 7919) % 1000;
    auto one = append({.queue = a, .payload = message_with(std::string(60, 'x')), .due_ms = i % 3 == 0 ? due_ms : 0});
    if (i % 3 == 0) all_dues.push_back({due_ms, one->position});
  }
  std::sort(all_dues.begin(), all_dues.end());
  for (const bool again : {false, true}) {
    if (again) restart();
    settle();
    std::vector<Due> got;
    for (std::int64_t to = 1'000'000; to <= 1'001'000; to += 50) {
      for (;;) {
        const auto some =
            wait<std::vector<Due>>([&](auto done) { store->find_due(got.empty() ? Due{} : got.back(), to, 2, std::move(done)); });
        ASSERT_TRUE(some);
        if (some->empty()) break;
        EXPECT_LE(some->back().due_ms, to);
        got.insert(got.end(), some->begin(), some->end());
      }
    }
    EXPECT_EQ(got, all_dues);
  }
}

TEST_F(MessageStoreTest, StateComesBackFromCheckpointAndEntries) {
  ASSERT_TRUE(start());
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(append({.kind = Kind::own, .payload = fmt::format("own{}", i) + std::string(80, ' '), .type = 7}));
    auto typed = entry(a, fmt::format("m{}", i));
    typed.type = i % 2 == 0 ? 1 : 0;
    ASSERT_TRUE(append(std::move(typed)));
  }
  const auto seen = journal.seen;
  EXPECT_THAT(seen, SizeIs(75));
  settle();
  restart();
  EXPECT_EQ(journal.seen, seen);
  EXPECT_LT(report.replayed, 30U);
  EXPECT_THAT(all(a), SizeIs(50));
}

TEST_F(MessageStoreTest, AFullDiskRefusesAndRecovers) {
  options.disk_used_ratio_refuse = 1;
  options.disk_used_ratio_clean = 1;
  ASSERT_TRUE(start());
  machine.disk().options.capacity = 48 << 10;
  std::vector<std::string> written;
  StoreResult<Appended> last;
  for (int i = 0; i < 400; ++i) {
    const std::string body = fmt::format("{}", i) + std::string(300, '.');
    last = append(a, body);
    if (!last) break;
    written.push_back(fmt::format("{}:{}", last->offset, body));
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, StoreErrc::no_space);
  EXPECT_EQ(all(a), written);
  machine.disk().options.capacity = 64 << 20;
  const auto more = append(a, "room");
  ASSERT_TRUE(more) << more.error().message;
  EXPECT_EQ(more->offset, static_cast<Offset>(written.size())) << "no hole";
  written.push_back(fmt::format("{}:room", more->offset));
  settle();
  EXPECT_EQ(all(a), written);
  restart();
  EXPECT_EQ(all(a), written);
}

TEST_F(MessageStoreTest, AFailedDiskAcknowledgesNothingMore) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(append(a, "kept"));
  machine.fail_disk(true);
  EXPECT_EQ(append(a, "x").error().code, StoreErrc::failed);
  machine.fail_disk(false);
  EXPECT_EQ(append(a, "y").error().code, StoreErrc::failed);
  restart();
  EXPECT_EQ(all(a).front(), "0:kept");
  EXPECT_TRUE(append(a, "z"));
}

TEST_F(MessageStoreTest, TooMuchOnTheWayIsRefused) {
  options.pending_octets_max = 1000;
  ASSERT_TRUE(start());
  std::vector<StoreErrc> refused;
  int done = 0;
  for (int i = 0; i < 20; ++i) {
    store->append(entry(a, "m"), [&](const StoreResult<Appended>& result) {
      result ? static_cast<void>(++done) : refused.push_back(result.error().code);
    });
  }
  simulation.run_for(1s);
  EXPECT_EQ(done, 6);
  EXPECT_THAT(refused, SizeIs(14));
  EXPECT_EQ(refused.front(), StoreErrc::busy);
  EXPECT_EQ(append(a, "m")->offset, 6);
}

TEST_F(MessageStoreTest, OldSegmentsGoByAge) {
  options.retain = 1h;
  options.retain_check_interval = 10s;
  ASSERT_TRUE(start());
  append(b, "old");
  const auto old = fill(a, 40);
  settle();
  const auto segments = store->statistics().segments;
  store->keep_from(0);
  simulation.run_for(2h);
  EXPECT_EQ(store->statistics().segments, segments) << "held";
  store->keep_from(std::nullopt);
  simulation.run_for(1min);
  EXPECT_EQ(store->statistics().segments, 1U);
  EXPECT_EQ(files(".log"), 1U);
  EXPECT_EQ(files(".index"), 0U);
  const auto now = *store->bounds(a);
  EXPECT_EQ(now.max, 40);
  EXPECT_GT(now.min, 30);
  EXPECT_EQ(store->bounds(b)->min, 1);
  EXPECT_EQ(read(b, 0)->status, Status::empty_queue);
  EXPECT_EQ(read(a, 0)->status, Status::before_begin);
  EXPECT_EQ(read(a, 0)->next, now.min);
  EXPECT_THAT(all(a), SizeIs(static_cast<std::size_t>(now.max - now.min)));
  restart();
  EXPECT_EQ(store->bounds(a)->min, now.min);
  EXPECT_EQ(store->bounds(b)->min, 1) << "an empty queue goes on where it was";
  EXPECT_EQ(append(b, "new")->offset, 1);
}

TEST_F(MessageStoreTest, OldSegmentsGoBySizeAndByDisk) {
  options.retain_octets = 12 << 10;
  options.retain_check_interval = 1s;
  ASSERT_TRUE(start());
  fill(a, 100);
  simulation.run_for(20s);
  EXPECT_LE(store->statistics().octets, 12U << 10);
  EXPECT_GE(store->statistics().octets, 8U << 10);
  EXPECT_THAT(all(a), SizeIs(static_cast<std::size_t>(100 - store->bounds(a)->min)));
  machine.disk().options.capacity = 16 << 10;
  simulation.run_for(3s);
  EXPECT_EQ(store->statistics().segments, 1U) << "the disk is fuller than wanted";
}

TEST_F(MessageStoreTest, WhatIsAppendedAsOthersAreRefusedIsRefusedToo) {
  ASSERT_TRUE(start());
  std::size_t mixed = 0;
  for (std::uint64_t room = 0; room < 12; ++room) {
    const auto capacity = machine.disk().options.capacity;
    machine.disk().options.capacity = capacity - machine.disk().free_space() + room * 4096;
    // Of several segments, so of several groups, the later ones of which find no room; who hears of the first ones appends more.
    std::size_t written = 0, refused = 0, told = 0;
    const auto count = [&](const StoreResult<Appended>& result) { ++(result ? written : refused); };
    for (int i = 0; i < 60; ++i) {
      store->append(entry(a, std::string(200, '.')), [&](StoreResult<Appended> result) {
        count(result);
        if (result) store->append(entry(b, std::string(200, ',')), [&](StoreResult<Appended> more) { count(more), ++told; });
        ++told;
      });
    }
    ASSERT_TRUE(simulation.run_until([&] { return told >= 60 && told == written + refused && written + refused >= 60; }, 60s));
    simulation.run_for(1s);
    mixed += written > 0 && refused > 0 ? 1 : 0;
    machine.disk().options.capacity = capacity;
    settle();
    const auto after = append(a, "after");
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_EQ(all(a).size(), static_cast<std::size_t>(store->bounds(a)->max - store->bounds(a)->min));
    EXPECT_THAT(all(a).back(), testing::HasSubstr("after"));
  }
  EXPECT_GT(mixed, 0u);
  settle();
  const auto before = all(b);
  restart();
  EXPECT_EQ(all(b), before);
  EXPECT_THAT(report.damage, IsEmpty());
}

TEST_F(MessageStoreTest, EpochsAndTruncation) {
  ASSERT_TRUE(start());
  fill(a, 30);
  store->begin_epoch(4);
  const auto first = append(a, "epoch 4");
  ASSERT_TRUE(append({.kind = Kind::own, .payload = "s1", .type = 1}));
  store->begin_epoch(7);
  const auto second = append(a, "epoch 7");
  ASSERT_TRUE(append({.kind = Kind::own, .payload = "s2", .type = 1}));
  fill(a, 30);
  const auto wanted = std::vector<std::pair<Epoch, Position>>{{1, 64}, {4, first->position}, {7, second->position}};
  EXPECT_EQ(store->epochs(), wanted);
  settle();
  restart();
  EXPECT_EQ(store->epochs(), wanted);
  ASSERT_TRUE(wait<void>([&](auto done) { store->truncate(second->position, std::move(done)); }));
  EXPECT_EQ(store->epochs().back().first, 4U);
  EXPECT_EQ(store->bounds(a)->max, 31);
  EXPECT_THAT(all(a), SizeIs(31));
  EXPECT_THAT(journal.seen, ElementsAre("1:s1"));
  store->begin_epoch(8);
  const auto again = append(a, "epoch 8");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->position, second->position);
  EXPECT_EQ(again->offset, 31);
  fill(a, 30);
  settle();
  restart();
  EXPECT_THAT(all(a), SizeIs(62));
  EXPECT_EQ(store->epochs().back(), (std::pair<Epoch, Position>{8, second->position}));
}

}  // namespace
}  // namespace chorus::mq::log
