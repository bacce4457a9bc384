// The sections of INFO that count and measure.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "cache/acl/acl.h"
#include "cache/admin/info_sections.h"
#include "cache/admin/memory_facts.h"
#include "cache/cluster/migrator.h"
#include "cache/replication/replication.h"
#include "cache/resp/number.h"
#include "cache/scripts/scripts.h"
#include "cache/watch/diagnostics.h"

namespace chorus::cache {
namespace {

std::string of_lines(std::string_view heading, std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  std::string out = fmt::format("# {}\r\n", heading);
  for (const std::string& line : lines) out += line;
  return out;
}

double kilobytes(const Rate& rate) { return rate.per_second() / 1024; }

}  // namespace

std::string human_octets(std::size_t octets) {
  constexpr const char* units[] = {"B", "K", "M", "G", "T"};
  auto value = static_cast<double>(octets);
  std::size_t unit = 0;
  for (; value >= 1024 && unit < 4; ++unit) value /= 1024;
  return unit == 0 ? fmt::format("{}B", octets) : fmt::format("{:.2f}{}", value, units[unit]);
}

double ratio(std::size_t part, std::size_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::size_t>(whole, 1));
}

std::string memory_section(Server& server) {
  const MemoryFacts facts = memory_facts(server);
  const MemoryOptions& limit = server.options().memory;
  std::string out = "# Memory\r\n";
  const auto add = [&](std::string_view name, const auto& value) { out += fmt::format("{}:{}\r\n", name, value); };
  const auto add_human = [&](std::string_view name, std::size_t octets) {
    add(name, octets);
    add(std::string(name) + "_human", human_octets(octets));
  };
  const auto add_ratio = [&](std::string_view name, std::size_t part, std::size_t whole) {
    add(fmt::format("{}_ratio", name), fmt::format("{:.2f}", ratio(part, whole)));
    add(fmt::format("{}_bytes", name), static_cast<std::int64_t>(part) - static_cast<std::int64_t>(whole));
  };
  const memory::Heap& allocator = facts.heap;
  add_human("used_memory", facts.used);
  add_human("used_memory_rss", allocator.resident);
  add_human("used_memory_peak", facts.peak);
  add("used_memory_peak_perc", fmt::format("{:.2f}%", 100 * ratio(facts.used, facts.peak)));
  add("used_memory_overhead", facts.overhead);
  add("used_memory_startup", 0);
  add("used_memory_dataset", facts.dataset());
  add("used_memory_dataset_perc", fmt::format("{:.2f}%", 100 * ratio(facts.dataset(), facts.used)));
  add("allocator_allocated", allocator.allocated);
  add("allocator_active", allocator.active);
  add("allocator_resident", allocator.resident);
  add_human("total_system_memory", allocator.system);
  const Scripts& scripts = server.scripts();
  const std::size_t evaluator = scripts.octets(), functions = scripts.function_octets();
  for (const char* name : {"used_memory_lua", "used_memory_vm_eval"}) add(name, evaluator);
  add("used_memory_lua_human", human_octets(evaluator));
  add("used_memory_scripts_eval", scripts.source_octets());
  add("number_of_cached_scripts", scripts.count());
  add("number_of_functions", scripts.functions());
  add("number_of_libraries", scripts.libraries().size());
  add("used_memory_vm_functions", functions);
  add("used_memory_vm_total", evaluator + functions);
  add("used_memory_vm_total_human", human_octets(evaluator + functions));
  add("used_memory_functions", scripts.library_octets());
  add_human("used_memory_scripts", scripts.source_octets() + scripts.library_octets());
  add_human("maxmemory", limit.octets_max);
  add("maxmemory_policy", name_of(limit.policy));
  add_ratio("allocator_frag", allocator.active, allocator.allocated);
  add_ratio("allocator_rss", allocator.resident, allocator.active);
  add_ratio("rss_overhead", allocator.resident, allocator.resident);
  add_ratio("mem_fragmentation", allocator.resident, facts.used);
  add("mem_not_counted_for_evict", server.replication().stream().octets());
  const std::size_t kept = server.replication().stream().octets(), backlog = server.options().replication.backlog_octets;
  add("mem_replication_backlog", std::min(kept, backlog));
  add("mem_total_replication_buffers", kept);
  add("mem_clients_slaves", kept - std::min(kept, backlog));
  add("mem_clients_normal", facts.clients);
  add("mem_cluster_links", 0);
  add("mem_aof_buffer", server.append_state().buffer_octets);
  add("mem_allocator", memory::allocator_name());
  add("active_defrag_running", 0);
  add("lazyfree_pending_objects", server.waiting_to_be_freed());
  add("lazyfreed_objects", server.values_freed_later());
  return out;
}

