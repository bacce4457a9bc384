#include "cache/command/rows.h"

#include "cache/connection/handlers.h"

namespace chorus::cache {

std::span<const Command> connection_rows() {
  constexpr Group group = Group::connection;
  constexpr const char* every_node = "request_policy:all_nodes response_policy:all_succeeded";
  static constexpr Command client_rows[] = {
      {"caching", 3, "slt", {}, group, "6.0.0", client_caching},
      {"getname", 2, "slt", {}, group, "2.6.9", client_getname},
      {"getredir", 2, "slt", {}, group, "6.0.0", client_getredir},
      {"help", 2, "lt", {}, group, "5.0.0", client_help},
      {"id", 2, "slt", {}, group, "5.0.0", client_id},
      {"info", 2, "slt", {}, group, "6.2.0", client_info},
      {"kill", -3, "aslt", {}, group, "2.4.0", client_kill},
      {"list", -2, "aslt", {}, group, "2.4.0", client_list},
      {"no-evict", 3, "aslt", {}, group, "7.0.0", client_no_evict},
      {"no-touch", 3, "slt", {}, group, "7.2.0", client_no_touch},
      {"pause", -3, "aslt", {}, group, "3.0.0", client_pause},
      {"reply", 3, "slt", {}, group, "3.2.0", client_reply},
      {.name = "setinfo",
       .arity = 4,
       .flags = "slt",
       .keys = {},
       .group = group,
       .since = "7.2.0",
       .run = client_setinfo,
       .tips = every_node},
      {.name = "setname",
       .arity = 3,
       .flags = "slt",
       .keys = {},
       .group = group,
       .since = "2.6.9",
       .run = client_setname,
       .tips = every_node},
      {"tracking", -3, "slt", {}, group, "6.0.0", client_tracking},
      {"trackinginfo", 2, "slt", {}, group, "6.2.0", client_trackinginfo},
      {"unblock", -3, "aslt", {}, group, "5.0.0", client_unblock},
      {"unpause", 2, "aslt", {}, group, "6.2.0", client_unpause},
  };
  static constexpr Command rows[] = {
      {"auth", -2, "sltFAB", {}, group, "1.0.0", auth},
      {.name = "client", .arity = -2, .flags = "s", .keys = {}, .group = group, .since = "2.4.0", .subcommands = client_rows},
      {"echo", 2, "ltF", {}, group, "1.0.0", echo},
      {"hello", -1, "sltFAB", {}, group, "6.0.0", hello},
      {"ping", -1, "F", {}, group, "1.0.0", ping},
      {"quit", -1, "sltFAB", {}, group, "1.0.0", quit},
      {"reset", 1, "sltFAB", {}, group, "6.2.0", reset},
      {"select", 2, "ltF", {}, group, "1.0.0", select},
  };
  return rows;
}

}  // namespace chorus::cache
