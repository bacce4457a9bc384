// The nodes among which keys are placed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace chorus::ring {

/// Position of a node in the list that a placement was made of.
using NodeIndex = std::uint32_t;
inline constexpr NodeIndex no_node = ~NodeIndex{0};

struct Node {
  std::string name;          // what is hashed; for ketama host:port
  std::uint32_t weight = 1;  // share of the keys beside the others' weights; 0: none. Algorithms without weights say so and pass over it
};

enum class Errc : std::uint8_t {
  invalid,    // the list, or an option, is wrong
  too_large,  // the tables would be larger than their bound
};
using Error = base::Error<Errc>;
template <class T>
using Result = base::Result<T, Error>;

inline constexpr std::size_t max_nodes = 65'535;

/// Between 1 and max_nodes nodes, names neither empty nor twice, some weight above 0.
Result<void> check_nodes(std::span<const Node> nodes);

std::uint64_t total_weight(std::span<const Node> nodes);

}  // namespace chorus::ring
