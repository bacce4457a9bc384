// Where a command is to be run: here, elsewhere (MOVED, ASK), or nowhere now. source: Redis Cluster specification, "Redirection"
#include <fmt/format.h>

#include <algorithm>

#include "cache/call.h"
#include "cache/cluster/names.h"

namespace chorus::cache {
namespace {

constexpr std::string_view down = "CLUSTERDOWN The cluster is down";
constexpr std::string_view down_read_only = "CLUSTERDOWN The cluster is down and only accepts read commands";

bool is_sharded_pubsub(const Command& command) { return command.flags.has(Flag::pubsub) && command.keys.first != 0; }

}  // namespace

std::string Server::redirection(std::string_view code, std::uint16_t slot, const cluster::NodeId& to) const {
  const cluster::Member* member = cluster_->map().find(to);
  if (member == nullptr) return "CLUSTERDOWN Hash slot not served";
  return fmt::format("{} {} {}:{}", code, slot, cluster::preferred_host(*cluster_, member->endpoint), member->endpoint.port);
}

Server::Route Server::route(Client& client, const Command& command, Arguments arguments, std::string& error) {
  struct Counted {
    bool writes = false, is_pubsub = true;
    std::size_t keys = 0, missing = 0;
    std::optional<std::uint16_t> slot;
    std::string_view first_key;
    std::vector<std::string_view> key_at;  // where the slot is open
    bool has_several = false;
  } all;
  const cluster::SlotMap& map = cluster_->map();
  const cluster::Open* open = nullptr;
  std::vector<std::size_t> at;
  // False: `error` says why.
  const auto take = [&](const Command& each, Arguments words) {
    all.writes = all.writes || each.flags.has(Flag::write);
    all.is_pubsub = all.is_pubsub && is_sharded_pubsub(each);
    if (!find_keys(each, words, at)) return true;  // the handler says what is wrong with it
    for (const std::size_t i : at) {
      const std::string_view key = words[i];
      const std::uint16_t slot = slot_of(key);
      if (!all.slot) {
        all.slot = slot;
        all.first_key = key;
        if (map.owner(slot) == nullptr) {
          error = "CLUSTERDOWN Hash slot not served";
          return false;
        }
        open = map.open(slot);
      } else if (slot != *all.slot) {
        error = "CROSSSLOT Keys in request don't hash to the same slot";
        return false;
      } else if (key != all.first_key) {
        all.has_several = true;
      }
      ++all.keys;
      if (open != nullptr) all.key_at.push_back(key);
      if (open != nullptr && !is_sharded_pubsub(each)) {
        const Entry* entry = databases_[0]->find(key);
        if (entry == nullptr || entry->is_expired(now_.unix_ms())) ++all.missing;
      }
    }
    return true;
  };
  if (command.name == "exec" && command.container == nullptr && client.transaction) {
    for (const QueuedCommand& queued : client.transaction->queue) {
      const std::vector<std::string_view> words(queued.arguments.begin(), queued.arguments.end());
      if (!take(*queued.command, words)) return Route::refused;
    }
  } else if (!take(command, arguments)) {
    return Route::refused;
  }
  if (!all.slot) return Route::here;
  const std::uint16_t slot = *all.slot;
  if (takes_over(client, slot)) {
    if (open != nullptr && all.writes) {
      for (const std::string_view key : all.key_at) open_keys_[client.takes_move].emplace(key);
    }
    return Route::here;
  }
  if (!cluster_->is_ok(now_.monotonic_us)) {
    const cluster::Options& options = cluster_->options();
    if (all.is_pubsub ? !options.allow_pubsubshard_when_down : !options.allow_reads_when_down) {
      error = down;
      return Route::refused;
    }
    if (!all.is_pubsub && all.writes) {
      error = down_read_only;
      return Route::refused;
    }
  }
  if (held_slots_.contains(slot)) return Route::held_back;
  const bool is_mine = cluster_->is_mine(slot);
  if (command.name == "migrate" && cluster_->map().move_of(slot) != 0) {
    error = "TRYAGAIN The slot is being moved to another node";
    return Route::refused;
  }
  // One that was told to import it no more, or not yet, would send the client back.
  const bool migrates = is_mine && open != nullptr && open->migrating_to && open->importing.contains(*open->migrating_to);
  const bool imports = !is_mine && open != nullptr && open->importing.contains(cluster_->self());
  if ((migrates || imports) && command.name == "migrate") return Route::here;
  // What MIGRATE brings back is welcome.
  if (migrates && all.missing > 0 && !command.flags.has(Flag::asking)) {
    if (all.missing < all.keys) {
      error = "TRYAGAIN Multiple keys request during rehashing of slot";
    } else {
      error = redirection("ASK", slot, *open->migrating_to);
    }
    return Route::refused;
  }
  if (imports && (client.is_asking || command.flags.has(Flag::asking))) {
    const auto coming = open_keys_.find(map.move_of(slot));
    if (coming != open_keys_.end() &&
        std::any_of(all.key_at.begin(), all.key_at.end(), [&](std::string_view key) { return coming->second.contains(key); })) {
      error = "TRYAGAIN The slot is being moved to another node";
      return Route::refused;
    }
    if (!all.has_several || all.missing == 0) return Route::here;
    error = "TRYAGAIN Multiple keys request during rehashing of slot";
    return Route::refused;
  }
  if (is_mine) return Route::here;
  error = redirection("MOVED", slot, *map.owner(slot));
  return Route::refused;
}

/// source: Redis 7.2, what it verifies of a script's commands in a cluster
std::string Server::refusal_in_script(Client& caller, const Command& command, Arguments words, bool may_cross,
                                      std::optional<std::uint16_t>& slot) {
  std::string error;
  switch (route(caller, command, words, error)) {
    case Route::held_back:
      // It cannot wait in its midst.
      return "TRYAGAIN The slot is being moved to another node";
    case Route::refused:
      if (error == down_read_only) return "ERR Script attempted to execute a write command while the cluster is down and readonly";
      if (error == down) return "ERR Script attempted to execute a command while the cluster is down";
      if (error.starts_with("CROSSSLOT")) return "ERR Script attempted to access keys that do not hash to the same slot";
      return "ERR Script attempted to access a non local key in a cluster node";
    case Route::here:
      break;
  }
  std::vector<std::size_t> at;
  if (may_cross || !find_keys(command, words, at) || at.empty()) return {};
  const std::uint16_t its_slot = slot_of(words[at.front()]);
  if (slot.value_or(its_slot) != its_slot) return "ERR Script attempted to access keys that do not hash to the same slot";
  slot = its_slot;
  return {};
}

void Server::redirect(Client& client, const Command& command, std::string_view error) {
  if (client.transaction) client.transaction->is_dirty = true;
  if (command.name == "exec" && command.container == nullptr) {
    client.transaction.reset();
    unwatch(client);
  }
  ++by_command_[&command].rejected;
  ++statistics_.errors;
  ++errors_[std::string(error.substr(0, error.find(' ')))];
  Reply(client.out, client.protocol).error(error);
}

}  // namespace chorus::cache
