// The fewest of many things that still do it.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace chorus::coord_sim {

/// Of the numbers below `count`, a subset for which `fails` holds and none of which can be left out alone; `fails` holds for all of them.
/// Asks some multiple of (size of the result) * log(count) times. source: Zeller, Hildebrandt, "Simplifying and isolating
/// failure-inducing input" (2002)
std::vector<std::size_t> shrink(std::size_t count, const std::function<bool(const std::vector<std::size_t>&)>& fails);

}  // namespace chorus::coord_sim
