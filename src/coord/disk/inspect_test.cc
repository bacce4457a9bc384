#include "coord/disk/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "base/text.h"
#include "coord/disk/testdata.h"
#include "store/memory_files.h"

namespace chorus::coord::disk {
namespace {

using nlohmann::json;
using testing::HasSubstr;

struct Inspect : testing::Test {
  store::MemoryFiles files;
  InspectOptions options;
  InspectOutcome outcome{};

  std::string run(const std::string& path) {
    std::ostringstream out;
    outcome = inspect(files, path, options, out);
    return out.str();
  }
  std::vector<json> run_json(const std::string& path) {
    options.json = true;
    std::vector<json> objects;
    std::istringstream lines(run(path));
    for (std::string line; std::getline(lines, line);) objects.push_back(json::parse(line));
    return objects;
  }
};

TEST_F(Inspect, LogAgreesWithTheIndependentDescription) {
  for (const std::string name : {"standalone/log.1", "traffic/log.100000001", "reconfig/log.100000001"}) {
    SCOPED_TRACE(name);
    files.put("log.1", testdata(name) + std::string(100, '\0'));
    const json want = json::parse(testdata(name + ".json"))["entries"];
    options.data = true;
    const std::vector<json> got = run_json("log.1");
    EXPECT_EQ(outcome, InspectOutcome::sound);
    ASSERT_EQ(got.size(), want.size() + 1);
    for (std::size_t i = 0; i < want.size(); ++i) {
      SCOPED_TRACE(want[i].dump());
      EXPECT_FALSE(got[i].contains("fault"));
      EXPECT_EQ(got[i]["offset"], want[i]["offset"]);
      EXPECT_EQ(got[i]["octets"], want[i]["length"]);
      EXPECT_EQ(got[i]["zxid"], want[i]["header"]["zxid"]);
      EXPECT_EQ(got[i]["session"], want[i]["header"]["clientId"]);
      EXPECT_EQ(got[i]["type"], want[i]["header"]["typeName"]);
      const json& txn = want[i]["txn"];
      for (const char* key : {"path", "data", "ephemeral", "version"}) {
        const bool is_acl_version = want[i]["header"]["typeName"] == "setACL" && key == std::string_view("version");
        if (txn.is_object() && txn.contains(key) && !txn[key].is_null() && !is_acl_version && got[i]["type"] != "reconfig")
          EXPECT_EQ(got[i][key], txn[key]) << key;
      }
      if (want[i].contains("digest") && want[i]["digest"].is_object()) EXPECT_EQ(got[i]["digest"], want[i]["digest"]["treeDigest"]);
    }
    EXPECT_EQ(got.back()["transactions"], want.size());
  }
}

/// ZooKeeper's own tool prints one line a transaction; ours must have the same sessions, zxids and types in the same order.
TEST_F(Inspect, LogAgreesWithTxnLogToolkit) {
  const std::string theirs = testdata("standalone/log.1.TxnLogToolkit.txt");
  const std::regex line("session (0x[0-9a-f]+) cxid (0x[0-9a-f]+) zxid (0x[0-9a-f]+) (\\w+)");
  files.put("log.1", testdata("standalone/log.1"));
  const std::vector<json> got = run_json("log.1");
  std::size_t i = 0;
  for (std::sregex_iterator at(theirs.begin(), theirs.end(), line); at != std::sregex_iterator(); ++at, ++i) {
    ASSERT_LT(i, got.size());
    EXPECT_EQ(got[i]["session"], (*at)[1].str());
    EXPECT_EQ(got[i]["cxid"], (*at)[2].str());
    EXPECT_EQ(got[i]["zxid"], (*at)[3].str());
    EXPECT_EQ(base::lower(got[i]["type"].get<std::string>()), base::lower((*at)[4].str())) << "the tool says createTtl for createTTL";
  }
  EXPECT_EQ(i, 0x46U);
}

TEST_F(Inspect, LogForPeople) {
  files.put("log.1", testdata("standalone/log.1") + std::string(1000, '\0'));
  options.from_zxid = 1;
  options.to_zxid = 2;
  EXPECT_EQ(
      run("log.1"),
      "log.1: ZooKeeper transaction log, 6817 octets\n"
      "0x1  2026-11-22T23:21:24.689Z  session 0x100002a91050000  cxid 0x0  createSession  timeout_ms 30000, digest 0x51c6d660, offset 16, "
      "octets 48, checksum ok\n"
      "0x2  2026-11-22T23:21:24.938Z  session 0x100002a91050000  cxid 0x1  create  path /v, data_octets 4, acl [world:anyone:cdrwa], "
      "ephemeral false, parent_cversion 1, digest 0x11857092c, offset 77, octets 90, checksum ok\n"
      "70 transactions, 0x1 to 0x46; entries end at offset 5817 of 6817; all checksums right\n");
  options.paths = true;
  EXPECT_EQ(run("log.1"), "log.1: ZooKeeper transaction log, 6817 octets\n/v\n");
}

TEST_F(Inspect, DamagedLog) {
  std::string octets = testdata("standalone/log.1");
  octets[100] ^= 1;
  files.put("log.1", octets);
  EXPECT_THAT(
      run("log.1"),
      HasSubstr(
          "-- damaged at offset 77: the checksum of a transaction is wrong (--all looks for whole entries behind it)\n1 transactions"));
  EXPECT_EQ(outcome, InspectOutcome::damaged);
  options.all = true;
  const std::string all = run("log.1");
  EXPECT_THAT(all, HasSubstr("-- passed over 103 octets\n0x3  "));
  EXPECT_THAT(all, HasSubstr("69 transactions, 0x1 to 0x46; entries end at offset 5817 of 5817; DAMAGED"));
  files.put("log.1", testdata("standalone/log.1").substr(0, 5000) + std::string(5000, '\0'));
  EXPECT_THAT(run("log.1"), HasSubstr("A crash leaves this"));
  EXPECT_EQ(outcome, InspectOutcome::damaged);
}

TEST_F(Inspect, SnapshotAgreesWithTheIndependentDescription) {
  files.put("snapshot.46", testdata("standalone/snapshot.46"));
  const json want = json::parse(testdata("standalone/snapshot.46.json"));
  options.data = true;
  std::vector<json> nodes, rest;
  for (const json& object : run_json("snapshot.46")) (object.contains("czxid") ? nodes : rest).push_back(object);
  EXPECT_EQ(outcome, InspectOutcome::sound);
  ASSERT_EQ(nodes.size(), want["nodes"].size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const json& node = want["nodes"][i];
    EXPECT_EQ(nodes[i]["path"], node["path"] == "" ? "/" : node["path"]);
    if (!node["data"].is_null()) EXPECT_EQ(nodes[i]["data"], node["data"]);
    EXPECT_EQ(nodes[i]["pzxid"], node["stat"]["pzxid"]);
    EXPECT_EQ(nodes[i]["ephemeral_owner"], node["stat"]["ephemeralOwner"]);
  }
  EXPECT_EQ(rest.size(), 2U + 4U + 1U) << "sessions, ACLs, summary";
  EXPECT_EQ(rest.back()["nodes"], 19);
}

TEST_F(Inspect, SnapshotSizesAndCompressed) {
  for (const char* name : {"snapshot.46", "snapshot.46.gz", "snapshot.46.snappy"}) {
    files.put(name, testdata(std::string("standalone/") + name));
    options.sizes = true;
    EXPECT_THAT(run(name), HasSubstr("        19 nodes"));
    EXPECT_THAT(run(name), HasSubstr("         3 nodes              0 octets  /zookeeper\n"));
    EXPECT_EQ(outcome, InspectOutcome::sound);
  }
}

TEST_F(Inspect, OtherFiles) {
  files.put("a", "hello");
  EXPECT_THAT(run("a"), HasSubstr("a is neither a transaction log (ZKLG) nor a snapshot (ZKSN) of ZooKeeper"));
  EXPECT_EQ(outcome, InspectOutcome::unusable);
  EXPECT_THAT(run("b"), HasSubstr("b does not exist"));
  files.put("s", testdata("standalone/snapshot.46").substr(0, 700));
  EXPECT_THAT(run("s"), HasSubstr("-- s is not a sound snapshot"));
  EXPECT_EQ(outcome, InspectOutcome::damaged);
}

}  // namespace
}  // namespace chorus::coord::disk
