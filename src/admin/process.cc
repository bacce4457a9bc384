#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "admin/metrics.h"

namespace chorus::admin {
namespace {

double seconds(const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6; }

/// Seconds since 1970 at which the machine started. proc(5): btime
double boot_time() {
  std::ifstream stat("/proc/stat");
  std::string key;
  double value = 0;
  for (std::string line; std::getline(stat, line);) {
    if (std::istringstream(line) >> key >> value && key == "btime") return value;
  }
  return 0;
}

}  // namespace

void collect_process(MetricWriter& writer) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  writer.counter("process_cpu_seconds_total", "Processor time of user and system, in seconds.",
                 seconds(usage.ru_utime) + seconds(usage.ru_stime));

  // The second field, the name in parentheses, may itself hold spaces: what follows the last parenthesis begins with field 3. proc(5)
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  if (const auto name_end = line.rfind(')'); name_end != std::string::npos) {
    std::istringstream fields(line.substr(name_end + 1));
    std::string skipped;
    for (int field = 3; field < 20; ++field) fields >> skipped;
    double threads = 0, zero = 0, start_ticks = 0, virtual_octets = 0, resident_pages = 0;
    if (fields >> threads >> zero >> start_ticks >> virtual_octets >> resident_pages) {
      writer.gauge("process_threads", "Threads of the process.", threads);
      writer.gauge("process_start_time_seconds", "Start of the process, in seconds since 1970.",
                   boot_time() + start_ticks / static_cast<double>(::sysconf(_SC_CLK_TCK)));
      writer.gauge("process_virtual_memory_bytes", "Address space in use, in octets.", virtual_octets);
      writer.gauge("process_resident_memory_bytes", "Memory in use, in octets.",
                   resident_pages * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    }
  }
  std::error_code ec;
  std::size_t descriptors = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", ec), end; !ec && it != end; it.increment(ec)) ++descriptors;
  // One of them was opened for the counting.
  if (descriptors > 0) writer.gauge("process_open_fds", "Open file descriptors.", static_cast<double>(descriptors - 1));
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    writer.gauge("process_max_fds", "Most file descriptors that the process may open.", static_cast<double>(limit.rlim_cur));
}

}  // namespace chorus::admin
