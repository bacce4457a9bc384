#include "cache/generic/sample.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>

namespace chorus::cache {

std::vector<std::size_t> choose(base::Random& random, std::size_t size, std::size_t count) {
  // Floyd: one draw for each that is chosen. source: Bentley and Floyd, "A sample of brilliance", CACM 30(9), 1987
  absl::flat_hash_set<std::size_t> chosen;
  for (std::size_t i = size - count; i < size; ++i) {
    const std::size_t drawn = random.below(i + 1);
    if (!chosen.insert(drawn).second) chosen.insert(i);
  }
  std::vector<std::size_t> out(chosen.begin(), chosen.end());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace chorus::cache
