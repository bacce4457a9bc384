// INFO.
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "cache/access.h"
#include "cache/admin/handlers.h"
#include "cache/admin/info_sections.h"
#include "cache/call.h"
#include "cache/connection/names.h"
#include "cache/replication/replication.h"

namespace chorus::cache {

std::string server_section(Server& server) {
  const ServerOptions& options = server.options();
  const std::string_view mode = server.cluster() != nullptr ? "cluster" : "standalone";
  const std::int64_t uptime = (server.now().monotonic_us - server.started().monotonic_us) / 1'000'000;
  utsname system{};
  uname(&system);
  std::string out = fmt::format(
      "# Server\r\nredis_version:{}\r\nserver_name:redis\r\nredis_git_sha1:00000000\r\nredis_git_dirty:0\r\nredis_build_id:0\r\n"
      "redis_mode:{}\r\nserver_mode:{}\r\nos:{} {} {}\r\narch_bits:64\r\nmonotonic_clock:POSIX clock_gettime\r\n"
      "multiplexing_api:epoll\r\natomicvar_api:c11-builtin\r\ngcc_version:{}.{}.{}\r\n",
      redis_version, mode, mode, system.sysname, system.release, system.machine, __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
  out += fmt::format(
      "process_id:{}\r\nprocess_supervised:no\r\nrun_id:{}\r\ntcp_port:{}\r\nserver_time_usec:{}\r\nuptime_in_seconds:{}\r\n"
      "uptime_in_days:{}\r\nhz:10\r\nconfigured_hz:10\r\nlru_clock:{}\r\nexecutable:\r\nconfig_file:\r\nio_threads_active:0\r\n"
      "listener0:name=tcp,bind={},port={}\r\n",
      getpid(), server.run_id(), options.port, server.now().unix_us, uptime, uptime / 86'400, lru_clock(server.now().unix_us), options.host,
      options.port);
  return out;
}

std::string clients_section(Server& server) {
  std::size_t longest_in = 0, longest_out = 0, subscribed = 0, watching = 0, paused = 0;
  for (const Client* client : server.all_clients()) {
    longest_in = std::max(longest_in, client->parser.octets());
    longest_out = std::max(longest_out, client->unsent + client->out.size());
    subscribed += client->is_subscribed() ? 1 : 0;
    watching += client->watched.empty() ? 0 : 1;
    paused += client->held.empty() ? 0 : 1;
  }
  return fmt::format(
      "# Clients\r\nconnected_clients:{}\r\ncluster_connections:0\r\nmaxclients:{}\r\nclient_recent_max_input_buffer:{}\r\n"
      "client_recent_max_output_buffer:{}\r\nblocked_clients:{}\r\ntracking_clients:{}\r\npubsub_clients:{}\r\nwatching_clients:{}\r\n"
      "clients_in_timeout_table:{}\r\ntotal_watched_keys:{}\r\ntotal_blocking_keys:{}\r\ntotal_blocking_keys_on_nokey:0\r\n",
      server.clients(), server.options().clients_max, longest_in, longest_out, server.blocked_clients() + paused, server.tracking_clients(),
      subscribed, watching, server.timed_waits(), server.watched_keys(), server.waited_keys());
}

std::string persistence_section(Server& server) {
  const SaveState& state = server.save_state();
  const auto [keys_done, keys] = server.save_progress();
  const replication::Replica* replica = server.replication().replica();
  const bool is_loading_beside = replica != nullptr && replica->is_loading();
  const auto seconds = [](std::int64_t us) { return us / 1'000'000; };
  std::string out = fmt::format(
      "# Persistence\r\nloading:{}\r\nasync_loading:{}\r\ncurrent_cow_peak:0\r\ncurrent_cow_size:0\r\ncurrent_cow_size_age:0\r\n"
      "current_fork_perc:0.00\r\ncurrent_save_keys_processed:{}\r\ncurrent_save_keys_total:{}\r\nrdb_changes_since_last_save:{}\r\n"
      "rdb_bgsave_in_progress:{}\r\nrdb_last_save_time:{}\r\nrdb_last_bgsave_status:{}\r\nrdb_last_bgsave_time_sec:{}\r\n"
      "rdb_current_bgsave_time_sec:{}\r\nrdb_saves:{}\r\nrdb_last_cow_size:0\r\nrdb_last_load_keys_expired:{}\r\n"
      "rdb_last_load_keys_loaded:{}\r\n",
      state.is_loading ? 1 : 0, is_loading_beside ? 1 : 0, keys_done, keys, state.changes, server.is_saving_file() ? 1 : 0,
      state.last_save_s, state.has_failed ? "err" : "ok", state.last_took_us ? seconds(*state.last_took_us) : -1,
      server.is_saving_file() ? seconds(server.now().monotonic_us - state.begun_us) : -1, state.saves, state.keys_expired,
      state.keys_loaded);
  const AppendState& log = server.append_state();
  out += fmt::format(
      "aof_enabled:{}\r\naof_rewrite_in_progress:{}\r\naof_rewrite_scheduled:{}\r\naof_last_rewrite_time_sec:{}\r\n"
      "aof_current_rewrite_time_sec:{}\r\naof_last_bgrewrite_status:{}\r\naof_rewrites:{}\r\n"
      "aof_rewrites_consecutive_failures:{}\r\naof_last_write_status:{}\r\naof_last_cow_size:0\r\nmodule_fork_in_progress:0\r\n"
      "module_fork_last_cow_size:0\r\n",
      log.is_on ? 1 : 0, log.is_rewriting ? 1 : 0, log.is_rewrite_due ? 1 : 0,
      log.last_rewrite_took_us ? seconds(*log.last_rewrite_took_us) : -1,
      log.is_rewriting ? seconds(server.now().monotonic_us - log.rewrite_begun_us) : -1, log.has_rewrite_failed ? "err" : "ok",
      log.rewrites, log.rewrites_failed, log.error.empty() ? "ok" : "err");
  if (log.is_on) {
    out += fmt::format(
        "aof_current_size:{}\r\naof_base_size:{}\r\naof_pending_rewrite:0\r\naof_buffer_length:{}\r\naof_pending_bio_fsync:{}\r\n"
        "aof_delayed_fsync:{}\r\n",
        log.octets, log.base_octets, log.buffer_octets, log.is_syncing ? 1 : 0, log.delayed_syncs);
  }
  if (state.is_loading) {
    const double percent =
        100.0 * static_cast<double>(state.load_octets_done) / static_cast<double>(std::max<std::uint64_t>(state.load_octets, 1));
    const std::int64_t elapsed = std::max<std::int64_t>(seconds(server.now().unix_us) - state.load_begun_s, 1);
    const double left = static_cast<double>(elapsed) * (100.0 - percent) / std::max(percent, 1.0);
    out += fmt::format(
        "loading_start_time:{}\r\nloading_total_bytes:{}\r\nloading_rdb_used_mem:0\r\nloading_loaded_bytes:{}\r\n"
        "loading_loaded_perc:{:.2f}\r\nloading_eta_seconds:{}\r\n",
        state.load_begun_s, state.load_octets, state.load_octets_done, percent, static_cast<std::int64_t>(left));
  }
  return out;
}

std::string modules_section(Server& /*server*/) { return "# Modules\r\n"; }

std::string cluster_section(Server& server) {
  return fmt::format("# Cluster\r\ncluster_enabled:{}\r\n", server.cluster() != nullptr ? 1 : 0);
}

namespace {

/// The mean time to live of some keys, in milliseconds.
std::int64_t mean_ttl(const Database& database, std::int64_t now_ms) {
  constexpr std::int64_t looked_at = 20;
  std::int64_t sum = 0, count = 0;
  std::uint64_t cursor = 0;
  do {
    cursor = database.scan_expiring(cursor, [&](const Entry* entry) {
      sum += std::max<std::int64_t>(0, *entry->expiry() - now_ms);
      ++count;
    });
  } while (cursor != 0 && count < looked_at);
  return count == 0 ? 0 : sum / count;
}

}  // namespace

std::string keyspace_section(Server& server) {
  std::string out = "# Keyspace\r\n";
  for (unsigned db = 0; db < server.options().databases; ++db) {
    const Database& database = server.database(db);
    if (database.size() == 0) continue;
    out += fmt::format("db{}:keys={},expires={},avg_ttl={}\r\n", db, database.size(), database.expiring(),
                       mean_ttl(database, server.now().unix_ms()));
  }
  return out;
}

namespace {

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
    {"latencystats", latencystats_section, false},
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
