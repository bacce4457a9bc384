// What the kernel says about a process: its CPU time and memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace chorus::bench {

/// User and system time of all threads of `pid`, in seconds, in steps of the kernel's clock tick (10 ms). Throws when there is none.
double cpu_seconds(pid_t pid);
/// User and system time of this process, in seconds.
double own_cpu_seconds();
/// Resident memory in octets. Throws when there is no such process.
std::uint64_t resident_bytes(pid_t pid);
/// Of several together; empty when none is named.
std::optional<double> cpu_seconds_of_all(const std::vector<int>& pids);

}  // namespace chorus::bench
