// Commands that change the slot map.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "base/text.h"
#include "cache/call.h"
#include "cache/cluster/handlers.h"
#include "cache/cluster/names.h"
#include "cache/resp/number.h"

namespace chorus::cache {
namespace cluster {
namespace {

using Made = base::Result<Change, std::string>;

std::unexpected<std::string> wrong(std::string words) { return std::unexpected(std::move(words)); }

std::optional<std::uint16_t> slot_in(std::string_view text) {
  const auto slot = parse_integer(text);
  if (!slot || *slot < 0 || *slot >= static_cast<std::int64_t>(cache::slots)) return {};
  return static_cast<std::uint16_t>(*slot);
}

/// One by one, or from and to in turn.
base::Result<std::vector<std::uint16_t>, std::string> slots_in(Arguments arguments, bool by_range) {
  std::vector<std::uint16_t> all;
  std::vector<bool> seen(cache::slots);
  if (by_range && arguments.size() % 2 != 0) {
    return wrong(fmt::format("ERR wrong number of arguments for 'cluster|{}' command", base::lower(arguments[1])));
  }
  for (std::size_t i = 2; i < arguments.size(); i += by_range ? 2 : 1) {
    const auto first = slot_in(arguments[i]), last = by_range ? slot_in(arguments[i + 1]) : first;
    if (!first || !last) return wrong("ERR Invalid or out of range slot");
    if (*first > *last) return wrong(fmt::format("ERR start slot number {} is greater than end slot number {}", *first, *last));
    for (std::uint16_t slot = *first; slot <= *last; ++slot) {
      if (seen[slot]) return wrong(fmt::format("ERR Slot {} specified multiple times", slot));
      seen[slot] = true;
      all.push_back(slot);
    }
  }
  return all;
}

Outcome still_holds(std::uint16_t slot) {
  return Outcome::error(fmt::format("ERR Can't assign hashslot {} to a different node while I still hold keys for this hash slot.", slot));
}
Outcome is_moved(std::uint16_t slot) { return Outcome::error(fmt::format("ERR Slot {} is being moved to another node", slot)); }
Outcome too_many() { return Outcome::error("ERR The cluster has as many nodes as it may have"); }

/// A node that imports the slot may have keys of it, which nobody would find once it does not any more. It knows itself whether it has.
std::optional<Outcome> is_imported(const SlotMap& map, std::uint16_t slot, const NodeId* but = nullptr) {
  const Open* open = map.open(slot);
  if (open == nullptr) return {};
  for (const auto& [at, from] : open->importing) {
    if (but != nullptr && at == *but) continue;
    return Outcome::error(fmt::format("ERR Slot {} may have keys at node {}, which imports it: set it stable there first", slot, at));
  }
  return {};
}

/// Changes are made to a copy, so that one that is refused in its midst has changed nothing.
template <class Body>
Change whole(Body body) {
  return [body = std::move(body)](SlotMap& map) {
    SlotMap copy = map;
    Outcome outcome = body(copy);
    if (outcome.has_changed) map = std::move(copy);
    return outcome;
  };
}

/// kept: slots of this node's own that the same transaction deletes and adds, which is how redis-cli makes sure of an owner.
Made add_slots(Server& server, Arguments arguments, bool by_range, const Slots& kept) {
  auto slots = slots_in(arguments, by_range);
  if (!slots) return wrong(slots.error());
  return whole([&server, kept, slots = std::move(*slots)](SlotMap& map) -> Outcome {
    const Membership& own = *server.cluster();
    const auto stays = [&](std::uint16_t slot) { return kept.contains(slot) && map.owns(own.self(), slot); };
    for (const std::uint16_t slot : slots) {
      if (map.owner(slot) != nullptr && !stays(slot)) return Outcome::error(fmt::format("ERR Slot {} is already busy", slot));
    }
    if (!map.add_member(own.self(), own.endpoint())) return too_many();
    for (const std::uint16_t slot : slots) {
      if (!stays(slot)) map.set_owner(slot, &own.self());
    }
    map.member(own.self())->epoch = map.next_epoch();
    return {.has_changed = true};
  });
}

Made delete_slots(Server& server, Arguments arguments, bool by_range, const Slots& kept) {
  auto slots = slots_in(arguments, by_range);
  if (!slots) return wrong(slots.error());
  return whole([&server, kept, slots = std::move(*slots)](SlotMap& map) -> Outcome {
    Outcome outcome;
    for (const std::uint16_t slot : slots) {
      if (kept.contains(slot) && map.owns(server.cluster()->self(), slot)) continue;
      const NodeId* owner = map.owner(slot);
      if (owner == nullptr) return Outcome::error(fmt::format("ERR Slot {} is already unassigned", slot));
      // In Redis its own view would change, until it hears of the owner again.
      if (server.cluster()->running().contains(*owner) && *owner != server.cluster()->self()) continue;
      if (auto error = is_imported(map, slot)) return *error;
      if (*owner != server.cluster()->self()) {
        outcome.robbed.insert(*owner);
      } else if (server.database(0).slot_size(slot) > 0) {
        return still_holds(slot);
      } else if (map.move_of(slot) != 0) {
        return is_moved(slot);
      }
      map.set_owner(slot, nullptr);
      outcome.has_changed = true;
    }
    return outcome;
  });
}

Made flush_slots(Server& server) {
  return whole([&server](SlotMap& map) -> Outcome {
    if (server.database(0).size() > 0) return Outcome::error("ERR DB must be empty to perform CLUSTER FLUSHSLOTS.");
    const Slots own = map.slots_of(server.cluster()->self());
    for (const std::uint16_t slot : own) {
      if (auto error = is_imported(map, slot)) return *error;
      map.set_owner(slot, nullptr);
    }
    return {.has_changed = !own.empty()};
  });
}

Made bump_epoch(Server& server) {
  return whole([&server](SlotMap& map) -> Outcome {
    const Membership& own = *server.cluster();
    const Member* member = map.find(own.self());
    std::uint64_t newest = 0;
    for (const auto& [id, each] : map.members()) newest = std::max(newest, each.epoch);
    if (member != nullptr && member->epoch != 0 && member->epoch == newest) return {.reply = fmt::format("+STILL {}", member->epoch)};
    if (!map.add_member(own.self(), own.endpoint())) return too_many();
    const std::uint64_t epoch = map.member(own.self())->epoch = map.next_epoch();
    return {.reply = fmt::format("+BUMPED {}", epoch), .has_changed = true};
  });
}

Made set_config_epoch(Server& server, Arguments arguments) {
  const auto epoch = parse_integer(arguments[2]);
  if (!epoch || *epoch < 0) return wrong(fmt::format("ERR Invalid config epoch specified: {}", arguments[2]));
  return whole([&server, epoch = static_cast<std::uint64_t>(*epoch)](SlotMap& map) -> Outcome {
    const Membership& own = *server.cluster();
    const bool is_member = map.find(own.self()) != nullptr;
    if (is_member && map.members().size() > 1) {
      return Outcome::error("ERR The user can assign a config epoch only when the node does not know any other node.");
    }
    if (is_member && map.find(own.self())->epoch != 0) return Outcome::error("ERR Node config epoch is already non-zero");
    if (!map.add_member(own.self(), own.endpoint())) return too_many();
    map.member(own.self())->epoch = epoch;
    while (map.epoch() < epoch && epoch - map.epoch() < 1'000'000) map.next_epoch();
    return {.has_changed = true};
  });
}

Made forget(Server& server, Arguments arguments) {
  return whole([&server, id = NodeId(arguments[2])](SlotMap& map) -> Outcome {
    const Membership& own = *server.cluster();
    if (id == own.self()) return Outcome::error("ERR I tried hard but I can't forget myself...");
    if (map.find(id) == nullptr || map.find(own.self()) == nullptr) {
      // Redis' tools tell each node; the map is one.
      return own.was_forgotten(id) ? Outcome{} : Outcome::error(fmt::format("ERR Unknown node {}", id));
    }
    if (map.assigned_to(id) > 0) {
      return Outcome::error(fmt::format("ERR Node {} still owns slots: move them to another node first", id));
    }
    for (const auto& [slot, open] : map.open_slots()) {
      if (open.importing.contains(id)) {
        return Outcome::error(fmt::format("ERR Node {} imports slot {} and may have keys of it: end that first", id, slot));
      }
    }
    map.remove_member(id);
    return {.has_changed = true};
  });
}

Made reset(Server& server, Arguments arguments) {
  const std::string how = arguments.size() == 3 ? base::lower(arguments[2]) : "soft";
  if (arguments.size() > 3 || (how != "soft" && how != "hard")) return wrong(std::string(errors::syntax));
  return whole([&server](SlotMap& map) -> Outcome {
    const Membership& own = *server.cluster();
    if (server.database(0).size() > 0) return Outcome::error("ERR CLUSTER RESET can't be called with master nodes containing keys");
    if (map.find(own.self()) == nullptr) return {};
    for (const std::uint16_t slot : map.slots_of(own.self())) {
      if (auto error = is_imported(map, slot)) return *error;
      map.set_owner(slot, nullptr);
    }
    map.remove_member(own.self());
    return {.has_changed = true};
  });
}

/// "I don't know about node" and so on: where it is none, the words.
std::optional<Outcome> unknown(const SlotMap& map, const Membership& own, const NodeId& id, std::string_view words) {
  if (map.find(id) != nullptr && map.find(own.self()) != nullptr) return {};
  return Outcome::error(fmt::format("ERR {} {}", words, id));
}

Outcome set_migrating(SlotMap& map, const Membership& own, std::uint16_t slot, const NodeId& to) {
  if (!map.owns(own.self(), slot)) return Outcome::error(fmt::format("ERR I'm not the owner of hash slot {}", slot));
  if (auto error = unknown(map, own, to, "I don't know about node")) return *error;
  if (to == own.self()) return Outcome::error(fmt::format("ERR I'm already the owner of hash slot {}", slot));
  if (map.move_of(slot) != 0) return is_moved(slot);
  if (auto error = is_imported(map, slot, &to)) return *error;
  map.open_for_change(slot).migrating_to = to;
  return {.has_changed = true};
}

Outcome set_importing(SlotMap& map, const Membership& own, std::uint16_t slot, const NodeId& from) {
  if (map.owns(own.self(), slot)) return Outcome::error(fmt::format("ERR I'm already the owner of hash slot {}", slot));
  if (auto error = unknown(map, own, from, "I don't know about node")) return *error;
  if (map.move_of(slot) != 0) return is_moved(slot);
  map.open_for_change(slot).importing.insert_or_assign(own.self(), from);
  return {.has_changed = true};
}

Outcome set_stable(SlotMap& map, Server& server, std::uint16_t slot) {
  const NodeId& self = server.cluster()->self();
  const Open* open = map.open(slot);
  if (open == nullptr) return {};
  const bool migrates = map.owns(self, slot) && open->migrating_to, imports = open->importing.contains(self);
  if (!migrates && !imports) return {};
  // They would be seen by nobody any more.
  if (imports && server.database(0).slot_size(slot) > 0) return still_holds(slot);
  // It ends when the node that imports it is told so, which has none of its keys then: clients have to be sent there until that.
  if (migrates && is_imported(map, slot)) return {};
  Open& change = map.open_for_change(slot);
  if (migrates || change.migrating_to == self) change.migrating_to.reset();
  if (imports) change.importing.erase(self);
  map.close_if_done(slot);
  return {.has_changed = true};
}

/// Whoever is asked: the owner hands it over, with what keys it has left.
Outcome set_node(SlotMap& map, const Membership& own, std::uint16_t slot, const NodeId& to) {
  if (auto error = unknown(map, own, to, "Unknown node")) return *error;
  const NodeId* owner = map.owner(slot);
  if (owner != nullptr && *owner == to) {
    const Open* open = map.open(slot);
    if (open == nullptr || !open->importing.contains(to)) return {};
    map.open_for_change(slot).importing.erase(to);
    map.close_if_done(slot);
    return {.has_changed = true};
  }
  if (auto error = is_imported(map, slot, &to)) return *error;
  const auto runs = [&](const NodeId& id) { return id == own.self() || own.running().contains(id); };
  if (!runs(to)) return Outcome::error(fmt::format("ERR Node {} does not run", to));
  if (owner == nullptr) {
    map.set_owner(slot, &to);
    map.member(to)->epoch = map.next_epoch();
    return {.has_changed = true};
  }
  if (!runs(*owner)) {
    return Outcome::error(
        fmt::format("ERR Node {}, which owns slot {}, does not run: to take the slot without its keys, send "
                    "CLUSTER DELSLOTS and CLUSTER ADDSLOTS within MULTI and EXEC",
                    *owner, slot));
  }
  Outcome outcome{.has_changed = map.move_of(slot) == 0};
  if (outcome.has_changed) {
    map.add_move(*owner, to, {slot});
  } else if (map.moves().at(map.move_of(slot)).to != to) {
    return is_moved(slot);
  }
  outcome.until = [slot, to](const SlotMap& now) -> std::optional<std::string> {
    if (now.owns(to, slot)) return "+OK";
    if (now.move_of(slot) == 0) return "-ERR The move of the slot was ended before it was done";
    return {};
  };
  return outcome;
}

Made set_slot(Server& server, Arguments arguments) {
  const auto slot = slot_in(arguments[2]);
  if (!slot) return wrong("ERR Invalid or out of range slot");
  const std::string what = base::lower(arguments[3]);
  const bool has_node = arguments.size() == 5;
  const NodeId id(has_node ? arguments[4] : std::string_view());
  if (what == "stable" && arguments.size() == 4) {
    return whole([&server, slot = *slot](SlotMap& map) { return set_stable(map, server, slot); });
  }
  const auto with = [&](auto* body) -> Change {
    return whole([&server, body, slot = *slot, id](SlotMap& map) { return body(map, *server.cluster(), slot, id); });
  };
  if (what == "migrating" && has_node) return with(set_migrating);
  if (what == "importing" && has_node) return with(set_importing);
  if (what == "node" && has_node) return with(set_node);
  return wrong("ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP");
}

}  // namespace

Slots slots_changed(Arguments arguments, std::string_view what) {
  const std::string name = base::lower(arguments[1]);
  const bool by_range = name == std::string(what) + "range";
  if (name != what && !by_range) return {};
  const auto slots = slots_in(arguments, by_range);
  return slots ? Slots(slots->begin(), slots->end()) : Slots();
}

base::Result<Change, std::string> change_of(Server& server, Arguments arguments, const Slots& kept) {
  if (server.cluster() == nullptr) return wrong("ERR This instance has cluster support disabled");
  const std::string what = base::lower(arguments[1]);
  if (what == "addslots" || what == "addslotsrange") return add_slots(server, arguments, what == "addslotsrange", kept);
  if (what == "delslots" || what == "delslotsrange") return delete_slots(server, arguments, what == "delslotsrange", kept);
  if (what == "flushslots") return flush_slots(server);
  if (what == "bumpepoch") return bump_epoch(server);
  if (what == "set-config-epoch") return set_config_epoch(server, arguments);
  if (what == "forget") return forget(server, arguments);
  if (what == "reset") return reset(server, arguments);
  return set_slot(server, arguments);
}

}  // namespace cluster

void cluster_change(Call& call) {
  auto change = cluster::change_of(call.server(), call.arguments());
  if (!change) return call.error(change.error());
  // Those of a transaction come as one, see Server::submit_transaction().
  if (call.client().transaction) {
    return call.error("ERR In a transaction, what changes the cluster may stand only beside the like of it");
  }
  call.server().submit(call.client(), call.command(), {std::move(*change)}, false);
}

void cluster_meet(Call& call) {
  if (call.server().cluster() == nullptr) return call.error("ERR This instance has cluster support disabled");
  if (call.size() > 5) return call.error("ERR wrong number of arguments for 'cluster|meet' command");
  const auto port = parse_integer(call[3]);
  if (!port) return call.error(fmt::format("ERR Invalid base port specified: {}", call[3]));
  const auto bus_port = call.size() == 5 ? parse_integer(call[4]) : 0;
  if (!bus_port) return call.error(fmt::format("ERR Invalid bus port specified: {}", call[4]));
  const std::string ip(call[2]);
  std::array<unsigned char, 16> octets{};
  const bool is_address = inet_pton(AF_INET, ip.c_str(), octets.data()) == 1 || inet_pton(AF_INET6, ip.c_str(), octets.data()) == 1;
  if (!is_address || *port <= 0 || *port > 65'535 || *bus_port < 0 || *bus_port > 65'535) {
    return call.error(fmt::format("ERR Invalid node address specified: {}:{}", call[2], call[3]));
  }
  call.server().meet({.ip = ip, .port = static_cast<std::uint16_t>(*port)});
  call.reply.ok();
}

void cluster_replicate(Call& call) {
  const cluster::Membership* own = call.server().cluster();
  if (own == nullptr) return call.error("ERR This instance has cluster support disabled");
  if (call[2] == own->self()) return call.error("ERR Can't replicate myself");
  if (!own->is_member() || own->map().find(call[2]) == nullptr) return call.error(fmt::format("ERR Unknown node {}", call[2]));
  if (call.database(0).size() > 0 || own->map().assigned_to(own->self()) > 0) {
    return call.error("ERR To set a master the node must be empty and without assigned slots.");
  }
  call.error("ERR This cluster keeps no replicas: each slot is at one node");
}

void cluster_failover(Call& call) {
  if (call.server().cluster() == nullptr) return call.error("ERR This instance has cluster support disabled");
  if (call.size() > 3 || (call.size() == 3 && !call.is_word(2, "FORCE") && !call.is_word(2, "TAKEOVER"))) {
    return call.error(errors::syntax);
  }
  call.error("ERR You should send CLUSTER FAILOVER to a replica");
}

void cluster_saveconfig(Call& call) {
  // It is in the tree before anything is answered.
  if (call.server().cluster() == nullptr) return call.error("ERR This instance has cluster support disabled");
  call.reply.ok();
}

}  // namespace chorus::cache
