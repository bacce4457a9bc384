// ensemble_sim: an ensemble of coordination servers under simulated faults, seed by seed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>

#include "ensemble_planted.h"
#include "ensemble_run.h"
#include "seeds.h"
#include "shrink.h"
#include "survey.h"

namespace chorus::coord_sim {

namespace {

struct Arguments {
  std::optional<std::uint64_t> seed;
  std::uint64_t from = 1;
  std::uint64_t seeds = 100;
  unsigned jobs = 2;
  std::optional<std::size_t> members;
  std::string plant;
  std::optional<std::vector<std::size_t>> keep;
  bool no_faults = false;
  bool shrink = false;
  unsigned searches = 0;
  std::size_t trace_lines = 60;

  EnsembleRunOptions options(std::uint64_t of_seed, bool verbose) const {
    EnsembleRunOptions made{
        .seed = of_seed, .members = members, .plant = plant, .keep = keep, .verbose = verbose, .trace_lines = trace_lines};
    if (no_faults) made.keep = std::vector<std::size_t>();
    return made;
  }
};

std::string replay(std::uint64_t seed, const Arguments& arguments) {
  std::string command = fmt::format("ensemble_sim --seed={}", seed);
  if (arguments.members) command += fmt::format(" --members={}", *arguments.members);
  if (!arguments.plant.empty()) command += " --plant=" + arguments.plant;
  if (arguments.no_faults || (arguments.keep && arguments.keep->empty())) return command + " --no-faults";
  if (arguments.keep) command += fmt::format(" --keep={}", fmt::join(*arguments.keep, ","));
  return command;
}

void tell(std::uint64_t seed, const EnsembleResult& result, const Arguments& arguments, bool with_trace) {
  std::string text = fmt::format("seed {} FAILED{}: {}\n", seed, arguments.plant.empty() ? "" : " (bug planted: " + arguments.plant + ")",
                                 result.ensemble);
  for (const std::string& violation : result.violations) text += "  " + violation + "\n";
  if (with_trace) {
    text += "faults:\n";
    for (std::size_t i = 0; i < result.faults.size(); ++i) {
      const std::vector<std::size_t>* keep = arguments.keep ? &*arguments.keep : nullptr;
      if (arguments.no_faults || (keep != nullptr && std::find(keep->begin(), keep->end(), i) == keep->end())) continue;
      text += fmt::format("  {}: {}\n", i, describe(result.faults[i]));
    }
    if (arguments.trace_lines > 0) text += "last events:\n" + result.trace_tail;
  }
  text += fmt::format("seed {} failed; replay with: {}; find the faults that matter with --shrink\n", seed, replay(seed, arguments));
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

bool run_one(std::uint64_t seed, const Arguments& arguments, EnsembleCounts& counts, bool verbose) {
  const EnsembleResult result = run_ensemble(arguments.options(seed, verbose));
  counts.add(result.counts);
  if (!result.violations.empty()) {
    tell(seed, result, arguments, verbose);
    return false;
  }
  if (seed % 100 != 0 || verbose) return true;
  if (run_ensemble(arguments.options(seed, false)).trace_hash == result.trace_hash) return true;
  fmt::print("seed {} FAILED: run twice, it went differently\n", seed);
  return false;
}

std::string in_words(const EnsembleCounts& counts) {
  std::string text = fmt::format(
      "{:.2f} simulated hours, {} events, {} leaders, {} restarts; learners brought into line by {} DIFF, {} TRUNC, {} SNAP; {} snapshots "
      "written; {} damaged members refused to start; faults:",
      static_cast<double>(counts.simulated_ns) / 3.6e12, counts.events, counts.leaders, counts.restarts, counts.syncs.diffs,
      counts.syncs.truncations, counts.syncs.snapshots, counts.snapshots, counts.refused_starts);
  for (std::size_t i = 0; i < fault_kinds; ++i) {
    text += fmt::format("{} {} {}", i == 0 ? "" : ",", counts.faults[i], name_of(static_cast<FaultKind>(i)));
  }
  return text + fmt::format(
                    "; {} sessions, {} reconnections, {} acknowledged writes, {} unanswered ones kept, {} lost, {} reads and others; {} "
                    "transactions, {} logged and given up, {} checks",
                    counts.sessions, counts.reconnects, counts.acknowledged, counts.unknown_kept, counts.unknown_lost,
                    counts.reads_and_others, counts.transactions, counts.left_out, counts.checks);
}

int run_many(const Arguments& arguments) {
  fmt::print("seeds {} to {}, {} at a time{}\n", arguments.from, arguments.from + arguments.seeds - 1, arguments.jobs,
             arguments.plant.empty() ? "" : ", bug planted: " + arguments.plant);
  return run_seeds<EnsembleCounts>(
      {.from = arguments.from,
       .seeds = arguments.seeds,
       .jobs = arguments.jobs,
       .run = [&](std::uint64_t seed, EnsembleCounts& counts) { return run_one(seed, arguments, counts, false); },
       .replay = [&](std::uint64_t seed) { return replay(seed, arguments); },
       .summary = in_words});
}

int run_shrink(Arguments arguments) {
  const std::uint64_t seed = *arguments.seed;
  const EnsembleResult whole = run_ensemble(arguments.options(seed, false));
  if (whole.violations.empty()) {
    fmt::print("seed {} passes\n", seed);
    return 0;
  }
  std::size_t runs = 0;
  const std::vector<std::size_t> few = shrink(whole.faults.size(), [&](const std::vector<std::size_t>& some) {
    ++runs;
    arguments.keep = some;
    return !run_ensemble(arguments.options(seed, false)).violations.empty();
  });
  fmt::print("seed {}: {} of {} faults are enough, found in {} runs\n", seed, few.size(), whole.faults.size(), runs);
  arguments.keep = few;
  tell(seed, run_ensemble(arguments.options(seed, true)), arguments, true);
  return 1;
}

int run_survey(const Arguments& arguments) {
  SurveyOptions options{.bugs = {},
                        .from = arguments.from,
                        .seeds_max = arguments.seeds,
                        .searches = arguments.searches,
                        .jobs = arguments.jobs,
                        .shows = {}};
  for (const Plant& plant : ensemble_plants()) {
    if (arguments.plant.empty() || arguments.plant == plant.name) options.bugs.emplace_back(plant.name);
  }
  options.shows = [&](const std::string& bug, std::uint64_t seed) {
    Arguments with_bug = arguments;
    with_bug.plant = bug;
    return !run_ensemble(with_bug.options(seed, false)).violations.empty();
  };
  return survey(options) ? 0 : 1;
}

}  // namespace

int run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"An ensemble of coordination servers under simulated crashes, disk and network faults; every history is checked."};
  app.add_option("--seed", arguments.seed, "replay one seed, with its trace");
  app.add_option("--trace", arguments.trace_lines, "how many of the last events are shown of a failure");
  app.add_option("--from", arguments.from, "first seed");
  app.add_option("--seeds", arguments.seeds, "how many");
  app.add_option("--jobs", arguments.jobs, "processes")->check(CLI::Range(1U, jobs_max));
  app.add_option("--members", arguments.members, "voting members; else 3, 5 or 7 by the seed")->check(CLI::Range(1, 9));
  app.add_option("--keep", arguments.keep, "only these of the seed's faults")->delimiter(',');
  app.add_flag("--no-faults", arguments.no_faults, "none of them");
  app.add_flag("--shrink", arguments.shrink, "with --seed: look for the fewest faults with which it fails");
  app.add_option("--survey", arguments.searches, "look so many times for each planted bug, among --seeds seeds, and tell how many it took");
  std::string names = "plant a bug that must be found:";
  for (const Plant& plant : ensemble_plants()) names += fmt::format("\n  {}: {}", plant.name, plant.what);
  app.add_option("--plant", arguments.plant, names)->check([](const std::string& name) {
    for (const Plant& plant : ensemble_plants()) {
      if (name == plant.name) return std::string();
    }
    return "no such bug: " + name;
  });
  CLI11_PARSE(app, argc, argv);
  if (arguments.searches > 0) return run_survey(arguments);
  if (!arguments.seed) return run_many(arguments);
  if (arguments.shrink) return run_shrink(arguments);
  EnsembleCounts counts;
  fmt::print("seed {}\n", *arguments.seed);
  const bool passed = run_one(*arguments.seed, arguments, counts, true);
  fmt::print("{}: {}\n", in_words(counts), passed ? "passed" : "FAILED");
  return passed ? 0 : 1;
}

}  // namespace chorus::coord_sim

int main(int argc, char** argv) { return chorus::coord_sim::run(argc, argv); }
