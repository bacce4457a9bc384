#include "coord/storage.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include "coord/disk/testdata.h"
#include "world/sim/simulation.h"

namespace chorus::coord {
namespace {

using namespace std::chrono_literals;

class StorageTest : public testing::Test {
 protected:
  static void put(world::Files& files, const std::string& name) {
    auto file = files.open("/data/version-2/" + name.substr(name.find('/') + 1), world::OpenMode::create);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write_at(0, disk::testdata(name)));
    ASSERT_TRUE((*file)->sync());
  }
  void open(world::World& world, bool distributed = false, std::int64_t last_zxid = 0x100000266) {
    Options options;
    options.ensemble.standalone_enabled = !distributed;
    if (distributed) options.ensemble.members.members[1];
    options.data_dir = "/data";
    options.pre_alloc_size_kb = 64;
    Storage::Loaded loaded;
    auto opened = Storage::open(world, options, logger_, {}, loaded);
    ASSERT_TRUE(opened) << opened.error().message;
    storage_ = std::move(*opened);
    EXPECT_EQ(loaded.database->last_zxid, last_zxid);
  }
  /// How many transactions there are after `after`; empty when the log does not lead on from there.
  std::optional<std::size_t> history(std::int64_t after) {
    std::optional<std::optional<std::size_t>> out;
    storage_->read_history(after, 0x200000000, 64 << 20,
                           [&out](Storage::History history) { out.emplace(history ? std::optional(history->size()) : std::nullopt); });
    EXPECT_TRUE(simulation_.run_until([&out] { return out.has_value(); }, 10s));
    return *out;
  }

  spdlog::logger logger_{"server", std::make_shared<spdlog::sinks::null_sink_st>()};
  sim::Simulation simulation_{1};
  sim::Node& machine_ = simulation_.add_node("server");
  std::unique_ptr<Storage> storage_;
};

// A crash right after a snapshot came from another server leaves what was there before. A learner that is behind has to get all of it.
TEST_F(StorageTest, HistoryIsNotReadOverAGap) {
  machine_.set_boot([this](world::World& world) -> std::shared_ptr<void> {
    EXPECT_TRUE(world::make_durable_directories(world.files(), "/data/version-2"));
    for (const char* name : {"standalone/snapshot.0", "standalone/log.1", "snap/snapshot.100000264", "snap/log.100000265"})
      put(world.files(), name);
    open(world);
    return nullptr;
  });
  machine_.start();
  ASSERT_NE(storage_, nullptr);
  EXPECT_EQ(history(0x40), std::nullopt);
  EXPECT_EQ(history(0x100000265), 1U);
  storage_.reset();
}

// The same crash, and the log was removed already: nothing that is logged later goes on from the older snapshot.
TEST_F(StorageTest, AnOlderSnapshotGoesWhereNoLogLeadsOnFromIt) {
  machine_.set_boot([this](world::World& world) -> std::shared_ptr<void> {
    EXPECT_TRUE(world::make_durable_directories(world.files(), "/data/version-2"));
    for (const char* name : {"standalone/snapshot.0", "snap/snapshot.100000264"}) put(world.files(), name);
    open(world, true, 0x100000264);
    EXPECT_FALSE(world.files().exists("/data/version-2/snapshot.0"));
    EXPECT_TRUE(world.files().exists("/data/version-2/snapshot.100000264"));
    storage_.reset();
    return nullptr;
  });
  machine_.start();
}

}  // namespace
}  // namespace chorus::coord
