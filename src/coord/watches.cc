#include "coord/watches.h"

#include <algorithm>
#include <bit>

#include "coord/path.h"

namespace chorus::coord {

using jute::WatcherType;

namespace {

constexpr std::uint8_t bit(WatchMode mode) { return static_cast<std::uint8_t>(mode); }
constexpr std::uint8_t all_modes = 7;

std::size_t count_of(std::uint8_t modes) { return static_cast<std::size_t>(std::popcount(modes)); }

// Which modes of the data and of the child table a watcher type stands for.
struct Meant {
  std::uint8_t data = 0, child = 0;
};
Meant meant_by(WatcherType type) {
  switch (type) {
    case WatcherType::children:
      return {.child = bit(WatchMode::standard)};
    case WatcherType::data:
      return {.data = bit(WatchMode::standard)};
    case WatcherType::persistent:
      return {.data = bit(WatchMode::persistent), .child = bit(WatchMode::persistent)};
    case WatcherType::persistent_recursive:
      return {.data = bit(WatchMode::persistent_recursive)};
    case WatcherType::any:
      return {.data = all_modes, .child = all_modes};
  }
  return {};
}

}  // namespace

bool WatchTable::add(std::string_view path, ConnectionId connection, WatchMode mode) {
  auto at = paths_.find(path);
  if (at == paths_.end()) at = paths_.try_emplace(std::string(path)).first;
  std::uint8_t& modes = at->second[connection];
  if ((modes & bit(mode)) != 0) return false;
  if (modes == 0) connections_[connection].insert(&at->first);
  modes |= bit(mode);
  ++watch_count_;
  if (mode == WatchMode::persistent_recursive) ++recursive_count_;
  return true;
}

bool WatchTable::contains(std::string_view path, ConnectionId connection, std::uint8_t modes) const {
  const auto at = paths_.find(path);
  if (at == paths_.end()) return false;
  const auto watcher = at->second.find(connection);
  return watcher != at->second.end() && (watcher->second & modes) != 0;
}

void WatchTable::unlink(ConnectionId connection, const std::string* path) {
  const auto at = connections_.find(connection);
  at->second.erase(path);
  if (at->second.empty()) connections_.erase(at);
}

void WatchTable::erase_modes(Paths::iterator path, Watchers::iterator watcher, std::uint8_t modes) {
  const auto gone = static_cast<std::uint8_t>(watcher->second & modes);
  watch_count_ -= count_of(gone);
  if ((gone & bit(WatchMode::persistent_recursive)) != 0) --recursive_count_;
  watcher->second &= static_cast<std::uint8_t>(~gone);
  if (watcher->second != 0) return;
  unlink(watcher->first, &path->first);
  path->second.erase(watcher);
}

bool WatchTable::remove(std::string_view path, ConnectionId connection, std::uint8_t modes) {
  if (!contains(path, connection, modes)) return false;
  const auto at = paths_.find(path);
  erase_modes(at, at->second.find(connection), modes);
  if (at->second.empty()) paths_.erase(at);
  return true;
}

void WatchTable::remove_all(ConnectionId connection) {
  const auto links = connections_.extract(connection);
  if (links.empty()) return;
  for (const std::string* path : links.mapped()) {
    const auto at = paths_.find(*path);
    const auto watcher = at->second.find(connection);
    watch_count_ -= count_of(watcher->second);
    if ((watcher->second & bit(WatchMode::persistent_recursive)) != 0) --recursive_count_;
    at->second.erase(watcher);
    if (at->second.empty()) paths_.erase(at);
  }
}

void WatchTable::trigger(std::string_view path, jute::EventType type, std::vector<ConnectionId>& out) {
  const std::size_t start = out.size();
  if (const auto at = paths_.find(path); at != paths_.end()) {
    for (auto watcher = at->second.begin(); watcher != at->second.end();) {
      const auto here = watcher++;
      if (type == jute::EventType::node_children_changed && here->second == bit(WatchMode::persistent_recursive)) continue;
      out.push_back(here->first);
      erase_modes(at, here, bit(WatchMode::standard));
    }
    if (at->second.empty()) paths_.erase(at);
  }
  if (recursive_count_ > 0 && type != jute::EventType::node_children_changed) {
    for (std::string_view ancestor = path; ancestor != "/";) {
      ancestor = parent_path(ancestor);
      const auto at = paths_.find(ancestor);
      if (at == paths_.end()) continue;
      for (const auto& [connection, modes] : at->second) {
        if ((modes & bit(WatchMode::persistent_recursive)) != 0) out.push_back(connection);
      }
    }
  }
  // Connections by age: the order of a hash table is nobody's promise, and simulations must repeat.
  const auto first = out.begin() + static_cast<std::ptrdiff_t>(start);
  std::sort(first, out.end());
  out.erase(std::unique(first, out.end()), out.end());
}

std::map<std::string, std::vector<ConnectionId>> WatchTable::by_path() const {
  std::map<std::string, std::vector<ConnectionId>> result;
  for (const auto& [path, watchers] : paths_) {
    auto& ids = result[path];
    for (const auto& [connection, modes] : watchers) ids.push_back(connection);
    std::ranges::sort(ids);
  }
  return result;
}

bool Watches::contains(std::string_view path, ConnectionId connection, WatcherType type) const {
  const Meant meant = meant_by(type);
  return data.contains(path, connection, meant.data) || child.contains(path, connection, meant.child);
}

bool Watches::remove(std::string_view path, ConnectionId connection, WatcherType type) {
  const Meant meant = meant_by(type);
  const bool from_data = data.remove(path, connection, meant.data);
  const bool from_child = child.remove(path, connection, meant.child);
  return from_data || from_child;
}

void Watches::add(std::string_view path, ConnectionId connection, jute::AddWatchMode mode) {
  if (mode == jute::AddWatchMode::persistent_recursive) {
    data.add(path, connection, WatchMode::persistent_recursive);
  } else {
    data.add(path, connection, WatchMode::persistent);
    child.add(path, connection, WatchMode::persistent);
  }
}

void Watches::remove_all(ConnectionId connection) {
  data.remove_all(connection);
  child.remove_all(connection);
}

}  // namespace chorus::coord
