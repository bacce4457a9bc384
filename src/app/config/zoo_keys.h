// Every key that ZooKeeper 3.9 reads, and what Chorus makes of it. source: ZooKeeper's administrator's guide and QuorumPeerConfig
#pragma once

#include <span>
#include <string_view>

namespace chorus::app {

enum class ZooEffect {
  value,     // goes to `target` as it is
  flag,      // likewise, and must be true or false: ZooKeeper does not start otherwise
  combined,  // read together with others (zoo_cfg.cc)
  tuning,    // tunes threads, caches or queues that only the Java server has
  absent,    // this version has nothing like it: said in the log
  refused,   // when true: without it the node would be less safe than its owner asked for
};

struct ZooKey {
  std::string_view name;  // without "zookeeper." before it, which ZooKeeper allows everywhere
  ZooEffect effect;
  std::string_view target = {};  // one of our keys
};

std::span<const ZooKey> zoo_keys();
/// A name in the table that stands for all that begin with it.
bool is_zoo_family(std::string_view name);
/// By name, or by the family that it begins with ("ssl.quorum."); null: not ZooKeeper's.
const ZooKey* find_zoo_key(std::string_view name);

}  // namespace chorus::app
