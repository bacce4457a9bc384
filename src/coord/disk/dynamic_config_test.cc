#include "coord/disk/dynamic_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "coord/disk/testdata.h"
#include "store/memory_files.h"

namespace chorus::coord::disk {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* path = "/var/lib/zookeeper/zoo.cfg";

struct DynamicConfig : testing::Test {
  store::MemoryFiles files;

  static std::string golden(const std::string& name) { return testdata("reconfig/" + name); }
  static zab::EnsembleConfig config(const std::string& text) {
    auto parsed = zab::parse_config(text);
    if (!parsed) throw std::runtime_error(parsed.error());
    return *parsed;
  }
  std::string text(const std::string& name) { return world::read_file(files, name).value(); }
};

std::vector<std::string> sorted_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : base::split(text, '\n')) lines.emplace_back(line);
  std::ranges::sort(lines);
  return lines;
}

// What a Java member left behind that was removed from its ensemble and let in again.
TEST_F(DynamicConfig, WritesWhatJavaWrites) {
  files.put(path, golden("zoo.cfg.bak"));
  ASSERT_TRUE(back_up_zoo_cfg(files, path));
  EXPECT_EQ(text(std::string(path) + ".bak"), golden("zoo.cfg.bak"));

  for (const char* version : {"100000000", "100000002", "100000003"}) {
    const std::string members = golden(std::string("zoo.cfg.dynamic.") + version);
    ASSERT_TRUE(keep_config(files, path, true, config(members + "\nversion=" + version), 1)) << version;
    EXPECT_EQ(text(std::string(path) + ".dynamic." + version), members);
  }
  // Java keeps the lines in no order of anybody's.
  EXPECT_THAT(sorted_lines(text(path)), ElementsAreArray(sorted_lines(golden("zoo.cfg"))));
}

TEST_F(DynamicConfig, ReadsWhatJavaWrote) {
  const std::string name = std::string(path) + ".dynamic.100000002";
  files.put(name, golden("zoo.cfg.dynamic.100000002"));
  auto read = read_dynamic_config(files, name);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->version, 0x100000002);
  EXPECT_EQ(read->members.size(), 3U);
  EXPECT_TRUE(read->members.at(4).is_observer);
  EXPECT_EQ(to_string(*read->members.at(2).client_address), "127.0.0.1:21813");
}

TEST_F(DynamicConfig, VersionIsTheNamesAlone) {
  EXPECT_EQ(dynamic_config_version("/a/zoo.cfg.dynamic.1f"), 0x1f);
  EXPECT_EQ(dynamic_config_version("zoo.cfg.dynamic.0"), 0);
  for (const char* none : {"zoo.cfg.dynamic", "zoo.cfg.dynamic.next", "zoo.cfg.dynamic.", "plain", "x.-1", "x.1ffffffffffffffff"}) {
    EXPECT_EQ(dynamic_config_version(none), std::nullopt) << none;
  }
  files.put("members.cfg.dynamic", "server.1=a:1:2;3\n");
  EXPECT_EQ(read_dynamic_config(files, "members.cfg.dynamic")->version, 0);
  files.put("m.dynamic.5", "server.1=a:1:2;3\nversion=5\n");
  EXPECT_THAT(read_dynamic_config(files, "m.dynamic.5").error(), StartsWith("m.dynamic.5:2: the version stands in the file's name"));
  files.put("m.dynamic.6", "server.1=a\n");
  EXPECT_THAT(read_dynamic_config(files, "m.dynamic.6").error(), StartsWith("m.dynamic.6: "));
  EXPECT_THAT(read_dynamic_config(files, "m.dynamic.7").error(), HasSubstr("m.dynamic.7"));
}

