#include "shrink.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace chorus::coord_sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

auto needs(std::vector<std::size_t> all, int* asked = nullptr) {
  return [all = std::move(all), asked](const std::vector<std::size_t>& some) {
    if (asked != nullptr) ++*asked;
    return std::all_of(all.begin(), all.end(), [&](std::size_t one) { return std::find(some.begin(), some.end(), one) != some.end(); });
  };
}

TEST(ShrinkTest, FindsWhatIsNeeded) {
  int asked = 0;
  EXPECT_THAT(shrink(100, needs({3, 57, 58}, &asked)), ElementsAre(3, 57, 58));
  EXPECT_LT(asked, 60);
  EXPECT_THAT(shrink(1, needs({0})), ElementsAre(0));
  EXPECT_THAT(shrink(7, needs({0, 1, 2, 3, 4, 5, 6})), ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

TEST(ShrinkTest, NothingMayBeNeeded) {
  EXPECT_THAT(shrink(100, needs({})), IsEmpty());
  EXPECT_THAT(shrink(0, needs({})), IsEmpty());
}

TEST(ShrinkTest, NoneOfTheResultCanBeLeftOut) {
  // Not monotonous: any even number of them, at least four.
  const auto fails = [](const std::vector<std::size_t>& some) { return some.size() >= 4 && some.size() % 2 == 0; };
  const std::vector<std::size_t> few = shrink(64, fails);
  EXPECT_TRUE(fails(few));
  for (std::size_t i = 0; i < few.size(); ++i) {
    std::vector<std::size_t> fewer = few;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(fails(fewer));
  }
}

}  // namespace
}  // namespace chorus::coord_sim
