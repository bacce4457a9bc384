// Who wants to hear of which node. source: WatchManager, DataTree
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "base/strong.h"
#include "coord/string_map.h"
#include "jute/constants.h"

namespace chorus::coord {

/// One client connection for as long as it lasts; never given out twice.
using ConnectionId = base::Strong<std::uint64_t, struct ConnectionIdTag>;

enum class WatchMode : std::uint8_t { standard = 1, persistent = 2, persistent_recursive = 4 };

/// One of the two tables, data or child watches. At most one watch for each path, connection and mode.
class WatchTable {
 public:
  /// False when it was there already.
  bool add(std::string_view path, ConnectionId connection, WatchMode mode);
  /// Whether the connection has a watch on the path, of one of the modes (bits of WatchMode).
  bool contains(std::string_view path, ConnectionId connection, std::uint8_t modes) const;
  /// Removes watches of these modes; false when there was none.
  bool remove(std::string_view path, ConnectionId connection, std::uint8_t modes);
  void remove_all(ConnectionId connection);

  /// The connections to tell of a change at `path`, each once, and standard watches on it used up. Recursive watches on the path's
  /// ancestors count too, unless `type` is that children changed.
  void trigger(std::string_view path, jute::EventType type, std::vector<ConnectionId>& out);

  std::size_t watch_count() const { return watch_count_; }
  std::size_t path_count() const { return paths_.size(); }
  std::size_t connection_count() const { return connections_.size(); }
  /// Paths and who watches them, in order.
  std::map<std::string, std::vector<ConnectionId>> by_path() const;

 private:
  using Watchers = absl::flat_hash_map<ConnectionId, std::uint8_t>;
  using Paths = StringMap<Watchers>;

  void unlink(ConnectionId connection, const std::string* path);
  void erase_modes(Paths::iterator path, Watchers::iterator watcher, std::uint8_t modes);

  Paths paths_;
  absl::flat_hash_map<ConnectionId, absl::flat_hash_set<const std::string*>> connections_;
  std::size_t watch_count_ = 0;
  std::size_t recursive_count_ = 0;
};

/// Both tables with ZooKeeper's rules for which of them an operation means.
class Watches {
 public:
  WatchTable data;
  WatchTable child;

  bool contains(std::string_view path, ConnectionId connection, jute::WatcherType type) const;
  bool remove(std::string_view path, ConnectionId connection, jute::WatcherType type);
  void add(std::string_view path, ConnectionId connection, jute::AddWatchMode mode);
  void remove_all(ConnectionId connection);
  std::size_t count() const { return data.watch_count() + child.watch_count(); }
};

}  // namespace chorus::coord