TEST_F(DynamicConfig, LastSeenComesAndGoes) {
  EXPECT_EQ(read_last_seen_config(files, "d/ensemble").value(), std::nullopt);
  EXPECT_TRUE(forget_last_seen_config(files, "d/ensemble"));
  const auto proposed = config("server.2=b:1:2:participant;3\nserver.10=c:1:2:participant;3\nversion=200000001");
  ASSERT_TRUE(keep_last_seen_config(files, "d/ensemble", proposed));
  EXPECT_EQ(text("d/ensemble.dynamic.next"),
            "server.10=c:1:2:participant;0.0.0.0:3\nserver.2=b:1:2:participant;0.0.0.0:3\nversion=200000001");
  EXPECT_EQ(read_last_seen_config(files, "d/ensemble").value(), proposed);
  ASSERT_TRUE(forget_last_seen_config(files, "d/ensemble"));
  EXPECT_EQ(read_last_seen_config(files, "d/ensemble").value(), std::nullopt);
  files.put("d/ensemble.dynamic.next", "server.1=nonsense\n");
  EXPECT_THAT(read_last_seen_config(files, "d/ensemble").error(), StartsWith("d/ensemble.dynamic.next: "));
}

TEST_F(DynamicConfig, NewestIsByNumber) {
  EXPECT_EQ(newest_dynamic_config(files, "d/ensemble").value(), std::nullopt);
  for (const char* name : {"d/ensemble.dynamic.9", "d/ensemble.dynamic.100000001", "d/ensemble.dynamic.ff", "d/ensemble.dynamic.next",
                           "d/ensemble.dynamic.200000000.tmp", "d/other.dynamic.fffffffff"}) {
    files.put(name, "");
  }
  EXPECT_EQ(newest_dynamic_config(files, "d/ensemble").value(), "d/ensemble.dynamic.100000001");
}

TEST_F(DynamicConfig, WithoutZooCfgOnlyTheMembersAreKept) {
  ASSERT_TRUE(keep_config(files, "d/ensemble", false, config("server.1=a:1:2;3\nversion=7"), 1));
  EXPECT_EQ(files.nodes.size(), 1U);
  EXPECT_EQ(text("d/ensemble.dynamic.7"), "server.1=a:1:2:participant;0.0.0.0:3");
}

TEST_F(DynamicConfig, ZooCfgKeepsWhatAPersonWrote) {
  const std::string before =
      "# ours\ntickTime=2000\nserver.1=a:1:2\\\n  :participant\n  peerType=observer\nclientPort=2181\nclientPortAddress=a\n"
      "group.1=1\nweight.1=3\n! two\nclientPortListenBacklog=7\ndynamicConfigFile=/old";
  EXPECT_EQ(point_zoo_cfg_to(before, "/new", false),
            "# ours\ntickTime=2000\n  clientPort=2181\nclientPortAddress=a\n! two\nclientPortListenBacklog=7\ndynamicConfigFile=/new\n");
  const std::string after = point_zoo_cfg_to(before, "/a\\b", true);
  EXPECT_EQ(after, "# ours\ntickTime=2000\n  ! two\nclientPortListenBacklog=7\ndynamicConfigFile=/a\\\\b\n");
  EXPECT_EQ(point_zoo_cfg_to(after, "/a\\b", true), after);
  EXPECT_EQ(point_zoo_cfg_to("tickTime=1", "/new", false), "tickTime=1\ndynamicConfigFile=/new\n");
}

TEST_F(DynamicConfig, BackUpIsOfMembersInTheFileAlone) {
  files.put("zoo.cfg", "tickTime=1\ndynamicConfigFile=/x\n");
  ASSERT_TRUE(back_up_zoo_cfg(files, "zoo.cfg"));
  EXPECT_FALSE(files.exists("zoo.cfg.bak"));
}

TEST_F(DynamicConfig, FullDiskIsSaidAndLeavesTheOldFile) {
  files.put("zoo.cfg", "server.1=a:1:2;3\n");
  files.capacity = 40;
  EXPECT_FALSE(keep_config(files, "zoo.cfg", true, config("server.1=a:1:2;3\nversion=7"), 1));
  EXPECT_EQ(text("zoo.cfg"), "server.1=a:1:2;3\n");
}

}  // namespace
}  // namespace chorus::coord::disk
