#include "app/ring/ring.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>

#include "app/mq/output.h"
#include "app/ring/compare.h"
#include "app/ring/parse.h"
#include "app/ring/report.h"
#include "ring/slots.h"

namespace chorus::app::ringtool {
namespace {

Exit fail(Exit code, std::string_view words) {
  fmt::print(stderr, "chorus ring: {}\n", words);
  return code;
}

/// A line on a terminal that the next one takes the place of.
class Progress {
 public:
  Progress() : on_(isatty(STDERR_FILENO) != 0) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }
  void show(std::string_view words) const {
    if (on_) fmt::print(stderr, "\r\x1b[K{}", words);
  }
  void clear() const {
    if (on_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  bool on_;
};

Exit run_compare(const Command& command) {
  const CompareOptions options{.keys = command.keys, .seed = command.seed, .times = command.times, .placement = command.options};
  std::vector<Comparison> comparisons;
  const Progress progress;
  for (const auto& nodes : command.lists) {
    const auto after = changed(nodes, command.change);
    if (!after) return fail(Exit::usage, after.error());
    auto comparison = compare(nodes, *after, command.algorithms, options, [&](std::string_view algorithm) {
      progress.show(fmt::format("{} of {} lists: {}", comparisons.size() + 1, command.lists.size(), algorithm));
    });
    if (!comparison) return fail(Exit::usage, comparison.error().message);
    progress.clear();
    const std::string_view gap = comparisons.empty() || command.json ? "" : "\n";
    fmt::print("{}{}", gap,
               command.json       ? to_json(*comparison, command.times)
               : command.markdown ? to_markdown(*comparison, command.times)
                                  : to_table(*comparison, command.times));
    std::fflush(stdout);
    comparisons.push_back(std::move(*comparison));
  }
  if (!command.svg_file.empty()) {
    std::ofstream file(command.svg_file, std::ios::binary | std::ios::trunc);
    file << to_svg(comparisons, command.times);
    file.close();
    if (!file) return fail(Exit::failed, fmt::format("{} cannot be written", command.svg_file));
  }
  return Exit::ok;
}

Exit run_locate(const Command& command) {
  const ring::AlgorithmFacts& facts = *command.algorithms.front();
  const auto& nodes = command.lists.front();
  const auto placement = ring::make_placement(facts.algorithm, nodes, command.options);
  if (!placement) return fail(Exit::usage, placement.error().message);
  const auto print = [&](const std::string& key) {
    const std::string& node = nodes[(*placement)->assign((*placement)->hash(key))].name;
    const bool has_slot = facts.algorithm == ring::Algorithm::slots;
    if (command.json) {
      mqtool::Json out = {{"key", key}, {"node", node}};
      if (has_slot) out["slot"] = ring::key_slot(key);
      fmt::print("{}", mqtool::line(out));
    } else {
      fmt::print("{} {}{}\n", key, node, has_slot ? fmt::format(" {}", ring::key_slot(key)) : "");
    }
  };
  for (const std::string& key : command.keys_to_locate) print(key);
  if (command.keys_to_locate.empty()) {
    for (std::string key; std::getline(std::cin, key);) print(key);
  }
  return std::fflush(stdout) == 0 ? Exit::ok : fail(Exit::failed, "standard output cannot be written");
}

}  // namespace

int ring_main(int argc, const char* const* argv) {
  const auto parsed = parse_arguments({argv + 1, argv + argc});
  if (const auto* leave = std::get_if<Leave>(&parsed)) return static_cast<int>(leave->code);
  const auto& command = std::get<Command>(parsed);
  return static_cast<int>(command.kind == Command::Kind::locate ? run_locate(command) : run_compare(command));
}

}  // namespace chorus::app::ringtool
