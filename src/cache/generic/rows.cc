#include "cache/command/rows.h"

#include "cache/generic/handlers.h"
#include "cache/generic/sort_keys.h"

namespace chorus::cache {

std::span<const Command> generic_rows() {
  constexpr KeyRange one{1, 1, 1}, all{1, -1, 1}, second{2, 2, 1};
  constexpr Group group = Group::generic;
  constexpr const char* every_shard = "request_policy:multi_shard response_policy:agg_sum";
  static constexpr Command object_rows[] = {
      {"encoding", 3, "r", second, group, "2.2.3", object_encoding},
      {"freq", 3, "r", second, group, "4.0.0", object_freq},
      {"help", 2, "lt", {}, group, "6.2.0", object_help},
      {"idletime", 3, "r", second, group, "2.2.3", object_idletime},
      {"refcount", 3, "r", second, group, "2.2.3", object_refcount},
  };
  static constexpr Command rows[] = {
      {"copy", -3, "wm", {1, 2, 1}, group, "6.2.0", copy},
      {.name = "del", .arity = -2, .flags = "w", .keys = all, .group = group, .since = "1.0.0", .run = del, .tips = every_shard},
      {.name = "exists", .arity = -2, .flags = "rF", .keys = all, .group = group, .since = "1.0.0", .run = exists, .tips = every_shard},
      {"expire", -3, "wF", one, group, "1.0.0", expire},
      {"expireat", -3, "wF", one, group, "1.2.0", expireat},
      {"expiretime", 2, "rF", one, group, "7.0.0", expiretime},
      {.name = "keys",
       .arity = 2,
       .flags = "r",
       .keys = {},
       .group = group,
       .since = "1.0.0",
       .run = keys,
       .categories = "dangerous",
       .tips = "request_policy:all_shards nondeterministic_output_order"},
      {"move", 3, "wF", one, group, "1.0.0", move},
      {.name = "object", .arity = -2, .flags = "", .keys = {}, .group = group, .since = "2.2.3", .subcommands = object_rows},
      {"persist", 2, "wF", one, group, "2.2.0", persist},
      {"pexpire", -3, "wF", one, group, "2.6.0", pexpire},
      {"pexpireat", -3, "wF", one, group, "2.6.0", pexpireat},
      {"pexpiretime", 2, "rF", one, group, "7.0.0", pexpiretime},
      {"pttl", 2, "rF", one, group, "2.6.0", pttl},
      {.name = "randomkey",
       .arity = 1,
       .flags = "r",
       .keys = {},
       .group = group,
       .since = "1.0.0",
       .run = randomkey,
       .tips = "request_policy:all_shards response_policy:special nondeterministic_output"},
      {"rename", 3, "w", {1, 2, 1}, group, "1.0.0", rename},
      {"renamenx", 3, "wF", {1, 2, 1}, group, "1.0.0", renamenx},
      {.name = "scan",
       .arity = -2,
       .flags = "r",
       .keys = {},
       .group = group,
       .since = "2.8.0",
       .run = scan,
       .tips = "nondeterministic_output request_policy:special response_policy:special"},
      {.name = "sort",
       .arity = -2,
       .flags = "wm*",
       .keys = one,
       .group = group,
       .since = "1.0.0",
       .run = sort,
       .find_keys = find_sort_keys,
       .categories = "set sortedset list dangerous"},
      {.name = "sort_ro",
       .arity = -2,
       .flags = "r*",
       .keys = one,
       .group = group,
       .since = "7.0.0",
       .run = sort_ro,
       .find_keys = find_sort_ro_keys,
       .categories = "set sortedset list dangerous"},
      {.name = "touch", .arity = -2, .flags = "rF", .keys = all, .group = group, .since = "3.2.1", .run = touch, .tips = every_shard},
      {"ttl", 2, "rF", one, group, "1.0.0", ttl},
      {"type", 2, "rF", one, group, "1.0.0", type},
      {.name = "unlink", .arity = -2, .flags = "wF", .keys = all, .group = group, .since = "4.0.0", .run = unlink, .tips = every_shard},
  };
  return rows;
}

}  // namespace chorus::cache
