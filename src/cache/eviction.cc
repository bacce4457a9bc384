#include "cache/eviction.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace chorus::cache {
namespace {

constexpr std::array<std::string_view, 8> names = {"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
                                                   "allkeys-lru",  "allkeys-lfu",  "allkeys-random",  "noeviction"};

bool is_volatile(EvictionPolicy policy) { return policy <= EvictionPolicy::volatile_ttl; }

std::uint64_t score_of(const Entry& entry, const MemoryOptions& options, std::int64_t unix_us) {
  if (options.policy == EvictionPolicy::volatile_ttl) {
    return std::numeric_limits<std::uint64_t>::max() - static_cast<std::uint64_t>(entry.expiry().value_or(0));
  }
  if (is_lfu(options.policy)) return 255U - lfu_frequency(entry.access(), options.lfu, unix_us);
  return static_cast<std::uint64_t>(idle_seconds(entry.access(), unix_us));
}

}  // namespace

std::optional<EvictionPolicy> parse_eviction_policy(std::string_view name) {
  const auto* found = std::find(names.begin(), names.end(), base::lower(name));
  if (found == names.end()) return {};
  return static_cast<EvictionPolicy>(found - names.begin());
}

std::string_view name_of(EvictionPolicy policy) { return names[static_cast<std::size_t>(policy)]; }

bool is_lfu(EvictionPolicy policy) { return policy == EvictionPolicy::volatile_lfu || policy == EvictionPolicy::allkeys_lfu; }
bool is_lru(EvictionPolicy policy) { return policy == EvictionPolicy::volatile_lru || policy == EvictionPolicy::allkeys_lru; }

std::int64_t eviction_time_us(std::uint32_t tenacity) {
  if (tenacity <= 10) return 50 * static_cast<std::int64_t>(tenacity);
  if (tenacity < 100) return static_cast<std::int64_t>(500.0 * std::pow(1.15, tenacity - 10.0));
  return std::numeric_limits<std::int64_t>::max();
}

std::optional<Evictor::Victim> Evictor::any(std::span<const std::unique_ptr<Database>> databases, bool only_expiring,
                                            base::Random& random) {
  // One database after the other, so that none is emptied before the rest.
  for (std::size_t i = 0; i < databases.size(); ++i) {
    const unsigned db = next_db_++ % static_cast<unsigned>(databases.size());
    Entry* entry = only_expiring ? databases[db]->random_expiring(random) : databases[db]->random(random);
    if (entry != nullptr) return Victim{.db = db, .entry = entry};
  }
  return {};
}

void Evictor::look(unsigned db, const Database& database, const MemoryOptions& options, std::int64_t unix_us, base::Random& random) {
  // More would change nothing but the time that it takes.
  constexpr std::uint32_t samples_max = 1024;
  database.sample(random, std::min(options.samples, samples_max), is_volatile(options.policy), [&](Entry* entry) {
    const std::uint64_t score = score_of(*entry, options, unix_us);
    if (pool_.size() == pool_max && score <= pool_.front().score) return;
    const std::string_view key = entry->key();
    const auto known = std::find_if(pool_.begin(), pool_.end(), [&](const Candidate& each) { return each.db == db && each.key == key; });
    if (known != pool_.end()) pool_.erase(known);  // what it is worth now
    if (pool_.size() == pool_max) pool_.erase(pool_.begin());
    const auto at =
        std::upper_bound(pool_.begin(), pool_.end(), score, [](std::uint64_t left, const Candidate& right) { return left < right.score; });
    pool_.insert(at, Candidate{.score = score, .db = db, .key = std::string(key)});
  });
}

std::optional<Evictor::Victim> Evictor::choose(std::span<const std::unique_ptr<Database>> databases, const MemoryOptions& options,
                                               std::int64_t unix_us, base::Random& random) {
  const bool only_expiring = is_volatile(options.policy);
  switch (options.policy) {
    case EvictionPolicy::noeviction:
      return {};
    case EvictionPolicy::allkeys_random:
    case EvictionPolicy::volatile_random:
      return any(databases, only_expiring, random);
    default:
      break;
  }
  for (;;) {
    std::size_t keys = 0;
    for (unsigned db = 0; db < databases.size(); ++db) {
      const std::size_t here = only_expiring ? databases[db]->expiring() : databases[db]->size();
      if (here > 0) look(db, *databases[db], options, unix_us, random);
      keys += here;
    }
    if (keys == 0) return {};
    while (!pool_.empty()) {
      const Candidate best = std::move(pool_.back());
      pool_.pop_back();
      // It may have gone, or lost its expiry, since it was looked at.
      Entry* entry = best.db < databases.size() ? databases[best.db]->find(best.key) : nullptr;
      if (entry != nullptr && (!only_expiring || entry->expires())) return Victim{.db = best.db, .entry = entry};
    }
    // The sample may have found nothing, where the table is large and nearly empty: one by chance, then.
    if (auto victim = any(databases, only_expiring, random)) return victim;
  }
}

}  // namespace chorus::cache
