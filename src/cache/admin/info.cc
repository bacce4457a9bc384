// INFO.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "cache/admin/handlers.h"
#include "cache/call.h"
#include "cache/connection/names.h"

namespace chorus::cache {
namespace {

std::string human(std::size_t octets) {
  constexpr const char* units[] = {"B", "K", "M", "G", "T"};
  auto value = static_cast<double>(octets);
  std::size_t unit = 0;
  for (; value >= 1024 && unit < 4; ++unit) value /= 1024;
  return unit == 0 ? fmt::format("{}B", octets) : fmt::format("{:.2f}{}", value, units[unit]);
}

std::string server_section(Server& server) {
  const std::int64_t uptime = (server.now().monotonic_us - server.started().monotonic_us) / 1'000'000;
  return fmt::format(
      "# Server\r\nredis_version:{}\r\nserver_name:redis\r\nredis_git_sha1:00000000\r\nredis_git_dirty:0\r\nserver_mode:standalone\r\n"
      "redis_mode:standalone\r\nos:Linux\r\narch_bits:64\r\nmonotonic_clock:POSIX clock_gettime\r\nprocess_id:{}\r\n"
      "process_supervised:no\r\nrun_id:{}\r\ntcp_port:{}\r\nserver_time_usec:{}\r\nuptime_in_seconds:{}\r\nuptime_in_days:{}\r\nhz:10\r\n"
      "configured_hz:10\r\nlru_clock:{}\r\nio_threads_active:0\r\n",
      redis_version, getpid(), server.run_id(), server.options().port, server.now().unix_us, uptime, uptime / 86'400,
      server.now().unix_us / 1'000'000 & 0xffffff);
}

std::string clients_section(Server& server) {
  return fmt::format(
      "# Clients\r\nconnected_clients:{}\r\ncluster_connections:0\r\nmaxclients:{}\r\nblocked_clients:{}\r\ntracking_clients:0\r\n"
      "total_watched_keys:{}\r\ntotal_blocking_keys:{}\r\n",
      server.clients(), server.options().clients_max, server.blocked_clients(), server.watched_keys(), server.waited_keys());
}

std::string memory_section(Server& server) {
  return fmt::format(
      "# Memory\r\nused_memory:{}\r\nused_memory_human:{}\r\nused_memory_peak:{}\r\nused_memory_peak_human:{}\r\nmaxmemory:0\r\n"
      "maxmemory_human:0B\r\nmaxmemory_policy:noeviction\r\nmem_allocator:libc\r\nlazyfree_pending_objects:{}\r\n",
      server.memory_used(), human(server.memory_used()), server.memory_peak(), human(server.memory_peak()), server.waiting_to_be_freed());
}

std::string persistence_section(Server& /*server*/) {
  return "# Persistence\r\nloading:0\r\nasync_loading:0\r\nrdb_bgsave_in_progress:0\r\naof_enabled:0\r\naof_rewrite_in_progress:0\r\n";
}

std::string stats_section(Server& server) {
  const Statistics& all = server.statistics();
  const Subscriptions& listeners = server.subscriptions();
  return fmt::format(
      "# Stats\r\ntotal_connections_received:{}\r\ntotal_commands_processed:{}\r\ntotal_net_input_bytes:{}\r\n"
      "total_net_output_bytes:{}\r\nrejected_connections:{}\r\nexpired_keys:{}\r\nexpired_time_cap_reached_count:{}\r\nevicted_keys:0\r\n"
      "keyspace_hits:{}\r\nkeyspace_misses:{}\r\npubsub_channels:{}\r\npubsub_patterns:{}\r\npubsubshard_channels:{}\r\ntotal_error_"
      "replies:{}\r\n",
      all.connections, all.commands, all.octets_in, all.octets_out, all.connections_refused, all.expired_keys, all.expire_cycles_cut,
      all.hits, all.misses, listeners.count(Listening::channel), listeners.count(Listening::pattern), listeners.count(Listening::shard),
      all.errors);
}

std::string replication_section(Server& server) {
  return fmt::format(
      "# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\nmaster_replid:{}\r\n"
      "master_replid2:0000000000000000000000000000000000000000\r\nmaster_repl_offset:{}\r\nsecond_repl_offset:-1\r\n"
      "repl_backlog_active:0\r\n",
      server.run_id(), server.effects().position().sequence);
}

std::string cpu_section(Server& /*server*/) {
  rusage self{};
  getrusage(RUSAGE_SELF, &self);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return fmt::format("# CPU\r\nused_cpu_sys:{:.6f}\r\nused_cpu_user:{:.6f}\r\n", seconds(self.ru_stime), seconds(self.ru_utime));
}

std::string modules_section(Server& /*server*/) { return "# Modules\r\n"; }

std::string commandstats_section(Server& server) {
  std::vector<std::string> lines;
  for (const auto& [command, counts] : server.by_command()) {
    lines.push_back(fmt::format("cmdstat_{}:calls={},rejected_calls={},failed_calls={}\r\n", command->full_name(), counts.calls,
                                counts.rejected, counts.failed));
  }
  std::sort(lines.begin(), lines.end());
  std::string out = "# Commandstats\r\n";
  for (const std::string& line : lines) out += line;
  return out;
}

std::string errorstats_section(Server& server) {
  std::vector<std::string> lines;
  for (const auto& [code, count] : server.errors_by_code()) lines.push_back(fmt::format("errorstat_{}:count={}\r\n", code, count));
  std::sort(lines.begin(), lines.end());
  std::string out = "# Errorstats\r\n";
  for (const std::string& line : lines) out += line;
  return out;
}

std::string cluster_section(Server& /*server*/) { return "# Cluster\r\ncluster_enabled:0\r\n"; }

std::string keyspace_section(Server& server) {
  std::string out = "# Keyspace\r\n";
  for (unsigned db = 0; db < server.options().databases; ++db) {
    const Database& database = server.database(db);
    if (database.size() > 0) out += fmt::format("db{}:keys={},expires={},avg_ttl=0\r\n", db, database.size(), database.expiring());
  }
  return out;
}

struct Section {
  std::string_view name;
  std::string (*write)(Server& server);
  bool by_default;
};
constexpr Section sections[] = {
    {"server", server_section, true},
    {"clients", clients_section, true},
    {"memory", memory_section, true},
    {"persistence", persistence_section, true},
    {"stats", stats_section, true},
    {"replication", replication_section, true},
    {"cpu", cpu_section, true},
    {"modules", modules_section, true},
    {"commandstats", commandstats_section, false},
    {"errorstats", errorstats_section, true},
    {"cluster", cluster_section, true},
    {"keyspace", keyspace_section, true},
};

}  // namespace

void info(Call& call) {
  bool all = false, defaults = call.size() == 1;
  std::vector<std::string> wanted;
  for (const std::string_view argument : call.arguments().subspan(1)) {
    const std::string name = base::lower(argument);
    if (name == "all" || name == "everything") {
      all = true;
    } else if (name == "default") {
      defaults = true;
    } else {
      wanted.push_back(name);
    }
  }
  std::string out;
  for (const Section& section : sections) {
    if (!all && !(defaults && section.by_default) && std::find(wanted.begin(), wanted.end(), section.name) == wanted.end()) continue;
    if (!out.empty()) out += "\r\n";
    out += section.write(call.server());
  }
  call.reply.verbatim("txt", out);
}

}  // namespace chorus::cache
