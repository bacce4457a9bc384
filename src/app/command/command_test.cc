#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/command/config.h"
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

}  // namespace
}  // namespace chorus::app
