#include "coord/disk/txn_log.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/checksum.h"
#include "coord/disk/testdata.h"
#include "jute/txns.h"
#include "store/memory_files.h"

namespace chorus::coord::disk {
namespace {

using testing::HasSubstr;

/// Logs that ZooKeeper 3.8.0 wrote, without their padding of zeros, and what they hold.
constexpr const char* golden[] = {"standalone/log.1", "traffic/log.100000001", "snap/log.100000265", "trunc/log.100000001",
                                  "reconfig/log.100000001"};

std::string name_of(const std::string& path) { return path.substr(path.find('/') + 1); }

std::unique_ptr<TxnLog> open(store::MemoryFiles& files) {
  auto log = TxnLog::open(files, {.directory = "d", .pre_alloc_octets = 16 << 10});
  if (!log) {
    ADD_FAILURE() << log.error().message;
    return nullptr;
  }
  return std::move(*log);
}

TEST(TxnLog, ReadsWhatZooKeeperWrote) {
  for (const std::string path : golden) {
    SCOPED_TRACE(path);
    const auto want = nlohmann::json::parse(testdata(path + ".json"));
    store::MemoryFiles files;
    files.put("d/" + name_of(path), testdata(path));
    auto log = open(files);
    ASSERT_NE(log, nullptr);
    EXPECT_TRUE(log->torn().empty());
    Cursor cursor = log->read_after(0);
    for (const auto& entry : want["entries"]) {
      auto next = cursor.next();
      ASSERT_TRUE(next) << next.error().message;
      ASSERT_TRUE(*next);
      const store::Record& record = **next;
      EXPECT_EQ(record.offset, entry["offset"].get<std::size_t>());
      EXPECT_EQ(record.payload.size(), entry["length"].get<std::size_t>());
      EXPECT_EQ(fmt::format("0x{:x}", record.id), entry["header"]["zxid"].get<std::string>());
      const auto header = jute::decode<jute::TxnHeader>(record.payload);
      ASSERT_TRUE(header);
      EXPECT_EQ(fmt::format("0x{:x}", header->session_id), entry["header"]["clientId"].get<std::string>());
      EXPECT_EQ(header->cxid, entry["header"]["cxid"].get<std::int64_t>());
      EXPECT_EQ(header->time_ms, entry["header"]["time"].get<std::int64_t>());
      EXPECT_EQ(header->type, entry["header"]["type"].get<std::int64_t>());
    }
    EXPECT_FALSE(*cursor.next());
  }
}

TEST(TxnLog, WritesTheSameOctets) {
  for (const std::string path : golden) {
    SCOPED_TRACE(path);
    const std::string octets = testdata(path);
    store::MemoryFiles source;
    source.put("d/" + name_of(path), octets);
    auto theirs = open(source);
    ASSERT_NE(theirs, nullptr);

    store::MemoryFiles files;
    auto ours = open(files);
    std::string group;
    std::int64_t first = -1;
    std::int64_t last = -1;
    Cursor cursor = theirs->read_after(-1);
    for (auto next = cursor.next(); next && *next; next = cursor.next()) {
      const std::size_t mark = TxnLog::begin_entry(group);
      group.append((*next)->payload);
      TxnLog::end_entry(group, mark);
      if (first < 0) first = (*next)->id;
      last = (*next)->id;
    }
    ASSERT_TRUE(ours->append(group, first, last));
    ASSERT_TRUE(ours->sync());
    const std::string& written = files.nodes.at("d/" + name_of(path))->now;
    EXPECT_EQ(written.substr(0, octets.size()), octets);
    // ZooKeeper takes whatever stands before a length of zero for the end.
    EXPECT_EQ(written.substr(octets.size() + store::mark_size, 4), std::string(4, '\0'));
  }
}

std::string entries(std::int64_t first, int count, std::size_t data_octets) {
  std::string group;
  for (int i = 0; i < count; ++i) {
    const std::size_t mark = TxnLog::begin_entry(group);
    jute::encode(jute::TxnHeader{7, i, first + i, 1000, 5}, group);
    jute::encode(jute::SetDataTxn{"/a", std::string(data_octets, 'x'), i}, group);
    TxnLog::end_entry(group, mark);
  }
  return group;
}

TEST(TxnLog, SplitsAGroupThatIsLongerThanOneWrite) {
  store::MemoryFiles files;
  auto log = open(files);
  std::string group = entries(1, 18, 1 << 20);
  ASSERT_GT(group.size(), store::unsynced_octets_max);
  ASSERT_TRUE(log->append(group, 1, 18));
  ASSERT_TRUE(log->sync());
  EXPECT_EQ(log->last_zxid(), 18);
  files.capacity = 36 << 20;
  group = entries(19, 20, 1 << 20);
  EXPECT_EQ(log->append(group, 19, 38).error().code, LogErrc::no_space);
  EXPECT_EQ(log->last_zxid(), 18) << "all or nothing";
  log = open(files);
  EXPECT_EQ(log->last_zxid(), 18);
}

TEST(TxnLog, RefusesOtherFiles) {
  store::MemoryFiles files;
  files.put("d/log.1", "ZKSN0000000000000000000");
  auto log = TxnLog::open(files, {.directory = "d"});
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, LogErrc::corrupt);
  EXPECT_THAT(log.error().message, HasSubstr("d/log.1 is damaged at offset 0: it does not begin as a ZooKeeper transaction log (ZKLG)"));
}

TEST(TxnLog, Names) {
  const TxnFormat format;
  EXPECT_EQ(format.name_of(0x10000001f), "log.10000001f");
  EXPECT_EQ(format.first_of("log.10000001f"), 0x10000001f);
  for (const char* other :
       {"log", "log.", "log.1.json", "log.01", "log.1F", "log.x", "log.ffffffffffffffff", "snapshot.1", "log.10000000000000000"}) {
    EXPECT_FALSE(format.first_of(other)) << other;
  }
}

}  // namespace
}  // namespace chorus::coord::disk
