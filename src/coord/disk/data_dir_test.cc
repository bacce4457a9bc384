#include "coord/disk/data_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coord/disk/testdata.h"
#include "jute/txns.h"
#include "store/memory_files.h"

namespace chorus::coord::disk {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Counter final : SnapshotSink {
  int begun = 0;
  std::size_t sessions = 0;
  std::vector<std::string> paths;
  void begin() override {
    ++begun;
    sessions = 0;
    paths.clear();
  }
  void session(const SnapshotSession&) override { ++sessions; }
  void acl(const SnapshotAcl&) override {}
  std::string node(const SnapshotNode& node) override {
    paths.emplace_back(node.path);
    return "";
  }
};

struct DataDir : testing::Test {
  store::MemoryFiles files;
  RecoverOptions options{.data_dir = "d"};
  Counter tree;
  std::vector<std::int64_t> replayed;

  RecoverResult<Recovered> recover_all() {
    replayed.clear();
    return recover(files, options, tree, [this](std::int64_t zxid, std::string_view) {
      replayed.push_back(zxid);
      return std::string();
    });
  }
  std::string refusal() {
    auto done = recover_all();
    return done ? "recovered" : done.error().message;
  }
  void put(const std::string& name) { files.put("d/version-2/" + name.substr(name.find('/') + 1), testdata(name)); }
};

TEST_F(DataDir, NewDirectoryIsEmpty) {
  auto recovered = recover_all();
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_FALSE(recovered->snapshot_zxid);
  EXPECT_EQ(recovered->last_zxid, 0);
  EXPECT_THAT(recovered->warnings, IsEmpty());
  EXPECT_TRUE(recovered->log->empty());
}

TEST_F(DataDir, TakesOverFromZooKeeper) {
  put("standalone/snapshot.0");
  put("standalone/log.1");
  auto recovered = recover_all();
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->snapshot_zxid, 0);
  EXPECT_EQ(recovered->last_zxid, 0x46);
  EXPECT_EQ(recovered->replayed, 0x46U);
  EXPECT_EQ(replayed.front(), 1);

  put("standalone/snapshot.46");
  recovered = recover_all();
  EXPECT_EQ(recovered->snapshot_zxid, 0x46);
  EXPECT_EQ(recovered->last_zxid, 0x46);
  EXPECT_THAT(replayed, IsEmpty());
  EXPECT_EQ(tree.paths.size(), 19U);
  EXPECT_EQ(tree.sessions, 2U);
}

TEST_F(DataDir, TakesOverMembersOfAnEnsemble) {
  const struct {
    const char* folder;
    std::vector<const char*> names;
    std::int64_t last;
  } cases[] = {{"traffic", {"snapshot.0", "log.100000001"}, 0x100000010},
               {"snap", {"snapshot.0", "snapshot.100000264", "log.100000265"}, 0x100000266},
               {"trunc", {"snapshot.0", "snapshot.100000004", "log.100000001"}, 0x100000004},
               {"reconfig", {"snapshot.0", "log.100000001"}, 0x100000004}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.folder);
    files = store::MemoryFiles();
    for (const char* name : c.names) put(std::string(c.folder) + "/" + name);
    auto recovered = recover_all();
    ASSERT_TRUE(recovered) << recovered.error().message;
    EXPECT_THAT(recovered->warnings, IsEmpty());
    EXPECT_EQ(recovered->last_zxid, c.last);
    files.put("d/version-2/currentEpoch", testdata(std::string(c.folder) + "/currentEpoch"));
    files.put("d/myid", testdata(std::string(c.folder) + "/myid"));
    EXPECT_THAT(*read_epoch(files, "d/version-2/currentEpoch"), testing::Optional(testing::Ge(1)));
    EXPECT_THAT(*read_my_id(files, "d"), testing::Optional(testing::AllOf(testing::Ge(1), testing::Le(4))));
  }
}

TEST_F(DataDir, PassesOverInvalidSnapshots) {
  put("standalone/snapshot.0");
  put("standalone/log.1");
  std::string damaged = testdata("standalone/snapshot.46");
  damaged[600] ^= 1;
  files.put("d/version-2/snapshot.46", damaged);
  files.put("d/version-2/snapshot.47", damaged.substr(0, 1000));
  files.put("d/version-2/writing.snapshot.48", "half");
  auto recovered = recover_all();
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->snapshot_zxid, 0);
  EXPECT_EQ(recovered->last_zxid, 0x46);
  ASSERT_EQ(recovered->warnings.size(), 3U);
  EXPECT_THAT(recovered->warnings[0], HasSubstr("removed d/version-2/writing.snapshot.48"));
  EXPECT_THAT(recovered->warnings[1], HasSubstr("snapshot.47 was passed over: it was never finished"));
  EXPECT_THAT(recovered->warnings[2], HasSubstr("snapshot.46 was passed over: d/version-2/snapshot.46 is not a sound snapshot, at offset"));
  EXPECT_EQ(tree.begun, 2);
  EXPECT_EQ(tree.paths.size(), 4U) << "nothing of the damaged one is left";

  files.nodes.erase("d/version-2/snapshot.0");
  EXPECT_THAT(refusal(), HasSubstr("none of the 1 snapshots in d/version-2 is sound"));
  EXPECT_EQ(recover_all().error().code, RecoverErrc::refused);
}

