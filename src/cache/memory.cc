#include "cache/memory.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/ensure.h"

namespace chorus::cache::memory {
namespace {

constexpr std::size_t overhead = sizeof(std::size_t);  // glibc keeps a block's size before it
constexpr std::size_t line = 64;

thread_local Account nobody;
thread_local Account* current = &nobody;

void add(const void* block) {
  current->used += cost(block);
  current->peak = std::max(current->peak, current->used);
}

void take(const void* block) { current->used -= cost(block); }

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

Heap heap() {
  const struct mallinfo2 all = mallinfo2();
  Heap heap = heap_at_once(all.uordblks + all.hblkhd);
  heap.active = all.arena + all.hblkhd;
  return heap;
}

Heap heap_at_once(std::size_t used) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  unsigned long pages = 0, resident = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r"); file != nullptr) {
    if (std::fscanf(file, "%lu %lu", &pages, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return {.allocated = used,
          .active = resident * page,
          .resident = resident * page,
          .system = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * page};
}

void give_back() { malloc_trim(0); }

}  // namespace chorus::cache::memory
