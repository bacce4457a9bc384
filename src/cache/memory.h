// Memory of data, counted truly: what the allocator gave and its own overhead, not what was asked for.
#pragma once

#include <cstddef>
#include <string_view>

namespace chorus::cache::memory {

/// What one shard holds.
struct Account {
  std::size_t used = 0;
  std::size_t peak = 0;
};

/// While it lives, what this thread allocates and releases below counts on `account`. A shard opens one around each of its steps, so that
/// values need no pointer to their account and several shards may share a thread. Scopes nest.
class Scope {
 public:
  explicit Scope(Account& account);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Account* before_;
};

/// At least `octets`, aligned to 16; never null (the process ends when the machine has no more).
void* allocate(std::size_t octets);
/// The same, all zero, and aligned to 64 so that a bucket is one cache line. Release with release_lines().
void* allocate_lines(std::size_t octets);
void release_lines(void* block);
/// As realloc: contents are kept, the block may move.
void* resize(void* block, std::size_t octets);
/// Null is fine.
void release(void* block);
/// How much of a block from allocate() or resize() may be used: at least what was asked for.
std::size_t capacity(const void* block);
/// What a block costs, overhead included.
std::size_t cost(const void* block);

/// For containers that are part of values: what they take is counted as all data is.
template <class T>
struct Allocator {
  using value_type = T;
  Allocator() = default;
  template <class Other>
  Allocator(const Allocator<Other>& /*other*/) {}  // NOLINT: containers rebind it
  T* allocate(std::size_t count) { return static_cast<T*>(memory::allocate(count * sizeof(T))); }
  void deallocate(T* block, std::size_t /*count*/) { release(block); }
  friend bool operator==(const Allocator& /*one*/, const Allocator& /*other*/) { return true; }
};

/// Of the whole process, in octets.
struct Heap {
  std::size_t allocated;  // to whoever asked
  std::size_t active;     // taken from the system
  std::size_t resident;   // of the process, in memory
  std::size_t system;     // what the machine has
};
/// As the allocator says: that of libc walks all that is free, which may take long.
Heap heap();
/// As far as it is known at once. Of libc: `used` is what is allocated, and what is resident stands for what is active.
Heap heap_at_once(std::size_t used);
/// Gives the system what is free.
void give_back();
/// "jemalloc-5.3.0", or "libc" under sanitizers, which bring their own.
std::string_view allocator_name();

}  // namespace chorus::cache::memory
