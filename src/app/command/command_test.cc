#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/command/config.h"
#include "app/command/ensemble_status.h"
#include "app/command/status.h"
#include "app/config/property.h"

namespace chorus::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ConfigCommand, WhatItPrintsIsAFileThatGivesTheSame) {
  const Loaded loaded = load({.sets = {"coord.tick_time_ms=500", "coord.four_letter_words=ruok,srvr", "coord.data_dir=/a b"}});
  const std::string text = effective_config(loaded, false);
  EXPECT_THAT(text, HasSubstr("tick_time_ms = 500 "));
  EXPECT_THAT(text, HasSubstr("# --set\n"));
  const Entries again = read_toml(text, "printed");
  EXPECT_THAT(again.problems, ::testing::IsEmpty());
  EXPECT_EQ(again.entries.size(), properties().size());
  for (const Entry& entry : again.entries) EXPECT_EQ(entry.text, loaded.values.at(entry.key).text) << entry.key;
}

TEST(ConfigCommand, HidesSecrets) {
  const Loaded loaded = load({.sets = {"coord.super_digest=super:abc"}});
  for (const bool json : {false, true}) {
    EXPECT_THAT(effective_config(loaded, json), HasSubstr("(hidden)"));
    EXPECT_THAT(effective_config(loaded, json), Not(HasSubstr("super:abc")));
  }
  EXPECT_EQ(nlohmann::json::parse(effective_config(loaded, true))["coord.super_digest"]["from"], "--set");
}

TEST(ConfigCommand, ReferencePageIsCurrent) {
  std::ifstream in(CHORUS_SOURCE_DIR "/docs/configuration.md");
  std::ostringstream page;
  page << in.rdbuf();
  EXPECT_EQ(page.str(), key_reference()) << "write it anew: build/release/chorus config --reference > docs/configuration.md";
}

TEST(Status, ReadsBothForms) {
  const auto facts = parse_four_letter_reply(
      "Zookeeper version: 3.9.5-x, built on 2026-02-11 20:15 UTC\nLatency min/avg/max: 0/0.5/3\nMode: "
      "standalone\nzk_uptime\t1234\nnonsense\n");
  EXPECT_EQ(facts.at("Mode"), "standalone");
  EXPECT_EQ(facts.at("Latency min/avg/max"), "0/0.5/3");
  EXPECT_EQ(facts.at("Zookeeper version"), "3.9.5-x, built on 2026-02-11 20:15 UTC");
  EXPECT_EQ(facts.at("zk_uptime"), "1234");
  EXPECT_EQ(facts.size(), 4U);
}

ServerAnswers answers(const std::string& address, const std::string& mode, const std::string& zxid,
                      std::map<std::string, std::string> mntr = {}) {
  return {.address = address, .problem = "", .srvr = {{"Mode", mode}, {"Zxid", zxid}, {"Connections", "2"}}, .mntr = std::move(mntr)};
}

TEST(EnsembleStatus, OfAWholeEnsemble) {
  const std::vector<ServerAnswers> said = {
      answers("a:1", "follower", "0x200000007", {{"zk_peer_state", "following - broadcast"}}),
      answers("b:1", "leader", "0x20000000a", {{"zk_synced_followers", "2"}, {"zk_quorum_size", "3"}, {"zk_synced_observers", "1"}}),
      answers("c:1", "follower", "0x1000000ff", {{"zk_peer_state", "following - synchronization - diff"}}),
      answers("d:1", "observer", "0x20000000a"),
  };
  const EnsembleStatus status = compare(said);
  EXPECT_THAT(status.problems, ::testing::IsEmpty());
  EXPECT_EQ(to_table(status),
            "server  role      epoch  zxid         lag  connections  sync\n"
            "a:1     follower  2      0x200000007  3    2            in step\n"
            "b:1     leader    2      0x20000000a  0    2            2 of 2 followers, 1 observers\n"
            "c:1     follower  1      0x1000000ff  10   2            synchronization - diff\n"
            "d:1     observer  2      0x20000000a  0    2            -\n");
  const auto json = nlohmann::json::parse(json_of(status, said).dump());
  EXPECT_EQ(json["well"], true);
  EXPECT_EQ(json["servers"][0]["lag"], 3);
  EXPECT_EQ(json["servers"][1]["mntr"]["quorum_size"], "3");
}

TEST(EnsembleStatus, InALeadersFirstMomentNobodyIsBehind) {
  const EnsembleStatus status = compare({answers("a:1", "leader", "0x300000000"), answers("b:1", "follower", "0x20000000a")});
  EXPECT_EQ(status.servers[1].lag, 0);
}

TEST(EnsembleStatus, Problems) {
  const ServerAnswers silent{.address = "c:1", .problem = "refused", .srvr = {}, .mntr = {}};
  const EnsembleStatus status = compare({answers("a:1", "leader", "0x1"), answers("b:1", "follower", "0x1"), silent});
  EXPECT_THAT(status.problems, ::testing::ElementsAre("c:1: refused"));
  EXPECT_THAT(to_table(status), HasSubstr("c:1     -         -      -     -    -            does not serve\nc:1: refused\n"));
  EXPECT_EQ(nlohmann::json::parse(json_of(status, {silent, silent, silent}).dump())["servers"][2]["problem"], "refused");
  EXPECT_THAT(compare({answers("a:1", "follower", "0x1"), silent}).problems, ::testing::Contains(HasSubstr("none of these servers leads")));
  const EnsembleStatus two = compare({answers("a:1", "leader", "0x1"), answers("b:1", "leader", "0x1")});
  EXPECT_THAT(two.problems, ::testing::ElementsAre(::testing::StartsWith("a:1, b:1 lead")));
  EXPECT_FALSE(two.servers[0].lag);
  EXPECT_THAT(compare({answers("a:1", "standalone", "0x1"), answers("b:1", "standalone", "0x1")}).problems,
              ::testing::ElementsAre(HasSubstr("of no ensemble")));
  EXPECT_THAT(compare({answers("a:1", "read-only", "0x1"), silent}).problems, ::testing::Contains(HasSubstr("serves reads only")));
}

}  // namespace
}  // namespace chorus::app
