#include "coord/statistics.h"

#include <gtest/gtest.h>

namespace chorus::coord {
namespace {

TEST(NamespaceStatistics, AreOfTopLevelNodes) {
  NamespaceStatistics all;
  all.add("/", 7);  // of none
  all.add("/a", 3);
  all.add("/a/b/c", 5);
  all.add("/ab/b", 11);
  ASSERT_EQ(all.all().size(), 2U);
  EXPECT_EQ(all.all().find("a")->second.sum, 8);
  EXPECT_EQ(all.all().find("a")->second.max, 5);
  EXPECT_EQ(all.all().find("ab")->second.count, 1);
}

TEST(NamespaceStatistics, AreOfSoManyAndNoMore) {
  NamespaceStatistics all;
  for (std::size_t i = 0; i < NamespaceStatistics::max + 20; ++i) all.add("/n" + std::to_string(i), 1);
  all.add("/n0", 1);
  EXPECT_EQ(all.all().size(), NamespaceStatistics::max);
  EXPECT_EQ(all.all().find("n0")->second.count, 2);
}

}  // namespace
}  // namespace chorus::coord
