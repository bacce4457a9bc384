#include "cache/memory.h"

#ifdef CHORUS_JEMALLOC
#include <jemalloc/jemalloc.h>
#else
#include <malloc.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "base/ensure.h"

namespace chorus::cache::memory {
namespace {

#ifdef CHORUS_JEMALLOC
constexpr std::size_t overhead = 0;
constexpr const char* all_arenas_purge = "arena.4096.purge";
static_assert(MALLCTL_ARENAS_ALL == 4096);
#else
constexpr std::size_t overhead = sizeof(std::size_t);  // glibc keeps a block's size before it
#endif
constexpr std::size_t line = 64;

thread_local Account nobody;
thread_local Account* current = &nobody;

void add(const void* block) {
  current->used += cost(block);
  current->peak = std::max(current->peak, current->used);
}

void take(const void* block) { current->used -= cost(block); }

struct Process {
  std::size_t resident, system;
};
Process look_at_process() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  unsigned long pages = 0, resident = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r"); file != nullptr) {
    if (std::fscanf(file, "%lu %lu", &pages, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return {.resident = resident * page, .system = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * page};
}

}  // namespace

Scope::Scope(Account& account) : before_(std::exchange(current, &account)) {}
Scope::~Scope() { current = before_; }

void* allocate(std::size_t octets) {
  void* block = std::malloc(octets);
  ENSURE(block != nullptr, octets);
  add(block);
  return block;
}

void* allocate_lines(std::size_t octets) {
  // calloc, as large zero blocks come from the system without being written to.
  void* block = std::calloc(1, octets + line);
  ENSURE(block != nullptr, octets);
  add(block);
  const auto at = reinterpret_cast<std::uintptr_t>(block);
  const std::uintptr_t aligned = (at + sizeof(void*) + line - 1) & ~(line - 1);
  reinterpret_cast<void**>(aligned)[-1] = block;
  return reinterpret_cast<void*>(aligned);
}

void release_lines(void* block) {
  if (block != nullptr) release(static_cast<void**>(block)[-1]);
}

void* resize(void* block, std::size_t octets) {
  if (block != nullptr) take(block);
  void* moved = std::realloc(block, octets);
  ENSURE(moved != nullptr, octets);
  add(moved);
  return moved;
}

void release(void* block) {
  if (block == nullptr) return;
  take(block);
  std::free(block);
}

std::size_t capacity(const void* block) { return malloc_usable_size(const_cast<void*>(block)); }
std::size_t cost(const void* block) { return capacity(block) + overhead; }

#ifdef CHORUS_JEMALLOC

Heap heap() {
  std::uint64_t epoch = 1;  // has the figures brought up to date
  std::size_t size = sizeof epoch;
  ENSURE(mallctl("epoch", &epoch, &size, &epoch, size) == 0, "epoch");
  const auto read = [](const char* name) {
    std::size_t value = 0, octets = sizeof value;
    ENSURE(mallctl(name, &value, &octets, nullptr, 0) == 0, name);
    return value;
  };
  const Process process = look_at_process();
  return {.allocated = read("stats.allocated"), .active = read("stats.active"), .resident = process.resident, .system = process.system};
}

Heap heap_at_once(std::size_t /*used*/) { return heap(); }

void give_back() { ENSURE(mallctl(all_arenas_purge, nullptr, nullptr, nullptr, 0) == 0, "purge"); }

std::string_view allocator_name() {
  // "5.3.0-0-g54eaed1..."
  static const std::string name = [] {
    const char* version = "";
    std::size_t size = sizeof(const char*);
    ENSURE(mallctl("version", static_cast<void*>(&version), &size, nullptr, 0) == 0, "version");
    return "jemalloc-" + std::string(version, std::strcspn(version, "-"));
  }();
  return name;
}

#else

Heap heap() {
  const struct mallinfo2 all = mallinfo2();
  Heap heap = heap_at_once(all.uordblks + all.hblkhd);
  heap.active = all.arena + all.hblkhd;
  return heap;
}

Heap heap_at_once(std::size_t used) {
  const Process process = look_at_process();
  return {.allocated = used, .active = process.resident, .resident = process.resident, .system = process.system};
}

void give_back() { malloc_trim(0); }

std::string_view allocator_name() { return "libc"; }

#endif

}  // namespace chorus::cache::memory
