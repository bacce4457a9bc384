#include "cache/server.h"

#include <algorithm>

#include "cache/acl/acl.h"
#include "cache/append/replay.h"
#include "cache/call.h"
#include "cache/cluster/migrator.h"
#include "cache/persistence/loader.h"
#include "cache/persistence/snapshot.h"
#include "cache/replication/replication.h"
#include "cache/resp/reply.h"
#include "cache/scripts/scripts.h"
#include "cache/watch/diagnostics.h"

namespace chorus::cache {
namespace {

constexpr std::string_view too_many_clients = "-ERR max number of clients reached\r\n";

}  // namespace

Server::Server(ServerOptions options, std::uint64_t seed, Now now)
    : options_(std::move(options)),
      options_at_start_(options_),
      now_(now),
      started_(now),
      random_(seed),
      expire_cursors_(options_.databases),
      diagnostics_(std::make_unique<Diagnostics>()),
      tracking_(std::make_unique<Tracking>()),
      acl_(std::make_unique<acl::Acl>(options_.password)),
      migrator_(std::make_unique<cluster::Migrator>(*this)) {
  run_id_ = new_id();
  replication_ = std::make_unique<replication::Replication>(*this, new_id());
  save_.last_save_s = now.unix_us / 1'000'000;
  const memory::Scope scope(account_);
  for (unsigned i = 0; i < options_.databases; ++i) {
    databases_.push_back(std::make_unique<Database>(reclaimer_, options_.cluster.enabled && i == 0));
  }
  if (options_.cluster.enabled) {
    const cluster::Options& own = options_.cluster;
    cluster_ = std::make_unique<cluster::Membership>(
        own,
        cluster::Endpoint{
            .ip = own.announce_ip, .port = own.announce_port, .bus_port = own.announce_bus_port, .hostname = own.announce_hostname},
        random_.next());
  }
  scripts_ = std::make_unique<Scripts>(*this);
  if (const auto primary = replication::parse_primary(options_.replication.primary)) follow(*primary);
}

Server::~Server() {
  const memory::Scope scope(account_);
  handover_.reset();
  replication_.reset();
  scripts_.reset();
  snapshot_.reset();
  loader_.reset();
  replay_.reset();
  databases_.clear();
  while (reclaimer_.step(std::size_t{1} << 20)) {
  }
}

bool Server::connect(ClientId id, std::string address, std::string local_address, Now now) {
  now_ = now;
  if (clients_.size() >= options_.clients_max) {
    ++statistics_.connections_refused;
    farewells_.push_back({.client = id, .octets = std::string(too_many_clients), .closes = true});
    return false;
  }
  ++statistics_.connections;
  auto client = std::make_unique<Client>(id);
  client->address = std::move(address);
  client->local_address = std::move(local_address);
  client->created_us = client->active_us = now.monotonic_us;
  client->counted = client->memory();
  clients_memory_ += client->counted;
  client->parser.limits = {
      .bulk_octets_max = options_.bulk_octets_max, .buffer_octets_max = options_.query_octets_max, .is_authenticated = true};
  become_default(*client);
  clients_.emplace(id, std::move(client));
  return true;
}

void Server::receive(ClientId id, std::string_view octets, Now now) {
  const memory::Scope scope(account_);
  now_ = now;
  const auto found = clients_.find(id);
  if (found == clients_.end() || found->second->closes) return;
  Client& client = *found->second;
  client.active_us = now.monotonic_us;
  client.octets_in += octets.size();
  ++statistics_.reads;
  const std::int64_t begun = begun_us_ = elapsed_us();
  statistics_.octets_in += octets.size();
  // A replica that loads says no more than that it is there, by an empty line now and then.
  if (client.is_replica) replication_->primary().heard(client);
  if (client.is_primary) {
    statistics_.primary_octets_in += octets.size();
    if (replication::Replica* replica = replication_->replica()) {
      // A script must not see keys change: what comes meanwhile waits.
      scripts_->running() != nullptr ? replica->delay(octets) : replica->received(client, octets);
    }
  } else {
    client.parser.feed(octets);
    if (is_running_script_of(id)) return;  // its further requests come behind the script
    run_requests(client);
  }
  replication_->finish();
  finish_tracking();
  count_memory(client);
  make_client_room();
  end_gone();
  note_cycle(begun);
}

bool Server::is_running_script_of(ClientId id) const {
  const Scripts::Running* running = scripts_->running();
  return running != nullptr && running->caller == id;
}

void Server::look_around(std::int64_t limit_us, bool& is_busy) {
  if (watch_ == nullptr || watch_->now().monotonic_us < limit_us) return;
  is_busy = true;
  // The script's request, and those behind it, lie where the next client's will be read to.
  scripts_->running()->call->keep_arguments();
  if (Client* caller = find_client(scripts_->running()->caller)) caller->parser.keep();
  // For a script time stands still.
  const Now frozen = now_;
  watch_->let_others_in();
  now_ = frozen;
}

void Server::log(int level, std::string_view line) {
  if (watch_ != nullptr) watch_->log(level, line);
}

bool Server::resume(ClientId id, Now now) {
  if (is_running_script_of(id)) return false;
  const memory::Scope scope(account_);
  now_ = now;
  const auto found = clients_.find(id);
  if (found == clients_.end()) return false;
  if (found->second->is_replica) replication_->primary().drained(*found->second);
  if (!found->second->is_waiting) return false;
  const std::int64_t begun = begun_us_ = elapsed_us();
  const bool has_more = run_requests(*found->second);
  replication_->finish();
  finish_tracking();
  count_memory(*found->second);
  end_gone();
  note_cycle(begun);
  return has_more;
}

void Server::end_gone() {
  for (const ClientId id : std::exchange(gone_, {})) disconnect(id);
}

void Server::disconnect(ClientId id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  if (is_running_script_of(id)) {
    found->second->closes = true;
    return gone_.push_back(id);
  }
  stop_monitoring(*found->second);
  stop_tracking(*found->second);
  unwatch(*found->second);
  unblock(*found->second);
  if (found->second->held_back != nullptr) --held_clients_;
  subscriptions_.remove_all(*found->second);
  clients_memory_ -= found->second->counted;
  clients_.erase(found);
  const memory::Scope scope(account_);
  replication_->disconnected(id);
}

bool Server::tick(Now now) {
  if (scripts_->running() != nullptr) return false;  // it must not see keys go
  const memory::Scope scope(account_);
  now_ = now;
  if (is_asleep()) return true;
  const std::int64_t begun = begun_us_ = elapsed_us();
  const bool waits_more = run_waiting();
  end_pause();
  take_link_events();
  if (cluster_) {
    purge_what_is_others();
    cluster_step(cluster::event::Tick{});
    end_waits_while_down();
    if (handover_) handover_->tick();
    handover_step();
    if (!purging_.empty() && !save_.is_loading) purge_some();
  }
  migrator_->tick();
  release_held_back();
  end_unit();
  end_waits();
  serve_log_waits();
  if (const replication::Replica* replica = replication_->replica()) {
    // It may have had to wait, for a pause or a save.
    Client* link = find_client(replica->link());
    if (link != nullptr && link->is_waiting && !link->closes) run_requests(*link);
  }
  replication_->tick();
  if (is_housekeeping_paused_) return waits_more;
  const std::int64_t before = elapsed_us();
  const bool expires_more = expires_actively_ && !is_pausing() && !save_.is_loading && !is_replica() && expire_cycle();
  if (const std::int64_t took = elapsed_us() - before; took > 0) {
    statistics_.expire_us += took;
    note_latency("expire-cycle", took);
  }
  if (save_is_due()) begin_save();
  constexpr std::size_t buckets_each = 256;
  for (const auto& database : databases_) database->maintain(buckets_each);
  const bool frees_more = free_some();
  if (evicts_more_) {
    make_room();
    end_unit();  // who waits at a key that has gone learns it now
  }
  replication_->finish();
  finish_tracking();
  make_client_room();
  check_clients();
  begun_us_ = elapsed_us();
  note_cycle(begun);
  look_at_rates();
  return waits_more || expires_more || frees_more || evicts_more_;
}

/// An element may be of any size: how long it takes decides how many go at once.
bool Server::free_some() {
  constexpr std::size_t elements_most = 16'384, elements_each = 64;
  constexpr std::int64_t us_most = 2000;
  const std::int64_t begun = elapsed_us();
  bool has_more = true;
  for (std::size_t freed = 0; has_more && freed < elements_most && elapsed_us() - begun <= us_most; freed += elements_each) {
    has_more = reclaimer_.step(elements_each);
  }
  return has_more;
}

/// Those whose requests waited while nothing was done.
bool Server::run_waiting() {
  if (asleep_until_us_ == 0) return false;
  asleep_until_us_ = 0;
  for (Client* client : all_clients()) {
    if (client->blocked == nullptr && client->is_waiting && !is_asleep()) run_requests(*client);
  }
  return is_asleep();
}

void Server::list(Client& client) {
  if (std::exchange(client.is_listed, true)) return;
  listed_.push_back(client.id);
}

/// Its connection ends, and what was to be sent is dropped.
void Server::cut_off(Client& client) {
  client.out.clear();
  client.pushes.clear();
  client.closes = client.is_cut = true;
  list(client);
}

void Server::take_outputs(std::vector<Output>& outputs) {
  outputs = std::exchange(farewells_, {});
  if (is_asleep()) return;
  for (const ClientId id : std::exchange(listed_, {})) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) continue;
    Client& client = *found->second;
    client.is_listed = false;
    if (client.is_cut) client.out.clear();
    client.octets_out += client.out.size();
    statistics_.writes += client.out.empty() ? 0 : 1;
    if (!client.out.empty()) client.active_us = now_.monotonic_us;
    statistics_.octets_out += client.out.size();
    Output& output = outputs.emplace_back(Output{.client = id, .octets = std::exchange(client.out, {}), .closes = client.closes});
    // A subscriber is sent to without asking; what it does not take is bounded.
    // To a replica goes no more than it takes, and what waits for it lies elsewhere.
    if (const std::size_t hard = output_limit(client).hard; hard > 0 && !client.is_replica) output.unsent_max = hard;
    if (client.is_evicted) output.unsent_max = 0;
    output.is_read_on = client.is_replica;
    count_memory(client);
  }
}

