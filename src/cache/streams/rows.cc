#include "cache/command/rows.h"

#include <algorithm>

#include "base/text.h"
#include "cache/streams/handlers.h"

namespace chorus::cache {
namespace {

/// The first half of what is behind STREAMS.
bool find_stream_keys(Arguments arguments, std::vector<std::size_t>& at) {
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string word = base::lower(arguments[i]);
    if (word == "block" || word == "count") {
      ++i;
    } else if (word == "group") {
      i += 2;
    } else if (word == "streams") {
      const std::size_t more = arguments.size() - i - 1;
      if (more == 0 || more % 2 != 0) return false;
      for (std::size_t key = 0; key < more / 2; ++key) at.push_back(i + 1 + key);
      return true;
    } else if (word != "noack") {
      return false;
    }
  }
  return false;
}

}  // namespace

std::span<const Command> stream_rows() {
  constexpr KeyRange one{1, 1, 1}, second{2, 2, 1};
  constexpr Group group = Group::stream;
  constexpr const char* output = "nondeterministic_output";
  static constexpr Command xgroup_rows[] = {
      {"create", -5, "wm", second, group, "5.0.0", xgroup_create},
      {"createconsumer", 5, "wm", second, group, "6.2.0", xgroup_createconsumer},
      {"delconsumer", 5, "w", second, group, "5.0.0", xgroup_delconsumer},
      {"destroy", 4, "w", second, group, "5.0.0", xgroup_destroy},
      {"help", 2, "lt", {}, group, "5.0.0", xgroup_help},
      {"setid", -5, "w", second, group, "5.0.0", xgroup_setid},
  };
  static constexpr Command xinfo_rows[] = {
      {.name = "consumers",
       .arity = 4,
       .flags = "r",
       .keys = second,
       .group = group,
       .since = "5.0.0",
       .run = xinfo_consumers,
       .tips = output},
      {"groups", 3, "r", second, group, "5.0.0", xinfo_groups},
      {"help", 2, "lt", {}, group, "5.0.0", xinfo_help},
      {"stream", -3, "r", second, group, "5.0.0", xinfo_stream},
  };
  static constexpr Command rows[] = {
      {"xack", -4, "wF", one, group, "5.0.0", xack},
      {.name = "xadd", .arity = -5, .flags = "wmF", .keys = one, .group = group, .since = "5.0.0", .run = xadd, .tips = output},
      {.name = "xautoclaim", .arity = -6, .flags = "wF", .keys = one, .group = group, .since = "6.2.0", .run = xautoclaim, .tips = output},
      {.name = "xclaim", .arity = -6, .flags = "wF", .keys = one, .group = group, .since = "5.0.0", .run = xclaim, .tips = output},
      {"xdel", -3, "wF", one, group, "5.0.0", xdel},
      {.name = "xgroup", .arity = -2, .flags = "", .keys = {}, .group = group, .since = "5.0.0", .subcommands = xgroup_rows},
      {.name = "xinfo", .arity = -2, .flags = "", .keys = {}, .group = group, .since = "5.0.0", .subcommands = xinfo_rows},
      {"xlen", 2, "rF", one, group, "5.0.0", xlen},
      {.name = "xpending", .arity = -3, .flags = "r", .keys = one, .group = group, .since = "5.0.0", .run = xpending, .tips = output},
      {"xrange", -4, "r", one, group, "5.0.0", xrange},
      {.name = "xread",
       .arity = -4,
       .flags = "rb*",
       .keys = {},
       .group = group,
       .since = "5.0.0",
       .run = xread,
       .find_keys = find_stream_keys},
      {.name = "xreadgroup",
       .arity = -7,
       .flags = "wb*",
       .keys = {},
       .group = group,
       .since = "5.0.0",
       .run = xreadgroup,
       .find_keys = find_stream_keys},
      {"xrevrange", -4, "r", one, group, "5.0.0", xrevrange},
      {"xsetid", -3, "wmF", one, group, "5.0.0", xsetid},
      {.name = "xtrim", .arity = -4, .flags = "w", .keys = one, .group = group, .since = "5.0.0", .run = xtrim, .tips = output},
  };
  return rows;
}

}  // namespace chorus::cache
