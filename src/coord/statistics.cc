#include "coord/statistics.h"

namespace chorus::coord {

// source: PathUtils.getTopNamespace, DataTree.updateReadStat
void NamespaceStatistics::add(std::string_view path, std::int64_t octets) {
  if (path.size() < 2) return;  // the root is of none
  const std::string_view name = path.substr(1, path.find('/', 1) - 1);
  auto at = all_.find(name);
  if (at == all_.end()) {
    if (all_.size() == max) return;
    at = all_.try_emplace(std::string(name)).first;
  }
  at->second.add(octets);
}

}  // namespace chorus::coord
