// Hash maps by octets that can be searched with a view. Debian's Abseil has a string_view of its own, so its defaults do not take ours.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/container/node_hash_map.h"
#include "absl/hash/hash.h"

namespace chorus::coord {

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view octets) const { return absl::Hash<std::string_view>{}(octets); }
};

/// Entries stay where they are when others come and go.
template <class T>
using StringMap = absl::node_hash_map<std::string, T, StringHash, std::equal_to<>>;

}  // namespace chorus::coord
