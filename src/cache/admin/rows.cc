#include "cache/command/rows.h"

#include "cache/admin/handlers.h"

namespace chorus::cache {

std::span<const Command> server_rows() {
  constexpr Group group = Group::server;
  constexpr const char* every_node = "request_policy:all_nodes response_policy:all_succeeded";
  constexpr const char* every_shard = "request_policy:all_shards response_policy:all_succeeded";
  static constexpr Command command_rows[] = {
      {"count", 2, "lt", {}, group, "2.8.13", command_count},      {"docs", -2, "lt", {}, group, "7.0.0", command_docs},
      {"getkeys", -3, "lt", {}, group, "2.8.13", command_getkeys}, {"help", 2, "lt", {}, group, "5.0.0", command_help},
      {"info", -2, "lt", {}, group, "2.8.13", command_info},       {"list", -2, "lt", {}, group, "7.0.0", command_list},
  };
  static constexpr Command config_rows[] = {
      {"get", -3, "aslt", {}, group, "2.0.0", config_get},
      {"help", 2, "lt", {}, group, "5.0.0", config_help},
      {.name = "resetstat",
       .arity = 2,
       .flags = "aslt",
       .keys = {},
       .group = group,
       .since = "2.0.0",
       .run = config_resetstat,
       .tips = every_node},
      {.name = "set", .arity = -4, .flags = "aslt", .keys = {}, .group = group, .since = "2.0.0", .run = config_set, .tips = every_node},
  };
  static constexpr Command memory_rows[] = {{"usage", -3, "r", {2, 2, 1}, group, "4.0.0", memory_usage}};
  static constexpr Command rows[] = {
      {.name = "command",
       .arity = -1,
       .flags = "lt",
       .keys = {},
       .group = group,
       .since = "2.8.13",
       .run = command,
       .categories = "connection",
       .tips = "nondeterministic_output_order",
       .subcommands = command_rows},
      {.name = "config", .arity = -2, .flags = "", .keys = {}, .group = group, .since = "2.0.0", .subcommands = config_rows},
      {.name = "dbsize",
       .arity = 1,
       .flags = "rF",
       .keys = {},
       .group = group,
       .since = "1.0.0",
       .run = dbsize,
       .categories = "keyspace",
       .tips = "request_policy:all_shards response_policy:agg_sum"},
      {.name = "flushall",
       .arity = -1,
       .flags = "w",
       .keys = {},
       .group = group,
       .since = "1.0.0",
       .run = flushall,
       .categories = "keyspace dangerous",
       .tips = every_shard},
      {.name = "flushdb",
       .arity = -1,
       .flags = "w",
       .keys = {},
       .group = group,
       .since = "1.0.0",
       .run = flushdb,
       .categories = "keyspace dangerous",
       .tips = every_shard},
      {.name = "info",
       .arity = -1,
       .flags = "lt",
       .keys = {},
       .group = group,
       .since = "1.0.0",
       .run = info,
       .categories = "dangerous",
       .tips = "nondeterministic_output request_policy:all_shards response_policy:special"},
      {.name = "memory", .arity = -2, .flags = "", .keys = {}, .group = group, .since = "4.0.0", .subcommands = memory_rows},
      {.name = "role",
       .arity = 1,
       .flags = "sltF",
       .keys = {},
       .group = group,
       .since = "2.8.12",
       .run = role,
       .categories = "admin dangerous"},
      {.name = "swapdb",
       .arity = 3,
       .flags = "wF",
       .keys = {},
       .group = group,
       .since = "4.0.0",
       .run = swapdb,
       .categories = "keyspace dangerous"},
      {.name = "time",
       .arity = 1,
       .flags = "ltF",
       .keys = {},
       .group = group,
       .since = "2.6.0",
       .run = time,
       .tips = "nondeterministic_output"},
  };
  return rows;
}

}  // namespace chorus::cache
