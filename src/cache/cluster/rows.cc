#include "cache/command/rows.h"

#include "cache/cluster/handlers.h"

namespace chorus::cache {

std::span<const Command> cluster_rows() {
  constexpr Group group = Group::cluster;
  constexpr const char* unordered = "nondeterministic_output";
  static constexpr Command subcommands[] = {
      {"addslots", -3, "satY", {}, group, "3.0.0", cluster_change},
      {"addslotsrange", -4, "satY", {}, group, "7.0.0", cluster_change},
      {"bumpepoch", 2, "satY", {}, group, "3.0.0", cluster_change},
      {"count-failure-reports", 3, "sat", {}, group, "3.0.0", cluster_count_failure_reports},
      {"countkeysinslot", 3, "t", {}, group, "3.0.0", cluster_countkeysinslot},
      {"delslots", -3, "satY", {}, group, "3.0.0", cluster_change},
      {"delslotsrange", -4, "satY", {}, group, "7.0.0", cluster_change},
      {"failover", -2, "satY", {}, group, "3.0.0", cluster_failover},
      {"flushslots", 2, "satY", {}, group, "3.0.0", cluster_change},
      {"forget", 3, "satY", {}, group, "3.0.0", cluster_change},
      {"getkeysinslot", 4, "t", {}, group, "3.0.0", cluster_getkeysinslot},
      {"handover", -3, "satY", {}, group, "7.2.0", cluster_handover},
      {"help", 2, "lt", {}, group, "5.0.0", cluster_help},
      {.name = "info", .arity = 2, .flags = "t", .keys = {}, .group = group, .since = "3.0.0", .run = cluster_info, .tips = unordered},
      {"keyslot", 3, "t", {}, group, "3.0.0", cluster_keyslot},
      {.name = "links", .arity = 2, .flags = "t", .keys = {}, .group = group, .since = "7.0.0", .run = cluster_links, .tips = unordered},
      {"meet", -4, "satY", {}, group, "3.0.0", cluster_meet},
      {"myid", 2, "t", {}, group, "3.0.0", cluster_myid},
      {.name = "myshardid",
       .arity = 2,
       .flags = "t",
       .keys = {},
       .group = group,
       .since = "7.2.0",
       .run = cluster_myshardid,
       .tips = unordered},
      {.name = "nodes", .arity = 2, .flags = "t", .keys = {}, .group = group, .since = "3.0.0", .run = cluster_nodes, .tips = unordered},
      {.name = "replicas",
       .arity = 3,
       .flags = "sat",
       .keys = {},
       .group = group,
       .since = "5.0.0",
       .run = cluster_replicas,
       .tips = unordered},
      {"replicate", 3, "satY", {}, group, "3.0.0", cluster_replicate},
      {"reset", -2, "sat", {}, group, "3.0.0", cluster_change},
      {"saveconfig", 2, "satY", {}, group, "3.0.0", cluster_saveconfig},
      {"set-config-epoch", 3, "satY", {}, group, "3.0.0", cluster_change},
      {"setslot", -4, "satY", {}, group, "3.0.0", cluster_change},
      {.name = "shards", .arity = 2, .flags = "lt", .keys = {}, .group = group, .since = "7.0.0", .run = cluster_shards, .tips = unordered},
      {.name = "slaves",
       .arity = 3,
       .flags = "sat",
       .keys = {},
       .group = group,
       .since = "3.0.0",
       .run = cluster_replicas,
       .tips = unordered},
      {.name = "slots", .arity = 2, .flags = "t", .keys = {}, .group = group, .since = "3.0.0", .run = cluster_slots, .tips = unordered},
  };
  static constexpr Command rows[] = {
      {.name = "asking", .arity = 1, .flags = "F", .keys = {}, .group = group, .since = "3.0.0", .run = asking, .categories = "connection"},
      {.name = "cluster", .arity = -2, .flags = "", .keys = {}, .group = group, .since = "3.0.0", .subcommands = subcommands},
      {.name = "readonly",
       .arity = 1,
       .flags = "Flt",
       .keys = {},
       .group = group,
       .since = "3.0.0",
       .run = readonly,
       .categories = "connection"},
      {.name = "readwrite",
       .arity = 1,
       .flags = "Flt",
       .keys = {},
       .group = group,
       .since = "3.0.0",
       .run = readwrite,
       .categories = "connection"},
  };
  return rows;
}

}  // namespace chorus::cache
