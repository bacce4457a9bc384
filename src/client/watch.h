// The watches that this client has, by the path that the server knows.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "jute/constants.h"
#include "jute/records.h"

namespace chorus::client {

using jute::EventType;
using jute::KeeperState;
using jute::WatcherType;

struct WatchEvent {
  EventType type = EventType::none;  // none: no event of the node, but the end of the session and so of the watch; see state
  KeeperState state = KeeperState::sync_connected;
  std::string path;
};
/// Shared so that one watcher set twice on a node is told once, and can be found again to be removed.
using Watcher = std::shared_ptr<const std::function<void(const WatchEvent&)>>;
inline Watcher make_watcher(std::function<void(const WatchEvent&)> callback) {
  return std::make_shared<const std::function<void(const WatchEvent&)>>(std::move(callback));
}

enum class WatchKind : std::uint8_t { data, exist, child, persistent, persistent_recursive };

struct FiredWatch {
  WatchEvent event;
  std::vector<Watcher> watchers;
};

/// source: ZKWatchManager
class WatchRegistry {
 public:
  void add(WatchKind kind, std::string_view path, const Watcher& watcher);
  /// The watchers that an event of the server is for, each once. One-shot ones are thereby gone.
  std::vector<Watcher> take(EventType type, std::string_view path);
  /// Whether `watcher` (any, when null) watches the path in a way that `type` covers.
  bool has(std::string_view path, WatcherType type, const Watcher& watcher) const;
  /// Whether one beside `watcher` does.
  bool has_other(std::string_view path, WatcherType type, const Watcher& watcher) const;
  /// Removes these and returns what they are told: data_watch_removed and so on.
  std::vector<FiredWatch> remove(std::string_view path, WatcherType type, const Watcher& watcher);
  /// All watchers, each once; the registry is empty afterwards.
  std::vector<Watcher> clear();
  bool empty() const;

  /// Bodies that set all watches again on a new connection, each with at most `limit` octets of paths (or a single path). They borrow
  /// from the registry. `op` is set_watches when no watch is persistent, so that servers before 3.6 understand it.
  struct Rearm {
    jute::OpCode op = jute::OpCode::set_watches;
    std::vector<jute::SetWatches2Request> requests;
  };
  Rearm rearm(std::int64_t relative_zxid, std::size_t limit = 128 * 1024) const;

 private:
  static constexpr std::size_t kinds = 5;
  using Table = std::map<std::string, std::vector<Watcher>, std::less<>>;
  bool any(std::string_view path, WatcherType type, const std::function<bool(const Watcher&)>& is_meant) const;
  Table& table(WatchKind kind) { return tables_[static_cast<std::size_t>(kind)]; }
  const Table& table(WatchKind kind) const { return tables_[static_cast<std::size_t>(kind)]; }

  Table tables_[kinds];
};

}  // namespace chorus::client
