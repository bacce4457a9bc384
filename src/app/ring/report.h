// How comparisons are printed.
#pragma once

#include <span>
#include <string>

#include "app/ring/compare.h"

namespace chorus::app::ringtool {

/// A heading and a row for each algorithm.
std::string to_table(const Comparison& comparison, bool times);
std::string to_markdown(const Comparison& comparison, bool times);
/// One line.
std::string to_json(const Comparison& comparison, bool times);

/// Plots of all of them side by side, as an SVG document; a colour for each number of nodes.
std::string to_svg(std::span<const Comparison> comparisons, bool times);

}  // namespace chorus::app::ringtool
