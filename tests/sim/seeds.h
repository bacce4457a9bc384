// Seed after seed in several processes, until one fails.
#pragma once

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace chorus::coord_sim {

inline constexpr unsigned jobs_max = 64;

/// Counts: trivially copyable, with add(const Counts&).
template <class Counts>
struct SeedRuns {
  std::uint64_t from = 1;
  std::uint64_t seeds = 100;
  unsigned jobs = 2;
  /// True when the seed passes; tells of it otherwise. Runs in a process of its own beside others.
  std::function<bool(std::uint64_t seed, Counts& counts)> run;
  /// How a person runs that seed again.
  std::function<std::string(std::uint64_t seed)> replay;
  /// Of all that was counted, in words.
  std::function<std::string(const Counts& counts)> summary;
};

/// The exit status of the program: 0 when all seeds passed.
template <class Counts>
int run_seeds(const SeedRuns<Counts>& runs) {
  struct Shared {
    std::atomic<std::uint64_t> next;
    std::atomic<std::uint64_t> finished;
    std::atomic<bool> failed;
    struct Slot {  // of one process: where it is and what it counted
      std::atomic<std::uint64_t> seed;
      Counts counts;
    } slots[jobs_max];
  };
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    return 2;
  }
  Shared& shared = *new (memory) Shared{};
  shared.next = runs.from;
  const auto work = [&](typename Shared::Slot& slot) {
    while (!shared.failed) {
      const std::uint64_t seed = shared.next++;
      if (seed >= runs.from + runs.seeds) return 0;
      slot.seed = seed;
      if (!runs.run(seed, slot.counts)) {
        shared.failed = true;
        return 1;
      }
      ++shared.finished;
    }
    return 0;
  };
  const auto start = std::chrono::steady_clock::now();
  std::fflush(stdout);
  std::vector<pid_t> children;
  for (unsigned i = 0; i < std::min(runs.jobs, jobs_max); ++i) {
    const pid_t child = fork();
    if (child == 0) _exit(work(shared.slots[i]));
    children.push_back(child);
  }
  bool failed = false;
  Counts counts;
  for (unsigned i = 0; i < children.size(); ++i) {
    int status = 0;
    waitpid(children[i], &status, 0);
    if (WIFSIGNALED(status)) {
      const std::uint64_t seed = shared.slots[i].seed;
      fmt::print("seed {} FAILED: the program died of signal {}; replay with: {}\n", seed, WTERMSIG(status), runs.replay(seed));
      shared.failed = true;
    }
    failed = failed || status != 0;
    counts.add(shared.slots[i].counts);
  }
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::uint64_t finished = shared.finished;
  fmt::print("{} seeds in {:.1f} s: {}: {}\n", finished, took, runs.summary(counts), failed ? "FAILED" : "passed");
  fmt::print("{} passed, {} failed\n", finished, failed ? 1 : 0);  // the first that fails ends the run
  munmap(memory, sizeof(Shared));
  return failed ? 1 : 0;
}

}  // namespace chorus::coord_sim
