#include "zookeeper/load/process.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace chorus::bench {
namespace {

std::string contents(pid_t pid, const char* name) {
  std::ifstream in(fmt::format("/proc/{}/{}", pid, name));
  std::stringstream text;
  text << in.rdbuf();
  if (text.str().empty()) throw std::runtime_error(fmt::format("there is no process {}", pid));
  return text.str();
}

}  // namespace

double cpu_seconds(pid_t pid) {
  const std::string stat = contents(pid, "stat");
  // Field 2, the name in parentheses, may hold spaces; utime and stime are fields 14 and 15. spec: proc(5)
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double own_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t resident_bytes(pid_t pid) {
  std::istringstream fields(contents(pid, "statm"));
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  fields >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<double> cpu_seconds_of_all(const std::vector<int>& pids) {
  if (pids.empty()) return std::nullopt;
  double sum = 0;
  for (const int pid : pids) sum += cpu_seconds(pid);
  return sum;
}

}  // namespace chorus::bench
