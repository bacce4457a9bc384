// A watched part of the tree against our server in simulated machines: what is told adds up to what is there, under faults.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <map>

#include "client/tree_watch.h"
#include "tree_server.h"
#include "world/sim/simulation.h"

namespace chorus {
namespace {

using namespace std::chrono_literals;
using Copy = std::map<std::string, std::string>;

struct Watching {
  Copy copy;
  bool loaded = false;
  int told_twice = 0;
  client::TreeWatch watch;

  Watching(world::World& world, const std::string& server)
      : watch(world, options_for(server), {"/a", "/b/c"},
              {.changed =
                   [this](const std::string& path, const std::string* data) {
                     const auto before = copy.find(path);
                     if (data ? before != copy.end() && before->second == *data : before == copy.end()) ++told_twice;
                     if (data) {
                       copy[path] = *data;
                     } else {
                       copy.erase(path);
                     }
                   },
               .loaded = [this] { loaded = true; },
               .trouble = [](const std::string&) {}}) {
    watch.start();
  }
};

struct TreeWatchSim : testing::TestWithParam<int> {
  TreeWatchSim() : simulation(static_cast<std::uint64_t>(GetParam())), log("null", std::make_shared<spdlog::sinks::null_sink_st>()) {
    server = &add_tree_server(simulation, log);
    watcher = &simulation.add_node("watcher");
    watcher->set_boot([this](world::World& world) -> std::shared_ptr<void> {
      auto made = std::make_shared<Watching>(world, server->address());
      watching = made.get();
      return made;
    });
    auto& writing = simulation.add_node("writer");
    writing.set_boot([](world::World&) { return std::make_shared<int>(0); });
    writing.start();
    writer = std::make_unique<client::Client>(writing.world(), options_for(server->address()));
    writer->start();
  }
  ~TreeWatchSim() override { writer.reset(); }

  bool until(const std::function<bool()>& done) { return simulation.run_until(done, 120s); }
  void write(const std::string& path, std::optional<std::string> value) {
    int left = 1;
    if (value) {
      left = 2;
      writer->create(path, *value, {}, [&](client::Result<client::Created>) { --left; });
      writer->set(path, *value, -1, [&](client::Result<client::Stat>) { --left; });
    } else {
      writer->remove(path, -1, [&](client::Result<void>) { --left; });
    }
    ASSERT_TRUE(until([&] { return left == 0; }));
  }
  /// What there is, read by another session.
  Copy tree(const std::string& path) {
    Copy all;
    std::optional<client::Result<client::Data>> data;
    writer->get(path, [&](client::Result<client::Data> got) { data = std::move(got); });
    EXPECT_TRUE(until([&] { return data.has_value(); }));
    if (!data || !*data) return all;
    all[path] = (*data)->data;
    std::optional<client::Result<client::Children>> children;
    writer->children(path, [&](client::Result<client::Children> got) { children = std::move(got); });
    EXPECT_TRUE(until([&] { return children.has_value(); }));
    for (const std::string& name : (*children)->names) all.merge(tree(path + "/" + name));
    return all;
  }
  Copy watched_parts() {
    Copy all = tree("/a");
    all.merge(tree("/b/c"));
    return all;
  }

