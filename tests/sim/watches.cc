#include "watches.h"

#include <set>

namespace chorus::coord_sim {

using jute::EventType;
using jute::OpCode;
using jute::WatcherType;

void WatchTables::register_for(std::size_t connection, const Op& op, bool found, const Model& model, std::vector<Event>& catch_up) {
  switch (op.code) {
    case OpCode::get_data:
      if (op.watch && found) data_[op.path][connection] |= standard;
      return;
    case OpCode::exists:
      if (op.watch) data_[op.path][connection] |= standard;
      return;
    case OpCode::get_children:
    case OpCode::get_children2:
      if (op.watch && found) child_[op.path][connection] |= standard;
      return;
    case OpCode::add_watch:
      if (op.flags == static_cast<std::int32_t>(jute::AddWatchMode::persistent)) {
        data_[op.path][connection] |= persistent;
        child_[op.path][connection] |= persistent;
      } else {
        data_[op.path][connection] |= recursive;
      }
      return;
    case OpCode::set_watches2:
      break;
    default:
      return;
  }
  for (const std::string& path : op.data_watches) {
    if (!model.has(path)) {
      catch_up.push_back({-1, EventType::node_deleted, path});
    } else if (model.mzxid(path) > op.relative_zxid) {
      catch_up.push_back({-1, EventType::node_data_changed, path});
    } else {
      data_[path][connection] |= standard;
    }
  }
  for (const std::string& path : op.exist_watches) {
    if (model.has(path)) {
      catch_up.push_back({-1, EventType::node_created, path});
    } else {
      data_[path][connection] |= standard;
    }
  }
  for (const std::string& path : op.child_watches) {
    if (!model.has(path)) {
      catch_up.push_back({-1, EventType::node_deleted, path});
    } else if (model.pzxid(path) > op.relative_zxid) {
      catch_up.push_back({-1, EventType::node_children_changed, path});
    } else {
      child_[path][connection] |= standard;
    }
  }
  for (const std::string& path : op.persistent_watches) {
    data_[path][connection] |= persistent;
    child_[path][connection] |= persistent;
  }
  for (const std::string& path : op.recursive_watches) data_[path][connection] |= recursive;
}

bool WatchTables::remove(std::size_t connection, const std::string& path, WatcherType type) {
  unsigned in_data = 0;
  unsigned in_child = 0;
  switch (type) {
    case WatcherType::any:
      in_data = in_child = standard | persistent | recursive;
      break;
    case WatcherType::data:
      in_data = standard;
      break;
    case WatcherType::children:
      in_child = standard;
      break;
    case WatcherType::persistent:
      in_data = in_child = persistent;
      break;
    case WatcherType::persistent_recursive:
      in_data = recursive;
      break;
  }
  bool removed = false;
  const auto drop = [&](Table& table, unsigned modes) {
    const auto at = table.find(path);
    if (at == table.end()) return;
    const auto mine = at->second.find(connection);
    if (mine == at->second.end() || (mine->second & modes) == 0) return;
    removed = true;
    mine->second &= ~modes;
    if (mine->second == 0) at->second.erase(mine);
  };
  drop(data_, in_data);
  drop(child_, in_child);
  return removed;
}

void WatchTables::trigger(const Change& change, std::int64_t zxid, const Tell& tell) {
  std::set<std::size_t> told;
  const auto fire = [&](Table& table, const std::string& path, unsigned modes, EventType type, const std::string& about, bool skip_told) {
    const auto at = table.find(path);
    if (at == table.end()) return;
    std::set<std::size_t> here;
    for (auto entry = at->second.begin(); entry != at->second.end();) {
      if ((entry->second & modes) == 0) {
        ++entry;
        continue;
      }
      here.insert(entry->first);
      if ((modes & standard) != 0) entry->second &= ~unsigned{standard};
      entry = entry->second == 0 ? at->second.erase(entry) : std::next(entry);
    }
    for (const std::size_t connection : here) {
      if (skip_told && told.contains(connection)) continue;
      tell(connection, {zxid, type, about});
      told.insert(connection);
    }
  };
  const std::string& path = change.path;
  fire(data_, path, standard | persistent | recursive, change.type, path, false);
  for (std::string above = path; above != "/";) {
    above = parent_of(above);
    fire(data_, above, recursive, change.type, path, true);
  }
  if (change.type == EventType::node_data_changed) return;
  if (change.type == EventType::node_deleted) fire(child_, path, standard | persistent, EventType::node_deleted, path, true);
  told.clear();
  fire(child_, parent_of(path), standard | persistent, EventType::node_children_changed, parent_of(path), false);
}

void WatchTables::forget(std::size_t connection) {
  for (Table* table : {&data_, &child_}) {
    for (auto& [path, connections] : *table) connections.erase(connection);
  }
}

}  // namespace chorus::coord_sim
