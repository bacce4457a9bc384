// All algorithms by name, for who lets others choose one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "ring/bounded_loads.h"
#include "ring/hash_ring.h"
#include "ring/maglev.h"
#include "ring/placement.h"
#include "ring/slot_plan.h"

namespace chorus::ring {

enum class Algorithm : std::uint8_t {
  modulo,
  ring,
  ketama,        // by weights: MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED
  ketama_plain,  // MEMCACHED_BEHAVIOR_KETAMA
  jump,
  rendezvous,
  rendezvous_weighted,
  maglev,
  bounded,
  slots,
};

struct AlgorithmFacts {
  Algorithm algorithm;
  std::string_view name;  // on command lines, in tables
  std::string_view what;  // for people
  bool weighted = true;   // takes weights into account
};
/// In the order of the enumerators.
std::span<const AlgorithmFacts> algorithms();
/// nullptr when there is no such name.
const AlgorithmFacts* find_algorithm(std::string_view name);

struct PlacementOptions {
  HashRingOptions ring;
  MaglevOptions maglev;
  std::uint32_t factor_percent = 125;  // of bounded
};
/// errors: those of the algorithm. Slots are placed as plan_slots does from nothing.
Result<std::unique_ptr<Placement>> make_placement(Algorithm algorithm, std::span<const Node> nodes, const PlacementOptions& options = {});
/// The placement that follows that of the list `from`, made with the same options, when the list becomes `nodes`. Only slots remember where
/// they were; the others are made as if new.
Result<std::unique_ptr<Placement>> make_successor(Algorithm algorithm, std::span<const Node> from, std::span<const Node> nodes,
                                                  const PlacementOptions& options = {});

}  // namespace chorus::ring
