#include "survey.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>

namespace chorus::coord_sim {

namespace {

/// One for each search, shared with the process that makes it: the seed at which it is.
using Progress = std::atomic<std::uint64_t>;

[[noreturn]] void search(const SurveyOptions& options, const std::string& bug, std::uint64_t first, Progress& progress) {
  // What a bug breaks may say so in many words.
  if (std::freopen("/dev/null", "w", stdout) == nullptr || std::freopen("/dev/null", "w", stderr) == nullptr) _exit(2);
  for (std::uint64_t seed = first; seed < first + options.seeds_max; ++seed) {
    progress = seed;
    if (options.shows(bug, seed)) _exit(1);
  }
  _exit(0);
}

}  // namespace

bool survey(const SurveyOptions& options) {
  const std::size_t count = options.bugs.size() * options.searches;
  void* memory = mmap(nullptr, count * sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    return false;
  }
  auto* progress = static_cast<Progress*>(memory);
  const auto first_of = [&](std::size_t i) { return options.from + i % options.searches * options.seeds_max; };
  std::vector<std::uint64_t> took(count);  // seeds; 0: not found
  std::map<pid_t, std::size_t> running;
  const auto wait_for_one = [&] {
    int status = 0;
    const pid_t child = wait(&status);
    const std::size_t i = running.at(child);
    running.erase(child);
    const bool found = WIFSIGNALED(status) || WEXITSTATUS(status) == 1;
    if (found) took[i] = progress[i] - first_of(i) + 1;
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (running.size() >= options.jobs) wait_for_one();
    new (&progress[i]) Progress(0);
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) search(options, options.bugs[i / options.searches], first_of(i), progress[i]);
    running[child] = i;
  }
  while (!running.empty()) wait_for_one();
  bool all_found = true;
  fmt::print("{:<28} {:>8}  seeds that {} searches took\n", "bug", "median", options.searches);
  for (std::size_t bug = 0; bug < options.bugs.size(); ++bug) {
    const auto begin = took.begin() + static_cast<std::ptrdiff_t>(bug * options.searches);
    std::vector<std::uint64_t> of_bug(begin, begin + options.searches);
    std::string each;
    for (const std::uint64_t seeds : of_bug) each += seeds == 0 ? " not-found" : fmt::format(" {}", seeds);
    const bool found = std::find(of_bug.begin(), of_bug.end(), 0U) == of_bug.end();
    all_found = all_found && found;
    std::sort(of_bug.begin(), of_bug.end());
    fmt::print("{:<28} {:>8} {}\n", options.bugs[bug], found ? std::to_string(of_bug[of_bug.size() / 2]) : "-", each);
  }
  munmap(memory, count * sizeof(Progress));
  return all_found;
}

}  // namespace chorus::coord_sim
