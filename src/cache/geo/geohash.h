// Places on the globe as numbers of 52 bits, near ones close to each other, in Redis' way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace chorus::cache {

/// Degrees.
struct Place {
  double longitude = 0, latitude = 0;
};
inline constexpr double longitude_max = 180, latitude_max = 85.05112878;

/// Within the limits above (the lower ones included) it has a hash, the score of its member in a sorted set.
bool has_geohash(Place place);
std::uint64_t geohash_of(Place place);
/// The middle of what has that hash; of any score.
Place place_of(double score);
/// Eleven letters and digits, as geohash.org has them.
std::string geohash_text(double score);
/// Metres, on a sphere.
double distance_between(Place one, Place other);

/// A circle, or a box whose sides are along the meridians.
struct Shape {
  Place centre;
  bool is_box = false;
  double radius = 0;  // of the circle
  double width = 0, height = 0;
  double unit = 1;  // metres

  /// The distance from the centre in metres; empty: it is outside.
  std::optional<double> distance_to(Place place) const;
};

/// Scores from `low` to below `high`.
struct ScoreRange {
  double low = 0, high = 0;
};
/// Where in a sorted set all that is within the shape may be, in the order in which Redis looks; up to nine ranges.
std::vector<ScoreRange> ranges_of(const Shape& shape);

}  // namespace chorus::cache
