#include "cache/geo/geohash.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string_view>

namespace chorus::cache {
namespace {

constexpr double earth_radius = 6372797.560856;
constexpr double mercator_max = 20037726.37;  // half of the equator, as web maps have it
constexpr double degree = std::numbers::pi / 180.0;
constexpr unsigned steps_max = 26;  // bits of each of longitude and latitude
constexpr std::uint64_t odd_bits = 0xaaaaaaaaaaaaaaaaULL, even_bits = 0x5555555555555555ULL;

struct Span {
  double min, max;
};
constexpr Span longitudes{-longitude_max, longitude_max}, latitudes{-latitude_max, latitude_max};

/// The low half of the bits, to every other place. source: Bit Twiddling Hacks, "Interleave bits by Binary Magic Numbers"
std::uint64_t spread(std::uint64_t x) {
  x &= 0xffffffff;
  x = (x | x << 16) & 0x0000ffff0000ffffULL;
  x = (x | x << 8) & 0x00ff00ff00ff00ffULL;
  x = (x | x << 4) & 0x0f0f0f0f0f0f0f0fULL;
  x = (x | x << 2) & 0x3333333333333333ULL;
  return (x | x << 1) & even_bits;
}

std::uint64_t gather(std::uint64_t x) {
  x &= even_bits;
  x = (x | x >> 1) & 0x3333333333333333ULL;
  x = (x | x >> 2) & 0x0f0f0f0f0f0f0f0fULL;
  x = (x | x >> 4) & 0x00ff00ff00ff00ffULL;
  x = (x | x >> 8) & 0x0000ffff0000ffffULL;
  return (x | x >> 16) & 0xffffffff;
}

/// Latitude in the even bits, longitude in the odd ones, `steps` of each.
struct Cell {
  std::uint64_t bits = 0;
  unsigned steps = 0;
};

std::uint64_t part_of(double value, Span span, unsigned steps) {
  return static_cast<std::uint64_t>((value - span.min) / (span.max - span.min) * static_cast<double>(1ULL << steps));
}

Cell cell_of(Place place, unsigned steps, Span latitude_span = latitudes) {
  return {spread(part_of(place.latitude, latitude_span, steps)) | spread(part_of(place.longitude, longitudes, steps)) << 1, steps};
}

struct Area {
  Span longitude, latitude;
};

Span span_of(std::uint64_t part, Span span, unsigned steps) {
  const double scale = span.max - span.min, parts = static_cast<double>(1ULL << steps);
  return {span.min + static_cast<double>(part) / parts * scale, span.min + static_cast<double>(part + 1) / parts * scale};
}

Area area_of(Cell cell) {
  return {span_of(gather(cell.bits >> 1), longitudes, cell.steps), span_of(gather(cell.bits), latitudes, cell.steps)};
}

/// One step along one of the interleaved numbers, around the globe: `own` are its bits, `other` those between.
std::uint64_t moved(std::uint64_t bits, unsigned steps, std::uint64_t own, std::uint64_t other, int by) {
  const unsigned unused = 64 - steps * 2;
  std::uint64_t part = bits & own;
  const std::uint64_t gaps = other >> unused;
  if (by > 0) {
    part += gaps + 1;
  } else if (by < 0) {
    part = (part | gaps) - (gaps + 1);
  }
  return (part & own >> unused) | (bits & ~own);
}

Cell neighbour(Cell cell, int east, int north) {
  if (east != 0) cell.bits = moved(cell.bits, cell.steps, odd_bits, even_bits, east);
  if (north != 0) cell.bits = moved(cell.bits, cell.steps, even_bits, odd_bits, north);
  return cell;
}

double along_meridian(double latitude, double other) { return earth_radius * std::fabs(other * degree - latitude * degree); }

/// So many that the shape lies within a cell and its neighbours.
unsigned steps_for(double metres, double latitude) {
  if (metres == 0) return steps_max;
  int steps = 1;
  for (; metres < mercator_max; metres *= 2) ++steps;
  steps -= 2;
  // Cells are narrow near the poles.
  if (std::fabs(latitude) > 66) --steps;
  if (std::fabs(latitude) > 80) --steps;
  return static_cast<unsigned>(std::clamp(steps, 1, static_cast<int>(steps_max)));
}

Area bounds_of(const Shape& shape) {
  const double height = shape.unit * (shape.is_box ? shape.height / 2 : shape.radius);
  const double width = shape.unit * (shape.is_box ? shape.width / 2 : shape.radius);
  const auto [longitude, latitude] = shape.centre;
  const double up = height / earth_radius / degree;
  // A side is the longest in degrees where it is nearest to a pole.
  const double nearest = latitude < 0 ? latitude - up : latitude + up;
  const double aside = width / earth_radius / std::cos(nearest * degree) / degree;
  return {.longitude = {longitude - aside, longitude + aside}, .latitude = {latitude - up, latitude + up}};
}

}  // namespace

bool has_geohash(Place place) {
  return place.longitude >= -longitude_max && place.longitude <= longitude_max && place.latitude >= -latitude_max &&
         place.latitude <= latitude_max;
}

std::uint64_t geohash_of(Place place) { return cell_of(place, steps_max).bits; }

Place place_of(double score) {
  // Whatever is in a sorted set is taken for one, as the processor makes a number of it.
  std::uint64_t bits = 0;
  if (score >= 0 && score < 0x1p64) {
    bits = static_cast<std::uint64_t>(score);
  } else if (score < 0) {
    bits = score >= -0x1p63 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(score)) : std::uint64_t{1} << 63;
  }
  const Area area = area_of({bits, steps_max});
  const auto middle = [](Span span, double most) { return std::clamp((span.min + span.max) / 2, -most, most); };
  return {middle(area.longitude, longitude_max), middle(area.latitude, latitude_max)};
}