// As a member that was sent a snapshot has nothing else. Found by ensemble_sim --seed=320.
TEST_F(DataDir, RefusesToBeginAnewWhereASnapshotIsCutShort) {
  files.put("d/version-2/snapshot.900000012", "ZKSN");
  EXPECT_THAT(refusal(), HasSubstr("snapshot.900000012 is cut short"));
}

// ZooKeeper writes its first one like the others.
TEST_F(DataDir, BeginsAnewWhereTheFirstSnapshotIsCutShort) {
  files.put("d/version-2/snapshot.0", "ZKSN");
  EXPECT_EQ(refusal(), "recovered");
}

TEST_F(DataDir, RefusesALogWithoutSnapshot) {
  put("standalone/log.1");
  EXPECT_THAT(refusal(), HasSubstr("No snapshot found, but there are log entries in d/version-2. Something is broken!"));
  options.trust_empty = true;
  EXPECT_EQ(refusal(), "recovered");
  EXPECT_EQ(replayed.size(), 0x46U);
}

// What was there before a snapshot came from another server, when the snapshot is damaged. Found by ensemble_sim --seed=4685.
TEST_F(DataDir, RefusesALogThatGoesOnInTheMiddleOfALaterEpoch) {
  put("standalone/snapshot.46");
  put("snap/log.100000265");
  EXPECT_THAT(refusal(), HasSubstr("transactions 0x47 to 0x100000264 are missing"));
  put("snap/snapshot.100000264");
  EXPECT_EQ(refusal(), "recovered");
}

TEST_F(DataDir, RefusesAGap) {
  put("standalone/snapshot.0");
  files.put("d/version-2/log.5", testdata("standalone/log.1").substr(0, 16) + testdata("standalone/log.1").substr(398));
  EXPECT_THAT(refusal(), HasSubstr("transactions 0x1 to 0x4 are missing: d/version-2/log.5 goes on with 0x5 at offset 16"));
}

TEST_F(DataDir, NamesTheTransactionThatCannotBeApplied) {
  put("standalone/snapshot.0");
  put("standalone/log.1");
  auto done = recover(files, options, tree, [](std::int64_t zxid, std::string_view) { return zxid == 2 ? "unknown type 99" : ""; });
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("the transaction at offset 77 of d/version-2/log.1 cannot be applied: unknown type 99"));
}

TEST_F(DataDir, KeepsLogsAndSnapshotsApart) {
  options.data_log_dir = "l";
  put("standalone/snapshot.0");
  files.put("l/version-2/log.1", testdata("standalone/log.1"));
  EXPECT_EQ(refusal(), "recovered");
  put("standalone/log.1");
  EXPECT_THAT(refusal(), HasSubstr("d/version-2/log.1 does not belong there"));
  files.nodes.erase("d/version-2/log.1");
  files.put("l/version-2/snapshot.3.gz", "x");
  EXPECT_THAT(refusal(), HasSubstr("l/version-2/snapshot.3.gz does not belong there"));
}

TEST_F(DataDir, Purges) {
  const std::string good = testdata("standalone/snapshot.0");
  for (const char* name : {"snapshot.1", "snapshot.5", "snapshot.a.gz", "snapshot.10", "snapshot.20"})
    files.put(std::string("d/version-2/") + name, good);
  files.put("d/version-2/snapshot.30", "unfinished");
  auto purged = purge_snapshots(files, "d/version-2", 3);
  ASSERT_TRUE(purged);
  EXPECT_EQ(purged->oldest_kept, 10);
  EXPECT_THAT(purged->removed, ElementsAre("d/version-2/snapshot.5", "d/version-2/snapshot.1"));
  purged = purge_snapshots(files, "d/version-2", 5);
  EXPECT_THAT(purged->removed, IsEmpty());
  EXPECT_FALSE(purged->oldest_kept) << "logs are kept as long as there are fewer snapshots than wanted";
}

TEST_F(DataDir, SmallFiles) {
  EXPECT_EQ(*read_epoch(files, "d/version-2/acceptedEpoch"), std::nullopt);
  ASSERT_TRUE(write_epoch(files, "d/version-2/acceptedEpoch", 42));
  EXPECT_EQ(files.nodes.at("d/version-2/acceptedEpoch")->synced, "42") << "without a line end, as ZooKeeper writes it";
  EXPECT_EQ(*read_epoch(files, "d/version-2/acceptedEpoch"), 42);
  files.put("d/myid", "3\n");
  EXPECT_EQ(*read_my_id(files, "d"), 3);
  files.put("d/myid", "three\n");
  EXPECT_THAT(read_my_id(files, "d").error().message, HasSubstr("d/myid does not hold the server's number"));
  EXPECT_EQ(*take_initialize_marker(files, "d"), false);
  files.put("d/initialize", "");
  EXPECT_EQ(*take_initialize_marker(files, "d"), true);
  EXPECT_EQ(*take_initialize_marker(files, "d"), false);
}

}  // namespace
}  // namespace chorus::coord::disk
