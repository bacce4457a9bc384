// What takes how much memory, for INFO and MEMORY.
#pragma once

#include <cstddef>

#include "cache/memory.h"
#include "cache/server.h"

namespace chorus::cache {

struct MemoryFacts {
  std::size_t used, peak;  // keys, values, tables and clients
  std::size_t clients;
  std::size_t overhead;  // of it: tables and clients
  memory::Heap heap;
  std::size_t dataset() const { return used > overhead ? used - overhead : 0; }
};
MemoryFacts memory_facts(const Server& server);

}  // namespace chorus::cache
