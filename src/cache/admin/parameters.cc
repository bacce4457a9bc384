#include "cache/admin/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/text.h"
#include "cache/admin/parameter_values.h"

namespace chorus::cache {
namespace {

using Change = Parameter::Change;
constexpr std::int64_t int_most = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t long_most = std::numeric_limits<std::int64_t>::max();

template <auto... Fields, class Options>
auto& at(Options& options) {
  return (options.*....*Fields);
}

template <auto... Fields>
constexpr Parameter number(std::string_view name, std::int64_t least, std::int64_t most, std::string_view setting = {},
                           Change change = Change::live) {
  return {.name = name,
          .get = [](const ServerOptions& options, const Parameter&) { return std::to_string(at<Fields...>(options)); },
          .set =
              [](ServerOptions& options, std::string_view text, const Parameter& self) {
                return read_number(text, self.least, self.most, [&](std::int64_t value) {
                  auto& to = at<Fields...>(options);
                  to = static_cast<std::remove_cvref_t<decltype(to)>>(value);
                });
              },
          .change = change,
          .least = least,
          .most = most,
          .setting = setting};
}

template <auto... Fields>
constexpr Parameter octets(std::string_view name, std::int64_t least, std::int64_t most, std::string_view setting = {}) {
  Parameter parameter = number<Fields...>(name, least, most, setting);
  parameter.set = [](ServerOptions& options, std::string_view text, const Parameter& self) {
    return read_octets(text, self.least, self.most, [&](std::int64_t value) {
      auto& to = at<Fields...>(options);
      to = static_cast<std::remove_cvref_t<decltype(to)>>(value);
    });
  };
  return parameter;
}

template <auto... Fields>
constexpr Parameter yes_or_no(std::string_view name, std::string_view setting = {}) {
  return {.name = name,
          .get = [](const ServerOptions& options, const Parameter&) { return std::string(at<Fields...>(options) ? "yes" : "no"); },
          .set = [](ServerOptions& options, std::string_view text, const Parameter&) { return read_flag(text, at<Fields...>(options)); },
          .setting = setting};
}

template <auto Field>
constexpr Parameter entries(std::string_view name) {
  return number<&ServerOptions::thresholds, Field>(name, 0, long_most);
}
template <auto Field>
constexpr Parameter longest(std::string_view name) {
  return octets<&ServerOptions::thresholds, Field>(name, 0, long_most);
}
template <auto Field>
constexpr Parameter nodes(std::string_view name) {
  return number<&ServerOptions::thresholds, Field>(name, -5, int_most);
}

constexpr Parameter fixed(std::string_view name, std::string_view value) {
  return {.name = name,
          .get = [](const ServerOptions&, const Parameter& self) { return std::string(self.value); },
          .set = [](ServerOptions&, std::string_view text,
                    const Parameter& self) { return text == self.value ? std::string() : fmt::format("always '{}' here", self.value); },
          .change = Change::fixed,
          .value = value};
}

constexpr Parameter secret(Parameter parameter) {
  parameter.is_secret = true;
  return parameter;
}

/// The same of one that Redis reads when it starts: CONFIG SET refuses even the value that it has.
constexpr Parameter immutable(std::string_view name, std::string_view value) {
  Parameter parameter = fixed(name, value);
  parameter.set = nullptr;
  parameter.change = Parameter::Change::at_start;
  return parameter;
}

constexpr Parameter at_start(std::string_view name, std::string (*get)(const ServerOptions&, const Parameter&), std::string_view setting) {
  return {.name = name, .get = get, .change = Change::at_start, .setting = setting};
}

/// Redis can change it while it runs, so those who set all to what it is may do so here.
constexpr Parameter as_it_is(Parameter parameter) {
  parameter.set = [](ServerOptions& options, std::string_view text, const Parameter& self) {
    const std::string now = self.get(options, self);
    return text == now ? std::string() : fmt::format("always '{}' until the process ends", now);
  };
  return parameter;
}

/// What would let a client write files anywhere (enable-protected-configs).
std::string refuse_protected(ServerOptions& /*options*/, std::string_view /*text*/, const Parameter& /*self*/) {
  return "can't set protected config";
}

using Memory = MemoryOptions;
using Watch = DiagnosticsOptions;
constexpr auto memory = &ServerOptions::memory;
constexpr auto watch = &ServerOptions::diagnostics;
using Append = AppendOptions;
constexpr auto append_log = &ServerOptions::append;
using Cluster = cluster::Options;
constexpr auto cluster_options = &ServerOptions::cluster;
using Replication = replication::Options;
constexpr auto replicas = &ServerOptions::replication;

/// Whatever text it is.
template <auto Field>
constexpr Parameter free_text(std::string_view name, std::string_view setting) {
  return {.name = name,
          .get = [](const ServerOptions& options, const Parameter&) { return at<replicas, Field>(options); },
          .set =
              [](ServerOptions& options, std::string_view value, const Parameter&) {
                at<replicas, Field>(options) = value;
                return std::string();
              },
          .setting = setting};
}
constexpr Parameter followed(std::string_view name) {
  return at_start(name, [](const ServerOptions& options, const Parameter&) { return options.replication.primary; }, "replica_of");
}

// In the order of names, so that a row is found, and its place.
constexpr auto table = std::to_array<Parameter>({
    {.name = "acl-pubsub-default",
     .get = [](const ServerOptions& options,
               const Parameter&) { return std::string(options.acl_all_channels ? "allchannels" : "resetchannels"); },
     .set =
         [](ServerOptions& options, std::string_view text, const Parameter&) {
           const std::string word = base::lower(text);
           if (word != "allchannels" && word != "resetchannels") {
             return std::string("argument(s) must be one of the following: allchannels, resetchannels");
           }
           options.acl_all_channels = word == "allchannels";
           return std::string();
         }},
    at_start(
        "aclfile", [](const ServerOptions& options, const Parameter&) { return options.acl_file; }, "acl_file"),
    number<&ServerOptions::acl_log_entries_max>("acllog-max-len", 0, long_most),
    fixed("active-defrag-cycle-max", "25"),
    fixed("active-defrag-cycle-min", "1"),
    fixed("active-defrag-ignore-bytes", "104857600"),
    fixed("active-defrag-max-scan-fields", "1000"),
    fixed("active-defrag-threshold-lower", "10"),
    fixed("active-defrag-threshold-upper", "100"),
    fixed("active-expire-effort", "1"),
    fixed("activedefrag", "no"),
    fixed("activerehashing", "yes"),
    immutable("always-show-logo", "no"),
    fixed("aof-disable-auto-gc", "no"),
    yes_or_no<append_log, &Append::loads_truncated>("aof-load-truncated", "append_load_truncated"),
    yes_or_no<append_log, &Append::syncs_rewrite>("aof-rewrite-incremental-fsync", "append_incremental_sync"),
    yes_or_no<append_log, &Append::has_timestamps>("aof-timestamp-enabled", "append_timestamps"),
    fixed("aof-use-rdb-preamble", "yes"),
    immutable("aof_rewrite_cpulist", ""),
    at_start(
        "appenddirname", [](const ServerOptions& options, const Parameter&) { return options.append.directory; }, "append_dir"),
    at_start(
        "appendfilename", [](const ServerOptions& options, const Parameter&) { return options.append.file; }, "append_file"),
    {.name = "appendfsync",
     .get = [](const ServerOptions& options, const Parameter&) { return std::string(name_of(options.append.sync)); },
     .set = [](ServerOptions& options, std::string_view text, const Parameter&) { return read_sync_policy(text, options.append.sync); },
     .setting = "append_sync"},
    yes_or_no<append_log, &Append::is_on>("appendonly", "append_only"),
    octets<append_log, &Append::rewrite_octets_min>("auto-aof-rewrite-min-size", 0, long_most, "append_rewrite_min_bytes"),
    number<append_log, &Append::rewrite_percentage>("auto-aof-rewrite-percentage", 0, int_most, "append_rewrite_percentage"),
    immutable("bgsave_cpulist", ""),
    as_it_is(at_start(
        "bind", [](const ServerOptions& options, const Parameter&) { return options.host; }, "address")),
    fixed("bind-source-addr", ""),
    immutable("bio_cpulist", ""),
    number<&ServerOptions::busy_reply_threshold_ms>("busy-reply-threshold", 0, long_most),
    {.name = "client-output-buffer-limit",
     .get = [](const ServerOptions& options, const Parameter&) { return show_output_limits(options); },
     .set = [](ServerOptions& options, std::string_view text, const Parameter&) { return read_output_limits(text, options); }},
    octets<&ServerOptions::query_octets_max>("client-query-buffer-limit", 1 << 20, 64LL << 30, "max_query_bytes"),
    yes_or_no<cluster_options, &Cluster::allow_pubsubshard_when_down>("cluster-allow-pubsubshard-when-down",
                                                                      "cluster_allow_pubsubshard_when_down"),
    yes_or_no<cluster_options, &Cluster::allow_reads_when_down>("cluster-allow-reads-when-down", "cluster_allow_reads_when_down"),
    fixed("cluster-allow-replica-migration", "yes"),
    number<cluster_options, &Cluster::announce_bus_port>("cluster-announce-bus-port", 0, 65'535, "cluster_announce_bus_port",
                                                         Change::at_start),
    as_it_is(at_start(
        "cluster-announce-hostname", [](const ServerOptions& options, const Parameter&) { return options.cluster.announce_hostname; },
        "cluster_announce_hostname")),
    fixed("cluster-announce-human-nodename", ""),
    as_it_is(at_start(
        "cluster-announce-ip", [](const ServerOptions& options, const Parameter&) { return options.cluster.announce_ip; },
        "cluster_announce_ip")),
    number<cluster_options, &Cluster::announce_port>("cluster-announce-port", 0, 65'535, "cluster_announce_port", Change::at_start),
    fixed("cluster-announce-tls-port", "0"),
    fixed("cluster-config-file", "nodes.conf"),
    at_start(
        "cluster-enabled",
        [](const ServerOptions& options, const Parameter&) { return std::string(options.cluster.enabled ? "yes" : "no"); },
        "cluster_enabled"),
    fixed("cluster-link-sendbuf-limit", "0"),
    fixed("cluster-migration-barrier", "1"),
    number<cluster_options, &Cluster::node_timeout_ms>("cluster-node-timeout", 100, 3'600'000, "cluster_node_timeout_ms"),
    fixed("cluster-port", "0"),
    {.name = "cluster-preferred-endpoint-type",
     .get = [](const ServerOptions& options, const Parameter&) { return std::string(name_of(options.cluster.preferred)); },
     .set = [](ServerOptions& options, std::string_view text,
               const Parameter&) { return read_preferred(text, options.cluster.preferred); }},
    fixed("cluster-replica-no-failover", "no"),
    fixed("cluster-replica-validity-factor", "10"),
    yes_or_no<cluster_options, &Cluster::require_full_coverage>("cluster-require-full-coverage", "cluster_require_full_coverage"),
    fixed("cluster-slave-no-failover", "no"),
    fixed("cluster-slave-validity-factor", "10"),
    fixed("crash-log-enabled", "yes"),
    fixed("crash-memcheck-enabled", "yes"),
    immutable("daemonize", "no"),
    at_start(
        "databases", [](const ServerOptions& options, const Parameter&) { return std::to_string(options.databases); }, "databases"),
    {.name = "dbfilename",
     .get = [](const ServerOptions& options, const Parameter&) { return options.save.file; },
     .set = refuse_protected,
     .setting = "rdb_file"},
    {.name = "dir",
     .get = [](const ServerOptions& options, const Parameter&) { return options.save.directory; },
     .set = refuse_protected,
     .setting = "data_dir"},
    fixed("disable-thp", "yes"),
    fixed("dynamic-hz", "yes"),
    at_start(
        "enable-debug-command", [](const ServerOptions& options, const Parameter&) { return std::string(name_of(options.debug_access)); },
        "enable_debug_command"),
    immutable("enable-module-command", "no"),
    immutable("enable-protected-configs", "no"),
    entries<&Thresholds::hash_listpack_entries>("hash-max-listpack-entries"),
    longest<&Thresholds::hash_listpack_value>("hash-max-listpack-value"),
    entries<&Thresholds::hash_listpack_entries>("hash-max-ziplist-entries"),
    longest<&Thresholds::hash_listpack_value>("hash-max-ziplist-value"),
    octets<&ServerOptions::sparse_sketch_octets_max>("hll-sparse-max-bytes", 0, 16'000),
    fixed("hz", "10"),
    fixed("ignore-warnings", ""),
    immutable("io-threads", "1"),
    immutable("io-threads-do-reads", "no"),
    fixed("jemalloc-bg-thread", "yes"),
    number<watch, &Watch::latency_threshold_ms>("latency-monitor-threshold", 0, long_most, "latency_monitor_threshold_ms"),
    yes_or_no<watch, &Watch::tracks_latency>("latency-tracking", "latency_tracking"),
    {.name = "latency-tracking-info-percentiles",
     .get = [](const ServerOptions& options, const Parameter&) { return show_percentiles(options.diagnostics.latency_percentiles); },
     .set = [](ServerOptions& options, std::string_view text,
               const Parameter&) { return read_percentiles(text, options.diagnostics.latency_percentiles); }},
    // Whatever is asked for, values end a little at a time.
    fixed("lazyfree-lazy-eviction", "yes"),
    fixed("lazyfree-lazy-expire", "yes"),
    fixed("lazyfree-lazy-server-del", "yes"),
    fixed("lazyfree-lazy-user-del", "yes"),
    fixed("lazyfree-lazy-user-flush", "yes"),
    number<memory, &Memory::lfu, &LfuSettings::decay_minutes>("lfu-decay-time", 0, int_most, "lfu_decay_minutes"),
    number<memory, &Memory::lfu, &LfuSettings::log_factor>("lfu-log-factor", 0, int_most, "lfu_log_factor"),
    // Taken, since it changes nothing that a client could see: lists are not compressed.
    number<&ServerOptions::list_compress_depth>("list-compress-depth", 0, int_most),
    nodes<&Thresholds::list_listpack_size>("list-max-listpack-size"),
    nodes<&Thresholds::list_listpack_size>("list-max-ziplist-size"),
    fixed("locale-collate", ""),
    immutable("logfile", ""),
    fixed("loglevel", "notice"),
    number<&ServerOptions::busy_reply_threshold_ms>("lua-time-limit", 0, long_most),
    secret(free_text<&Replication::password>("masterauth", "primary_password")),
    secret(free_text<&Replication::user>("masteruser", "primary_user")),
    number<&ServerOptions::clients_max>("maxclients", 1, std::numeric_limits<std::uint32_t>::max(), "max_clients"),
    octets<memory, &Memory::octets_max>("maxmemory", 0, long_most, "max_memory_bytes"),
    {.name = "maxmemory-clients",
     .get =
         [](const ServerOptions& options, const Parameter&) {
           const std::int64_t value = options.memory.clients_max;
           return value < 0 ? fmt::format("{}%", -value) : std::to_string(value);
         },
     .set = [](ServerOptions& options, std::string_view text,
               const Parameter&) { return read_octets_or_percent(text, options.memory.clients_max); },
     .setting = "max_memory_clients_bytes"},
    number<memory, &Memory::tenacity>("maxmemory-eviction-tenacity", 0, 100, "max_memory_eviction_tenacity"),
    {.name = "maxmemory-policy",
     .get = [](const ServerOptions& options, const Parameter&) { return std::string(name_of(options.memory.policy)); },
     .set = [](ServerOptions& options, std::string_view text, const Parameter&) { return read_policy(text, options.memory.policy); },
     .setting = "max_memory_policy"},
    number<memory, &Memory::samples>("maxmemory-samples", 1, int_most, "max_memory_samples"),
    number<replicas, &Replication::good_lag_seconds_max>("min-replicas-max-lag", 0, int_most, "min_replicas_max_lag_s"),
    number<replicas, &Replication::good_replicas_least>("min-replicas-to-write", 0, int_most, "min_replicas_to_write"),
    number<replicas, &Replication::good_lag_seconds_max>("min-slaves-max-lag", 0, int_most, "min_replicas_max_lag_s"),
    number<replicas, &Replication::good_replicas_least>("min-slaves-to-write", 0, int_most, "min_replicas_to_write"),
    yes_or_no<append_log, &Append::no_sync_on_rewrite>("no-appendfsync-on-rewrite", "append_no_sync_on_rewrite"),
    {.name = "notify-keyspace-events",
     .get = [](const ServerOptions& options, const Parameter&) { return options.notify.letters(); },
     .set =
         [](ServerOptions& options, std::string_view text, const Parameter&) {
           const auto settings = NotifySettings::parse(text);
           if (settings) options.notify = *settings;
           return settings ? std::string() : "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
         }},
    fixed("oom-score-adj", "no"),
    fixed("oom-score-adj-values", "0 200 800"),
    immutable("pidfile", ""),
    as_it_is(at_start(
        "port", [](const ServerOptions& options, const Parameter&) { return std::to_string(options.port); }, "address")),
    fixed("proc-title-template", "{title} {listen-addr} {server-mode}"),
    fixed("propagation-error-behavior", "ignore"),
    fixed("protected-mode", "no"),
    octets<&ServerOptions::bulk_octets_max>("proto-max-bulk-len", 1 << 20, bulk_octets_most, "max_bulk_bytes"),
    fixed("rdb-del-sync-files", "no"),
    fixed("rdb-save-incremental-fsync", "yes"),
    at_start(
        "rdbchecksum", [](const ServerOptions& options, const Parameter&) { return std::string(options.save.has_checksum ? "yes" : "no"); },
        "rdb_checksum"),
    yes_or_no<&ServerOptions::rdb, &rdb::WriteOptions::compresses>("rdbcompression", "rdb_compression"),
    octets<replicas, &Replication::backlog_octets>("repl-backlog-size", 1, long_most, "repl_backlog_bytes"),
    number<replicas, &Replication::backlog_seconds_max>("repl-backlog-ttl", 0, long_most, "repl_backlog_ttl_s"),
    fixed("repl-disable-tcp-nodelay", "no"),
    // All keys are loaded beside those that are there.
    fixed("repl-diskless-load", "swapdb"),
    yes_or_no<replicas, &Replication::is_diskless>("repl-diskless-sync", "repl_diskless_sync"),
    number<replicas, &Replication::sync_delay_seconds>("repl-diskless-sync-delay", 0, int_most, "repl_diskless_sync_delay_s"),
    number<replicas, &Replication::sync_replicas_max>("repl-diskless-sync-max-replicas", 0, int_most, "repl_diskless_sync_max_replicas"),
    number<replicas, &Replication::ping_seconds>("repl-ping-replica-period", 1, int_most, "repl_ping_period_s"),
    number<replicas, &Replication::ping_seconds>("repl-ping-slave-period", 1, int_most, "repl_ping_period_s"),
    number<replicas, &Replication::timeout_seconds>("repl-timeout", 1, int_most, "repl_timeout_s"),
    free_text<&Replication::announce_ip>("replica-announce-ip", "replica_announce_ip"),
    number<replicas, &Replication::announce_port>("replica-announce-port", 0, 65'535, "replica_announce_port"),
    yes_or_no<replicas, &Replication::is_announced>("replica-announced", "replica_announced"),
    fixed("replica-ignore-disk-write-errors", "no"),
    yes_or_no<replicas, &Replication::ignores_memory_limit>("replica-ignore-maxmemory", "replica_ignore_max_memory"),
    fixed("replica-lazy-flush", "yes"),
    number<replicas, &Replication::priority>("replica-priority", 0, int_most, "replica_priority"),
    yes_or_no<replicas, &Replication::is_read_only>("replica-read-only", "replica_read_only"),
    yes_or_no<replicas, &Replication::serves_stale_data>("replica-serve-stale-data", "replica_serve_stale_data"),
    followed("replicaof"),
    {.name = "requirepass",
     .get = [](const ServerOptions& options, const Parameter&) { return options.password; },
     .set =
         [](ServerOptions& options, std::string_view text, const Parameter&) {
           options.password = text;
           return std::string();
         },
     .is_secret = true,
     .setting = "password"},
    fixed("sanitize-dump-payload", "no"),
    {.name = "save",
     .get = [](const ServerOptions& options, const Parameter&) { return options.save.points; },
     .set =
         [](ServerOptions& options, std::string_view text, const Parameter&) {
           const auto points = parse_save_points(text);
           if (points) options.save.points = to_string(*points);
           return points ? std::string() : "Invalid save parameters";
         },
     .setting = "save"},
    immutable("server_cpulist", ""),
    entries<&Thresholds::set_intset_entries>("set-max-intset-entries"),
    entries<&Thresholds::set_listpack_entries>("set-max-listpack-entries"),
    longest<&Thresholds::set_listpack_value>("set-max-listpack-value"),
    immutable("set-proc-title", "yes"),
    fixed("shutdown-on-sigint", "default"),
    fixed("shutdown-on-sigterm", "default"),
    fixed("shutdown-timeout", "10"),
    free_text<&Replication::announce_ip>("slave-announce-ip", "replica_announce_ip"),
    number<replicas, &Replication::announce_port>("slave-announce-port", 0, 65'535, "replica_announce_port"),
    yes_or_no<replicas, &Replication::ignores_memory_limit>("slave-ignore-maxmemory", "replica_ignore_max_memory"),
    fixed("slave-lazy-flush", "yes"),
    number<replicas, &Replication::priority>("slave-priority", 0, int_most, "replica_priority"),
    yes_or_no<replicas, &Replication::is_read_only>("slave-read-only", "replica_read_only"),
    yes_or_no<replicas, &Replication::serves_stale_data>("slave-serve-stale-data", "replica_serve_stale_data"),
    followed("slaveof"),
    number<watch, &Watch::slow_us>("slowlog-log-slower-than", -1, long_most, "slowlog_slower_than_us"),
    number<watch, &Watch::slow_entries_max>("slowlog-max-len", 0, long_most, "slowlog_max_entries"),
    immutable("socket-mark-id", "0"),
    yes_or_no<&ServerOptions::save, &SaveOptions::stops_writes_on_error>("stop-writes-on-bgsave-error", "stop_writes_on_save_error"),
    longest<&Thresholds::stream_node_octets>("stream-node-max-bytes"),
    entries<&Thresholds::stream_node_entries>("stream-node-max-entries"),
    immutable("supervised", "no"),
    immutable("syslog-enabled", "no"),
    immutable("syslog-facility", "local0"),
    immutable("syslog-ident", "redis"),
    immutable("tcp-backlog", "1024"),
    fixed("tcp-keepalive", "300"),
    number<&ServerOptions::idle_seconds_max>("timeout", 0, int_most, "idle_timeout_s"),
    as_it_is(at_start(
        "tls-auth-clients",
        [](const ServerOptions& options, const Parameter&) { return std::string(options.tls.verify_peer ? "yes" : "no"); },
        "tls_verify_client")),
    fixed("tls-ca-cert-dir", ""),
    as_it_is(at_start(
        "tls-ca-cert-file", [](const ServerOptions& options, const Parameter&) { return options.tls.ca_file; }, "tls_ca_file")),
    as_it_is(at_start(
        "tls-cert-file", [](const ServerOptions& options, const Parameter&) { return options.tls.certificate_file; },
        "tls_certificate_file")),
    fixed("tls-ciphers", ""),
    fixed("tls-ciphersuites", ""),
    fixed("tls-client-cert-file", ""),
    fixed("tls-client-key-file", ""),
    fixed("tls-client-key-file-pass", ""),
    fixed("tls-cluster", "no"),
    fixed("tls-dh-params-file", ""),
    as_it_is(at_start(
        "tls-key-file", [](const ServerOptions& options, const Parameter&) { return options.tls.key_file; }, "tls_key_file")),
    fixed("tls-key-file-pass", ""),
    as_it_is(at_start(
        "tls-port", [](const ServerOptions& options, const Parameter&) { return std::to_string(options.secure_port); }, "secure_address")),
    fixed("tls-prefer-server-ciphers", "no"),
    fixed("tls-protocols", ""),
    yes_or_no<replicas, &Replication::uses_tls>("tls-replication", "repl_tls"),
    fixed("tls-session-cache-size", "20480"),
    fixed("tls-session-cache-timeout", "300"),
    fixed("tls-session-caching", "yes"),
    number<&ServerOptions::tracked_keys_max>("tracking-table-max-keys", 0, long_most, "tracking_table_max_keys"),
    immutable("unixsocket", ""),
    immutable("unixsocketperm", "0"),
    entries<&Thresholds::zset_listpack_entries>("zset-max-listpack-entries"),
    longest<&Thresholds::zset_listpack_value>("zset-max-listpack-value"),
    entries<&Thresholds::zset_listpack_entries>("zset-max-ziplist-entries"),
    longest<&Thresholds::zset_listpack_value>("zset-max-ziplist-value"),
});

}  // namespace

std::span<const Parameter> parameters() { return table; }

const Parameter* find_parameter(std::string_view name) {
  const std::string lower = base::lower(name);
  const auto* found = std::find_if(table.begin(), table.end(), [&](const Parameter& each) { return each.name == lower; });
  return found == table.end() ? nullptr : found;
}

}  // namespace chorus::cache
