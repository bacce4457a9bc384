// What happens at a limit of memory: keys go by the policy, clients by size.
#include <algorithm>
#include <initializer_list>
#include <utility>

#include "cache/acl/acl.h"
#include "cache/server.h"

namespace chorus::cache {
namespace {

/// Elements of values that wait to be freed, before more keys go for what their end will give back.
constexpr std::size_t reclaimed_at_once = 64;
/// A lower limit for all clients would let nobody in to raise it. source: Redis' getClientEvictionLimit
constexpr std::size_t clients_max_least = 128U << 10;

std::size_t limit_of_clients(const MemoryOptions& memory) {
  if (memory.clients_max == 0) return 0;
  if (memory.clients_max > 0) return std::max(static_cast<std::size_t>(memory.clients_max), clients_max_least);
  if (memory.octets_max == 0) return 0;
  return std::max(memory.octets_max / 100 * static_cast<std::size_t>(-memory.clients_max), clients_max_least);
}

}  // namespace

std::size_t Client::memory() const {
  // Nodes of a set: three pointers and a color beside the text.
  constexpr std::size_t node = 2 * (32 + sizeof(std::string)), watched_each = sizeof(WatchedKeys::value_type);
  std::size_t octets = sizeof(Client) + parser.octets() + out.capacity() + pushes.capacity() + unsent;
  if (transaction) octets += transaction->octets;
  octets += watched.capacity() * watched_each + watched_octets + listening_octets;
  octets += name.size() + library_name.size() + library_version.size();
  for (const std::string& argument : held) octets += sizeof(std::string) + argument.capacity();
  for (const auto& names : listening) octets += names.size() * node;
  if (blocked != nullptr) {
    octets += sizeof(BlockedCommand);
    for (const std::string& argument : blocked->arguments) octets += sizeof(std::string) + argument.capacity();
    for (const std::string& key : blocked->keys) octets += 2 * (sizeof(std::string) + key.capacity());  // and where it is waited for
  }
  return octets;
}

void Server::count_memory(Client& client) {
  const std::size_t now = client.is_evicted ? 0 : client.memory();
  clients_memory_ += now - client.counted;
  client.counted = now;
}

void Server::note_unsent(ClientId id, std::size_t octets) {
  const auto found = clients_.find(id);
  if (found == clients_.end() || found->second->unsent == octets) return;
  Client& client = *found->second;
  if (octets < client.unsent) client.active_us = now_.monotonic_us;  // it takes what it is sent
  const std::size_t more = octets - std::exchange(client.unsent, octets);
  if (client.is_evicted) return;
  client.counted += more;
  clients_memory_ += more;
}

void Server::note_broken_off(ClientId id) {
  const auto found = clients_.find(id);
  if (found != clients_.end() && !found->second->is_evicted) ++statistics_.output_limit_disconnections;
}

const OutputLimit& Server::output_limit(const Client& client) const {
  if (client.is_replica) return options_.replica_output;
  return client.is_subscribed() || client.is_monitor ? options_.pubsub_output : options_.normal_output;
}

/// Once a second: those that ask for nothing, and those that do not take what they are sent.
void Server::check_clients() {
  constexpr std::int64_t second_us = 1'000'000;
  if (now_.monotonic_us - clients_checked_us_ < second_us) return;
  clients_checked_us_ = now_.monotonic_us;
  const std::int64_t idle_us_max = options_.idle_seconds_max * second_us;
  for (const auto& [id, client] : clients_) {
    if (client->closes) continue;
    // These are looked after by what has them.
    if (client->is_replica || client->is_primary) continue;
    const bool may_idle = client->is_subscribed() || client->is_monitor || client->blocked != nullptr;
    if (idle_us_max > 0 && !may_idle && now_.monotonic_us - client->active_us > idle_us_max) end(*client);
    const OutputLimit& limit = output_limit(*client);
    if (limit.soft == 0 || client->unsent + client->out.size() <= limit.soft) {
      client->over_soft_since_us.reset();
    } else if (!client->over_soft_since_us) {
      client->over_soft_since_us = now_.monotonic_us;
    } else if ((now_.monotonic_us - *client->over_soft_since_us) / second_us > limit.soft_seconds) {
      client->is_evicted = true;
      ++statistics_.output_limit_disconnections;
      cut_off(*client);
    }
  }
}

void Server::use_first(Entry* entry) {
  entry->set_access(is_lfu(options_.memory.policy) ? lfu_fresh(now_.unix_us) : lru_clock(now_.unix_us));
}

void Server::use(Entry* entry) {
  const MemoryOptions& memory = options_.memory;
  entry->set_access(is_lfu(memory.policy) ? lfu_used(entry->access(), memory.lfu, now_.unix_us, random_) : lru_clock(now_.unix_us));
}

void Server::evict(Evictor::Victim victim) {
  const std::string key(victim.entry->key());
  erase(victim.db, victim.entry);
  ++statistics_.evicted_keys;
  effects_.add(victim.db, std::initializer_list<std::string_view>{"UNLINK", key});
  notify(victim.db, Notify::evicted, "evicted", key);
  key_changed(victim.db, key, true);
  effects_.end_unit();
}

/// none: no key may go any more, and there is too much. later: the time for it was over; tick() goes on.
Server::Room Server::make_room() {
  const MemoryOptions& memory = options_.memory;
  evicts_more_ = false;
  // A replica has what its primary has.
  const bool is_bound = memory.octets_max > 0 && !is_pausing() && !(is_replica() && options_.replication.ignores_memory_limit);
  const auto is_over = [&] { return is_bound && memory_counted() > memory.octets_max; };
  if (!is_over()) {
    if (over_limit_since_us_) statistics_.over_limit_us += over_limit_us();
    over_limit_since_us_.reset();
    return Room::enough;
  }
  if (!over_limit_since_us_) over_limit_since_us_ = now_.monotonic_us;
  const std::int64_t begun = elapsed_us(), time_max = eviction_time_us(memory.tenacity);
  const auto note = [&] { note_latency("eviction-cycle", elapsed_us() - begun); };
  while (is_over()) {
    if (reclaimer_.waiting() > 0) {
      reclaimer_.step(reclaimed_at_once);
    } else {
      const auto victim = evictor_.choose(databases_, memory, now_.unix_us, random_);
      if (!victim) {
        note();
        return Room::none;
      }
      evict(*victim);
    }
    if (elapsed_us() - begun > time_max) {
      note();
      evicts_more_ = is_over();
      return evicts_more_ ? Room::later : Room::enough;
    }
  }
  note();
  return make_room();  // there is enough: the clock of the excess is stopped
}

void Server::make_client_room() {
  const std::size_t limit = limit_of_clients(options_.memory);
  if (limit == 0 || clients_memory_ <= limit) return;
  std::vector<Client*> by_size;
  for (const auto& [id, client] : clients_) {
    count_memory(*client);
    if (!client->no_evict && !client->is_evicted && !client->is_replica && !client->is_primary) by_size.push_back(client.get());
  }
  std::sort(by_size.begin(), by_size.end(),
            [](const Client* a, const Client* b) { return a->counted != b->counted ? a->counted > b->counted : a->id < b->id; });
  for (Client* client : by_size) {
    if (clients_memory_ <= limit) return;
    client->is_evicted = true;
    ++statistics_.evicted_clients;
    cut_off(*client);
    unblock(*client);
    count_memory(*client);
  }
}

void Server::apply_options(const ServerOptions& before) {
  const MemoryOptions& memory = options_.memory;
  if (memory.policy != before.memory.policy) evictor_.forget();
  if (options_.password != before.password) acl_->set_default_password(options_.password);
  for (const auto& [id, client] : clients_) {
    if (client->is_primary) continue;
    client->parser.limits.bulk_octets_max = options_.bulk_octets_max;
    client->parser.limits.buffer_octets_max = options_.query_octets_max;
  }
  // Not here: what the command does is one unit.
  evicts_more_ = memory.octets_max > 0;
}

}  // namespace chorus::cache
