#include "app/ring/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace chorus::app::ringtool {
namespace {

constexpr double panel_width = 560, panel_height = 330, left = 62, right = 12, top = 40, bottom = 104, legend_line = 20, margin = 16;
constexpr double plot_width = panel_width - left - right, plot_height = panel_height - top - bottom;
// Distinct to eyes that see fewer colours, too. source: M. Okabe, K. Ito, "Color Universal Design"
constexpr std::array<const char*, 7> colours = {"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999"};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string number(double value) {
  if (value >= 1e6) return fmt::format("{:g}M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:g}k", value / 1e3);
  return fmt::format("{:g}", value);
}

/// From 0, or from a power of ten, to what is at least the highest.
class Axis {
 public:
  explicit Axis(const Panel& panel) : is_log_(panel.scale == Scale::logarithmic) {
    double high = 0, low = HUGE_VAL;
    const auto see = [&](double value) {
      high = std::max(high, value);
      if (value > 0) low = std::min(low, value);
    };
    for (const auto& series : panel.values) std::ranges::for_each(series, see);
    std::ranges::for_each(panel.marks, see);
    if (high <= 0) high = low = 1;
    if (is_log_) {
      low_ = std::floor(std::log10(low) - 0.01);  // so that the shortest bar is seen
      high_ = std::max(std::ceil(std::log10(high)), low_ + 1);
      for (double power = low_; power <= high_; ++power) ticks_.push_back(std::pow(10, power));
      return;
    }
    // Steps of 1, 2 or 5 times a power of ten, about five of them.
    const double rough = high / 5, power = std::pow(10, std::floor(std::log10(rough)));
    const double step = power * (rough / power <= 1 ? 1 : rough / power <= 2 ? 2 : rough / power <= 5 ? 5 : 10);
    high_ = std::ceil(high / step - 1e-9) * step;
    for (double tick = 0; tick <= high_ + step / 2; tick += step) ticks_.push_back(tick);
  }
  const std::vector<double>& ticks() const { return ticks_; }
  /// Above the bottom of the plot.
  double height(double value) const {
    if (is_log_) value = value <= 0 ? low_ : std::log10(value);
    return std::clamp((value - low_) / (high_ - low_), 0.0, 1.0) * plot_height;
  }

 private:
  bool is_log_;
  double low_ = 0, high_ = 1;
  std::vector<double> ticks_;
};

void draw(std::string& out, const Panel& panel, const Chart& chart, double x, double y) {
  const Axis axis(panel);
  const double base = y + top + plot_height, begin = x + left;
  out += fmt::format("<text class=\"title\" x=\"{:.1f}\" y=\"{:.1f}\">{}{}</text>\n", begin, y + 22, escaped(panel.title),
                     panel.scale == Scale::logarithmic ? " (log scale)" : "");
  if (!panel.marks.empty()) {
    out += fmt::format(
        "<line class=\"mark\" x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/><text x=\"{3:.1f}\" y=\"{4:.1f}\">{5}</text>\n",
        begin + plot_width - 158, begin + plot_width - 138, y + 18, begin + plot_width - 132, y + 22, escaped(panel.mark_title));
  }
  for (const double tick : axis.ticks()) {
    const double at = base - axis.height(tick);
    out += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/><text class=\"tick\" x=\"{3:.1f}\" "
        "y=\"{4:.1f}\">{5}</text>\n",
        begin, begin + plot_width, at, begin - 6, at + 4, number(tick));
  }
  const double group_width = plot_width / static_cast<double>(chart.groups.size());
  const double bar = group_width * 0.8 / static_cast<double>(chart.series.size());
  for (std::size_t group = 0; group < chart.groups.size(); ++group) {
    const double from = begin + group_width * (static_cast<double>(group) + 0.1);
    for (std::size_t series = 0; series < panel.values.size(); ++series) {
      const double value = panel.values[series][group], height = axis.height(value), at = from + bar * static_cast<double>(series);
      out += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"><title>{}, {}: {:.4g}</title></rect>\n", at,
          base - height, bar * 0.92, height, colours[series % colours.size()], escaped(chart.groups[group]), escaped(chart.series[series]),
          value);
      if (panel.marks.empty()) continue;
      out += fmt::format("<line class=\"mark\" x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>\n", at - 1,
                         at + bar * 0.92 + 1, base - axis.height(panel.marks[series]));
    }
    const double middle = begin + group_width * (static_cast<double>(group) + 0.5);
    out += fmt::format("<text class=\"group\" transform=\"translate({:.1f},{:.1f}) rotate(-40)\">{}</text>\n", middle + 4, base + 14,
                       escaped(chart.groups[group]));
  }
  out +=
      fmt::format("<line class=\"axis\" x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>\n", begin, begin + plot_width, base);
}

}  // namespace

std::string Chart::svg() const {
  const double legend_height = legend_line * static_cast<double>(series.size()) + 2 * margin;
  const std::size_t rows = (panels.size() + 1) / 2;
  const double width = 2 * panel_width + margin, height = legend_height + panel_height * static_cast<double>(rows);
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "font-family=\"sans-serif\" "
      "font-size=\"12\">\n<style>.title{{font-size:14px;font-weight:bold}}.tick{{text-anchor:end}}.group{{text-anchor:end}}"
      ".grid{{stroke:#ddd}}.axis{{stroke:#333}}.mark{{stroke:#000;stroke-width:2}}</style>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
      width, height);
  for (std::size_t i = 0; i < series.size(); ++i) {
    const double y = margin + legend_line * static_cast<double>(i);
    out +=
        fmt::format("<rect x=\"{:.0f}\" y=\"{:.0f}\" width=\"14\" height=\"14\" fill=\"{}\"/><text x=\"{:.0f}\" y=\"{:.0f}\">{}</text>\n",
                    left, y, colours[i % colours.size()], left + 20, y + 12, escaped(series[i]));
  }
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const std::size_t row = i / 2, column = i % 2;
    draw(out, panels[i], *this, static_cast<double>(column) * panel_width, legend_height + panel_height * static_cast<double>(row));
  }
  return out + "</svg>\n";
}

}  // namespace chorus::app::ringtool
