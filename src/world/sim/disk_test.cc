#include "world/sim/disk.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "world/sim/simulation.h"

namespace chorus::sim {
namespace {

using world::FileErrc;
using world::OpenMode;

struct Machine {
  explicit Machine(std::uint64_t seed, PowerLoss power_loss = PowerLoss::random, const DiskOptions& disk = {})
      : simulation(seed, {.network = {}, .disk = disk}) {
    node.disk().power_loss = power_loss;
    node.start();
    EXPECT_TRUE(files().make_directories("/d").has_value());
    EXPECT_TRUE(files().sync_directory("/").has_value());
  }
  world::Files& files() { return node.world().files(); }
  std::unique_ptr<world::File> open(const std::string& path, OpenMode mode = OpenMode::create) {
    auto file = files().open(path, mode);
    EXPECT_TRUE(file.has_value()) << file.error().message;
    return std::move(*file);
  }
  /// A file whose name and contents are on the medium.
  std::unique_ptr<world::File> synced(const std::string& path, const std::string& octets) {
    auto file = open(path);
    EXPECT_TRUE(file->write_at(0, octets).has_value());
    EXPECT_TRUE(file->sync().has_value());
    EXPECT_TRUE(files().sync_directory("/d").has_value());
    return file;
  }
  void crash() {
    node.crash();
    node.start();
  }
  std::optional<std::string> contents(const std::string& path) { return node.disk().contents(path); }

  Simulation simulation;
  Node& node = simulation.add_node("machine");
};

TEST(SimDisk, SyncedOctetsSurviveEveryCrash) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Machine m(seed);
    std::string want;
    auto file = m.synced("/d/f", "");
    base::Random random(seed);
    for (int i = 0; i < 20; ++i) {
      const std::string piece(random.below(3000), static_cast<char>('a' + i));
      ASSERT_TRUE(file->write_at(want.size(), piece).has_value());
      ASSERT_TRUE(file->sync().has_value());
      want += piece;
      EXPECT_EQ(m.node.disk().synced_contents("/d/f"), want);
    }
    ASSERT_TRUE(file->write_at(want.size(), std::string(5000, '!')).has_value());
    m.crash();
    const auto kept = m.contents("/d/f");
    ASSERT_TRUE(kept.has_value());
    ASSERT_GE(kept->size(), want.size());
    EXPECT_EQ(kept->substr(0, want.size()), want) << "sectors that hold both are written with the synced octets in them";
  }
}

TEST(SimDisk, UnsyncedOctetsAreLostKeptOrTorn) {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Machine m(seed);
    const std::string before(3 * block_size, 'o');
    auto file = m.synced("/d/f", before);
    ASSERT_TRUE(file->write_at(0, std::string(3 * block_size, 'n')).has_value());
    m.crash();
    const std::string after = *m.contents("/d/f");
    ASSERT_EQ(after.size(), before.size());
    std::set<char> kinds;
    for (std::size_t sector = 0; sector < after.size(); sector += sector_size) {
      const std::string one = after.substr(sector, sector_size);
      ASSERT_TRUE(one == std::string(sector_size, 'o') || one == std::string(sector_size, 'n')) << "sectors are written whole";
      kinds.insert(one[0]);
    }
    ++seen[std::string(kinds.begin(), kinds.end())];
  }
  EXPECT_GT(seen["o"], 50);
  EXPECT_GT(seen["n"], 50);
  EXPECT_GT(seen["no"], 50);
}

