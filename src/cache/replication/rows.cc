#include "cache/command/rows.h"

#include "cache/replication/handlers.h"

namespace chorus::cache {

std::span<const Command> replication_rows() {
  constexpr Group group = Group::server;
  static constexpr Command rows[] = {
      {"failover", -1, "ast", {}, group, "6.2.0", failover},
      {"psync", -3, "asYX", {}, group, "2.8.0", psync},
      {"replconf", -1, "asltB", {}, group, "3.0.0", replconf},
      {"replicaof", 3, "astY", {}, group, "5.0.0", replicaof},
      {.name = "role",
       .arity = 1,
       .flags = "sltF",
       .keys = {},
       .group = group,
       .since = "2.8.12",
       .run = role,
       .categories = "admin dangerous"},
      {"slaveof", 3, "astY", {}, group, "1.0.0", replicaof},
      {"sync", 1, "asYX", {}, group, "1.0.0", sync},
      {.name = "wait",
       .arity = 3,
       .flags = "b",
       .keys = {},
       .group = Group::generic,
       .since = "3.0.0",
       .run = wait,
       .categories = "connection",
       .tips = "request_policy:all_shards response_policy:agg_min"},
  };
  return rows;
}

}  // namespace chorus::cache
