#include "cache/command/rows.h"

#include "cache/generic/numkeys.h"
#include "cache/sets/handlers.h"

namespace chorus::cache {

std::span<const Command> set_rows() {
  constexpr KeyRange one{1, 1, 1}, all{1, -1, 1};
  constexpr Group group = Group::set;
  constexpr const char* order = "nondeterministic_output_order";
  constexpr const char* output = "nondeterministic_output";
  static constexpr Command rows[] = {
      {"sadd", -3, "wmF", one, group, "1.0.0", sadd},
      {"scard", 2, "rF", one, group, "1.0.0", scard},
      {.name = "sdiff", .arity = -2, .flags = "r", .keys = all, .group = group, .since = "1.0.0", .run = sdiff, .tips = order},
      {"sdiffstore", -3, "wm", all, group, "1.0.0", sdiffstore},
      {.name = "sinter", .arity = -2, .flags = "r", .keys = all, .group = group, .since = "1.0.0", .run = sinter, .tips = order},
      {.name = "sintercard",
       .arity = -3,
       .flags = "r*",
       .keys = {},
       .group = group,
       .since = "7.0.0",
       .run = sintercard,
       .find_keys = find_counted_keys_1},
      {"sinterstore", -3, "wm", all, group, "1.0.0", sinterstore},
      {"sismember", 3, "rF", one, group, "1.0.0", sismember},
      {.name = "smembers", .arity = 2, .flags = "r", .keys = one, .group = group, .since = "1.0.0", .run = smembers, .tips = order},
      {"smismember", -3, "rF", one, group, "6.2.0", smismember},
      {"smove", 4, "wF", {1, 2, 1}, group, "1.0.0", smove},
      {.name = "spop", .arity = -2, .flags = "wF", .keys = one, .group = group, .since = "1.0.0", .run = spop, .tips = output},
      {.name = "srandmember", .arity = -2, .flags = "r", .keys = one, .group = group, .since = "1.0.0", .run = srandmember, .tips = output},
      {"srem", -3, "wF", one, group, "1.0.0", srem},
      {.name = "sscan", .arity = -3, .flags = "r", .keys = one, .group = group, .since = "2.8.0", .run = sscan, .tips = output},
      {.name = "sunion", .arity = -2, .flags = "r", .keys = all, .group = group, .since = "1.0.0", .run = sunion, .tips = order},
      {"sunionstore", -3, "wm", all, group, "1.0.0", sunionstore},
  };
  return rows;
}

}  // namespace chorus::cache
