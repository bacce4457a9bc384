#include "cache/command/rows.h"

#include "cache/resp/number.h"
#include "cache/scripts/handlers.h"

namespace chorus::cache {
namespace {

/// As many as argument 2 says, none among them.
bool find_script_keys(Arguments arguments, std::vector<std::size_t>& at) {
  const auto count = parse_integer(arguments[2]);
  if (!count || *count < 0 || static_cast<std::uint64_t>(*count) > arguments.size() - 3) return false;
  for (std::size_t i = 0; i < static_cast<std::size_t>(*count); ++i) at.push_back(3 + i);
  return true;
}

constexpr Command runs(std::string_view name, const char* flags, std::string_view since, void (*run)(Call&)) {
  return {.name = name,
          .arity = -3,
          .flags = flags,
          .keys = {},
          .group = Group::scripting,
          .since = since,
          .run = run,
          .find_keys = find_script_keys};
}

constexpr Command part(std::string_view name, int arity, const char* flags, std::string_view since, void (*run)(Call&),
                       std::string_view tips = {}) {
  return {.name = name, .arity = arity, .flags = flags, .keys = {}, .group = Group::scripting, .since = since, .run = run, .tips = tips};
}

}  // namespace

std::span<const Command> scripting_rows() {
  constexpr std::string_view every_node = "request_policy:all_nodes response_policy:all_succeeded";
  constexpr std::string_view every_shard = "request_policy:all_shards response_policy:all_succeeded";
  constexpr std::string_view one_of_them = "request_policy:all_shards response_policy:one_succeeded";
  static constexpr Command script_rows[] = {
      part("debug", 3, "s", "3.2.0", script_debug),
      part("exists", -3, "s", "2.6.0", script_exists, "request_policy:all_shards response_policy:agg_logical_and"),
      part("flush", -2, "s", "2.6.0", script_flush, every_node),
      part("help", 2, "lt", "5.0.0", script_help),
      part("kill", 2, "sB", "2.6.0", script_kill, one_of_them),
      part("load", 3, "st", "2.6.0", script_load, every_node),
  };
  static constexpr Command function_rows[] = {
      part("delete", 3, "ws", "7.0.0", function_delete, every_shard),
      part("dump", 2, "s", "7.0.0", function_dump),
      part("flush", -2, "ws", "7.0.0", function_flush, every_shard),
      part("help", 2, "lt", "7.0.0", function_help),
      part("kill", 2, "sB", "7.0.0", function_kill, one_of_them),
      part("list", -2, "s", "7.0.0", function_list, "nondeterministic_output_order"),
      part("load", -3, "wms", "7.0.0", function_load, every_shard),
      part("restore", -3, "wms", "7.0.0", function_restore, every_shard),
      part("stats", 2, "sB", "7.0.0", function_stats, "nondeterministic_output request_policy:all_shards response_policy:special"),
  };
  static constexpr Command rows[] = {
      runs("eval", "stMN*R", "2.6.0", eval),
      runs("eval_ro", "rstMN*", "7.0.0", eval_ro),
      runs("evalsha", "stMN*R", "2.6.0", evalsha),
      runs("evalsha_ro", "rstMN*", "7.0.0", evalsha_ro),
      runs("fcall", "stMN*R", "7.0.0", fcall),
      runs("fcall_ro", "rstMN*", "7.0.0", fcall_ro),
      {.name = "function", .arity = -2, .flags = "", .keys = {}, .group = Group::scripting, .since = "7.0.0", .subcommands = function_rows},
      {.name = "script", .arity = -2, .flags = "", .keys = {}, .group = Group::scripting, .since = "2.6.0", .subcommands = script_rows},
  };
  return rows;
}

}  // namespace chorus::cache
