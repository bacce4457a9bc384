#include "app/ring/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/mq/output.h"
#include "app/ring/chart.h"

namespace chorus::app::ringtool {
namespace {

using mqtool::Json;

std::string octets(std::size_t count) {
  if (count < 10'000) return fmt::format("{} B", count);
  if (count < 10'000'000) return fmt::format("{:.0f} KiB", static_cast<double>(count) / 1024);
  return fmt::format("{:.0f} MiB", static_cast<double>(count) / (1024.0 * 1024));
}
std::string duration(double ns) {
  if (ns < 10'000) return fmt::format("{:.0f} ns", ns);
  if (ns < 10'000'000) return fmt::format("{:.0f} us", ns / 1e3);
  return fmt::format("{:.0f} ms", ns / 1e6);
}
std::string percent(double share) { return fmt::format("{:.2f} %", share * 100); }

std::string nodes_text(std::size_t count) { return fmt::format("{} node{}", count, count == 1 ? "" : "s"); }

std::string change_text(const Comparison& comparison) {
  std::string added, removed, weighted;
  std::size_t added_count = 0;
  const auto add = [](std::string& to, std::string_view what) { to += (to.empty() ? "" : ", ") + std::string(what); };
  const auto find = [](const std::vector<ring::Node>& nodes, std::string_view name) {
    return std::ranges::find(nodes, name, &ring::Node::name);
  };
  for (const ring::Node& node : comparison.after) {
    const auto was = find(comparison.before, node.name);
    if (was == comparison.before.end()) {
      ++added_count;
      add(added, node.weight == 1 ? node.name : fmt::format("{}={}", node.name, node.weight));
    } else if (was->weight != node.weight) {
      add(weighted, fmt::format("{}={} (was {})", node.name, node.weight, was->weight));
    }
  }
  for (const ring::Node& node : comparison.before) {
    if (find(comparison.after, node.name) == comparison.after.end()) add(removed, node.name);
  }
  if (added_count > 3) added = nodes_text(added_count);
  std::string out;
  const auto part = [&](std::string_view what, const std::string& which) {
    if (!which.empty()) out += fmt::format("{}{} {}", out.empty() ? "" : "; ", what, which);
  };
  part("add", added);
  part("remove", removed);
  part("weigh", weighted);
  return out.empty() ? "no change" : out;
}

std::string heading(const Comparison& comparison) {
  return fmt::format("{}, {}; {} keys. At least {} of the keys move; chance alone gives a stddev of {}.",
                     nodes_text(comparison.before.size()), change_text(comparison), comparison.keys, percent(comparison.least_moved),
                     percent(comparison.chance_stddev));
}

std::vector<std::string> heads(bool times) {
  std::vector<std::string> out = {"ALGORITHM", "MAX/MEAN", "STDDEV", "PUBLISHED", "MOVED", "PUBLISHED"};
  if (times) out.insert(out.end(), {"LOOKUP", "HASH", "BUILD"});
  out.emplace_back("MEMORY");
  return out;
}

std::vector<std::string> row(const Measurement& each, bool times) {
  const auto bound = [](const std::string& text) { return text.empty() ? "-" : text; };
  std::vector<std::string> out = {std::string(each.facts->name), fmt::format("{:.3f}", each.max_over_mean),
                                  percent(each.stddev),          bound(each.spread_bound),
                                  percent(each.moved),           bound(each.moved_bound)};
  if (times)
    out.insert(out.end(), {fmt::format("{:.1f} ns", each.lookup_ns), fmt::format("{:.1f} ns", each.hash_ns), duration(each.build_ns)});
  out.push_back(octets(each.memory));
  return out;
}

}  // namespace

std::string to_table(const Comparison& comparison, bool times) {
  mqtool::Table table(heads(times));
  for (const Measurement& each : comparison.measurements) table.add(row(each, times));
  return heading(comparison) + '\n' + table.text();
}

std::string to_markdown(const Comparison& comparison, bool times) {
  std::string out = heading(comparison) + "\n\n";
  const auto line = [&](const std::vector<std::string>& cells) { out += fmt::format("| {} |\n", fmt::join(cells, " | ")); };
  std::vector<std::string> names = heads(times);
  for (std::string& name : names)
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  line(names);
  // Numbers to the right, words to the left.
  for (std::string& name : names) name = name == "algorithm" || name == "published" ? "---" : "---:";
  line(names);
  for (const Measurement& each : comparison.measurements) line(row(each, times));
  return out;
}

std::string to_json(const Comparison& comparison, bool times) {
  Json algorithms = Json::array();
  for (const Measurement& each : comparison.measurements) {
    Json one = {{"algorithm", each.facts->name},
                {"max_over_mean", each.max_over_mean},
                {"stddev", each.stddev},
                {"moved", each.moved},
                {"memory", each.memory},
                {"published_spread", each.spread_bound},
                {"published_moved", each.moved_bound}};
    if (times) one.update(Json{{"lookup_ns", each.lookup_ns}, {"hash_ns", each.hash_ns}, {"build_ns", each.build_ns}});
    algorithms.push_back(std::move(one));
  }
  return mqtool::line({{"nodes", comparison.before.size()},
                       {"nodes_after", comparison.after.size()},
                       {"change", change_text(comparison)},
                       {"keys", comparison.keys},
                       {"least_moved", comparison.least_moved},
                       {"chance_stddev", comparison.chance_stddev},
                       {"algorithms", std::move(algorithms)}});
}

std::string to_svg(std::span<const Comparison> comparisons, bool times) {
  Chart chart;
  for (const Comparison& each : comparisons)
    chart.series.push_back(fmt::format("{}, {}", nodes_text(each.before.size()), change_text(each)));
  if (!comparisons.empty()) {
    for (const Measurement& each : comparisons.front().measurements) chart.groups.emplace_back(each.facts->name);
  }
  const auto panel = [&](std::string title, Scale scale, auto&& value) {
    Panel& out = chart.panels.emplace_back(Panel{.title = std::move(title), .scale = scale, .values = {}, .marks = {}, .mark_title = {}});
    for (const Comparison& each : comparisons) {
      std::vector<double>& values = out.values.emplace_back();
      for (const Measurement& measurement : each.measurements) values.push_back(value(measurement));
    }
  };
  panel("Fullest node, keys over its share", Scale::linear, [](const Measurement& each) { return each.max_over_mean; });
  panel("Standard deviation of the load, percent", Scale::linear, [](const Measurement& each) { return each.stddev * 100; });
  panel("Keys moved, percent", Scale::logarithmic, [](const Measurement& each) { return each.moved * 100; });
  chart.panels.back().mark_title = "the least that can move";
  for (const Comparison& each : comparisons) chart.panels.back().marks.push_back(each.least_moved * 100);
  if (times) panel("Lookup by hash, nanoseconds", Scale::logarithmic, [](const Measurement& each) { return each.lookup_ns; });
  if (times) panel("Building, microseconds", Scale::logarithmic, [](const Measurement& each) { return each.build_ns / 1000; });
  panel("Memory, KiB", Scale::logarithmic, [](const Measurement& each) { return static_cast<double>(each.memory) / 1024; });
  return chart.svg();
}

}  // namespace chorus::app::ringtool
