// A limit of memory, and which keys go when it is reached.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "cache/access.h"
#include "cache/database.h"

namespace chorus::cache {

/// maxmemory-policy. "volatile": of keys with a time of expiry only.
enum class EvictionPolicy : std::uint8_t {
  volatile_lru,
  volatile_lfu,
  volatile_random,
  volatile_ttl,
  allkeys_lru,
  allkeys_lfu,
  allkeys_random,
  noeviction,
};
/// "allkeys-lru" and so on, in any case; empty: none of them.
std::optional<EvictionPolicy> parse_eviction_policy(std::string_view name);
std::string_view name_of(EvictionPolicy policy);
bool is_lfu(EvictionPolicy policy);
bool is_lru(EvictionPolicy policy);

struct MemoryOptions {
  std::size_t octets_max = 0;  // maxmemory; 0: no limit
  EvictionPolicy policy = EvictionPolicy::noeviction;
  std::uint32_t samples = 5;     // maxmemory-samples: keys that are compared for one that goes
  std::uint32_t tenacity = 10;   // maxmemory-eviction-tenacity: 0 .. 100, see eviction_time_us()
  std::int64_t clients_max = 0;  // maxmemory-clients: octets of all clients together; negative: percent of octets_max; 0: no limit
  LfuSettings lfu;
};

/// How long commands may wait for keys to go, each time: 50 us for each point up to 10, from there 15% more with each; 100: to the end.
std::int64_t eviction_time_us(std::uint32_t tenacity);

/// Chooses what goes next. Approximates the policy as Redis does: the best of a few keys looked at now and of the sixteen best of those
/// seen before, so that it comes near to the true order at the price of a few looks.
class Evictor {
 public:
  struct Victim {
    unsigned db;
    Entry* entry;
  };
  /// Empty: there is no key that may go.
  std::optional<Victim> choose(std::span<const std::unique_ptr<Database>> databases, const MemoryOptions& options, std::int64_t unix_us,
                               base::Random& random);
  /// What was seen says nothing any more: the policy is another, or databases were exchanged.
  void forget() { pool_.clear(); }

 private:
  struct Candidate {
    std::uint64_t score;  // the higher the sooner it goes
    unsigned db;
    std::string key;
  };
  static constexpr std::size_t pool_max = 16;
  void look(unsigned db, const Database& database, const MemoryOptions& options, std::int64_t unix_us, base::Random& random);
  std::optional<Victim> any(std::span<const std::unique_ptr<Database>> databases, bool only_expiring, base::Random& random);

  std::vector<Candidate> pool_;  // by score, ascending
  unsigned next_db_ = 0;
};

}  // namespace chorus::cache
