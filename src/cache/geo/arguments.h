// What commands of places have in common.
#pragma once

#include <optional>

#include "cache/call.h"
#include "cache/geo/geohash.h"

namespace chorus::cache {

/// Longitude and latitude at arguments `i` and `i` + 1; empty: replied.
std::optional<Place> place_argument(Call& call, std::size_t i);
/// Metres of the unit that argument `i` names; empty: replied.
std::optional<double> unit_argument(Call& call, std::size_t i);
/// Four decimals, as a bulk string in either protocol.
void reply_distance(Call& call, double distance);
void reply_place(Call& call, Place place);

}  // namespace chorus::cache
