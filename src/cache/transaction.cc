// MULTI, EXEC, DISCARD, WATCH, UNWATCH.
#include <fmt/format.h>

#include <algorithm>

#include "cache/call.h"
#include "cache/command/rows.h"

namespace chorus::cache {

void Server::watch(Client& client, std::string_view key) {
  const Entry* entry = databases_[client.db]->find(key);
  const bool was_expired = entry != nullptr && entry->is_expired(now_.unix_ms());
  if (!client.watched.try_emplace(DbKey(client.db, key), was_expired).second) return;
  watchers_[DbKey(client.db, key)].push_back(client.id);
  client.watched_octets += 2 * key.size();
}

void Server::unwatch(Client& client) {
  for (const auto& [key, was_expired] : client.watched) {
    const auto found = watchers_.find(key);
    if (found == watchers_.end()) continue;
    std::erase(found->second, client.id);
    if (found->second.empty()) watchers_.erase(found);
  }
  client.watched.clear();
  client.watched_octets = 0;
  client.watch_broken = false;
}

bool Server::has_broken_watch(Client& client) {
  if (client.watch_broken) return true;
  // What has expired since counts as changed, though nobody looked at it.
  return std::any_of(client.watched.begin(), client.watched.end(), [&](const auto& each) {
    const auto& [key, was_expired] = each;
    const Entry* entry = databases_[key.first]->find(key.second);
    return !was_expired && entry != nullptr && entry->is_expired(now_.unix_ms());
  });
}

void Server::execute_transaction(Client& client) {
  const Transaction transaction = std::move(*client.transaction);
  const bool is_broken = has_broken_watch(client);
  unwatch(client);
  if (is_broken) {
    client.transaction.reset();
    return Reply(client.out, client.protocol).null_array();
  }
  Reply(client.out, client.protocol).array(transaction.queue.size());
  // client.transaction stays until the end: commands that would block see that they must not.
  client.transaction.emplace();
  for (const QueuedCommand& queued : transaction.queue) {
    const std::vector<std::string_view> arguments(queued.arguments.begin(), queued.arguments.end());
    if (const std::string why = client.is_primary ? std::string() : denial(client, *queued.command, arguments, true); !why.empty()) {
      refuse(client, queued.command, why);
    } else {
      execute(client, *queued.command, arguments);
    }
  }
  client.transaction.reset();
}

namespace {

void multi(Call& call) {
  call.client().transaction.emplace();
  call.reply.ok();
}

}  // namespace

std::span<const Command> transaction_rows() {
  static constexpr Command rows[] = {
      // EXEC, DISCARD, WATCH and UNWATCH touch what is the server's: dispatch does them itself.
      {"discard", 1, "sltFB", {}, Group::transactions, "2.0.0"},         {"exec", 1, "sltL", {}, Group::transactions, "1.2.0"},
      {"multi", 1, "sltFXB", {}, Group::transactions, "1.2.0", multi},   {"unwatch", 1, "sltFB", {}, Group::transactions, "2.2.0"},
      {"watch", -2, "sltFXB", {1, -1, 1}, Group::transactions, "2.2.0"},
  };
  return rows;
}

}  // namespace chorus::cache
