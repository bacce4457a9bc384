#include "app/ring/ring.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/ring/chart.h"
#include "app/ring/compare.h"
#include "app/ring/parse.h"
#include "app/ring/report.h"

namespace chorus::app::ringtool {
namespace {

using testing::HasSubstr;

std::vector<std::string> names(const std::vector<ring::Node>& nodes) {
  std::vector<std::string> out;
  for (const auto& node : nodes) out.push_back(fmt::format("{}={}", node.name, node.weight));
  return out;
}

TEST(RingCommandLine, NodesAreNumbersOrNames) {
  const auto counts = parse_nodes("2,3");
  ASSERT_TRUE(counts);
  ASSERT_EQ(counts->size(), 2U);
  EXPECT_EQ(names((*counts)[0]), (std::vector<std::string>{"node-1=1", "node-2=1"}));
  EXPECT_EQ((*counts)[1].size(), 3U);
  const auto named = parse_nodes("10.0.0.1:11211,[::1]:11212=3,c=0");
  ASSERT_TRUE(named);
  ASSERT_EQ(named->size(), 1U);
  EXPECT_EQ(names((*named)[0]), (std::vector<std::string>{"10.0.0.1:11211=1", "[::1]:11212=3", "c=0"}));
  for (const char* text : {"", "a,", "a,3", "0", "10001", "99999999999999999999", "a=-1", "a=x", "a=4294967296", "=3"})
    EXPECT_FALSE(parse_nodes(text)) << text;
}

TEST(RingCommandLine, NodesMayBeLinesOfAFile) {
  const auto nodes = parse_node_lines("# cache\na\n b  2 # twice\n\nc\t7\r\n");
  ASSERT_TRUE(nodes) << nodes.error();
  EXPECT_EQ(names(*nodes), (std::vector<std::string>{"a=1", "b=2", "c=7"}));
  const auto wrong = parse_node_lines("a\nb two\n");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error(), "line 2: \"b two\" is not a name and a weight");
}

TEST(RingCommandLine, ChangesAreMadeToTheList) {
  const auto nodes = parse_nodes("a,b=2,node-4")->front();
  const auto after = changed(nodes, {.add = {"2", "z=5"}, .remove = {"a"}, .weights = {"b=7"}});
  ASSERT_TRUE(after) << after.error();
  EXPECT_EQ(names(*after), (std::vector<std::string>{"b=7", "node-4=1", "node-3=1", "node-5=1", "z=5"}));
  EXPECT_EQ(changed(nodes, {.remove = {"q"}}).error(), "--remove q: there is no such node");
  EXPECT_EQ(changed(nodes, {.weights = {"q=1"}}).error(), "--weight q=1: there is no such node");
  EXPECT_EQ(changed(nodes, {.weights = {"b"}}).error(), "--weight: \"b\" is not NAME=WEIGHT");
}

TEST(RingCommandLine, WhatIsWrongIsSaid) {
  const struct {
    std::vector<std::string> words;
    const char* said;
  } cases[] = {{{}, "subcommand is required"},
               {{"compare", "--algorithm", "rendezvos"}, "there is no algorithm \"rendezvos\"; did you mean rendezvous?"},
               {{"compare", "--nodes", "a,3"}, "numbers and names"},
               {{"compare", "--nodes", "3", "--nodes-file", "x"}, "excludes"},
               {{"compare", "--nodes-file", "/nowhere/nodes"}, "/nowhere/nodes cannot be read"},
               {{"compare", "--load-factor", "100"}, "not in range"},
               {{"compare", "--keys", "0"}, "not in range"},
               {{"compare", "--json", "--markdown"}, "take one"},
               {{"locate", "x"}, "say among which nodes"},
               {{"locate", "--nodes", "3,4", "x"}, "several lists of nodes are for compare"},
               {{"locate", "--nodes-file", "-"}, "standard input cannot be both"}};
  for (const auto& c : cases) {
    testing::internal::CaptureStderr();
    const auto result = parse_arguments(c.words);
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr(c.said));
    ASSERT_TRUE(std::holds_alternative<Leave>(result));
    EXPECT_EQ(std::get<Leave>(result).code, Exit::usage);
  }
}

