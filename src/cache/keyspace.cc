// Expiry, and who is told of a changed key.
#include <algorithm>

#include "cache/cluster/migrator.h"
#include "cache/server.h"

namespace chorus::cache {

Entry* Server::live(unsigned db, std::string_view key) {
  Entry* entry = databases_[db]->find(key);
  if (entry == nullptr || !entry->is_expired(now_.unix_ms())) return entry;
  // What a log does to it was done before its time was over.
  if (is_replaying()) return entry;
  if (is_replica()) {
    // A replica does not end keys by itself: its primary does something to them until it says that they are gone. Others do not see them.
    if (running_ != nullptr && running_->is_primary) return entry;
    // Who writes here of its own would else make a key that is there.
    const Command* command = running_ == nullptr ? nullptr : running_->last_command;
    const bool may_write =
        command != nullptr && (command->flags.has(Flag::write) || command->flags.has(Flag::may_replicate) || command->name == "exec");
    if (options_.replication.is_read_only || !may_write) return nullptr;
  }
  // In a pause nothing is written: it is not seen, and goes later.
  if (!is_pausing()) expire_now(db, entry);
  return nullptr;
}

void Server::expire_now(unsigned db, Entry* entry) {
  const std::string key(entry->key());
  erase(db, entry);
  ++statistics_.expired_keys;
  effects_.add(db, std::initializer_list<std::string_view>{"UNLINK", key});
  notify(db, Notify::expired, "expired", key);
  key_changed(db, key, true);
}

void Server::erase(unsigned db, Entry* entry) {
  key_gone(db, entry->key());
  databases_[db]->erase(entry);
}

/// Walks over the keys that expire, some of each database a call; where many of them were due, more. The time that a call takes is bounded
/// by how many keys it looks at: true, there are more. source: Redis' active expire cycle
bool Server::expire_cycle() {
  constexpr std::size_t looked_at_max = 20'000;
  constexpr std::size_t batch = 40;
  std::size_t looked_at = 0;
  std::vector<Entry*> due;
  for (unsigned i = 0; i < databases_.size(); ++i) {
    const unsigned db = (expire_db_ + i) % static_cast<unsigned>(databases_.size());
    Database& database = *databases_[db];
    for (bool more = database.expiring() > 0; more;) {
      std::size_t seen = 0;
      due.clear();
      std::uint64_t& cursor = expire_cursors_[db];
      std::size_t buckets = 0;
      do {
        cursor = database.scan_expiring(cursor, [&](Entry* entry) {
          ++seen;
          if (entry->is_expired(now_.unix_ms())) due.push_back(entry);
        });
      } while (cursor != 0 && seen < batch && ++buckets < batch * 10);
      std::sort(due.begin(), due.end());
      due.erase(std::unique(due.begin(), due.end()), due.end());
      for (Entry* entry : due) expire_now(db, entry);
      end_unit();
      looked_at += std::max<std::size_t>(seen, 1);
      more = due.size() * 10 > seen && database.expiring() > 0;
      if (more && looked_at > looked_at_max) {
        ++statistics_.expire_cycles_cut;
        expire_db_ = db;
        return true;
      }
    }
  }
  return false;
}

void Server::key_changed(unsigned db, std::string_view key, bool by_nobody) {
  invalidate_key(key, by_nobody);
  migrator_->key_changed(db, key);
  if (watchers_.empty()) return;
  const auto found = watchers_.find(DbKey(db, key));
  if (found == watchers_.end()) return;
  const bool is_gone = databases_[db]->find(key) == nullptr;
  for (const ClientId id : found->second) {
    const auto client = clients_.find(id);
    if (client == clients_.end() || client->second->watch_broken) continue;
    const auto watched = client->second->watched.find(found->first);
    if (watched == client->second->watched.end()) continue;
    // It had expired when it was watched: now it is gone as well, which is what the client saw.
    if (watched->second && is_gone) {
      watched->second = false;
      continue;
    }
    client->second->watch_broken = true;
  }
}

void Server::database_changed(unsigned db, const Database* other) {
  migrator_->database_changed(db);
  for (const auto& [key, ids] : watchers_) {
    if (key.first != db) continue;
    const Entry* mine = databases_[db]->find(key.second);
    const Entry* theirs = other == nullptr ? nullptr : other->find(key.second);
    if (mine == nullptr && theirs == nullptr) continue;
    const bool is_stale = theirs != nullptr && theirs->is_expired(now_.unix_ms());
    for (const ClientId id : ids) {
      const auto client = clients_.find(id);
      if (client == clients_.end()) continue;
      const auto watched = client->second->watched.find(key);
      if (watched == client->second->watched.end()) continue;
      // As the client sees it: what has expired is not there, and a key that was not there and is one that has expired has not changed.
      bool& was_expired = watched->second;
      const bool was_there = mine != nullptr && !was_expired;
      if (!was_there && (theirs == nullptr || is_stale)) {
        was_expired = is_stale;
      } else {
        client->second->watch_broken = true;
      }
    }
  }
}

}  // namespace chorus::cache