TEST(SimDisk, SizeIsLostKeptOrBetween) {
  std::set<std::size_t> sizes;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Machine m(seed);
    auto file = m.synced("/d/f", "start");
    ASSERT_TRUE(file->write_at(5, std::string(20'000, 'x')).has_value());
    m.crash();
    const std::string after = *m.contents("/d/f");
    ASSERT_EQ(after.substr(0, 5), "start");
    ASSERT_LE(after.size(), 20'005U);
    for (const char c : after.substr(5)) ASSERT_TRUE(c == 'x' || c == '\0');
    sizes.insert(after.size());
  }
  EXPECT_TRUE(sizes.contains(5));
  EXPECT_TRUE(sizes.contains(20'005));
  EXPECT_GT(sizes.size(), 20U);
}

TEST(SimDisk, TruncationIsDurableAfterSync) {
  std::set<std::size_t> sizes;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Machine m(seed);
    const std::string octets(10'000, 'x');
    auto file = m.synced("/d/f", octets);
    ASSERT_TRUE(file->truncate(100).has_value());
    EXPECT_EQ(m.contents("/d/f"), octets.substr(0, 100));
    EXPECT_EQ(m.node.disk().synced_contents("/d/f"), octets);
    if (seed % 2 == 0) {
      ASSERT_TRUE(file->sync().has_value());
      ASSERT_TRUE(file->allocate(8000).has_value());
      EXPECT_EQ(m.contents("/d/f"), octets.substr(0, 100) + std::string(7900, '\0'));
    }
    m.crash();
    const std::string after = *m.contents("/d/f");
    EXPECT_EQ(after.substr(0, 100), octets.substr(0, 100));
    if (seed % 2 == 0) {
      for (const char c : after.substr(100)) ASSERT_EQ(c, '\0');
    } else {
      sizes.insert(after.size());
    }
  }
  EXPECT_EQ(sizes, (std::set<std::size_t>{100, 10'000}));
}

TEST(SimDisk, NamesNeedTheirDirectorySynced) {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Machine m(seed);
    m.synced("/d/old", "old");
    m.synced("/d/gone", "gone");
    auto fresh = m.open("/d/new");
    ASSERT_TRUE(fresh->write_at(0, "new").has_value());
    ASSERT_TRUE(fresh->sync().has_value());
    ASSERT_TRUE(m.files().rename("/d/old", "/d/renamed").has_value());
    ASSERT_TRUE(m.files().remove("/d/gone").has_value());
    m.crash();
    EXPECT_EQ(m.files().exists("/d/old"), !m.files().exists("/d/renamed")) << "renaming is atomic";
    if (m.files().exists("/d/new")) {
      EXPECT_EQ(m.contents("/d/new"), "new");
    }
    std::string names;
    for (const auto& entry : *m.files().list("/d")) names += entry.name + " ";
    ++seen[names];
  }
  EXPECT_GT(seen["gone old "], 50) << "nothing of it";
  EXPECT_GT(seen["new renamed "], 50) << "all of it";
  EXPECT_GT(seen["gone new renamed "], 10);
  EXPECT_GT(seen["old "], 0) << "any of it";
}

TEST(SimDisk, WriteFileIsAtomic) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Machine m(seed);
    ASSERT_TRUE(world::write_file(m.files(), "/d/f", std::string(5000, 'a')).has_value());
    m.node.crash_after_file_operations(1 + seed % 8);
    const bool done = world::write_file(m.files(), "/d/f", std::string(7000, 'b')).has_value();
    m.crash();
    const auto after = m.contents("/d/f");
    ASSERT_TRUE(after.has_value());
    if (done) EXPECT_EQ(*after, std::string(7000, 'b'));
    EXPECT_TRUE(*after == std::string(7000, 'b') || *after == std::string(5000, 'a')) << seed;
  }
}

TEST(SimDisk, CrashBetweenTwoOperationsOfAJob) {
  for (std::uint64_t at = 1; at <= 6; ++at) {
    Machine m(at, PowerLoss::keep);
    bool done = false;
    int through = 0;
    m.node.crash_after_file_operations(at);
    m.node.world().run_on_disk(
        [&files = m.files(), &through] {
          auto file = files.open("/d/f", OpenMode::create);
          if (!file) return;
          for (const char* octets : {"1", "2", "3", "4"}) {
            if (!(*file)->write_at(static_cast<std::uint64_t>(through), octets)) return;
            ++through;
          }
        },
        [&] { done = true; });
    m.simulation.run_for(1s);
    EXPECT_EQ(done, at == 6) << "five operations, so the sixth is not of this job";
    EXPECT_EQ(m.node.running(), at == 6);
    EXPECT_EQ(through, at == 1 ? 0 : static_cast<int>(at) - 2);
    EXPECT_EQ(m.contents("/d/f").has_value(), at > 1);
    if (at > 1) EXPECT_EQ(m.contents("/d/f")->size(), at - 2) << "what comes after the crash point has no effect";
  }
}

TEST(SimDisk, FailedSyncLosesForGood) {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Machine m(seed, PowerLoss::lose);
    auto file = m.synced("/d/f", std::string(8192, 'o'));
    ASSERT_TRUE(file->write_at(0, std::string(8192, 'n')).has_value());
    m.node.disk().options.sync_error = 1;
    EXPECT_EQ(file->sync().error().code, FileErrc::io);
    m.node.disk().options.sync_error = 0;
    EXPECT_TRUE(file->sync().has_value()) << "and says so only once";
    m.crash();
    const std::string after = *m.contents("/d/f");
    EXPECT_EQ(after.size(), 8192U);
    lost += after.find('o') != std::string::npos;
  }
  EXPECT_GT(lost, 100);
  EXPECT_LT(lost, 200);
}

TEST(SimDisk, OperationsFailByChance) {
  Machine m(1);
  auto file = m.synced("/d/f", "octets");
  char to[6];
  m.node.disk().options.read_error = 1;
  EXPECT_EQ(file->read_at(0, to, 6).error().code, FileErrc::io);
  EXPECT_EQ(m.files().open("/d/f", OpenMode::read).error().code, FileErrc::io);
  m.node.disk().options.read_error = 0;
  m.node.disk().options.write_error = 1;
  EXPECT_EQ(file->write_at(0, "OCTETS").error().code, FileErrc::io);
  EXPECT_EQ(m.files().open("/d/g", OpenMode::create).error().code, FileErrc::io);
  m.node.disk().options.write_error = 0;
  EXPECT_EQ(m.node.disk_counts().faults, 4U);
  m.node.fail_disk(true);
  EXPECT_EQ(file->sync().error().code, FileErrc::io);
  m.node.fail_disk(false);
  EXPECT_TRUE(file->sync().has_value());
}

TEST(SimDisk, FullDiskIsCounted) {
  Machine m(1, PowerLoss::keep, {.capacity = 10 * block_size});
  auto one = m.open("/d/one");
  ASSERT_TRUE(one->allocate(6 * block_size).has_value());
  EXPECT_EQ(m.files().free_space("/d").value(), 4 * block_size);
  auto two = m.open("/d/two");
  ASSERT_TRUE(two->write_at(0, std::string(4 * block_size, 'x')).has_value());
  EXPECT_EQ(two->write_at(4 * block_size, "x").error().code, FileErrc::no_space);
  EXPECT_EQ(one->allocate(7 * block_size).error().code, FileErrc::no_space);
  EXPECT_TRUE(one->write_at(0, std::string(6 * block_size, 'y')).has_value()) << "that space is its own";
  ASSERT_TRUE(two->truncate(block_size).has_value());
  EXPECT_EQ(m.files().free_space("/d").value(), 3 * block_size);
  ASSERT_TRUE(m.files().remove("/d/one").has_value());
  EXPECT_EQ(m.files().free_space("/d").value(), 9 * block_size);
  m.crash();
  EXPECT_EQ(m.files().free_space("/d").value(), 9 * block_size);
}

TEST(SimDisk, BitsFlipOnDemand) {
  Machine m(1);
  m.synced("/d/f", "abc");
  EXPECT_TRUE(m.node.disk().flip_bit("/d/f", 1, 0));
  EXPECT_EQ(m.contents("/d/f"), "acc");
  EXPECT_FALSE(m.node.disk().flip_bit("/d/f", 3, 0));
  m.crash();
  EXPECT_EQ(m.contents("/d/f"), "acc");
}

TEST(SimDisk, SlowOperationsHoldTheDiskThreadUp) {
  Machine m(1);
  auto file = m.synced("/d/f", "");
  m.node.disk().options.sync_min = m.node.disk().options.sync_max = 30ms;
  std::vector<Duration> done;
  const Duration start = m.simulation.elapsed();
  for (int i = 0; i < 3; ++i) {
    m.node.world().run_on_disk([&] { (void)file->sync(); }, [&] { done.push_back(m.simulation.elapsed() - start); });
  }
  std::optional<Duration> background;
  m.node.world().run_in_background([] {}, [&] { background = m.simulation.elapsed() - start; });
  m.simulation.run_for(1s);
  ASSERT_EQ(done.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_GE(done[i], 30ms * (i + 1));
    EXPECT_LT(done[i], 31ms * (i + 1));
  }
  EXPECT_LT(*background, 1ms) << "another thread";
}

}  // namespace
}  // namespace chorus::sim
