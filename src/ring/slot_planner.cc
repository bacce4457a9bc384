#include "ring/slot_planner.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string_view>

namespace chorus::ring {

SlotPlanner::SlotPlanner(std::span<const SlotNode> nodes, const SlotMap& current) : nodes_(nodes), current_(current) {
  std::map<std::string_view, std::uint32_t> numbers;
  std::set<std::uint32_t> with_weight;
  std::uint32_t next = 0;
  for (const SlotNode& node : nodes) {
    weights_.push_back(node.weight);
    zones_.push_back(node.zone.empty() ? next++ : [&] {
      const auto [at, is_new] = numbers.emplace(node.zone, next);
      if (is_new) ++next;
      return at->second;
    }());
    if (node.weight > 0) with_weight.insert(zones_.back());
  }
  zone_count_ = with_weight.size();
  rounded_up_.resize(nodes.size());
}

bool SlotPlanner::had(std::size_t slot, NodeIndex node) const {
  return std::ranges::any_of(current_, [&](const Column& column) { return column[slot] == node; });
}

bool SlotPlanner::shares_zone(std::size_t slot, NodeIndex node) const {
  return std::ranges::any_of(map_, [&](const Column& column) { return column[slot] != no_node && zones_[column[slot]] == zones_[node]; });
}

bool SlotPlanner::allowed(std::size_t slot, NodeIndex node) const {
  if (weights_[node] == 0) return false;
  if (by_zone_) return !shares_zone(slot, node);  // which a node does with itself
  return std::ranges::none_of(map_, [&](const Column& column) { return column[slot] == node; });
}

SlotPlanner::Column SlotPlanner::wishes() const {
  Column wish(slot_count, no_node);
  const std::size_t copy = map_.size();
  for (std::size_t slot = 0; slot < slot_count; ++slot) {
    // The copy of the same number first; then whoever has one.
    for (std::size_t i = 0; i < current_.size() && wish[slot] == no_node; ++i) {
      const std::size_t column = copy < current_.size() ? (i == 0 ? copy : i <= copy ? i - 1 : i) : i;
      const NodeIndex holder = current_[column][slot];
      if (holder != no_node && allowed(slot, holder)) wish[slot] = holder;
    }
  }
  return wish;
}

void SlotPlanner::Placing::put(std::size_t slot, NodeIndex node) {
  column[slot] = node;
  slots[node].push_back(static_cast<std::uint16_t>(slot));
}

void SlotPlanner::Placing::move(std::size_t slot, NodeIndex to) {
  std::vector<std::uint16_t>& from = slots[column[slot]];
  from.erase(std::ranges::find(from, slot));
  put(slot, to);
}

std::vector<std::size_t> SlotPlanner::keep(const Column& wish, Placing& placing) {
  std::vector<std::uint32_t> has(nodes_.size());
  for (const NodeIndex node : wish) {
    if (node != no_node) ++has[node];
  }
  const std::vector<std::uint32_t> targets = slot_targets(weights_, has, rounded_up_);
  const std::uint64_t total = std::accumulate(weights_.begin(), weights_.end(), std::uint64_t{0});
  std::vector<std::uint32_t> surplus(nodes_.size()), wanted(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    rounded_up_[i] += targets[i] > slot_count * std::uint64_t{weights_[i]} / total;
    surplus[i] = has[i] > targets[i] ? has[i] - targets[i] : 0;
    wanted[i] = targets[i] > has[i] ? targets[i] - has[i] : 0;
  }
  placing = {.column = wish,
             .room = targets,
             .slots = std::vector<std::vector<std::uint16_t>>(nodes_.size()),
             .closed = std::vector<bool>(nodes_.size())};
  Column& column = placing.column;
  std::vector<std::size_t> rest;
  const auto give_up = [&](std::size_t slot) {
    --surplus[column[slot]];
    column[slot] = no_node;
    rest.push_back(slot);
  };
  // Who has to give slots gives those first whose next owner has a copy already, then those at its end.
  for (std::size_t slot = 0; slot < slot_count; ++slot) {
    if (column[slot] == no_node) {
      rest.push_back(slot);
      continue;
    }
    if (surplus[column[slot]] == 0) continue;
    for (const Column& other : current_) {
      const NodeIndex holder = other[slot];
      if (holder == no_node || holder == column[slot] || wanted[holder] == 0 || !allowed(slot, holder)) continue;
      --wanted[holder];
      give_up(slot);
      break;
    }
  }
  for (std::size_t slot = slot_count; slot-- > 0;) {
    if (column[slot] != no_node && surplus[column[slot]] > 0) give_up(slot);
  }
  for (std::size_t slot = 0; slot < slot_count; ++slot) {
    if (column[slot] == no_node) continue;
    placing.put(slot, column[slot]);
    --placing.room[column[slot]];
  }
  std::ranges::sort(rest);
  return rest;
}

void SlotPlanner::give_to_holders(std::vector<std::size_t>& slots, Placing& placing) const {
  std::erase_if(slots, [&](std::size_t slot) {
    for (const Column& other : current_) {
      const NodeIndex holder = other[slot];
      if (holder == no_node || placing.room[holder] == 0 || !allowed(slot, holder)) continue;
      placing.put(slot, holder);
      --placing.room[holder];
      return true;
    }
    return false;
  });
}

void SlotPlanner::place_primaries() {
  Placing placing;
  std::vector<std::size_t> rest = keep(current_.empty() ? Column(slot_count, no_node) : current_[0], placing);
  give_to_holders(rest, placing);
  // Runs of neighbours, since clients are told of ranges; and where that is possible not to the zone of a replica, which would have to
  // move.
  for (const bool choosy : {true, false}) {
    for (NodeIndex node = 0; node < nodes_.size() && !rest.empty(); ++node) {
      std::uint32_t& room = placing.room[node];
      if (room == 0) continue;
      std::erase_if(rest, [&](std::size_t slot) {
        if (room == 0) return false;
        for (std::size_t copy = 1; choosy && copy < current_.size(); ++copy) {
          if (current_[copy][slot] != no_node && zones_[current_[copy][slot]] == zones_[node]) return false;
        }
        placing.put(slot, node);
        --room;
        return true;
      });
    }
  }
  map_.push_back(std::move(placing.column));
}

void SlotPlanner::place_replicas() {
  by_zone_ = zone_count_ > map_.size();
  Placing placing;
  std::vector<std::size_t> rest = keep(wishes(), placing);
  give_to_holders(rest, placing);
  for (const std::size_t slot : rest) {
    if (const NodeIndex node = next_with_room(slot, placing); node != no_node) {
      placing.put(slot, node);
      --placing.room[node];
    } else if (!push_aside(slot, placing)) {
      if (const NodeIndex other = least_loaded(slot, placing); other != no_node) placing.put(slot, other);
    }
  }
  for (std::size_t slot = 0; slot < slot_count; ++slot) {
    const NodeIndex node = placing.column[slot];
    same_zone_ += node != no_node && shares_zone(slot, node);
  }
  map_.push_back(std::move(placing.column));
}

NodeIndex SlotPlanner::next_with_room(std::size_t slot, const Placing& placing) const {
  const auto fits = [&](NodeIndex node) { return placing.room[node] > 0 && allowed(slot, node); };
  const Column &before = map_.back(), &column = placing.column;
  if (slot > 0 && before[slot] == before[slot - 1] && column[slot - 1] != no_node && fits(column[slot - 1])) return column[slot - 1];
  const NodeIndex count = static_cast<NodeIndex>(nodes_.size()), first = before[slot] == no_node ? 0 : before[slot] + 1;
  for (NodeIndex step = 0; step < count; ++step) {
    if (const NodeIndex node = (first + step) % count; fits(node)) return node;
  }
  return no_node;
}

bool SlotPlanner::push_aside(std::size_t slot, Placing& placing) const {
  // What is on closed nodes, all of which are full, may go to closed nodes only: so none of them makes room.
  std::vector<NodeIndex> queue;
  std::vector<std::vector<NodeIndex>> unreached;  // in groups of those that may have the same slots: a zone, or one node
  std::vector<std::size_t> group_of(by_zone_ ? nodes_.size() : 0, no_node);  // by number of the zone
  bool is_open = false;
  for (NodeIndex node = 0; node < nodes_.size(); ++node) {
    if (allowed(slot, node)) {
      queue.push_back(node);
      is_open = is_open || !placing.closed[node];
    } else if (weights_[node] > 0) {
      std::size_t group = by_zone_ ? group_of[zones_[node]] : no_node;
      if (group == no_node) {
        group = unreached.size();
        unreached.emplace_back();
        if (by_zone_) group_of[zones_[node]] = group;
      }
      unreached[group].push_back(node);
    }
  }
  if (!is_open) return false;
  // Breadth first over nodes: one is reached by a slot that may come to it from a node reached before.
  std::vector<std::size_t> reached_by(nodes_.size(), slot);
  for (std::size_t at = 0; at < queue.size() && !unreached.empty(); ++at) {
    for (const std::uint16_t each : placing.slots[queue[at]]) {
      NodeIndex free = no_node;
      std::erase_if(unreached, [&](const std::vector<NodeIndex>& group) {
        if (!allowed(each, group.front())) return false;
        for (const NodeIndex node : group) {
          reached_by[node] = each;
          queue.push_back(node);
          if (free == no_node && placing.room[node] > 0) free = node;
        }
        return true;
      });
      if (free == no_node) continue;
      --placing.room[free];
      NodeIndex to = free;
      while (reached_by[to] != slot) {  // back along the way, each slot to where it may come
        const std::size_t moved = reached_by[to];
        const NodeIndex from = placing.column[moved];
        placing.move(moved, to);
        to = from;
      }
      placing.put(slot, to);
      return true;
    }
  }
  for (const NodeIndex node : queue) placing.closed[node] = true;
  return false;
}

NodeIndex SlotPlanner::least_loaded(std::size_t slot, const Placing& placing) const {
  NodeIndex best = no_node;
  const auto load = [&](NodeIndex node) { return placing.slots[node].size() + 1; };
  for (NodeIndex node = 0; node < nodes_.size(); ++node) {
    if (!allowed(slot, node)) continue;
    if (best == no_node || load(node) * weights_[best] < load(best) * weights_[node]) best = node;
  }
  return best;
}

}  // namespace chorus::ring
