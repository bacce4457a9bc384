#include "mq/broker/pop_handles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace chorus::mq {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const GroupQueue of{.group = "g", .queue = {"t", 0}}, other{.group = "h", .queue = {"t", 0}};

bool none(Position) { return false; }

std::vector<Position> ids(const std::vector<PopHandles::Held>& held) {
  std::vector<Position> out;
  for (const auto& one : held) out.push_back(one.handle.id);
  return out;
}

PopHandles again(const PopHandles& handles) {
  std::string octets;
  base::Writer out(octets);
  handles.write(out);
  base::Reader in(octets);
  PopHandles read;
  EXPECT_TRUE(read.read(in));
  EXPECT_EQ(in.remaining(), 0u);
  return read;
}

TEST(PopHandles, ComeDueInTheOrderOfTheirTimes) {
  PopHandles handles;
  handles.put(of, {.id = 100, .offset = 5, .pop_time_ms = 10, .invisible_ms = 30});
  handles.put(of, {.id = 101, .offset = 6, .pop_time_ms = 10, .invisible_ms = 20});
  handles.put(other, {.id = 200, .offset = 5, .pop_time_ms = 15, .invisible_ms = 20});
  EXPECT_EQ(handles.next_due_ms(), 30);
  EXPECT_THAT(ids(handles.due(29, 9, none)), IsEmpty());
  EXPECT_THAT(ids(handles.due(40, 9, none)), ElementsAre(101, 200, 100));
  EXPECT_THAT(ids(handles.due(40, 2, none)), ElementsAre(101, 200));
  EXPECT_THAT(ids(handles.due(40, 2, [](Position id) { return id == 101; })), ElementsAre(200, 100));
  handles.end(101);
  handles.end(101);
  EXPECT_EQ(handles.next_due_ms(), 35);
  handles.change(200, 50, 5);
  EXPECT_EQ(handles.next_due_ms(), 40);
  EXPECT_EQ(handles.find(other, 5)->pop_time_ms, 50);
  EXPECT_THAT(ids(again(handles).due(99, 9, none)), ElementsAre(100, 200));
}

TEST(PopHandles, WhatIsPoppedAnewHasOneHandle) {
  PopHandles handles;
  handles.put(of, {.id = 100, .offset = 5, .pop_time_ms = 10, .invisible_ms = 30});
  handles.put(of, {.id = 300, .offset = 5, .pop_time_ms = 20, .invisible_ms = 30});
  EXPECT_EQ(handles.size(), 1u);
  EXPECT_EQ(handles.find(of, 5)->id, 300);
  EXPECT_FALSE(handles.contains(100));
  handles.end(100);
  handles.change(100, 1, 1);
  EXPECT_EQ(handles.next_due_ms(), 50);
}

TEST(PopHandles, GoWithTheirGroupAndTopic) {
  PopHandles handles;
  handles.put(of, {.id = 1, .offset = 5});
  handles.put({.group = "g", .queue = {"u", 1}}, {.id = 2, .offset = 5});
  handles.put(other, {.id = 3, .offset = 5});
  EXPECT_EQ(handles.size(of), 1u);
  handles.remove_topic("u");
  EXPECT_EQ(handles.size(), 2u);
  EXPECT_TRUE(handles.has_group("g"));
  EXPECT_FALSE(handles.has_group("f"));
  handles.remove_group("g");
  EXPECT_FALSE(handles.has_group("g"));
  EXPECT_TRUE(handles.has_group("h"));
  EXPECT_THAT(ids(handles.due(99, 9, none)), ElementsAre(3));
}

// Against a list that is looked through.
TEST(PopHandles, AreWhatASimpleListSays) {
  struct Simple {
    GroupQueue of;
    PopHandle handle;
  };
  base::Random random(11);
  std::vector<Simple> list;
  PopHandles handles;
  Position last = 0;
  const auto some_of = [&] {
    return GroupQueue{.group = random.chance(0.5) ? "g" : "h", .queue = {"t", static_cast<int>(random.below(2))}};
  };
  for (int i = 0; i < 3000; ++i) {
    const Position id = list.empty() ? 1 : list[random.below(list.size())].handle.id;
    const auto at = [&](Position wanted) { return std::ranges::find_if(list, [&](const Simple& one) { return one.handle.id == wanted; }); };
    switch (random.below(4)) {
      case 0:
      case 1: {
        const GroupQueue where = some_of();
        const PopHandle handle{.id = ++last,
                               .offset = static_cast<Offset>(random.below(50)),
                               .pop_time_ms = static_cast<std::int64_t>(random.below(100)),
                               .invisible_ms = static_cast<std::int64_t>(random.below(100))};
        std::erase_if(list, [&](const Simple& one) { return one.of == where && one.handle.offset == handle.offset; });
        list.push_back({where, handle});
        handles.put(where, handle);
        break;
      }
      case 2:
        std::erase_if(list, [&](const Simple& one) { return one.handle.id == id; });
        handles.end(id);
        break;
      default:
        if (const auto found = at(id); found != list.end()) {
          found->handle.pop_time_ms = 7;
          found->handle.invisible_ms = static_cast<std::int64_t>(random.below(100));
          handles.change(id, 7, found->handle.invisible_ms);
        }
    }
    if (i % 500 == 0) handles = again(handles);
    std::ranges::sort(list, {}, [](const Simple& one) { return std::pair(one.handle.due_ms(), one.handle.id); });
    ASSERT_EQ(handles.size(), list.size());
    const auto due = handles.due(1'000, list.size() + 1, none);
    ASSERT_EQ(due.size(), list.size());
    for (std::size_t k = 0; k < list.size(); ++k) {
      ASSERT_EQ(due[k].handle, list[k].handle);
      ASSERT_EQ(due[k].of, list[k].of);
    }
  }
}

TEST(PopHandles, TornOctetsAreRefused) {
  PopHandles handles;
  handles.put(of, {.id = 1, .offset = 5});
  std::string octets;
  base::Writer out(octets);
  handles.write(out);
  for (std::size_t n = 0; n < octets.size(); ++n) {
    base::Reader in(std::string_view(octets).substr(0, n));
    PopHandles read;
    EXPECT_FALSE(read.read(in)) << n;
  }
}

}  // namespace
}  // namespace chorus::mq