Client* Server::find_client(ClientId id) {
  const auto found = clients_.find(id);
  return found == clients_.end() ? nullptr : found->second.get();
}

std::vector<Client*> Server::all_clients() {
  std::vector<Client*> all;
  for (const auto& [id, client] : clients_) all.push_back(client.get());
  std::sort(all.begin(), all.end(), [](const Client* a, const Client* b) { return a->id < b->id; });
  return all;
}

void Server::end(Client& client) {
  client.closes = true;
  // It may not take from others what it will never see. One whose command is under way ends its wait by itself.
  if (!client.is_run) unblock(client);
  list(client);
}

bool Server::end_wait(Client& client, std::string_view error) {
  if (client.blocked == nullptr || client.closes) return false;
  const BlockedCommand& blocked = *client.blocked;
  begun_us_ = elapsed_us();
  note_call(*blocked.command, !error.empty());
  note_time(client, *blocked.command, std::vector<std::string_view>(blocked.arguments.begin(), blocked.arguments.end()), {});
  client.active_us = now_.monotonic_us;  // it is answered now
  if (!blocked.is_silent) {
    Reply reply(client.out, client.protocol);
    if (!error.empty()) {
      reply.error(error);
    } else if (blocked.acknowledgement) {
      reply.integer(static_cast<std::int64_t>(replication_->primary().count_with(blocked.acknowledgement->offset, false)));
    } else if (blocked.command->name == "waitaof") {
      reply_log_acks(client, reply);
    } else {
      reply.null_array();
    }
  }
  unblock(client);
  client.is_waiting = true;
  list(client);
  return true;
}

void Server::reset_statistics() {
  statistics_ = {};
  reclaimer_.forget_freed();
  errors_.clear();
  by_command_.clear();
  if (over_limit_since_us_) over_limit_since_us_ = now_.monotonic_us;
  diagnostics_->by_command.clear();
  replication_->primary().reset_statistics();
  diagnostics_->commands = diagnostics_->octets_in = diagnostics_->octets_out = Rate{};
  diagnostics_->primary_octets_in = diagnostics_->replica_octets_out = Rate{};
  diagnostics_->cycles = {};
  diagnostics_->cycles_begun = diagnostics_->cycles_us = Rate{};
}

std::size_t Server::timed_waits() const {
  return static_cast<std::size_t>(std::count_if(clients_.begin(), clients_.end(), [](const auto& each) {
    return each.second->blocked != nullptr && each.second->blocked->deadline_us;
  }));
}

std::size_t Server::keys() const {
  std::size_t count = 0;
  for (const auto& database : databases_) count += database->size();
  return count;
}

}  // namespace chorus::cache
