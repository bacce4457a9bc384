#include "cache/command/rows.h"

#include "cache/strings/handlers.h"

namespace chorus::cache {

std::span<const Command> string_rows() {
  constexpr KeyRange one{1, 1, 1};
  static constexpr Command rows[] = {
      {"append", 3, "wmF", one, Group::string, "2.0.0", append},
      {"decr", 2, "wmF", one, Group::string, "1.0.0", decr},
      {"decrby", 3, "wmF", one, Group::string, "1.0.0", decrby},
      {"get", 2, "rF", one, Group::string, "1.0.0", get},
      {"getdel", 2, "wF", one, Group::string, "6.2.0", getdel},
      {"getex", -2, "wF", one, Group::string, "6.2.0", getex},
      {"getrange", 4, "r", one, Group::string, "2.4.0", getrange},
      {"getset", 3, "wmF", one, Group::string, "1.0.0", getset},
      {"incr", 2, "wmF", one, Group::string, "1.0.0", incr},
      {"incrby", 3, "wmF", one, Group::string, "1.0.0", incrby},
      {"incrbyfloat", 3, "wmF", one, Group::string, "2.6.0", incrbyfloat},
      {"lcs", -3, "r", {1, 2, 1}, Group::string, "7.0.0", lcs},
      {.name = "mget",
       .arity = -2,
       .flags = "rF",
       .keys = {1, -1, 1},
       .group = Group::string,
       .since = "1.0.0",
       .run = mget,
       .tips = "request_policy:multi_shard"},
      {.name = "mset",
       .arity = -3,
       .flags = "wm",
       .keys = {1, -1, 2},
       .group = Group::string,
       .since = "1.0.1",
       .run = mset,
       .tips = "request_policy:multi_shard response_policy:all_succeeded"},
      {"msetnx", -3, "wm", {1, -1, 2}, Group::string, "1.0.1", msetnx},
      {"psetex", 4, "wm", one, Group::string, "2.6.0", psetex},
      {"set", -3, "wm", one, Group::string, "1.0.0", set},
      {"setex", 4, "wm", one, Group::string, "2.0.0", setex},
      {"setnx", 3, "wmF", one, Group::string, "1.0.0", setnx},
      {"setrange", 4, "wm", one, Group::string, "2.2.0", setrange},
      {"strlen", 2, "rF", one, Group::string, "2.2.0", strlen},
      {"substr", 4, "r", one, Group::string, "1.0.0", getrange},
  };
  return rows;
}

}  // namespace chorus::cache
