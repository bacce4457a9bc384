// Ids as types, so that swapped arguments do not compile.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace chorus::base {

template <class T, class Tag>
struct Strong {
  using Value = T;
  T value{};

  constexpr Strong() = default;
  constexpr explicit Strong(T v) : value(v) {}
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;

  template <class H>
  friend H AbslHashValue(H h, const Strong& s) {
    return H::combine(std::move(h), s.value);
  }
};

}  // namespace chorus::base

template <class T, class Tag>
struct std::hash<chorus::base::Strong<T, Tag>> {
  std::size_t operator()(const chorus::base::Strong<T, Tag>& s) const { return std::hash<T>{}(s.value); }
};
