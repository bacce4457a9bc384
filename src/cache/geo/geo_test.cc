#include <algorithm>

#include "base/random.h"
#include "cache/geo/geohash.h"
#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

TEST(Geohash, IsTheOneOfRedis) {
  // source: redis-server 7.0.15
  EXPECT_EQ(geohash_of({13.361389, 38.115556}), 3479099956230698U);
  EXPECT_EQ(geohash_of({15.087269, 37.502669}), 3479447370796909U);
  EXPECT_EQ(geohash_text(3479099956230698), "sqc8b49rny0");
  EXPECT_EQ(geohash_text(3479447370796909), "sqdtr74hyu0");
  EXPECT_FALSE(has_geohash({180.1, 0}));
  EXPECT_FALSE(has_geohash({0, 85.1}));
  for (const double score : {-1.0, 1e300, -1e300, 0.0, 9e15}) EXPECT_TRUE(has_geohash(place_of(score))) << score;
}

/// Whatever is within a shape is within its ranges, wherever on the globe that is (but over the date line, where Redis does not look).
TEST(Geohash, RangesHoldAllThatIsWithin) {
  base::Random random(7);
  const auto real = [&](double most) { return (static_cast<double>(random.below(2'000'001)) / 1e6 - 1) * most; };
  std::size_t within = 0;
  for (int i = 0; i < 2000; ++i) {
    const double size = 1000.0 * static_cast<double>(1 + random.below(800));
    const Shape shape{.centre = {real(150), real(70)}, .is_box = i % 2 == 0, .radius = size, .width = size * 1.5, .height = size};
    const auto ranges = ranges_of(shape);
    EXPECT_LE(ranges.size(), 9U);
    for (int n = 0; n < 50; ++n) {
      const double score = static_cast<double>(geohash_of(
          {std::clamp(shape.centre.longitude + real(8), -180.0, 180.0), std::clamp(shape.centre.latitude + real(8), -85.0, 85.0)}));
      if (!shape.distance_to(place_of(score))) continue;
      ++within;
      EXPECT_TRUE(std::any_of(ranges.begin(), ranges.end(), [&](ScoreRange each) { return score >= each.low && score < each.high; }))
          << shape.centre.longitude << "," << shape.centre.latitude << " " << size;
    }
  }
  EXPECT_GT(within, 10'000U);
}

using Geo = ServerTest;

TEST_F(Geo, IsASortedSetBelow) {
  EXPECT_EQ(ask("GEOADD g CH 13.361389 38.115556 P 15.087269 37.502669 C"), ":2|");
  EXPECT_EQ(effects(), "ZADD g CH 3479099956230698 P 3479447370796909 C");
  EXPECT_EQ(events(), "new:g zadd:g");
  EXPECT_EQ(ask("GEOADD g NX 1 1 P"), ":0|");
  EXPECT_EQ(effects(), "");
  EXPECT_EQ(ask("GEODIST g P C KM"), "$8|166.2742|");
  EXPECT_EQ(ask("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 100 km STOREDIST"), ":1|");
  EXPECT_EQ(ask("ZRANGE d 0 -1 WITHSCORES"), "*2|$1|C|$16|56.4412578701582|");
  EXPECT_EQ(ask("GEORADIUS g 15 37 1 m STORE d"), ":0|");
  EXPECT_EQ(effects(), "GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 100 km STOREDIST / GEORADIUS g 15 37 1 m STORE d");
  EXPECT_EQ(events(), "new:d geosearchstore:d del:d");
  ask("HELLO 3");
  EXPECT_EQ(ask("GEOPOS g P x"), "*2|*2|,13.36138933897018433|,38.11555639549629859|_|");
}

}  // namespace
}  // namespace chorus::cache
