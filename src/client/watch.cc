#include "client/watch.h"

#include <algorithm>
#include <array>
#include <span>
#include <unordered_set>

namespace chorus::client {
namespace {

void add_once(std::vector<Watcher>& to, const Watcher& watcher) {
  if (std::ranges::find(to, watcher) == to.end()) to.push_back(watcher);
}

std::span<const WatchKind> kinds_of(WatcherType type) {
  static constexpr std::array child{WatchKind::child};
  static constexpr std::array data{WatchKind::data, WatchKind::exist};
  static constexpr std::array persistent{WatchKind::persistent};
  static constexpr std::array recursive{WatchKind::persistent_recursive};
  static constexpr std::array all{WatchKind::data, WatchKind::exist, WatchKind::child, WatchKind::persistent,
                                  WatchKind::persistent_recursive};
  switch (type) {
    case WatcherType::children:
      return child;
    case WatcherType::data:
      return data;
    case WatcherType::persistent:
      return persistent;
    case WatcherType::persistent_recursive:
      return recursive;
    case WatcherType::any:
      break;
  }
  return all;
}

EventType removal_event(WatchKind kind) {
  switch (kind) {
    case WatchKind::data:
    case WatchKind::exist:
      return EventType::data_watch_removed;
    case WatchKind::child:
      return EventType::child_watch_removed;
    default:
      return EventType::persistent_watch_removed;
  }
}

}  // namespace

void WatchRegistry::add(WatchKind kind, std::string_view path, const Watcher& watcher) {
  Table& to = table(kind);
  auto found = to.find(path);
  if (found == to.end()) found = to.emplace(std::string(path), std::vector<Watcher>()).first;
  add_once(found->second, watcher);
}

std::vector<Watcher> WatchRegistry::take(EventType type, std::string_view path) {
  std::vector<Watcher> out;
  const auto take_from = [&](WatchKind kind) {
    const auto found = table(kind).find(path);
    if (found == table(kind).end()) return;
    for (const Watcher& watcher : found->second) add_once(out, watcher);
    table(kind).erase(found);
  };
  const auto look_in = [&](WatchKind kind, std::string_view at) {
    const auto found = table(kind).find(at);
    if (found == table(kind).end()) return;
    for (const Watcher& watcher : found->second) add_once(out, watcher);
  };
  const bool of_children = type == EventType::node_children_changed;
  if (!of_children) {
    take_from(WatchKind::data);
    take_from(WatchKind::exist);
  }
  if (of_children || type == EventType::node_deleted) take_from(WatchKind::child);
  look_in(WatchKind::persistent, path);
  // A recursive watch sees the children themselves come and go instead.
  if (of_children || table(WatchKind::persistent_recursive).empty()) return out;
  for (std::string_view at = path;;) {
    look_in(WatchKind::persistent_recursive, at);
    const std::size_t slash = at.rfind('/');
    if (at == "/" || slash == std::string_view::npos) return out;
    at = slash == 0 ? "/" : at.substr(0, slash);
  }
}

bool WatchRegistry::any(std::string_view path, WatcherType type, const std::function<bool(const Watcher&)>& is_meant) const {
  return std::ranges::any_of(kinds_of(type), [&](WatchKind kind) {
    const auto found = table(kind).find(path);
    return found != table(kind).end() && std::ranges::any_of(found->second, is_meant);
  });
}

bool WatchRegistry::has(std::string_view path, WatcherType type, const Watcher& watcher) const {
  return any(path, type, [&](const Watcher& each) { return !watcher || each == watcher; });
}

bool WatchRegistry::has_other(std::string_view path, WatcherType type, const Watcher& watcher) const {
  return any(path, type, [&](const Watcher& each) { return each != watcher; });
}

std::vector<FiredWatch> WatchRegistry::remove(std::string_view path, WatcherType type, const Watcher& watcher) {
  std::vector<FiredWatch> out;
  for (const WatchKind kind : kinds_of(type)) {
    const auto found = table(kind).find(path);
    if (found == table(kind).end()) continue;
    std::vector<Watcher> removed;
    if (!watcher) {
      removed = std::move(found->second);
      found->second.clear();
    } else if (std::erase(found->second, watcher) > 0) {
      removed.push_back(watcher);
    }
    if (found->second.empty()) table(kind).erase(found);
    if (removed.empty()) continue;
    out.push_back({{removal_event(kind), KeeperState::sync_connected, std::string(path)}, std::move(removed)});
  }
  return out;
}

std::vector<Watcher> WatchRegistry::clear() {
  std::vector<Watcher> out;
  std::unordered_set<const void*> seen;  // and not sorted by address, which would make the order another one in each run
  for (Table& each : tables_) {
    for (const auto& [path, watchers] : each) {
      for (const Watcher& watcher : watchers) {
        if (seen.insert(watcher.get()).second) out.push_back(watcher);
      }
    }
    each.clear();
  }
  return out;
}

bool WatchRegistry::empty() const {
  return std::ranges::all_of(tables_, [](const Table& each) { return each.empty(); });
}

WatchRegistry::Rearm WatchRegistry::rearm(std::int64_t relative_zxid, std::size_t limit) const {
  Rearm out;
  if (!table(WatchKind::persistent).empty() || !table(WatchKind::persistent_recursive).empty()) out.op = jute::OpCode::set_watches2;
  std::size_t octets = 0;
  for (std::size_t i = 0; i < kinds; ++i) {
    for (const auto& [path, watchers] : tables_[i]) {
      if (out.requests.empty() || octets + path.size() > limit) {
        out.requests.emplace_back().relative_zxid = relative_zxid;
        octets = 0;
      }
      octets += path.size();
      jute::SetWatches2Request& request = out.requests.back();
      std::vector<std::string_view>* const lists[kinds] = {&request.data, &request.exist, &request.child, &request.persistent,
                                                           &request.persistent_recursive};
      lists[i]->push_back(path);
    }
  }
  return out;
}

}  // namespace chorus::client
