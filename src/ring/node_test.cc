#include "ring/node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "ring/algorithm.h"
#include "ring/ring_fixture.h"

namespace chorus::ring {
namespace {

TEST(RingNodes, WrongListsAreRefusedByEveryAlgorithm) {
  const struct {
    const char* what;
    std::vector<Node> nodes;
    Errc code;
    const char* words;
  } cases[] = {{"none", {}, Errc::invalid, "there are no nodes"},
               {"without a name", {{.name = "a"}, {.name = ""}}, Errc::invalid, "empty name"},
               {"twice", {{.name = "a"}, {.name = "b"}, {.name = "a"}}, Errc::invalid, "node \"a\" is in the list twice"},
               {"too many", make_nodes(max_nodes + 1), Errc::too_large, "65536 nodes are too many"}};
  for (const auto& c : cases) {
    for (const AlgorithmFacts& facts : algorithms()) {
      SCOPED_TRACE(std::string(c.what) + ", " + std::string(facts.name));
      const auto made = make_placement(facts.algorithm, c.nodes);
      ASSERT_FALSE(made);
      EXPECT_EQ(made.error().code, c.code);
      EXPECT_THAT(made.error().message, testing::HasSubstr(c.words));
    }
  }
}

TEST(RingNodes, SomeNodeHasToHaveAWeight) {
  const std::vector<Node> nodes = {{.name = "a", .weight = 0}, {.name = "b", .weight = 0}};
  for (const AlgorithmFacts& facts : algorithms()) {
    // libmemcached takes a weight of 0 for one of 1.
    const bool is_ketama = facts.algorithm == Algorithm::ketama || facts.algorithm == Algorithm::ketama_plain;
    EXPECT_EQ(make_placement(facts.algorithm, nodes).has_value(), is_ketama) << facts.name;
  }
}

TEST(RingNodes, OptionsOutOfTheirBoundsAreRefused) {
  const auto nodes = make_nodes(5);
  const auto code = [&](Algorithm algorithm, const PlacementOptions& options, std::span<const Node> list) {
    const auto made = make_placement(algorithm, list, options);
    return made ? -1 : static_cast<int>(made.error().code);
  };
  const int invalid = static_cast<int>(Errc::invalid), too_large = static_cast<int>(Errc::too_large);
  EXPECT_EQ(code(Algorithm::ring, {.ring = {.virtual_nodes = 0}}, nodes), invalid);
  EXPECT_EQ(code(Algorithm::ring, {.ring = {.virtual_nodes = 20'000'000}}, nodes), too_large);
  EXPECT_EQ(code(Algorithm::ring, {}, std::vector<Node>{{.name = "a", .weight = ~0U}, {.name = "b", .weight = ~0U}}), too_large);
  EXPECT_EQ(code(Algorithm::maglev, {.maglev = {.table_size = 65'536}}, nodes), invalid);
  EXPECT_EQ(code(Algorithm::maglev, {.maglev = {.table_size = 3}}, nodes), invalid);
  EXPECT_EQ(code(Algorithm::maglev, {.maglev = {.table_size = ~0U}}, nodes), too_large);
  EXPECT_EQ(code(Algorithm::maglev, {.maglev = {.table_size = 5}}, nodes), -1);
  EXPECT_EQ(code(Algorithm::bounded, {.factor_percent = 100}, nodes), invalid);
  EXPECT_EQ(code(Algorithm::bounded, {.factor_percent = 10'001}, nodes), invalid);
  EXPECT_EQ(code(Algorithm::bounded, {.factor_percent = 101}, nodes), -1);
}

}  // namespace
}  // namespace chorus::ring
