// The server as a node of a cluster: changes of the map for its clients, and what a new map means for them.
#include <algorithm>

#include "cache/call.h"
#include "cache/cluster/handlers.h"

namespace chorus::cache {

void Server::cluster_event(const cluster::Event& event, Now now) {
  const memory::Scope scope(account_);
  now_ = now;
  begun_us_ = elapsed_us();
  cluster_step(event);
  handover_step();
}

void Server::cluster_step(const cluster::Event& event) {
  std::vector<cluster::Action> actions;
  cluster_->step(now_.monotonic_us, event, actions);
  bool has_changed = false;
  for (cluster::Action& action : actions) {
    if (const auto* finished = std::get_if<cluster::action::Finished>(&action)) {
      finish_change(*finished);
    } else if (std::holds_alternative<cluster::action::Changed>(action)) {
      has_changed = true;
    } else {
      cluster_actions_.push_back(std::move(action));
    }
  }
  if (has_changed) view_changed();
}

std::vector<cluster::Action> Server::take_cluster_actions() { return std::exchange(cluster_actions_, {}); }

void Server::submit(Client& client, const Command& command, std::vector<cluster::Change> changes, bool is_transaction) {
  // Enough for the lease of a lost node to end.
  const std::int64_t patience_us = 5'000'000 + 2 * cluster_->lease_us();
  const std::uint64_t number = wait_for_change(client, command, is_transaction);
  cluster_step(cluster::event::Request{.number = number, .changes = std::move(changes), .deadline_us = now_.monotonic_us + patience_us});
}

std::uint64_t Server::wait_for_change(Client& client, const Command& command, bool is_transaction) {
  auto blocked = std::make_unique<BlockedCommand>();
  blocked->command = &command;
  blocked->db = client.db;
  const std::uint64_t number = blocked->change = ++changes_submitted_;
  block(client, std::move(blocked));
  changes_[number] = {.client = client.id, .is_transaction = is_transaction};
  return number;
}

void Server::finish_change(const cluster::action::Finished& finished) {
  if (flip_ != 0 && finished.number == flip_) {
    flip_ = 0;
    if (!handover_) return;
    const bool is_done = finished.is_done && finished.replies.front() == "+OK";
    // By now and not later: the slots may come back while the other node is being told.
    for (const std::uint16_t slot : handover_->move().slots) {
      if (is_done && !cluster_->is_mine(slot) && !taking_.contains(slot)) purging_.insert(slot);
    }
    return handover_->flipped(finished.is_done, finished.replies.front());
  }
  const auto found = changes_.find(finished.number);
  if (found == changes_.end()) return;
  const Submitted submitted = found->second;
  changes_.erase(found);
  const auto at = clients_.find(submitted.client);
  if (at == clients_.end() || at->second->blocked == nullptr || at->second->blocked->change != finished.number) return;
  Client& client = *at->second;
  if (!client.blocked->is_silent && !client.closes) {
    Reply reply(client.out, client.protocol);
    if (submitted.is_transaction) reply.array(finished.replies.size());
    for (const std::string& line : finished.replies) {
      if (line.starts_with('-')) {
        ++statistics_.errors;
        ++errors_[line.substr(1, line.find(' ') - 1)];
      }
      client.out += line + "\r\n";
    }
  }
  unblock(client);
  client.is_waiting = true;
  list(client);
}

void Server::end_waits_while_down() {
  if (blocked_ == 0 || cluster_->is_ok(now_.monotonic_us)) return;
  for (Client* client : all_clients()) {
    if (client->blocked != nullptr && !client->blocked->keys.empty()) end_wait(*client, "CLUSTERDOWN The cluster is down");
  }
}

void Server::view_changed() {
  drop_what_was_not_taken();
  purge_before_use();
  // Who waits for a key that is served elsewhere now is sent there.
  for (Client* client : all_clients()) {
    if (client->blocked == nullptr || client->blocked->keys.empty()) continue;
    const std::uint16_t slot = slot_of(client->blocked->keys.front());
    if (cluster_->is_mine(slot)) continue;
    const cluster::NodeId* owner = cluster_->map().owner(slot);
    end_wait(*client, owner == nullptr ? std::string("CLUSTERDOWN Hash slot not served") : redirection("MOVED", slot, *owner));
  }
  for (const std::string& channel : subscriptions_.active(Listening::shard, {})) {
    if (cluster_->is_mine(slot_of(channel))) continue;
    for (const Subscriptions::Delivery& delivery : subscriptions_.receivers(Listening::shard, channel)) {
      Client* client = find_client(delivery.to);
      if (client == nullptr) continue;
      subscriptions_.remove(*client, Listening::shard, channel);
      Reply reply(client->is_run ? client->pushes : client->out, client->protocol);
      reply.push(3);
      reply.bulk("sunsubscribe");
      reply.bulk(channel);
      reply.integer(static_cast<std::int64_t>(client->listens(Listening::shard).size()));
      list(*client);
    }
  }
}

bool Server::submit_transaction(Client& client, const Command& exec) {
  const auto& queue = client.transaction->queue;
  const auto is_change = [](const QueuedCommand& queued) { return queued.command->run == cluster_change; };
  if (queue.empty() || !std::all_of(queue.begin(), queue.end(), is_change)) return false;
  std::vector<cluster::Change> changes;
  cluster::Slots deleted, kept;
  for (const QueuedCommand& queued : queue) {
    const std::vector<std::string_view> words(queued.arguments.begin(), queued.arguments.end());
    deleted.merge(cluster::slots_changed(words, "delslots"));
    for (const std::uint16_t slot : cluster::slots_changed(words, "addslots")) {
      if (deleted.contains(slot)) kept.insert(slot);
    }
  }
  for (const QueuedCommand& queued : queue) {
    const std::vector<std::string_view> words(queued.arguments.begin(), queued.arguments.end());
    auto change = cluster::change_of(*this, words, kept);
    if (!change) {
      changes.emplace_back([words = change.error()](cluster::SlotMap&) { return cluster::Outcome::error(words); });
    } else {
      changes.push_back(std::move(*change));
    }
  }
  client.transaction.reset();
  unwatch(client);
  submit(client, exec, std::move(changes), true);
  return true;
}

}  // namespace chorus::cache
