#include "coord/disk/snapshot.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/random.h"
#include "coord/disk/testdata.h"
#include "store/memory_files.h"

namespace chorus::coord::disk {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* golden[] = {"standalone/snapshot.0",   "standalone/snapshot.46",   "traffic/snapshot.0", "snap/snapshot.0",
                                  "snap/snapshot.100000264", "trunc/snapshot.100000004", "trunc/snapshot.0",   "reconfig/snapshot.0"};

std::string hex_id(std::int64_t id) { return fmt::format("0x{:x}", static_cast<std::uint64_t>(id)); }

/// Describes a snapshot as the .json beside the golden files do, and keeps the records as octets to be written again.
struct Recorder final : SnapshotSink {
  json all;
  std::string sessions, acls, nodes;
  std::optional<SnapshotDigest> tree_digest;
  std::optional<std::int64_t> zxid;

  void begin() override { *this = Recorder{}; }
  void session(const SnapshotSession& session) override {
    all["sessions"].push_back({{"sessionId", hex_id(session.id)}, {"timeOut", session.timeout_ms}});
    jute::encode(session, sessions);
  }
  void acl(const SnapshotAcl& acl) override {
    json list = json::array();
    for (const jute::Acl& entry : acl.acl)
      list.push_back({{"perms", entry.perms}, {"id", {{"scheme", entry.id.scheme}, {"id", entry.id.id}}}});
    all["acls"].push_back({{"index", acl.id}, {"acl", list}});
    jute::encode(acl, acls);
  }
  std::string node(const SnapshotNode& node) override {
    const jute::StatPersisted& stat = node.stat;
    all["nodes"].push_back({{"path", node.path},
                            {"data", node.data ? json(*node.data) : json()},
                            {"acl", node.acl_id},
                            {"stat",
                             {{"czxid", hex_id(stat.czxid)},
                              {"mzxid", hex_id(stat.mzxid)},
                              {"ctime", stat.ctime},
                              {"mtime", stat.mtime},
                              {"version", stat.version},
                              {"cversion", stat.cversion},
                              {"aversion", stat.aversion},
                              {"ephemeralOwner", hex_id(stat.ephemeral_owner)},
                              {"pzxid", hex_id(stat.pzxid)}}}});
    jute::encode(node, nodes);
    return "";
  }
  void digest(const SnapshotDigest& digest) override { tree_digest = digest; }
  void last_zxid(std::int64_t last) override { zxid = last; }
};

std::string read(store::MemoryFiles& files, const std::string& path, Recorder& recorder, const ReadOptions& options = {}) {
  auto done = read_snapshot(files, path, recorder, options);
  return done ? "" : done.error().message;
}

SnapshotResult<std::string> write_again(store::MemoryFiles& files, const Recorder& recorder, std::int64_t zxid, Compression compression) {
  auto writer = SnapshotWriter::open(files, "d", zxid, compression);
  if (!writer) return std::unexpected(writer.error());
  const auto count = [&](const char* what) {
    return jute::encode(SnapshotCount{static_cast<std::int32_t>(recorder.all.contains(what) ? recorder.all[what].size() : 0)});
  };
  std::string octets = count("sessions") + recorder.sessions + count("acls") + recorder.acls + recorder.nodes;
  while (!octets.empty()) {
    const std::size_t size = std::min<std::size_t>(octets.size(), 1000);
    if (auto done = (*writer)->write(octets.substr(0, size)); !done) return std::unexpected(done.error());
    octets.erase(0, size);
  }
  if (auto done = (*writer)->end_nodes(); !done) return std::unexpected(done.error());
  if (recorder.tree_digest) {
    if (auto done = (*writer)->digest(*recorder.tree_digest); !done) return std::unexpected(done.error());
  }
  if (recorder.zxid) {
    if (auto done = (*writer)->last_zxid(*recorder.zxid); !done) return std::unexpected(done.error());
  }
  return (*writer)->finish();
}

TEST(Snapshot, ReadsWhatZooKeeperWrote) {
  for (const std::string name : golden) {
    SCOPED_TRACE(name);
    store::MemoryFiles files;
    files.put("s", testdata(name));
    Recorder recorder;
    ASSERT_EQ(read(files, "s", recorder), "");
    const json want = json::parse(testdata(name + ".json"));
    for (const char* part : {"sessions", "acls", "nodes"}) {
      EXPECT_EQ(recorder.all.contains(part) ? recorder.all[part] : json::array(), want[part]) << part;
    }
    ASSERT_TRUE(recorder.tree_digest);
    EXPECT_FALSE(recorder.zxid) << "3.8 writes none";
  }
}

TEST(Snapshot, ReadsCompressed) {
  store::MemoryFiles files;
  for (const std::string name : {"snapshot.46", "snapshot.46.gz", "snapshot.46.snappy"}) files.put(name, testdata("standalone/" + name));
  Recorder plain;
  ASSERT_EQ(read(files, "snapshot.46", plain), "");
  for (const char* name : {"snapshot.46.gz", "snapshot.46.snappy"}) {
    Recorder recorder;
    ASSERT_EQ(read(files, name, recorder), "") << name;
    EXPECT_EQ(recorder.all["nodes"].size(), plain.all["nodes"].size());
    EXPECT_EQ(recorder.nodes, plain.nodes) << name;
  }
}

TEST(Snapshot, WritesTheSameOctets) {
  for (const std::string name : golden) {
    SCOPED_TRACE(name);
    store::MemoryFiles files;
    files.put("s", testdata(name));
    Recorder recorder;
    ASSERT_EQ(read(files, "s", recorder), "");
    auto path = write_again(files, recorder, 0x46, Compression::none);
    ASSERT_TRUE(path) << path.error().message;
    EXPECT_EQ(*path, "d/snapshot.46");
    EXPECT_TRUE(files.nodes.at(*path)->now == testdata(name));
    EXPECT_EQ(files.nodes.size(), 2U) << "no temporary file is left";
  }
}

TEST(Snapshot, WritesCompressedAndTheBlockOf39) {
  store::MemoryFiles files;
  files.put("s", testdata("standalone/snapshot.46"));
  Recorder recorder;
  ASSERT_EQ(read(files, "s", recorder), "");
  base::Random random(1);
  // Larger than a block or buffer of anything.
  for (int i = 0; i < 300; ++i) {
    std::string data(random.below(20'000), '\0');
    for (char& c : data) c = static_cast<char>(random.below(i % 2 == 0 ? 256 : 3));
    const std::string path = "/big" + std::to_string(i);
    recorder.node({path, data, -1, {}});
  }
  recorder.zxid = 0x47;
  for (const Compression compression : {Compression::none, Compression::gzip, Compression::snappy}) {
    auto path = write_again(files, recorder, 0x47, compression);
    ASSERT_TRUE(path) << path.error().message;
    Recorder again;
    ASSERT_EQ(read(files, *path, again), "");
    EXPECT_TRUE(again.nodes == recorder.nodes);
    EXPECT_EQ(again.sessions, recorder.sessions);
    EXPECT_EQ(again.acls, recorder.acls);
    EXPECT_EQ(again.zxid, 0x47);
    EXPECT_EQ(again.tree_digest->tree_digest, recorder.tree_digest->tree_digest);
    EXPECT_EQ(files.nodes.at(*path)->synced.size(), files.nodes.at(*path)->now.size());
  }
  EXPECT_LT(files.nodes.at("d/snapshot.47.gz")->now.size(), files.nodes.at("d/snapshot.47")->now.size() * 3 / 4);
}

/// Each octet damaged, and each possible end: either refused or read as it was (a compressor's header has octets that mean nothing).
TEST(Snapshot, NoticesDamageAnywhere) {
  for (const char* name : {"snapshot.46", "snapshot.46.gz", "snapshot.46.snappy"}) {
    const std::string good = testdata(std::string("standalone/") + name);
    store::MemoryFiles files;
    files.put(name, good);
    Recorder whole;
    ASSERT_EQ(read(files, name, whole), "");
    int accepted = 0;
    for (std::size_t at = 0; at < good.size(); ++at) {
      SCOPED_TRACE(fmt::format("{} at {}", name, at));
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 0x10);
      for (const std::string_view octets : {std::string_view(bad), std::string_view(good).substr(0, at)}) {
        files.put(name, octets);
        Recorder recorder;
        if (!read(files, name, recorder).empty()) continue;
        ++accepted;
        EXPECT_EQ(recorder.nodes, whole.nodes);
        EXPECT_EQ(recorder.sessions, whole.sessions);
        EXPECT_EQ(recorder.acls, whole.acls);
      }
    }
    EXPECT_LT(accepted, 60) << name;
  }
}

TEST(Snapshot, SaysWhatIsWrongAndWhere) {
  const std::string good = testdata("standalone/snapshot.46");
  store::MemoryFiles files;
  Recorder recorder;
  files.put("s", good.substr(0, 1000));
  EXPECT_THAT(read(files, "s", recorder),
              HasSubstr("s is not a sound snapshot, at offset 956: it ends inside of a node, or that is damaged"));
  std::string bad = good;
  bad[good.size() - 40] ^= 1;
  files.put("s", bad);
  EXPECT_THAT(read(files, "s", recorder), HasSubstr("the checksum is wrong"));
  files.put("s", "ZKLG" + good.substr(4));
  EXPECT_THAT(read(files, "s", recorder), HasSubstr("it does not begin as a ZooKeeper snapshot (ZKSN)"));
  bad = good;
  bad[338] = 0x7f;  // the length of the root's path
  files.put("s", bad + std::string(1 << 20, 'x'));
  EXPECT_THAT(read(files, "s", recorder, {.record_octets_max = 1 << 18}),
              HasSubstr("at offset 338: a node is damaged, or longer than 262144 octets"));
  EXPECT_EQ(read_snapshot(files, "missing", recorder).error().code, SnapshotErrc::failed);
}

TEST(Snapshot, PassesOnWhatTheTreeRefuses) {
  struct Refusing final : SnapshotSink {
    void begin() override {}
    void session(const SnapshotSession&) override {}
    void acl(const SnapshotAcl&) override {}
    std::string node(const SnapshotNode& node) override { return node.path == "/v" ? "the parent of /v is missing" : ""; }
  } sink;
  store::MemoryFiles files;
  files.put("s", testdata("standalone/snapshot.46"));
  auto done = read_snapshot(files, "s", sink);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, SnapshotErrc::invalid);
  EXPECT_THAT(done.error().message, HasSubstr("the parent of /v is missing"));
}

TEST(SnapshotWriter, LeavesNothingBehindWhenItFails) {
  store::MemoryFiles files;
  {
    auto writer = SnapshotWriter::open(files, "d", 1, Compression::none);
    ASSERT_TRUE(writer);
    files.capacity = 100'000;
    EXPECT_EQ((*writer)->write(std::string(300'000, 'x')).error().code, SnapshotErrc::no_space);
  }
  EXPECT_TRUE(files.nodes.empty());
  files.put("d/writing.snapshot.5", "half");
  files.put("d/snapshot.4", "x");
  auto removed = remove_unfinished_snapshots(files, "d");
  ASSERT_TRUE(removed);
  EXPECT_THAT(*removed, testing::ElementsAre("writing.snapshot.5"));
  EXPECT_TRUE(files.exists("d/snapshot.4"));
}

}  // namespace
}  // namespace chorus::coord::disk
