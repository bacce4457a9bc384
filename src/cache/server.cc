#include "cache/server.h"

#include <algorithm>

#include "cache/resp/reply.h"

namespace chorus::cache {
namespace {

constexpr std::string_view too_many_clients = "-ERR max number of clients reached\r\n";

}  // namespace

Server::Server(ServerOptions options, std::uint64_t seed, Now now)
    : options_(std::move(options)), now_(now), started_(now), random_(seed), expire_cursors_(options_.databases) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (int i = 0; i < 40; ++i) run_id_ += digits[random_.below(16)];
  const memory::Scope scope(account_);
  for (unsigned i = 0; i < options_.databases; ++i) databases_.push_back(std::make_unique<Database>(reclaimer_, false));
}

Server::~Server() {
  const memory::Scope scope(account_);
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
  client->is_authenticated = options_.password.empty();
  client->parser.limits = {.bulk_octets_max = options_.bulk_octets_max,
                           .buffer_octets_max = options_.query_octets_max,
                           .is_authenticated = client->is_authenticated};
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
  statistics_.octets_in += octets.size();
  client.parser.feed(octets);
  run_requests(client);
}

bool Server::resume(ClientId id, Now now) {
  const memory::Scope scope(account_);
  now_ = now;
  const auto found = clients_.find(id);
  return found != clients_.end() && found->second->is_waiting && run_requests(*found->second);
}

void Server::disconnect(ClientId id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  unwatch(*found->second);
  unblock(*found->second);
  subscriptions_.remove_all(*found->second);
  clients_.erase(found);
}

bool Server::tick(Now now) {
  const memory::Scope scope(account_);
  now_ = now;
  end_waits();
  const bool expires_more = expire_cycle();
  constexpr std::size_t buckets_each = 256, elements_each = 16'384;
  for (const auto& database : databases_) database->maintain(buckets_each);
  const bool frees_more = reclaimer_.step(elements_each);
  return expires_more || frees_more;
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
  for (const ClientId id : std::exchange(listed_, {})) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) continue;
    Client& client = *found->second;
    client.is_listed = false;
    if (client.is_cut) client.out.clear();
    client.octets_out += client.out.size();
    statistics_.octets_out += client.out.size();
    Output& output = outputs.emplace_back(Output{.client = id, .octets = std::exchange(client.out, {}), .closes = client.closes});
    // A subscriber is sent to without asking; what it does not take is bounded.
    if (client.is_subscribed()) output.unsent_max = options_.push_octets_max;
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
  if (!client.blocked->is_silent) {
    Reply reply(client.out, client.protocol);
    error.empty() ? reply.null_array() : reply.error(error);
  }
  unblock(client);
  client.is_waiting = true;
  list(client);
  return true;
}

void Server::reset_statistics() {
  statistics_ = {};
  errors_.clear();
  by_command_.clear();
  account_.peak = account_.used;
}

std::size_t Server::keys() const {
  std::size_t count = 0;
  for (const auto& database : databases_) count += database->size();
  return count;
}

}  // namespace chorus::cache
