#include "shrink.h"

#include <algorithm>
#include <numeric>

namespace chorus::coord_sim {

std::vector<std::size_t> shrink(std::size_t count, const std::function<bool(const std::vector<std::size_t>&)>& fails) {
  std::vector<std::size_t> kept(count);
  std::iota(kept.begin(), kept.end(), std::size_t{0});
  if (count > 0 && fails({})) return {};
  std::size_t piece = (count + 1) / 2;
  while (!kept.empty() && piece > 0) {
    bool less = false;
    for (std::size_t at = 0; at < kept.size();) {
      std::vector<std::size_t> rest = kept;
      const auto begin = rest.begin() + static_cast<std::ptrdiff_t>(at);
      rest.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(piece, rest.size() - at)));
      if (rest.size() < kept.size() && fails(rest)) {
        kept = std::move(rest);
        less = true;
      } else {
        at += piece;
      }
    }
    if (less && piece == 1) continue;  // what is gone may have been what held another one
    piece = piece == 1 ? 0 : (piece + 1) / 2;
  }
  return kept;
}

}  // namespace chorus::coord_sim