  sim::Simulation simulation;
  spdlog::logger log;
  sim::Node* server = nullptr;
  sim::Node* watcher = nullptr;
  Watching* watching = nullptr;
  std::unique_ptr<client::Client> writer;
};

TEST_P(TreeWatchSim, WhatIsToldAddsUpToWhatIsThere) {
  auto& random = simulation.random();
  const std::vector<std::string> paths{"/a", "/a/1", "/a/1/x", "/a/1/y", "/a/2", "/b", "/b/c", "/b/c/z", "/b/d", "/other"};
  write("/a", "before it is watched");
  watcher->start();
  for (int step = 0; step < 300; ++step) {
    switch (random.below(40)) {
      case 0:
        server->crash();
        simulation.run_for(std::chrono::milliseconds(random.below(3000)));
        server->start();
        break;
      case 1:
        simulation.network().partition({watcher}, {server});
        break;
      case 2:
        simulation.network().break_connections(*watcher, *server);
        break;
      case 3:  // beyond the session
        simulation.network().partition({watcher}, {server});
        simulation.run_for(20s);
        break;
      default:
        break;
    }
    const std::string& path = paths[random.below(paths.size())];
    write(path, random.below(3) == 0 ? std::nullopt : std::optional(fmt::format("{}", step)));
    if (random.below(4) == 0) simulation.network().heal();
    if (random.below(3) == 0) simulation.run_for(std::chrono::milliseconds(random.below(500)));
  }
  simulation.network().heal();
  const Copy there = watched_parts();
  EXPECT_TRUE(until([&] { return watching->loaded && watching->copy == there; })) << "seed " << GetParam();
  EXPECT_EQ(watching->copy, there);
  EXPECT_FALSE(watching->copy.contains("/b/d"));
  EXPECT_FALSE(watching->copy.contains("/other"));
}

TEST_P(TreeWatchSim, ManyNodesAreRead) {
  for (const char* path : {"/a", "/b", "/b/c"}) write(path, "");
  int left = 0;
  for (int i = 0; i < 1000; ++i) {
    ++left;
    writer->create(fmt::format("/a/{}", i), "x", {}, [&](client::Result<client::Created> made) { left -= made.has_value(); });
  }
  ASSERT_TRUE(until([&] { return left == 0; }));
  watcher->start();
  ASSERT_TRUE(until([&] { return watching->loaded; }));
  EXPECT_EQ(watching->copy.size(), 1002u);
  EXPECT_EQ(watching->told_twice, 0);
}

TEST_P(TreeWatchSim, NothingIsToldOnceItIsClosed) {
  watcher->start();
  ASSERT_TRUE(until([&] { return watching->loaded; }));
  bool closed = false;
  watching->watch.close([&] { closed = true; });
  ASSERT_TRUE(until([&] { return closed; }));
  write("/a", "later");
  simulation.run_for(5s);
  EXPECT_TRUE(watching->copy.empty());
}

/// Asks for something in the very turn in which a new session takes the place of one that has expired.
struct Asking {
  explicit Asking(world::World& world, const std::string& server)
      : world(world),
        watch(world, options_for(server), {"/a"},
              {.changed = [](const std::string&, const std::string*) {},
               .loaded = [this] { loaded = true; },
               .trouble = [this](const std::string&) { ask(); }}) {
    watch.start();
  }
  void ask() {
    for (const auto delay : {0ms, 200ms, 200ms, 201ms}) {
      ++asked;
      world.after(delay, [this] { watch.client().get("/a", [this](client::Result<client::Data>) { ++answered; }); });
    }
  }
  world::World& world;
  bool loaded = false;
  int asked = 0, answered = 0;
  client::TreeWatch watch;
};

TEST_P(TreeWatchSim, WhatIsAskedBetweenTwoSessionsIsAnswered) {
  auto& machine = simulation.add_node("asking");
  Asking* asking = nullptr;
  machine.set_boot([&](world::World& world) -> std::shared_ptr<void> {
    auto made = std::make_shared<Asking>(world, server->address());
    asking = made.get();
    return made;
  });
  machine.start();
  ASSERT_TRUE(until([&] { return asking->loaded; }));
  simulation.network().partition({&machine}, {server});
  simulation.run_for(20s);
  simulation.network().heal();
  ASSERT_TRUE(until([&] { return asking->asked > 0; }));
  EXPECT_TRUE(until([&] { return asking->answered == asking->asked; })) << asking->answered << " of " << asking->asked;
}

INSTANTIATE_TEST_SUITE_P(Seeds, TreeWatchSim, testing::Range(1, 11));

TEST(PathPart, SaysAnyName) {
  for (const std::string& name : std::vector<std::string>{"plain", ".", "..", "a/b", "%2F", "ü", std::string("\0x", 2), ""}) {
    EXPECT_EQ(client::name_of_part(client::path_part(name)), name);
  }
  EXPECT_EQ(client::path_part("."), "%2E");
  EXPECT_EQ(client::path_part("a.b/c"), "a.b%2Fc");
  for (const std::string_view bad : {"%", "%2", "%zz"}) EXPECT_FALSE(client::name_of_part(bad)) << bad;
}

}  // namespace
}  // namespace chorus
