// cache_sim: a cluster of caches whose slots move under simulated faults, seed by seed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>
#include <string_view>

#include "cache_planted.h"
#include "cache_run.h"
#include "seeds.h"
#include "survey.h"

namespace chorus::cache_sim {

using coord_sim::jobs_max;
using coord_sim::Plant;

namespace {

bool is_plant(std::string_view name) {
  return std::ranges::any_of(plants(), [name](const Plant& plant) { return name == plant.name; });
}

struct Arguments {
  std::optional<std::uint64_t> seed;
  std::uint64_t from = 1;
  std::uint64_t seeds = 100;
  unsigned jobs = 2;
  std::string plant;
  unsigned searches = 0;
  std::size_t trace_lines = 60;
};

std::string replay(std::uint64_t seed, const Arguments& arguments) {
  return fmt::format("cache_sim --seed={}{}", seed, arguments.plant.empty() ? "" : " --plant=" + arguments.plant);
}

void tell(std::uint64_t seed, const RunResult& result, const Arguments& arguments, const std::string& trace) {
  std::string text = fmt::format("seed {} FAILED{}\n", seed, arguments.plant.empty() ? "" : " (bug planted: " + arguments.plant + ")");
  for (const std::string& fault : result.faults) text += "  " + fault + "\n";
  text += "last events:\n" + trace;
  text += fmt::format("seed {} failed; replay with: {}\n", seed, replay(seed, arguments));
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

bool run_one(std::uint64_t seed, const Arguments& arguments, Counts& counts, bool verbose) {
  const RunResult result = run_seed({.seed = seed, .plant = arguments.plant, .verbose = verbose, .trace_lines = arguments.trace_lines});
  counts.add(result.counts);
  if (result.faults.empty()) {
    if (seed % 100 != 0 || verbose) return true;
    if (run_seed({.seed = seed, .plant = arguments.plant}).trace_hash == result.trace_hash) return true;
    fmt::print("seed {} FAILED: run twice, it went differently\n", seed);
    return false;
  }
  if (verbose) {
    tell(seed, result, arguments, result.trace_tail);
  } else {
    // The same once more, with the server's log in its trace.
    tell(seed, result, arguments,
         run_seed({.seed = seed, .plant = arguments.plant, .verbose = true, .trace_lines = arguments.trace_lines}).trace_tail);
  }
  return false;
}

std::string in_words(const Counts& counts) {
  return fmt::format(
      "{} operations, of them {} judged; {} handovers, {} failed; {} MIGRATE; {} snapshots, {} nodes killed, {} keys compared with what "
      "they had saved; {} slots taken from nodes that were cut off, {} other faults; {} events",
      counts.operations, counts.judged, counts.handovers, counts.handovers_failed, counts.migrations, counts.saves, counts.kills,
      counts.revived, counts.takeovers, counts.faults, counts.events);
}

int run_survey(const Arguments& arguments) {
  coord_sim::SurveyOptions options{.bugs = {},
                                   .from = arguments.from,
                                   .seeds_max = arguments.seeds,
                                   .searches = arguments.searches,
                                   .jobs = arguments.jobs,
                                   .shows = {}};
  for (const Plant& plant : plants()) {
    if (arguments.plant.empty() || arguments.plant == plant.name) options.bugs.emplace_back(plant.name);
  }
  options.shows = [](const std::string& bug, std::uint64_t seed) { return !run_seed({.seed = seed, .plant = bug}).faults.empty(); };
  return coord_sim::survey(options) ? 0 : 1;
}

int run_many(const Arguments& arguments) {
  fmt::print("seeds {} to {}, {} at a time{}\n", arguments.from, arguments.from + arguments.seeds - 1, arguments.jobs,
             arguments.plant.empty() ? "" : ", bug planted: " + arguments.plant);
  return coord_sim::run_seeds<Counts>({.from = arguments.from,
                                       .seeds = arguments.seeds,
                                       .jobs = arguments.jobs,
                                       .run = [&](std::uint64_t seed, Counts& counts) { return run_one(seed, arguments, counts, false); },
                                       .replay = [&](std::uint64_t seed) { return replay(seed, arguments); },
                                       .summary = in_words});
}

}  // namespace

int run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"A cluster of caches whose slots move while nodes die, pause and are cut off; what clients were told is checked."};
  app.add_option("--seed", arguments.seed, "replay one seed, with its trace");
  app.add_option("--trace", arguments.trace_lines, "how many of the last events are shown of a failure");
  app.add_option("--from", arguments.from, "first seed");
  app.add_option("--seeds", arguments.seeds, "how many");
  app.add_option("--jobs", arguments.jobs, "processes")->check(CLI::Range(1U, jobs_max));
  app.add_option("--survey", arguments.searches, "look so many times for each planted bug, among --seeds seeds, and tell how many it took");
  std::string names = "plant a bug that must be found:";
  for (const Plant& plant : plants()) names += fmt::format("\n  {}: {}", plant.name, plant.what);
  app.add_option("--plant", arguments.plant, names)->check([](const std::string& name) {
    return is_plant(name) ? std::string() : "no such bug: " + name;
  });
  CLI11_PARSE(app, argc, argv);
  if (arguments.searches > 0) return run_survey(arguments);
  if (!arguments.seed) return run_many(arguments);
  Counts counts;
  fmt::print("seed {}\n", *arguments.seed);
  const bool passed = run_one(*arguments.seed, arguments, counts, true);
  fmt::print("{}: {}\n", in_words(counts), passed ? "passed" : "FAILED");
  return passed ? 0 : 1;
}

}  // namespace chorus::cache_sim

int main(int argc, char** argv) { return chorus::cache_sim::run(argc, argv); }
