// Points of nodes on a circle of unsigned numbers, and the first at or after a place.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "base/ensure.h"
#include "ring/node.h"

namespace chorus::ring {

/// Points are close to evenly spread, being hashes, so a directory by the upper bits leads to within a step or two of the wanted one: a
/// lookup takes the same time however many points there are.
template <std::unsigned_integral Value>
class PointRing {
 public:
  struct Point {
    Value value;
    NodeIndex node;
    std::uint32_t order = 0;  // in the list: set by the ring
  };

  /// points: one at least, at most 2^31. Of points at the same place the one earlier in the list counts.
  explicit PointRing(std::vector<Point> points) {
    ENSURE(!points.empty() && points.size() <= std::size_t{1} << 31, points.size());
    for (std::size_t i = 0; i < points.size(); ++i) points[i].order = static_cast<std::uint32_t>(i);
    std::ranges::sort(points, {}, [](const Point& point) { return std::pair(point.value, point.order); });
    values_.reserve(points.size());
    nodes_.reserve(points.size());
    for (const Point& point : points) {
      values_.push_back(point.value);
      nodes_.push_back(point.node);
    }
    const int bits = std::min<int>(std::bit_width(points.size() - 1), std::numeric_limits<Value>::digits - 1);
    shift_ = std::numeric_limits<Value>::digits - std::max(bits, 1);
    directory_.resize((std::size_t{1} << std::max(bits, 1)));
    std::size_t position = 0;
    for (std::size_t bucket = 0; bucket < directory_.size(); ++bucket) {
      while (position < values_.size() && values_[position] >> shift_ < bucket) ++position;
      directory_[bucket] = static_cast<std::uint32_t>(position);
    }
  }

  /// Position of the first point at or after `place`, going round.
  std::size_t first_at(Value place) const {
    std::size_t position = directory_[static_cast<std::size_t>(place >> shift_)];
    while (position < values_.size() && values_[position] < place) ++position;
    return position == values_.size() ? 0 : position;
  }
  std::size_t after(std::size_t position) const { return position + 1 == values_.size() ? 0 : position + 1; }
  NodeIndex node_at(std::size_t position) const { return nodes_[position]; }
  Value value_at(std::size_t position) const { return values_[position]; }
  std::size_t size() const { return values_.size(); }
  std::size_t memory() const {
    return values_.capacity() * sizeof(Value) + nodes_.capacity() * sizeof(NodeIndex) + directory_.capacity() * sizeof(std::uint32_t);
  }

 private:
  std::vector<Value> values_;  // rising
  std::vector<NodeIndex> nodes_;
  std::vector<std::uint32_t> directory_;  // by upper bits of a place: position of the first point that has these, or higher ones
  int shift_ = 0;
};

}  // namespace chorus::ring