std::string stats_section(Server& server) {
  const Statistics& all = server.statistics();
  const Subscriptions& listeners = server.subscriptions();
  const Diagnostics& watch = server.diagnostics();
  std::string out = "# Stats\r\n";
  const auto add = [&](std::string_view name, const auto& value) { out += fmt::format("{}:{}\r\n", name, value); };
  const auto add_zero = [&](std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) add(name, 0);
  };
  const std::int64_t over_ms = server.over_limit_us() / 1000;
  add("total_connections_received", all.connections);
  add("total_commands_processed", all.commands);
  add("instantaneous_ops_per_sec", static_cast<std::int64_t>(watch.commands.per_second()));
  add("total_net_input_bytes", all.octets_in);
  add("total_net_output_bytes", all.octets_out);
  add("total_net_repl_input_bytes", all.primary_octets_in);
  add("total_net_repl_output_bytes", all.replica_octets_out);
  add("instantaneous_input_kbps", fmt::format("{:.2f}", kilobytes(watch.octets_in)));
  add("instantaneous_output_kbps", fmt::format("{:.2f}", kilobytes(watch.octets_out)));
  add("instantaneous_input_repl_kbps", fmt::format("{:.2f}", kilobytes(watch.primary_octets_in)));
  add("instantaneous_output_repl_kbps", fmt::format("{:.2f}", kilobytes(watch.replica_octets_out)));
  add("rejected_connections", all.connections_refused);
  const replication::Primary& replicas = server.replication().primary();
  add("sync_full", replicas.full_syncs());
  add("sync_partial_ok", replicas.partial_syncs());
  add("sync_partial_err", replicas.partial_syncs_refused());
  add("expired_keys", all.expired_keys);
  add("expired_stale_perc", "0.00");
  add("expired_time_cap_reached_count", all.expire_cycles_cut);
  add("expire_cycle_cpu_milliseconds", all.expire_us / 1000);
  add("evicted_keys", all.evicted_keys);
  add("evicted_clients", all.evicted_clients);
  add("total_eviction_exceeded_time", all.over_limit_us / 1000 + over_ms);
  add("current_eviction_exceeded_time", over_ms);
  add("keyspace_hits", all.hits);
  add("keyspace_misses", all.misses);
  add("pubsub_channels", listeners.count(Listening::channel));
  add("pubsub_patterns", listeners.count(Listening::pattern));
  add("pubsubshard_channels", listeners.count(Listening::shard));
  add_zero({"latest_fork_usec", "total_forks"});
  add("migrate_cached_sockets", server.migrator().idle_links());
  add_zero({"slave_expires_tracked_keys", "active_defrag_hits", "active_defrag_misses", "active_defrag_key_hits",
            "active_defrag_key_misses", "total_active_defrag_time", "current_active_defrag_time"});
  add("tracking_total_keys", server.tracking().keys());
  add("tracking_total_items", server.tracking().items());
  add("tracking_total_prefixes", server.tracking().prefixes());
  add("unexpected_error_replies", all.stream_errors);
  add("total_error_replies", all.errors);
  add("dump_payload_sanitizations", 0);
  add("total_reads_processed", all.reads);
  add("total_writes_processed", all.writes);
  add_zero({"io_threaded_reads_processed", "io_threaded_writes_processed", "reply_buffer_shrinks", "reply_buffer_expands"});
  add("client_query_buffer_limit_disconnections", all.query_limit_disconnections);
  add("client_output_buffer_limit_disconnections", all.output_limit_disconnections);
  add("eventloop_cycles", watch.cycles.count);
  add("eventloop_duration_sum", watch.cycles.us);
  add("eventloop_duration_cmd_sum", watch.cycles.commands_us);
  const double cycles = watch.cycles_begun.per_second();
  add("instantaneous_eventloop_cycles_per_sec", static_cast<std::int64_t>(cycles));
  add("instantaneous_eventloop_duration_usec", static_cast<std::int64_t>(cycles > 0 ? watch.cycles_us.per_second() / cycles : 0));
  const acl::Acl& users = server.acl();
  add("acl_access_denied_auth", users.denied(acl::Denied::authentication));
  add("acl_access_denied_cmd", users.denied(acl::Denied::command));
  add("acl_access_denied_key", users.denied(acl::Denied::key));
  add("acl_access_denied_channel", users.denied(acl::Denied::channel));
  return out;
}

std::string cpu_section(Server& /*server*/) {
  const auto times = [](int who, std::string_view suffix) {
    rusage used{};
    getrusage(who, &used);
    const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
    return fmt::format("used_cpu_sys{0}:{1:.6f}\r\nused_cpu_user{0}:{2:.6f}\r\n", suffix, seconds(used.ru_stime), seconds(used.ru_utime));
  };
  return "# CPU\r\n" + times(RUSAGE_SELF, "") + times(RUSAGE_CHILDREN, "_children") + times(RUSAGE_THREAD, "_main_thread");
}

std::string commandstats_section(Server& server) {
  std::vector<std::string> lines;
  for (const auto& [command, counts] : server.by_command()) {
    const double each = counts.calls == 0 ? 0 : static_cast<double>(counts.us) / static_cast<double>(counts.calls);
    lines.push_back(fmt::format("cmdstat_{}:calls={},usec={},usec_per_call={:.2f},rejected_calls={},failed_calls={}\r\n",
                                command->full_name(), counts.calls, counts.us, each, counts.rejected, counts.failed));
  }
  return of_lines("Commandstats", std::move(lines));
}

std::string errorstats_section(Server& server) {
  std::vector<std::string> lines;
  for (const auto& [code, count] : server.errors_by_code()) lines.push_back(fmt::format("errorstat_{}:count={}\r\n", code, count));
  return of_lines("Errorstats", std::move(lines));
}

std::string latencystats_section(Server& server) {
  std::vector<std::string> lines;
  const auto& percentiles = server.options().diagnostics.latency_percentiles;
  for (const auto& [command, histogram] : server.diagnostics().by_command) {
    std::string values;
    for (const double percent : percentiles) {
      values += fmt::format("{}p{}={:.3f}", values.empty() ? "" : ",", double_text(percent),
                            static_cast<double>(histogram.percentile(percent)) / 1000);
    }
    lines.push_back(fmt::format("latency_percentiles_usec_{}:{}\r\n", command->full_name(), values));
  }
  const bool is_shown = server.options().diagnostics.tracks_latency && !percentiles.empty();
  return of_lines("Latencystats", !is_shown ? std::vector<std::string>{} : std::move(lines));
}

}  // namespace chorus::cache
