// Grouped bars as SVG: for each panel a scale, for each group a bar of each series.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chorus::app::ringtool {

enum class Scale : std::uint8_t { linear, logarithmic };

struct Panel {
  std::string title;  // with the unit
  Scale scale = Scale::linear;
  std::vector<std::vector<double>> values;  // by series, then by group; not negative
  std::vector<double> marks;                // by series: a line across its bars; may be empty
  std::string mark_title;                   // what the lines stand for
};

struct Chart {
  std::vector<std::string> groups, series;
  std::vector<Panel> panels;
  /// A document of its own, two panels in a row.
  std::string svg() const;
};

}  // namespace chorus::app::ringtool
