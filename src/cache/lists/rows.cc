#include "cache/command/rows.h"

#include "cache/generic/numkeys.h"
#include "cache/lists/handlers.h"

namespace chorus::cache {

std::span<const Command> list_rows() {
  constexpr KeyRange one{1, 1, 1}, two{1, 2, 1}, all_but_last{1, -2, 1};
  constexpr Group group = Group::list;
  static constexpr Command rows[] = {
      {"blmove", 6, "wmb", two, group, "6.2.0", blmove},
      {.name = "blmpop",
       .arity = -5,
       .flags = "wb*",
       .keys = {},
       .group = group,
       .since = "7.0.0",
       .run = blmpop,
       .find_keys = find_counted_keys_2},
      {"blpop", -3, "wb", all_but_last, group, "2.0.0", blpop},
      {"brpop", -3, "wb", all_but_last, group, "2.0.0", brpop},
      {"brpoplpush", 4, "wmb", two, group, "2.2.0", brpoplpush},
      {"lindex", 3, "r", one, group, "1.0.0", lindex},
      {"linsert", 5, "wm", one, group, "2.2.0", linsert},
      {"llen", 2, "rF", one, group, "1.0.0", llen},
      {"lmove", 5, "wm", two, group, "6.2.0", lmove},
      {.name = "lmpop",
       .arity = -4,
       .flags = "w*",
       .keys = {},
       .group = group,
       .since = "7.0.0",
       .run = lmpop,
       .find_keys = find_counted_keys_1},
      {"lpop", -2, "wF", one, group, "1.0.0", lpop},
      {"lpos", -3, "r", one, group, "6.0.6", lpos},
      {"lpush", -3, "wmF", one, group, "1.0.0", lpush},
      {"lpushx", -3, "wmF", one, group, "2.2.0", lpushx},
      {"lrange", 4, "r", one, group, "1.0.0", lrange},
      {"lrem", 4, "w", one, group, "1.0.0", lrem},
      {"lset", 4, "wm", one, group, "1.0.0", lset},
      {"ltrim", 4, "w", one, group, "1.0.0", ltrim},
      {"rpop", -2, "wF", one, group, "1.0.0", rpop},
      {"rpoplpush", 3, "wm", two, group, "1.2.0", rpoplpush},
      {"rpush", -3, "wmF", one, group, "1.0.0", rpush},
      {"rpushx", -3, "wmF", one, group, "2.2.0", rpushx},
  };
  return rows;
}

}  // namespace chorus::cache
