// coord_sim: the coordination server under simulated faults, seed by seed.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>

#include "planted.h"
#include "run.h"

namespace chorus::coord_sim {

namespace {

struct Arguments {
  std::optional<std::uint64_t> seed;
  std::uint64_t from = 1;
  std::uint64_t seeds = 100;
  unsigned jobs = 2;
  std::string plant;
  std::size_t trace_lines = 60;
};

/// What the processes share: where they are and what they counted. One slot a process.
struct Slot {
  std::atomic<std::uint64_t> seed;
  Counts counts;
};
struct Shared {
  std::atomic<std::uint64_t> next;
  std::atomic<std::uint64_t> finished;
  std::atomic<bool> failed;
  Slot slots[64];
};

void tell(std::uint64_t seed, const RunResult& result, const Arguments& arguments, const std::string& trace) {
  std::string text = fmt::format("seed {} FAILED{}\n", seed, arguments.plant.empty() ? "" : " (bug planted: " + arguments.plant + ")");
  for (const std::string& fault : result.faults) text += "  " + fault + "\n";
  text += "last events:\n" + trace;
  text += fmt::format("seed {} failed; replay with: coord_sim --seed={}{}\n", seed, seed,
                      arguments.plant.empty() ? "" : " --plant=" + arguments.plant);
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

/// 0 when the seed passes.
int run_one(std::uint64_t seed, const Arguments& arguments, Counts& counts, bool verbose) {
  const RunResult result = run_seed({.seed = seed, .plant = arguments.plant, .verbose = verbose, .trace_lines = arguments.trace_lines});
  counts.add(result.counts);
  if (result.faults.empty()) {
    if (seed % 100 != 0 || verbose) return 0;
    if (run_seed({.seed = seed, .plant = arguments.plant}).trace_hash == result.trace_hash) return 0;
    fmt::print("seed {} FAILED: run twice, it went differently\n", seed);
    return 1;
  }
  if (verbose) {
    tell(seed, result, arguments, result.trace_tail);
  } else {
    // The same once more, with the server's log in its trace.
    tell(seed, result, arguments,
         run_seed({.seed = seed, .plant = arguments.plant, .verbose = true, .trace_lines = arguments.trace_lines}).trace_tail);
  }
  return 1;
}

int work(Shared& shared, Slot& slot, const Arguments& arguments) {
  while (!shared.failed) {
    const std::uint64_t seed = shared.next++;
    if (seed >= arguments.from + arguments.seeds) return 0;
    slot.seed = seed;
    if (run_one(seed, arguments, slot.counts, false) != 0) {
      shared.failed = true;
      return 1;
    }
    ++shared.finished;
  }
  return 0;
}

int run_many(const Arguments& arguments) {
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("coord_sim: mmap");
    return 2;
  }
  Shared& shared = *new (memory) Shared{};
  shared.next = arguments.from;
  const auto start = std::chrono::steady_clock::now();
  fmt::print("seeds {} to {}, {} at a time{}\n", arguments.from, arguments.from + arguments.seeds - 1, arguments.jobs,
             arguments.plant.empty() ? "" : ", bug planted: " + arguments.plant);
  std::fflush(stdout);
  std::vector<pid_t> children;
  for (unsigned i = 0; i < arguments.jobs; ++i) {
    const pid_t child = fork();
    if (child == 0) _exit(work(shared, shared.slots[i], arguments));
    children.push_back(child);
  }
  bool failed = false;
  for (unsigned i = 0; i < children.size(); ++i) {
    int status = 0;
    waitpid(children[i], &status, 0);
    if (WIFSIGNALED(status)) {
      const std::uint64_t seed = shared.slots[i].seed;
      fmt::print("seed {} FAILED: the program died of signal {}; replay with: coord_sim --seed={}{}\n", seed, WTERMSIG(status), seed,
                 arguments.plant.empty() ? "" : " --plant=" + arguments.plant);
      shared.failed = true;
    }
    failed = failed || status != 0;
  }
  Counts counts;
  for (unsigned i = 0; i < arguments.jobs; ++i) counts.add(shared.slots[i].counts);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print(
      "{} seeds in {:.1f} s: {} crashes, {} restarts, {} faults; {} sessions, {} acknowledged writes, {} unanswered ones kept, {} lost, "
      "{} reads and others; {} transactions, {} events, {} checks: {}\n",
      shared.finished.load(), took, counts.crashes, counts.restarts, counts.faults, counts.sessions, counts.acknowledged,
      counts.unknown_kept, counts.unknown_lost, counts.reads_and_others, counts.transactions, counts.events, counts.checks,
      failed ? "FAILED" : "passed");
  const std::uint64_t bad = failed ? 1 : 0;  // the first that fails ends the run
  fmt::print("{} passed, {} failed\n", shared.finished.load() - std::min<std::uint64_t>(bad, shared.finished.load()), bad);
  return failed ? 1 : 0;
}

}  // namespace

int run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"The coordination server under simulated crashes, disk and network faults; every history is checked."};
  app.add_option("--seed", arguments.seed, "replay one seed, with its trace");
  app.add_option("--trace", arguments.trace_lines, "how many of the last events are shown of a failure");
  app.add_option("--from", arguments.from, "first seed");
  app.add_option("--seeds", arguments.seeds, "how many");
  app.add_option("--jobs", arguments.jobs, "processes")->check(CLI::Range(1, 64));
  std::string names = "plant a bug that must be found:";
  for (const Plant& plant : plants()) names += fmt::format("\n  {}: {}", plant.name, plant.what);
  app.add_option("--plant", arguments.plant, names)->check([](const std::string& name) {
    for (const Plant& plant : plants()) {
      if (name == plant.name) return std::string();
    }
    return "no such bug: " + name;
  });
  CLI11_PARSE(app, argc, argv);
  if (!arguments.seed) return run_many(arguments);
  Counts counts;
  fmt::print("seed {}\n", *arguments.seed);
  const int status = run_one(*arguments.seed, arguments, counts, true);
  fmt::print("{} crashes, {} acknowledged writes, {} transactions, {} events, {} checks: {}\n", counts.crashes, counts.acknowledged,
             counts.transactions, counts.events, counts.checks, status == 0 ? "passed" : "FAILED");
  return status;
}

}  // namespace chorus::coord_sim

int main(int argc, char** argv) { return chorus::coord_sim::run(argc, argv); }
