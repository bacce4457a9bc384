// Commands that wait for keys: first come, first served, each run anew when its key is there.
#include <algorithm>

#include "cache/call.h"
#include "cache/replication/replication.h"

namespace chorus::cache {

void Server::block(Client& client, std::unique_ptr<BlockedCommand> blocked) {
  // A key named twice is waited for once: this client, which waits for nothing else, is the last then.
  std::erase_if(blocked->keys, [&](const std::string& key) {
    auto& clients = waiters_[DbKey(blocked->db, key)].clients;
    if (!clients.empty() && clients.back() == client.id) return true;
    clients.push_back(client.id);
    return false;
  });
  if (blocked->without_key) ++blocked_without_key_;
  client.blocked = std::move(blocked);
  ++blocked_;
}

void Server::answer_wait(ClientId id, std::string_view full_name, std::string_view error) {
  Client* client = find_client(id);
  // CLIENT UNBLOCK may have ended its wait, and it may wait for something else by now.
  if (client == nullptr || client->closes || client->blocked == nullptr || client->blocked->command->full_name() != full_name) return;
  if (!client->blocked->is_silent) {
    Reply reply(client->out, client->protocol);
    error.empty() ? reply.ok() : reply.error(error);
  }
  unblock(*client);
  client->is_waiting = true;
  list(*client);
}

void Server::unblock(Client& client) {
  if (client.blocked == nullptr) return;
  const auto blocked = std::move(client.blocked);
  --blocked_;
  if (blocked->acknowledgement) replication_->stop_waiting(client.id);
  if (blocked->without_key) --blocked_without_key_;
  for (const std::string& key : blocked->keys) {
    const auto found = waiters_.find(DbKey(blocked->db, key));
    if (found == waiters_.end()) continue;
    std::erase(found->second.clients, client.id);
    if (found->second.clients.empty()) waiters_.erase(found);
  }
}

void Server::key_ready(unsigned db, std::string_view key) {
  if (waiters_.empty()) return;
  const auto found = waiters_.find(DbKey(db, key));
  if (found != waiters_.end() && !std::exchange(found->second.is_ready, true)) ready_.push_back(found->first);
}

void Server::key_gone(unsigned db, std::string_view key) {
  if (blocked_without_key_ > 0) key_ready(db, key);
}

void Server::keys_ready(unsigned db) {
  std::vector<std::string> keys;
  for (const auto& [waited, waiting] : waiters_) {
    if (waited.first == db && (blocked_without_key_ > 0 || live(db, waited.second) != nullptr)) keys.push_back(waited.second);
  }
  for (const std::string& key : keys) key_ready(db, key);
}

void Server::serve_blocked() {
  if (ready_.empty() || std::exchange(is_serving_, true)) return;
  // Serving one may fill the key that another waits for: until none is left.
  while (!ready_.empty()) {
    const DbKey key = std::move(ready_.front());
    ready_.pop_front();
    const auto found = waiters_.find(key);
    if (found == waiters_.end()) continue;
    found->second.is_ready = false;
    for (const ClientId id : std::vector<ClientId>(found->second.clients)) {
      const bool is_there = live(key.first, key.second) != nullptr;
      if (!is_there && blocked_without_key_ == 0) break;
      const auto at = clients_.find(id);
      if (at == clients_.end() || at->second->blocked == nullptr || at->second->closes) continue;
      if (!is_there && !at->second->blocked->without_key) continue;
      at->second->blocked->ready_key = key.second;
      serve(*at->second);
    }
  }
  is_serving_ = false;
}

void Server::serve(Client& client) {
  const BlockedCommand& blocked = *client.blocked;
  begun_us_ = elapsed_us();
  const std::vector<std::string_view> arguments(blocked.arguments.begin(), blocked.arguments.end());
  const std::size_t before = client.out.size();
  // Messages to itself go aside, as in dispatch(): what is behind `before` is its reply.
  const bool was_run = std::exchange(client.is_run, true);
  Client* const was_running = std::exchange(running_, &client);
  Call call(*this, client, *blocked.command, arguments, blocked.db);
  blocked.command->run(call);
  call.finish();
  const bool is_served = client.out.size() != before;  // else it is not what it waits for
  if (is_served) {
    note_call(*blocked.command, call.has_failed());
    note_time(client, *blocked.command, arguments, {});
    client.active_us = now_.monotonic_us;
  }
  effects_.end_unit();
  client.last_write = effects_.position().sequence;
  client.is_run = was_run;
  running_ = was_running;
  if (blocked.is_silent) {
    client.out.resize(std::min(before, client.out.size()));
  } else if (call.is_too_long()) {
    cut_off(client);
  }
  if (!was_run && !client.pushes.empty()) client.out += std::exchange(client.pushes, {});
  client.written = replication_->stream().end();
  if (!is_served) return;
  unblock(client);
  client.is_waiting = true;
  list(client);
}

void Server::end_waits() {
  if (blocked_ == 0) return;
  std::vector<Client*> over;
  for (const auto& [id, client] : clients_) {
    if (client->blocked != nullptr && client->blocked->deadline_us && *client->blocked->deadline_us <= now_.monotonic_us) {
      over.push_back(client.get());
    }
  }
  std::sort(over.begin(), over.end(), [](const Client* a, const Client* b) { return a->id < b->id; });
  for (Client* client : over) end_wait(*client, {});
}

}  // namespace chorus::cache
