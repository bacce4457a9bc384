#include "cache/tracking.h"

#include <algorithm>
#include <utility>

namespace chorus::cache {

void Tracking::remember(std::string_view key, ClientId client) {
  auto& readers = readers_[std::string(key)];
  if (std::find(readers.begin(), readers.end(), client) != readers.end()) return;
  readers.push_back(client);
  ++items_;
}

std::vector<ClientId> Tracking::forget(std::string_view key) {
  const auto found = readers_.find(std::string(key));
  if (found == readers_.end()) return {};
  std::vector<ClientId> readers = std::move(found->second);
  readers_.erase(found);
  items_ -= readers.size();
  std::sort(readers.begin(), readers.end());
  return readers;
}

std::optional<std::string> Tracking::any(base::Random& random) const {
  if (readers_.empty()) return {};
  // The order of the table is by a hash, so that its beginning is any; a few steps more make it another one each time.
  auto at = readers_.begin();
  for (std::uint64_t steps = random.below(std::min<std::size_t>(readers_.size(), 16)); steps > 0; --steps) ++at;
  return at->first;
}

void Tracking::forget_all() {
  readers_.clear();
  items_ = 0;
}

void Tracking::add_prefix(std::string_view prefix, ClientId client) { prefixes_[std::string(prefix)].clients.insert(client); }

void Tracking::remove_prefix(std::string_view prefix, ClientId client) {
  const auto found = prefixes_.find(prefix);
  if (found == prefixes_.end()) return;
  found->second.clients.erase(client);
  if (found->second.clients.empty()) prefixes_.erase(found);
}

void Tracking::changed(std::string_view key, std::optional<ClientId> by) {
  for (auto& [name, prefix] : prefixes_) {
    if (name > key) break;  // none of what follows can begin the key
    if (!key.starts_with(name)) continue;
    prefix.keys.insert_or_assign(std::string(key), by);
    is_due_ = true;
  }
}

}  // namespace chorus::cache
