#include "cache/command/rows.h"

#include "cache/persistence/handlers.h"

namespace chorus::cache {

std::span<const Command> persistence_rows() {
  constexpr KeyRange one{1, 1, 1};
  static constexpr Command rows[] = {
      {"bgrewriteaof", 1, "asY", {}, Group::server, "1.0.0", bgrewriteaof},
      {"bgsave", -1, "asY", {}, Group::server, "1.0.0", bgsave},
      {.name = "dump",
       .arity = 2,
       .flags = "r",
       .keys = one,
       .group = Group::generic,
       .since = "2.6.0",
       .run = dump,
       .tips = "nondeterministic_output"},
      {.name = "lastsave",
       .arity = 1,
       .flags = "ltF",
       .keys = {},
       .group = Group::server,
       .since = "1.0.0",
       .run = lastsave,
       .categories = "admin dangerous",
       .tips = "nondeterministic_output"},
      {.name = "restore",
       .arity = -4,
       .flags = "wm",
       .keys = one,
       .group = Group::generic,
       .since = "2.6.0",
       .run = restore,
       .categories = "dangerous"},
      {.name = "restore-asking",
       .arity = -4,
       .flags = "wmk",
       .keys = one,
       .group = Group::server,
       .since = "3.0.0",
       .run = restore,
       .categories = "keyspace dangerous"},
      {"save", 1, "asYX", {}, Group::server, "1.0.0", save},
      {"shutdown", -1, "asltXB", {}, Group::server, "1.0.0", shutdown},
      {.name = "waitaof",
       .arity = 4,
       .flags = "b",
       .keys = {},
       .group = Group::generic,
       .since = "7.2.0",
       .run = waitaof,
       .categories = "connection",
       .tips = "request_policy:all_shards response_policy:agg_min"},
  };
  return rows;
}

}  // namespace chorus::cache
