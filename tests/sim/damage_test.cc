#include "damage.h"

#include <gmock/gmock.h>

#include <set>

namespace chorus::coord_sim {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class DamageTest : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& octets) {
    const auto inode = disk.open(path, world::OpenMode::create);
    ASSERT_TRUE(inode.has_value());
    ASSERT_TRUE(disk.write(**inode, 0, octets).has_value());
    disk.sync(**inode);
  }
  DamageTest() {
    EXPECT_TRUE(disk.make_directories("/data/version-2").has_value());
    EXPECT_TRUE(disk.make_directories("/conf").has_value());
    put("/data/version-2/log.1", whole);
    put("/data/version-2/log.a", whole);
    put("/data/version-2/snapshot.0", whole);
    put("/data/version-2/currentEpoch", "1");
    put("/conf/ensemble.dynamic.1", "server.1=");
    for (const char* directory : {"/", "/data", "/data/version-2"}) EXPECT_TRUE(disk.sync_directory(directory).has_value());
    EXPECT_TRUE(disk.sync_directory("/conf").has_value());
  }
  /// Names of files that are not what they were, each also after a power failure.
  std::set<std::string> harmed() {
    std::set<std::string> names;
    for (const char* name : {"log.1", "log.a", "snapshot.0"}) {
      const std::string path = std::string("/data/version-2/") + name;
      if (disk.contents(path) != whole) names.insert(name);
      EXPECT_TRUE(disk.contents(path) == disk.synced_contents(path)) << path;
    }
    EXPECT_EQ(disk.contents("/data/version-2/currentEpoch"), "1");
    return names;
  }

  const std::string whole = std::string(3000, 'x') + std::string(2000, '\0');
  sim::Disk disk{{}, base::Random(1)};
  const std::vector<std::string> directories{"/data"};
};

TEST_F(DamageTest, OneBitOfALogOrSnapshotIsFlipped) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    base::Random dice(seed);
    const std::string words = flip_a_bit(disk, directories, dice);
    EXPECT_THAT(words, StartsWith("flipped bit"));
    const auto names = harmed();
    ASSERT_EQ(names.size(), 1U) << words;
    EXPECT_THAT(words, HasSubstr(*names.begin()));
    base::Random again(seed);
    flip_a_bit(disk, directories, again);
    EXPECT_THAT(harmed(), IsEmpty());
  }
}

TEST_F(DamageTest, TheNewestLogIsNotTorn) {
  std::set<std::string> torn;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    base::Random dice(seed);
    EXPECT_FALSE(tear_a_file(disk, directories, dice).empty());
    torn.merge(harmed());
  }
  EXPECT_THAT(torn, testing::ElementsAre("log.1", "snapshot.0"));
}

TEST_F(DamageTest, NothingIsLeftOfAnEmptiedDisk) {
  empty_disk(disk, directories);
  EXPECT_THAT(disk.all_files(), testing::ElementsAre("/conf/ensemble.dynamic.1"));
  disk.lose_power();
  EXPECT_THAT(disk.all_files(), testing::ElementsAre("/conf/ensemble.dynamic.1"));
  base::Random dice(1);
  EXPECT_EQ(flip_a_bit(disk, directories, dice), "");
  EXPECT_EQ(tear_a_file(disk, directories, dice), "");
}

}  // namespace
}  // namespace chorus::coord_sim
