// Who moves slots, in all ways there are, saves, kills nodes and starts them again, and gives away what a lost node owned.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "base/text.h"
#include "cache_scene.h"

namespace chorus::cache_sim {

using client::Code;

void Scene::with_map(WithMap body) {
  auto& tree = tree_->client();
  tree.sync("/", [](client::Result<void>) {});
  tree.get(cache::cluster::map_path(cluster_name), [body = std::move(body)](client::Result<client::Data> data) {
    if (!data && data.error().code != Code::no_node) return;
    if (!data) return body(SlotMap(), -1);
    auto map = SlotMap::parse(data->data);
    ENSURE(map.has_value(), map.error().what);
    body(std::move(*map), data->stat.version);
  });
}

void Scene::write_map(const SlotMap& map, std::int32_t version) {
  SlotMap next = map;
  next.next_epoch();
  tree_->client().set(cache::cluster::map_path(cluster_name), next.format(), version, [](client::Result<client::Stat>) {});
}

/// The first three share the slots, the fourth has none.
void Scene::set_up(SlotMap map, std::int32_t version) {
  if (version >= 0) {
    is_set_up_ = map.assigned() == cache::slots;
    return;
  }
  for (const Cache& cache : caches_) {
    map.add_member(cache.id, {.ip = cache.host(), .port = port, .bus_port = port + 10'000, .hostname = {}});
  }
  for (std::size_t slot = 0; slot < cache::slots; ++slot) {
    map.set_owner(static_cast<std::uint16_t>(slot), &caches_[slot * (nodes_count - 1) / cache::slots].id);
  }
  for (const std::string& path : cache::cluster::parent_paths(cluster_name)) {
    tree_->client().create(path, "", {}, [](client::Result<client::Created>) {});
  }
  tree_->client().create(cache::cluster::map_path(cluster_name), map.format(), {}, [](client::Result<client::Created>) {});
}

void Scene::operate() {
  if (is_quiet_) return;
  simulation_.after(ms_between(100, 800), [this] { operate(); });
  if (!is_set_up_) return with_map([this](SlotMap map, std::int32_t version) { set_up(std::move(map), version); });
  switch (dice_.below(16)) {
    case 0:
      return kill_one();
    case 1:
      return take_over();
    case 2:
      return save(dice_.below(caches_.size()));
    case 3:
    case 4:
    case 5:
      return with_map([this](SlotMap map, std::int32_t) { move_key_by_key(std::move(map)); });
    default:
      with_map([this](SlotMap map, std::int32_t version) { change_moves(std::move(map), version); });
  }
}

/// As `chorus cache reshard` does it, and its --abort.
void Scene::change_moves(SlotMap map, std::int32_t version) {
  if (is_quiet_) return;
  if (map.moves().size() > 2 || (!map.moves().empty() && by_chance(5))) {
    map.remove_move(map.moves().begin()->first);
    return write_map(map, version);
  }
  const std::uint16_t slot = cache::slot_of(keys_[dice_.below(keys_.size())]);
  const NodeId* owner = map.owner(slot);
  const Cache& to = caches_[dice_.below(caches_.size())];
  const auto may_move = [&](std::uint16_t each) { return map.owns(*owner, each) && map.move_of(each) == 0 && map.open(each) == nullptr; };
  if (owner == nullptr || *owner == to.id || !may_move(slot)) return;
  cache::cluster::Slots slots{slot};
  for (const std::string& other : keys_) {
    if (const std::uint16_t beside = cache::slot_of(other); may_move(beside) && by_chance(3)) slots.insert(beside);
  }
  map.add_move(NodeId(*owner), to.id, slots);
  write_map(map, version);
}

/// As redis-cli --cluster reshard does it.
void Scene::move_key_by_key(SlotMap map) {
  const std::uint16_t slot = cache::slot_of(keys_[dice_.below(keys_.size())]);
  const NodeId* owner = map.owner(slot);
  Cache* from = owner == nullptr ? nullptr : cache_of(*owner);
  Cache* to = &caches_[dice_.below(caches_.size())];
  const cache::cluster::Open* open = map.open(slot);
  if (open != nullptr && !open->importing.empty()) to = cache_of(open->importing.begin()->first);
  if (is_quiet_ || from == nullptr || to == from || map.move_of(slot) != 0) return;
  if (std::exchange(is_moving_keys_, true)) return;
  const auto move = std::make_shared<KeyMove>(KeyMove{.slot = slot, .from = from, .to = to});
  if (open != nullptr && by_chance(3)) return close_slot(move);
  note(fmt::format("slot {} goes key by key from {} to {}", slot, from->machine->name(), to->machine->name()));
  const std::string number = std::to_string(slot);
  order(to->host(), {"CLUSTER", "SETSLOT", number, "IMPORTING", from->id}, [this, move, number](const Reply& imports) {
    if (imports != "+OK\r\n") return close_slot(move);
    order(move->from->host(), {"CLUSTER", "SETSLOT", number, "MIGRATING", move->to->id},
          [this, move](const Reply& migrates) { migrates == "+OK\r\n" ? move_keys(move) : close_slot(move); });
  });
}

void Scene::move_keys(const std::shared_ptr<KeyMove>& move) {
  constexpr int tries_max = 4;
  const auto again = [this, move] {
    if (++move->tries > tries_max) return close_slot(move);
    simulation_.after(ms_between(50, 1500), [this, move] { move_keys(move); });
  };
  // Some are left to SETSLOT NODE.
  if (by_chance(8)) return close_slot(move);
  order(move->from->host(), {"CLUSTER", "GETKEYSINSLOT", std::to_string(move->slot), "2"}, [this, move, again](const Reply& reply) {
    if (!reply || !reply->starts_with('*')) return again();
    Words words{"MIGRATE", move->to->host(), std::to_string(port), "", "0", "700", "REPLACE", "KEYS"};
    const auto lines = base::split(*reply, '\n');
    for (std::size_t i = 2; i < lines.size(); i += 2) words.emplace_back(base::trim(lines[i]));
    if (*reply == "*0\r\n") return close_slot(move);
    order(move->from->host(), words, [this, move, again](const Reply& migrated) {
      ++counts_.migrations;
      migrated == "+OK\r\n" || migrated == "+NOKEY\r\n" ? move_keys(move) : again();
    });
  });
}

/// Mostly it becomes the new owner's; else both ends are told that it stays, which they may refuse.
void Scene::close_slot(const std::shared_ptr<KeyMove>& move) {
  const std::string number = std::to_string(move->slot);
  const auto over = [this](const Reply&) { is_moving_keys_ = false; };
  if (by_chance(4)) {
    order(move->to->host(), {"CLUSTER", "SETSLOT", number, "STABLE"}, [](const Reply&) {});
    order(move->from->host(), {"CLUSTER", "SETSLOT", number, "STABLE"}, over);
  } else {
    const Cache& asked = by_chance(2) ? *move->from : *move->to;
    order(asked.host(), {"CLUSTER", "SETSLOT", number, "NODE", move->to->id}, over);
  }
}

/// What is in a snapshot stays after a crash: counts of keys that the node owned from before it began until after it was kept.
void Scene::save(std::size_t i) {
  if (std::exchange(is_saving_, true)) return;
  simulation_.after(15s, [this] { is_saving_ = false; });
  with_map([this, i](SlotMap before, std::int32_t) {
    Cache& cache = caches_[i];
    const cache::cluster::Member* member = before.find(cache.id);
    std::map<std::string, std::int64_t> counts;
    for (const std::string& key : keys_) {
      if (before.owns(cache.id, cache::slot_of(key)) && !judge_.is_between_eras(key)) counts[key] = judge_.acknowledged(key);
    }
    if (member == nullptr || cache.stays_down) return;
    // Which file there is from now on is known once it is answered.
    cache.saved.clear();
    order(cache.host(), {"SAVE"}, [this, i, counts, epoch = member->epoch, life = cache.machine->lives()](const Reply& reply) {
      // It may have been asked of the life before, and be answered by this one.
      if (reply != "+OK\r\n" || caches_[i].machine->lives() != life) return;
      with_map([this, i, counts, epoch, life](SlotMap after, std::int32_t) {
        Cache& kept = caches_[i];
        const cache::cluster::Member* now = after.find(kept.id);
        if (now == nullptr || now->epoch != epoch || kept.stays_down || kept.machine->lives() != life) return;
        ++counts_.saves;
        for (const auto& [key, count] : counts) {
          if (after.owns(kept.id, cache::slot_of(key))) kept.saved[key] = count;
        }
      });
    });
  });
}

/// What it held may be lost but for what it has saved. What it is being given as well: the change of the map may be on its way, and be made
/// before the tree learns of the end of the node.
void Scene::begin_eras(std::size_t i, const SlotMap& map) {
  Cache& cache = caches_[i];
  for (const std::string& key : keys_) {
    const std::uint16_t slot = cache::slot_of(key);
    const cache::cluster::Open* open = map.open(slot);
    const std::uint64_t move = map.move_of(slot);
    const bool is_given = (move != 0 && map.moves().at(move).to == cache.id) || (open != nullptr && open->importing.contains(cache.id));
    if (!map.owns(cache.id, slot) && !is_given) continue;
    // Another beginning of it is under way, and may be lost with the node.
    if (judge_.is_between_eras(key) && !cache.lost.contains(key)) judge_.taint(key);
    judge_.begin_era(key);
    cache.lost.insert(key);
  }
}

void Scene::kill_one() {
  if (std::exchange(is_killing_, true)) return;
  const std::size_t i = dice_.below(caches_.size());
  with_map([this, i](SlotMap map, std::int32_t) {
    ++counts_.kills;
    begin_eras(i, map);
    caches_[i].stays_down = true;
    const bool is_power = by_chance(2);
    note(fmt::format("{} {}", is_power ? "crash" : "kill", caches_[i].machine->name()));
    is_power ? caches_[i].machine->crash() : caches_[i].machine->kill();
    simulation_.after(ms_between(200, 4000), [this, i] { bring_back(i); });
  });
  simulation_.after(5s, [this] { is_killing_ = false; });
}

void Scene::bring_back(std::size_t i) {
  if (!caches_[i].stays_down) return;
  with_map([this, i](SlotMap map, std::int32_t) {
    if (!std::exchange(caches_[i].stays_down, false)) return;
    begin_eras(i, map);
    if (!caches_[i].machine->running()) caches_[i].machine->start();
    for (const std::string& key : std::exchange(caches_[i].lost, {})) revive(i, key);
  });
  // When the tree did not answer.
  simulation_.after(2s, [this, i] { bring_back(i); });
}

void Scene::revive(std::size_t i, const std::string& key) {
  constexpr int tries_max = 200;
  const std::uint32_t life = caches_[i].machine->lives();
  follow({"GET", key}, caches_[i].host(), tries_max, [this, i, key, life](const Reply& reply, const std::string& host) {
    if (!reply || !reply->starts_with('$')) return judge_.taint(key);
    const auto saved = caches_[i].saved.find(key);
    if (host == caches_[i].host() && caches_[i].machine->lives() == life && saved != caches_[i].saved.end()) {
      ++counts_.revived;
      judge_.revived(key, number_in(*reply), saved->second);
    }
    begin_anew(key, host);
  });
}

/// It counts from a number of its own from now on.
void Scene::begin_anew(const std::string& key, const std::string& host) {
  const std::int64_t from = ++era_ * 1'000'000;
  constexpr int tries_max = 200;
  follow({"SET", key, std::to_string(from)}, host, tries_max,
         [this, key, from](const Reply& reply, const std::string&) { reply == "+OK\r\n" ? judge_.end_era(key, from) : judge_.taint(key); });
}

bool Scene::is_between_eras(std::uint16_t slot) const {
  const auto keys = keys_of(slot);
  return std::any_of(keys.begin(), keys.end(), [&](const std::string& key) { return judge_.is_between_eras(key); });
}

/// A node is cut off from the tree, but not from clients, and another is given one of its slots.
void Scene::take_over() {
  if (std::exchange(is_taking_over_, true)) return;
  simulation_.after(15s, [this] { is_taking_over_ = false; });
  with_map([this](SlotMap map, std::int32_t) {
    const std::uint16_t slot = cache::slot_of(keys_[dice_.below(keys_.size())]);
    const NodeId* owner = map.owner(slot);
    Cache* lost = owner == nullptr ? nullptr : cache_of(*owner);
    if (lost == nullptr || map.move_of(slot) != 0 || map.open(slot) != nullptr || is_quiet_ || is_between_eras(slot)) return;
    const Cache& next = caches_[dice_.below(caches_.size())];
    if (&next == lost) return;
    note(fmt::format("cut {} off from the tree; slot {} is to go to {}", lost->machine->name(), slot, next.machine->name()));
    simulation_.network().partition({lost->machine}, {&server_});
    simulation_.after(ms_between(3000, 7000), [this, &next, slot] { give_to(next, slot); });
    simulation_.after(12s, [this, lost] {
      simulation_.network().unblock(*lost->machine, server_);
      simulation_.network().unblock(server_, *lost->machine);
    });
  });
}

void Scene::give_to(const Cache& next, std::uint16_t slot) {
  if (is_between_eras(slot)) return;
  const auto keys = keys_of(slot);
  for (const std::string& key : keys) judge_.begin_era(key);
  const std::string number = std::to_string(slot);
  const auto given = [this, host = next.host(), keys](bool is_done) {
    counts_.takeovers += is_done ? 1 : 0;
    for (const std::string& key : keys) {
      // Or it may be, later: whose key it is nobody knows.
      is_done ? begin_anew(key, host) : judge_.taint(key);
    }
  };
  order(next.host(), {"MULTI"}, [](const Reply&) {});
  order(next.host(), {"CLUSTER", "DELSLOTS", number}, [](const Reply&) {});
  order(next.host(), {"CLUSTER", "ADDSLOTS", number}, [](const Reply&) {});
  order(next.host(), {"EXEC"}, [given](const Reply& reply) { given(reply == "*2\r\n+OK\r\n+OK\r\n"); });
}

}  // namespace chorus::cache_sim
