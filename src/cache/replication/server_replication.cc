// The server's side of replication: its roles, the connection to its primary, and snapshots for replicas.
#include <algorithm>

#include "base/ensure.h"
#include "cache/call.h"
#include "cache/persistence/snapshot.h"
#include "cache/replication/replication.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {

bool Server::is_replica() const { return replication_->is_replica(); }
const std::string& Server::replication_id() const { return replication_->stream().id(); }
void Server::change_replication_id() { replication_->change_id(); }

void Server::follow(const world::Address& primary) { replication_->follow(primary, false); }

void Server::stop_following() { replication_->stop_following(); }

/// What clients wait for a replica may never give them.
void Server::end_all_waits() {
  for (Client* client : all_clients()) {
    if (client->is_run || client->blocked == nullptr || client->is_primary) continue;
    end_wait(*client, "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)");
    end(*client);
  }
}

std::optional<replication::Dial> Server::take_dial() {
  replication::Replica* replica = replication_->replica();
  return replica == nullptr ? std::nullopt : replica->take_dial();
}

bool Server::connect_primary(std::uint64_t number, ClientId id, std::string address, std::string local_address, Now now) {
  const memory::Scope scope(account_);
  now_ = now;
  replication::Replica* replica = replication_->replica();
  if (replica == nullptr) return false;
  auto made = std::make_unique<Client>(id);
  Client& client = *made;
  client.address = std::move(address);
  client.local_address = std::move(local_address);
  client.created_us = client.active_us = now.monotonic_us;
  client.is_primary = true;
  // All that a primary can hold, a replica can.
  client.parser.limits = {.bulk_octets_max = rdb::string_octets_max, .buffer_octets_max = std::string::npos, .is_authenticated = true};
  become_default(client);
  client.is_authenticated = true;
  clients_.emplace(id, std::move(made));
  if (replica->connected(number, client)) return true;
  clients_.erase(id);
  return false;
}

void Server::dial_failed(std::uint64_t number, std::string_view why, Now now) {
  const memory::Scope scope(account_);
  now_ = now;
  if (replication::Replica* replica = replication_->replica()) replica->dial_failed(number, why);
}

void Server::send(ClientId id, std::string_view octets) {
  Client* client = find_client(id);
  if (client == nullptr || client->closes) return;
  client->out += octets;
  if (client->is_replica) statistics_.replica_octets_out += octets.size();
  list(*client);
}

void Server::break_off(Client& client) {
  client.is_evicted = client.is_replica;  // what it was sent it need not take first
  cut_off(client);
  if (!client.is_run) unblock(client);
}

void Server::run_stream(Client& link) { run_requests(link); }

std::vector<std::unique_ptr<Database>> Server::make_databases() {
  std::vector<std::unique_ptr<Database>> databases;
  for (unsigned i = 0; i < options_.databases; ++i) databases.push_back(std::make_unique<Database>(reclaimer_, false));
  return databases;
}

void Server::drop(std::vector<std::unique_ptr<Database>> databases) {
  const memory::Scope scope(account_);
  // Which frees them a little at a time.
  for (const auto& database : databases) database->clear();
  databases.clear();
}

std::string Server::adopt(std::vector<std::unique_ptr<Database>> databases, const std::vector<std::string>& functions) {
  std::vector<std::string> before;
  for (const auto& [name, library] : scripts_->libraries()) before.push_back(library->source);
  scripts_->remove_all();
  for (const std::string& code : functions) {
    if (auto loaded = scripts_->load(code, true); !loaded) {
      std::string wrong = loaded.error();
      scripts_->remove_all();
      for (const std::string& old : before) {
        auto again = scripts_->load(old, true);
        ENSURE(again.has_value());  // it was loaded before
      }
      drop(std::move(databases));
      return wrong;
    }
  }
  for (unsigned db = 0; db < databases_.size(); ++db) {
    database_changed(db, databases[db].get());
    databases_[db]->clear();
    databases_[db]->swap(*databases[db]);
    expire_cursors_[db] = 0;
  }
  databases.clear();
  evictor_.forget();
  invalidate_all();
  for (unsigned db = 0; db < databases_.size(); ++db) keys_ready(db);
  ++save_.changes;
  ++append_.replaced;  // an append log has to begin anew
  end_unit();          // who waits for a key that has come is served
  return {};
}

void Server::stop_replication() {
  const memory::Scope scope(account_);
  replication_->primary().close();
  replication_->primary().let_all_go();
}

bool Server::has_snapshot() const { return snapshot_ != nullptr || replication_->primary().has_snapshot(); }

std::unique_ptr<Snapshot> Server::begin_snapshot_for_replicas(const replication::Introduction& to, std::int64_t version) {
  Snapshot::Options options = snapshot_options();
  // Whoever does not say what it can read gets what all that speak PSYNC can.
  constexpr std::int64_t version_7_2 = 70200;
  if (version < version_7_2) options.write.version = std::min(options.write.version, 10U);
  options.has_checksum = true;
  // Of the stream as far as it is; its connection may be none, or a new one, at the moment.
  const replication::Replica* replica = replication_->replica();
  options.aux.emplace_back("repl-stream-db", std::to_string(replica == nullptr ? 0 : replica->db()));
  options.aux.emplace_back("repl-id", replication_->stream().id());
  options.aux.emplace_back("repl-offset", std::to_string(replication_->stream().end()));
  if (!to.wants_functions) options.functions.clear();
  return make_snapshot(!to.has_filter, std::move(options));
}

void Server::end_snapshot(std::unique_ptr<Snapshot> snapshot) {
  const memory::Scope scope(account_);
  saves_given_up_ = snapshot->is_complete() ? 0 : saves_given_up_ + 1;
  snapshot.reset();
}

bool Server::step_sync(Now now) {
  if (scripts_->running() != nullptr) return false;
  const memory::Scope scope(account_);
  now_ = now;
  const bool has_more = replication_->primary().step();
  replication_->finish();
  return has_more;
}

bool Server::is_syncing() const { return replication_->primary().is_sending_snapshot(); }

/// Step 10 and on of the checks before a command. Empty: nothing is wrong.
std::string_view Server::refusal_by_role(std::uint32_t flags, const Client& client) const {
  const auto has = [&](Flag flag) { return (flags & static_cast<std::uint32_t>(flag)) != 0; };
  if (client.is_primary) return {};
  const replication::Options& options = options_.replication;
  if (has(Flag::write)) {
    if (lacks_replicas()) return "NOREPLICAS Not enough good replicas to write.";
    if (replication_->is_replica() && options.is_read_only) return "READONLY You can't write against a read only replica.";
  }
  return {};
}

bool Server::lacks_replicas() const {
  const replication::Options& options = options_.replication;
  return options.good_replicas_least > 0 && options.good_lag_seconds_max > 0 && !replication_->is_replica() &&
         static_cast<std::int64_t>(replication_->primary().count_good(options.good_lag_seconds_max)) < options.good_replicas_least;
}

bool Server::is_stale() const {
  return replication_->is_replica() && !replication_->is_link_up() && !options_.replication.serves_stale_data;
}

}  // namespace chorus::cache