TEST(RingCommandLine, DefaultsAreATableOfAll) {
  const auto result = parse_arguments({"compare"});
  const auto& command = std::get<Command>(result);
  EXPECT_EQ(command.lists.size(), 3U);
  EXPECT_EQ(command.algorithms.size(), ring::algorithms().size());
  EXPECT_EQ(command.change.add, (std::vector<std::string>{"1"}));
  EXPECT_TRUE(command.times);
}

Comparison compared(std::string_view nodes, const Change& change, std::uint64_t keys = 50'000) {
  const auto before = parse_nodes(nodes)->front();
  std::vector<const ring::AlgorithmFacts*> all;
  for (const auto& facts : ring::algorithms()) all.push_back(&facts);
  auto out = compare(before, *changed(before, change), all, {.keys = keys, .times = false});
  EXPECT_TRUE(out);
  return *out;
}

const Measurement& of(const Comparison& comparison, ring::Algorithm algorithm) {
  return comparison.measurements.at(static_cast<std::size_t>(algorithm));
}

TEST(RingCompare, LeastThatMovesIsWhatNodesGain) {
  const auto nodes = [](std::string_view text) { return parse_nodes(text)->front(); };
  EXPECT_DOUBLE_EQ(least_moved(nodes("3"), nodes("4")), 0.25);
  EXPECT_DOUBLE_EQ(least_moved(nodes("4"), nodes("3")), 0.25);
  EXPECT_DOUBLE_EQ(least_moved(nodes("a,b"), nodes("a=3,b")), 0.25);
  EXPECT_DOUBLE_EQ(least_moved(nodes("a,b"), nodes("b,a")), 0);
  EXPECT_DOUBLE_EQ(least_moved(nodes("a,b"), nodes("c,d")), 1);
}