std::string geohash_text(double score) {
  constexpr std::string_view alphabet = "0123456789bcdefghjkmnpqrstuvwxyz";
  constexpr Span all_latitudes{-90, 90};
  const std::uint64_t bits = cell_of(place_of(score), steps_max, all_latitudes).bits;
  std::string text;
  for (int shift = 47; shift > 0; shift -= 5) text += alphabet[bits >> shift & 31];
  return text + '0';  // 52 bits are no more than ten
}

double distance_between(Place one, Place other) {
  const double v = std::sin((other.longitude * degree - one.longitude * degree) / 2);
  if (v == 0) return along_meridian(one.latitude, other.latitude);
  const double from = one.latitude * degree, to = other.latitude * degree;
  const double u = std::sin((to - from) / 2);
  return 2.0 * earth_radius * std::asin(std::sqrt(u * u + std::cos(from) * std::cos(to) * v * v));
}

std::optional<double> Shape::distance_to(Place place) const {
  if (is_box) {
    if (along_meridian(place.latitude, centre.latitude) > height * unit / 2) return {};
    if (distance_between(place, {centre.longitude, place.latitude}) > width * unit / 2) return {};
    return distance_between(centre, place);
  }
  const double distance = distance_between(centre, place);
  return distance > radius * unit ? std::nullopt : std::optional(distance);
}

std::vector<ScoreRange> ranges_of(const Shape& shape) {
  const Area bounds = bounds_of(shape);
  const double half_width = shape.width / 2, half_height = shape.height / 2;
  const double reach = shape.unit * (shape.is_box ? std::sqrt(half_width * half_width + half_height * half_height) : shape.radius);
  unsigned steps = steps_for(reach, shape.centre.latitude);
  Cell cell = cell_of(shape.centre, steps);
  // Near the edge of its cell the shape may go beyond the neighbours.
  const bool is_beyond = area_of(neighbour(cell, 0, 1)).latitude.max < bounds.latitude.max ||
                         area_of(neighbour(cell, 0, -1)).latitude.min > bounds.latitude.min ||
                         area_of(neighbour(cell, 1, 0)).longitude.max < bounds.longitude.max ||
                         area_of(neighbour(cell, -1, 0)).longitude.min > bounds.longitude.min;
  if (steps > 1 && is_beyond) cell = cell_of(shape.centre, --steps);
  const Area area = area_of(cell);
  const auto is_useless = [&](int east, int north) {
    if (steps < 2) return false;
    return (north < 0 && area.latitude.min < bounds.latitude.min) || (north > 0 && area.latitude.max > bounds.latitude.max) ||
           (east < 0 && area.longitude.min < bounds.longitude.min) || (east > 0 && area.longitude.max > bounds.longitude.max);
  };
  constexpr std::array<std::array<int, 2>, 9> directions{{{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}}};
  std::vector<ScoreRange> ranges;
  std::optional<std::uint64_t> before;
  for (const auto& [east, north] : directions) {
    if (is_useless(east, north)) continue;
    const Cell next = neighbour(cell, east, north);
    // Where cells are as large as a half of the globe, neighbours are the same.
    if (before == next.bits) continue;
    if (east != 0 || north != 0) before = next.bits;
    const unsigned shift = 2 * (steps_max - steps);
    ranges.push_back({static_cast<double>(next.bits << shift), static_cast<double>((next.bits + 1) << shift)});
  }
  return ranges;
}

}  // namespace chorus::cache
