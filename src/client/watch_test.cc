#include "client/watch.h"

#include <gtest/gtest.h>

namespace chorus::client {
namespace {

Watcher watcher() {
  return make_watcher([](const WatchEvent&) {});
}

TEST(WatchRegistry, TellsWhomAnEventIsFor) {
  const Watcher data = watcher(), exist = watcher(), child = watcher(), persistent = watcher(), recursive = watcher();
  const struct {
    EventType type;
    const char* path;
    std::vector<Watcher> first, second;  // the same event again finds only the persistent ones
  } cases[] = {
      {EventType::node_created, "/a", {data, exist, persistent, recursive}, {persistent, recursive}},
      {EventType::node_data_changed, "/a", {data, exist, persistent, recursive}, {persistent, recursive}},
      {EventType::node_deleted, "/a", {data, exist, child, persistent, recursive}, {persistent, recursive}},
      {EventType::node_children_changed, "/a", {child, persistent}, {persistent}},
      {EventType::node_data_changed, "/a/b", {recursive}, {recursive}},
      {EventType::node_data_changed, "/ab", {}, {}},
      {EventType::node_children_changed, "/a/b", {}, {}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(testing::Message() << static_cast<int>(c.type) << " " << c.path);
    WatchRegistry registry;
    registry.add(WatchKind::data, "/a", data);
    registry.add(WatchKind::exist, "/a", exist);
    registry.add(WatchKind::child, "/a", child);
    registry.add(WatchKind::persistent, "/a", persistent);
    registry.add(WatchKind::persistent_recursive, "/a", recursive);
    EXPECT_EQ(registry.take(c.type, c.path), c.first);
    EXPECT_EQ(registry.take(c.type, c.path), c.second);
  }
}

TEST(WatchRegistry, OneWatcherIsToldOnce) {
  const Watcher one = watcher();
  WatchRegistry registry;
  registry.add(WatchKind::data, "/a", one);
  registry.add(WatchKind::data, "/a", one);
  registry.add(WatchKind::child, "/a", one);
  registry.add(WatchKind::persistent_recursive, "/", one);
  EXPECT_EQ(registry.take(EventType::node_deleted, "/a"), std::vector{one});
  EXPECT_EQ(registry.take(EventType::node_created, "/x"), std::vector{one});
}

TEST(WatchRegistry, RemovesByKindAndWatcher) {
  const Watcher one = watcher(), two = watcher();
  WatchRegistry registry;
  registry.add(WatchKind::data, "/a", one);
  registry.add(WatchKind::data, "/a", two);
  registry.add(WatchKind::child, "/a", one);
  EXPECT_TRUE(registry.has_other("/a", WatcherType::data, one));
  EXPECT_FALSE(registry.has_other("/a", WatcherType::children, one));
  EXPECT_TRUE(registry.remove("/a", WatcherType::persistent, nullptr).empty());
  const auto removed = registry.remove("/a", WatcherType::any, one);
  ASSERT_EQ(removed.size(), 2u);
  EXPECT_EQ(removed[0].event.type, EventType::data_watch_removed);
  EXPECT_EQ(removed[1].event.type, EventType::child_watch_removed);
  EXPECT_TRUE(registry.has("/a", WatcherType::data, two));
  EXPECT_FALSE(registry.has("/a", WatcherType::any, one));
  EXPECT_EQ(registry.remove("/a", WatcherType::data, nullptr).size(), 1u);
  EXPECT_TRUE(registry.empty());
}

TEST(WatchRegistry, ArmsAgainInPiecesOfBoundedSize) {
  WatchRegistry registry;
  std::size_t count = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string path = "/" + std::string(100, 'x') + std::to_string(i);
    registry.add(i % 2 == 0 ? WatchKind::data : WatchKind::child, path, watcher());
    ++count;
  }
  const auto rearm = registry.rearm(5);
  EXPECT_EQ(rearm.op, jute::OpCode::set_watches);
  EXPECT_EQ(rearm.requests.size(), 3u);
  for (const auto& request : rearm.requests) {
    EXPECT_EQ(request.relative_zxid, 5);
    std::size_t octets = 0;
    for (const auto* list : {&request.data, &request.exist, &request.child}) {
      for (const auto path : *list) octets += path.size();
      count -= list->size();
    }
    EXPECT_LE(octets, 128u * 1024);
  }
  EXPECT_EQ(count, 0u);
  registry.add(WatchKind::persistent, "/p", watcher());
  EXPECT_EQ(registry.rearm(5).op, jute::OpCode::set_watches2);
  EXPECT_EQ(registry.clear().size(), 3001u);
  EXPECT_TRUE(registry.rearm(5).requests.empty());
}

}  // namespace
}  // namespace chorus::client
