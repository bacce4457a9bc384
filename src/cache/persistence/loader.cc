#include "cache/persistence/loader.h"

#include <fmt/format.h>

#include "cache/access.h"
#include "cache/resp/number.h"
#include "cache/value/destroy.h"

namespace chorus::cache {

std::uint32_t access_of(const rdb::KeyUse& use, const MemoryOptions& memory, std::int64_t unix_us) {
  if (!is_lfu(memory.policy)) return lru_idle(use.idle_s.value_or(0), unix_us);
  return use.frequency ? lfu_with(*use.frequency, unix_us) : lfu_fresh(unix_us);
}

base::Result<bool, std::string> Loader::feed(std::string_view octets, std::int64_t unix_us) {
  unix_us_ = unix_us;
  auto ended = reader_.feed(octets);
  state_.load_octets_done = reader_.offset();
  return ended;
}

void Loader::on_aux(std::string_view name, std::string_view value) {
  if (name != "repl-stream-db") return;
  const auto db = parse_integer(value);
  if (db && *db >= 0 && static_cast<std::uint64_t>(*db) < databases_.size()) stream_db = static_cast<unsigned>(*db);
}

Loader::Outcome Loader::on_database(std::uint64_t db) {
  if (db >= databases_.size()) {
    return std::unexpected(fmt::format("it has keys of database {}, and there are {}: set cache.databases", db, databases_.size()));
  }
  db_ = db;
  return {};
}

Loader::Outcome Loader::on_key(Entry* entry, rdb::KeyUse use) {
  if (!keeps_expired && entry->is_expired(unix_us_ / 1000)) {
    ++state_.keys_expired;
    destroy(entry);
    return {};
  }
  if (Entry* there = databases_[db_]->find(entry->key()); there != nullptr && merges_) {
    databases_[db_]->erase(there);
  } else if (there != nullptr) {
    auto why = fmt::format("it has the key '{}' of database {} twice", entry->key(), db_);
    destroy(entry);
    return std::unexpected(std::move(why));
  }
  entry->set_access(access_of(use, memory_, unix_us_));
  databases_[db_]->insert(entry);
  ++state_.keys_loaded;
  return {};
}

Loader::Outcome Loader::on_function(std::string_view code) {
  functions.emplace_back(code);
  return {};
}

}  // namespace chorus::cache
