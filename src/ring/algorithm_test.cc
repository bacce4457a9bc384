// Every algorithm, by the interface over all of them: lookups allocate nothing, indexes are within the list, placements are what they
// always were.
#include "ring/algorithm.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "ring/ring_fixture.h"

namespace {

thread_local std::size_t allocations = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* const memory = alignment <= alignof(std::max_align_t)
                           ? std::malloc(size == 0 ? 1 : size)
                           : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// Of this whole test program.
void* operator new(std::size_t size) { return allocate(size, 1); }
void* operator new[](std::size_t size) { return allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) { return allocate(size, static_cast<std::size_t>(alignment)); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return allocate(size, static_cast<std::size_t>(alignment)); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace chorus::ring {
namespace {

TEST(Placements, LookupsAllocateNothing) {
  const std::size_t before_any = allocations;
  const std::string long_key(1000, 'k');  // counted, so the counter works
  EXPECT_GT(allocations, before_any);
  for (const AlgorithmFacts& facts : algorithms()) {
    const auto placement = make_placement(facts.algorithm, make_nodes(50));
    ASSERT_TRUE(placement) << facts.name;
    const auto hashes = make_hashes(1000);
    const std::size_t before = allocations;
    std::uint64_t sum = 0;
    for (const std::uint64_t hash : hashes) {
      sum += (*placement)->locate(hash);
      const NodeIndex node = (*placement)->assign(hash);
      if (hash % 2 == 0) (*placement)->release(node);
    }
    for (const std::string_view key : {std::string_view(), std::string_view("a{b}c"), std::string_view(long_key)})
      sum += (*placement)->locate_key(key);
    EXPECT_EQ(allocations, before) << facts.name;
    EXPECT_GT(sum, 0U);
  }
}

TEST(Placements, AreWithinTheList) {
  for (const AlgorithmFacts& facts : algorithms()) {
    for (const std::size_t count : {1U, 2U, 3U, 17U, 1000U}) {
      const auto placement = make_placement(facts.algorithm, make_nodes(count));
      ASSERT_TRUE(placement) << facts.name;
      EXPECT_EQ((*placement)->nodes(), count);
      EXPECT_GT((*placement)->memory(), 0U);
      for (const std::uint64_t hash : make_hashes(2000)) ASSERT_LT((*placement)->locate(hash), count) << facts.name;
      for (const std::uint64_t hash : {std::uint64_t{0}, ~std::uint64_t{0}}) ASSERT_LT((*placement)->locate(hash), count) << facts.name;
    }
  }
}

TEST(Placements, AreFoundByName) {
  for (const AlgorithmFacts& facts : algorithms()) EXPECT_EQ(find_algorithm(facts.name)->algorithm, facts.algorithm);
  EXPECT_EQ(find_algorithm("none"), nullptr);
  for (std::size_t i = 0; i < algorithms().size(); ++i) EXPECT_EQ(static_cast<std::size_t>(algorithms()[i].algorithm), i);
}

// Keys are where these say on disks and in caches: a release that places them otherwise moves them all.
TEST(Placements, AreTheSameInEveryRelease) {
  const struct {
    Algorithm algorithm;
    std::uint64_t want;
  } cases[] = {{Algorithm::modulo, 0x7d305b788395ae0e},
               {Algorithm::ring, 0xcd49891a139b26ed},
               {Algorithm::ketama, 0xea33de0029139ed6},
               {Algorithm::ketama_plain, 0x68765b1aac8e3845},
               {Algorithm::jump, 0x19b3100e686c99e3},
               {Algorithm::rendezvous, 0xfb18cbf3a5e1a1e4},
               {Algorithm::rendezvous_weighted, 0x79d80473de36cd3e},
               {Algorithm::maglev, 0xec84552225231a6a},
               {Algorithm::bounded, 0x544dae04c5695479},
               {Algorithm::slots, 0x5528ac53dbcb121e}};
  std::vector<Node> nodes = make_nodes(100);
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i].weight = static_cast<std::uint32_t>(1 + i % 5);
  for (const auto& c : cases) {
    const auto placement = make_placement(c.algorithm, nodes);
    ASSERT_TRUE(placement);
    std::uint64_t sum = 0;
    for (int i = 0; i < 10'000; ++i) sum = mix(sum + (*placement)->assign((*placement)->hash(fmt::format("key-{}", i))));
    EXPECT_EQ(sum, c.want) << fmt::format("{:#x}", sum);
  }
}

}  // namespace
}  // namespace chorus::ring