TEST(RingCompare, MeasuresWhatTheAlgorithmsPromise) {
  const Comparison grown = compared("10", {.add = {"1"}});
  EXPECT_NEAR(grown.least_moved, 1.0 / 11, 1e-12);
  EXPECT_NEAR(grown.chance_stddev, std::sqrt(9.0 / 50'000), 1e-12);
  using enum ring::Algorithm;
  EXPECT_NEAR(of(grown, modulo).moved, 10.0 / 11, 0.01);
  EXPECT_EQ(of(grown, modulo).moved_bound, "90.9 %");
  for (const auto algorithm : {jump, rendezvous, rendezvous_weighted, slots}) {
    EXPECT_NEAR(of(grown, algorithm).moved, 1.0 / 11, 0.01) << static_cast<int>(algorithm);
    EXPECT_LT(of(grown, algorithm).stddev, 2.5 * grown.chance_stddev);
  }
  EXPECT_LE(of(grown, bounded).max_over_mean, 1.2501);
  EXPECT_GT(of(grown, ring).stddev, of(grown, jump).stddev);

  const Comparison shrunk = compared("10", {.remove = {"node-3"}});
  EXPECT_NEAR(of(shrunk, rendezvous).moved, 0.1, 0.01);
  EXPECT_NEAR(of(shrunk, slots).moved, 0.1, 0.01);
  EXPECT_GT(of(shrunk, jump).moved, 0.5);  // every node behind it has another number
  EXPECT_EQ(of(shrunk, jump).moved_bound, "at the end only");

  const Comparison weighed = compared("a,b=2,c=0", {.weights = {"a=2"}});
  EXPECT_LT(of(weighed, rendezvous_weighted).max_over_mean, 1.05);
  EXPECT_NEAR(of(weighed, rendezvous_weighted).moved, weighed.least_moved, 0.01);
  EXPECT_EQ(of(weighed, rendezvous).spread_bound, "has no weights");
}

TEST(RingCompare, EqualSeedsGiveEqualFigures) {
  const Comparison one = compared("7", {.add = {"1"}}, 5000), other = compared("7", {.add = {"1"}}, 5000);
  EXPECT_EQ(to_json(one, false), to_json(other, false));
}

TEST(RingReport, TableMarkdownAndJsonHaveTheSameRows) {
  const Comparison comparison = compared("3", {.add = {"x=2"}, .remove = {"node-1"}, .weights = {"node-2=4"}}, 1000);
  const std::string table = to_table(comparison, false), markdown = to_markdown(comparison, true);
  EXPECT_THAT(table, HasSubstr("3 nodes, add x=2; remove node-1; weigh node-2=4 (was 1); 1000 keys."));
  EXPECT_THAT(table, testing::Not(HasSubstr("LOOKUP")));
  EXPECT_THAT(markdown, HasSubstr("| algorithm | max/mean | stddev | published | moved | published | lookup | hash | build | memory |"));
  const auto json = nlohmann::json::parse(to_json(comparison, true));
  EXPECT_EQ(json["nodes"], 3);
  EXPECT_EQ(json["algorithms"].size(), ring::algorithms().size());
  EXPECT_TRUE(json["algorithms"][0].contains("lookup_ns"));
  for (const auto& facts : ring::algorithms()) EXPECT_THAT(table, HasSubstr(fmt::format("\n{}", facts.name)));
}

TEST(RingChart, IsWellFormedAndBounded) {
  Chart chart{.groups = {"a", "b<&>"}, .series = {"one \"x\"", "two"}, .panels = {}};
  chart.panels.push_back({.title = "Linear", .scale = Scale::linear, .values = {{0, 3}, {1.5, 7}}, .marks = {2, 4}, .mark_title = "least"});
  chart.panels.push_back({.title = "Log", .scale = Scale::logarithmic, .values = {{0, 0.002}, {900, 1e9}}, .marks = {}, .mark_title = {}});
  chart.panels.push_back({.title = "Nothing", .scale = Scale::logarithmic, .values = {{0, 0}, {0, 0}}, .marks = {}, .mark_title = {}});
  const std::string svg = chart.svg();
  EXPECT_THAT(svg, testing::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_THAT(svg, HasSubstr("b&lt;&amp;&gt;"));
  EXPECT_THAT(svg, HasSubstr("one &quot;x&quot;"));
  EXPECT_THAT(svg, testing::Not(HasSubstr("nan")));
  EXPECT_THAT(svg, testing::Not(HasSubstr("inf")));
  const auto count = [&](std::string_view what) {
    std::size_t found = 0;
    for (std::size_t at = svg.find(what); at != std::string::npos; at = svg.find(what, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("<rect"), 1 + 2 + 3 * 4U);         // background, legend, bars
  EXPECT_EQ(count("<line class=\"mark\""), 4 + 1U);  // across bars, and in its legend
  EXPECT_EQ(count("<text"), count("</text>"));
}

int run(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "ring");
  return ring_main(static_cast<int>(arguments.size()), arguments.data());
}

TEST(RingTool, LocatesKeys) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(run({"locate", "--algorithm", "slots", "--nodes", "a,b,c", "foo", "{foo}.x"}), 0);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "foo c 12182\n{foo}.x c 12182\n");
  testing::internal::CaptureStdout();
  EXPECT_EQ(run({"locate", "--json", "--nodes", "a", "k"}), 0);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "{\"key\":\"k\",\"node\":\"a\"}\n");
  testing::internal::CaptureStderr();
  EXPECT_EQ(run({"locate", "--algorithm", "ketama", "--nodes", "a:b:c:1:x:,a:x", "k"}), 1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("is not host, host:port or [host]:port"));
}

TEST(RingTool, SaysWhenAPlotCannotBeWritten) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(run({"compare", "--nodes", "2", "--keys", "10", "--no-times", "--svg", "/nowhere/x.svg"}), 10);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("/nowhere/x.svg cannot be written"));
  testing::internal::GetCapturedStdout();
}

}  // namespace
}  // namespace chorus::app::ringtool
