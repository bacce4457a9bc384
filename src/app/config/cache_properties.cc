// The table [cache].
#include "app/config/bind.h"
#include "app/config/property.h"

namespace chorus::app {
namespace {

template <auto... Fields>
constexpr Property cache(Property property) {
  return bind<&Settings::cache, Fields...>(property);
}
template <auto... Fields>
constexpr Property cache_watch(Property property) {
  return bind<&Settings::cache, &cache::ServerOptions::diagnostics, Fields...>(property);
}
template <auto... Fields>
constexpr Property cache_saves(Property property) {
  return bind<&Settings::cache, &cache::ServerOptions::save, Fields...>(property);
}
template <auto... Fields>
constexpr Property cache_append(Property property) {
  return bind<&Settings::cache, &cache::ServerOptions::append, Fields...>(property);
}
template <auto... Fields>
constexpr Property cache_rdb(Property property) {
  return bind<&Settings::cache, &cache::ServerOptions::rdb, Fields...>(property);
}
template <auto... Fields>
constexpr Property cache_memory(Property property) {
  return bind<&Settings::cache, &cache::ServerOptions::memory, Fields...>(property);
}

template <auto... Fields>
constexpr Property cache_cluster(Property property) {
  return bind<&Settings::cache, &cache::ServerOptions::cluster, Fields...>(property);
}

template <auto... Fields>
constexpr Property cache_replication(Property property) {
  return bind<&Settings::cache, &cache::ServerOptions::replication, Fields...>(property);
}

constexpr Property table[] = {
    cache<&cache::Options::address>(
        {.key = "cache.address", .help = "Where Redis' clients connect (bind and port); needed where the role cache is."}),
    cache<&cache::Options::secure_address>(
        {.key = "cache.secure_address",
         .help = "Where they connect with TLS (tls-port); empty: nowhere. Needs tls_certificate_file and tls_key_file."}),
    cache<&cache::ServerOptions::tls, &world::TlsOptions::certificate_file>(
        {.key = "cache.tls_certificate_file", .help = "PEM: this server's certificate, then its chain (tls-cert-file)."}),
    cache<&cache::ServerOptions::tls, &world::TlsOptions::key_file>(
        {.key = "cache.tls_key_file", .help = "PEM: the certificate's private key (tls-key-file)."}),
    cache<&cache::ServerOptions::tls, &world::TlsOptions::ca_file>(
        {.key = "cache.tls_ca_file", .help = "PEM: who may sign the certificates of clients (tls-ca-cert-file)."}),
    cache<&cache::ServerOptions::tls, &world::TlsOptions::verify_peer>(
        {.key = "cache.tls_verify_client",
         .help = "Demands a certificate, signed by tls_ca_file, of every TLS client (tls-auth-clients)."}),
    cache<&cache::ServerOptions::databases>(
        {.key = "cache.databases", .help = "How many databases SELECT may choose from (databases).", .min = 1, .max = 1024}),
    cache<&cache::ServerOptions::password>(
        {.key = "cache.password", .help = "What AUTH must give (requirepass); empty: nothing.", .secret = true}),
    cache<&cache::ServerOptions::acl_file>(
        {.key = "cache.acl_file",
         .help = "Users are read from it when the node starts, and by ACL LOAD; ACL SAVE writes it (aclfile). Empty: there is none."}),
    cache<&cache::ServerOptions::clients_max>(
        {.key = "cache.max_clients", .help = "Connections at a time (maxclients).", .min = 1, .max = 10'000'000}),
    cache<&cache::ServerOptions::bulk_octets_max>({.key = "cache.max_bulk_bytes",
                                                   .help = "The longest argument, and the longest string (proto-max-bulk-len).",
                                                   .min = 1 << 20,
                                                   .max = unlimited}),
    cache<&cache::ServerOptions::query_octets_max>(
        {.key = "cache.max_query_bytes",
         .help = "The longest request, or all those of a transaction; a client that sends more is cut off (client-query-buffer-limit).",
         .min = 1 << 20,
         .max = 64LL << 30}),
    cache_memory<&cache::MemoryOptions::octets_max>(
        {.key = "cache.max_memory_bytes",
         .help = "Keys, values and what clients take together; beyond it keys go by max_memory_policy (maxmemory). 0: no limit.",
         .max = std::int64_t{1} << 50}),
    cache_memory<&cache::MemoryOptions::policy>(
        {.key = "cache.max_memory_policy",
         .help =
             "Which keys go: of all or of those that expire (volatile), by last use, by uses, by chance, by time of expiry; or none, and "
             "writes are refused (maxmemory-policy).",
         .choices = "volatile-lru|volatile-lfu|volatile-random|volatile-ttl|allkeys-lru|allkeys-lfu|allkeys-random|noeviction"}),
    cache_memory<&cache::MemoryOptions::samples>({.key = "cache.max_memory_samples",
                                                  .help = "Keys that are compared for each one that goes (maxmemory-samples).",
                                                  .min = 1,
                                                  .max = 64}),
    cache_memory<&cache::MemoryOptions::tenacity>(
        {.key = "cache.max_memory_eviction_tenacity",
         .help =
             "How long a command may wait for keys to go: 50 us for each point up to 10, from there 15% more with each; 100: without end "
             "(maxmemory-eviction-tenacity).",
         .max = 100}),
    cache_memory<&cache::MemoryOptions::clients_max>(
        {.key = "cache.max_memory_clients_bytes",
         .help =
             "What all clients may take; beyond it the largest are let go. Negative: percent of max_memory_bytes (maxmemory-clients). 0: "
             "no limit.",
         .min = -100,
         .max = std::int64_t{1} << 50}),
    cache_memory<&cache::MemoryOptions::lfu, &cache::LfuSettings::log_factor>(
        {.key = "cache.lfu_log_factor",
         .help = "Under LFU: how many uses it takes to count a key one higher (lfu-log-factor).",
         .max = unlimited}),
    cache_memory<&cache::MemoryOptions::lfu, &cache::LfuSettings::decay_minutes>(
        {.key = "cache.lfu_decay_minutes",
         .help = "Under LFU: after how many minutes without use a key counts one less; 0: never (lfu-decay-time).",
         .max = unlimited}),
    cache<&cache::ServerOptions::idle_seconds_max>(
        {.key = "cache.idle_timeout_s", .help = "A client that asks for nothing so long is let go (timeout); 0: never.", .max = unlimited}),
    cache_watch<&cache::DiagnosticsOptions::slow_us>(
        {.key = "cache.slowlog_slower_than_us",
         .help = "Commands that take so long are kept for SLOWLOG (slowlog-log-slower-than); -1: none.",
         .min = -1,
         .max = std::int64_t{1} << 50}),
    cache_watch<&cache::DiagnosticsOptions::slow_entries_max>(
        {.key = "cache.slowlog_max_entries", .help = "How many of them (slowlog-max-len).", .max = 1'000'000}),
    cache_watch<&cache::DiagnosticsOptions::latency_threshold_ms>(
        {.key = "cache.latency_monitor_threshold_ms",
         .help = "What takes so long is kept for LATENCY (latency-monitor-threshold); 0: nothing.",
         .max = unlimited}),
    cache_watch<&cache::DiagnosticsOptions::tracks_latency>(
        {.key = "cache.latency_tracking", .help = "A histogram of its latency for each command (latency-tracking)."}),
    cache<&cache::ServerOptions::tracked_keys_max>(
        {.key = "cache.tracking_table_max_keys",
         .help = "Keys that are remembered for clients that keep some (tracking-table-max-keys); 0: no limit.",
         .max = std::int64_t{1} << 40}),
    cache<&cache::ServerOptions::debug_access>(
        {.key = "cache.enable_debug_command",
         .help = "Who may use DEBUG: nobody, everybody, or those on this machine (enable-debug-command).",
         .choices = "no|yes|local"}),
    cache_saves<&cache::SaveOptions::directory>({.key = "cache.data_dir", .help = "The snapshot lives there (dir)."}),
    cache_saves<&cache::SaveOptions::file>({.key = "cache.rdb_file", .help = "Its name (dbfilename)."}),
    cache_saves<&cache::SaveOptions::points>(
        {.key = "cache.save",
         .help = "When a snapshot is taken: \"seconds changes\", any number of times (save); also when the node ends. Empty: never."}),
    cache_saves<&cache::SaveOptions::has_checksum>({.key = "cache.rdb_checksum", .help = "Snapshots end with a checksum (rdbchecksum)."}),
    cache_saves<&cache::SaveOptions::stops_writes_on_error>(
        {.key = "cache.stop_writes_on_save_error",
         .help = "Writes are refused after a snapshot that failed, until one succeeds (stop-writes-on-bgsave-error)."}),
    cache_rdb<&cache::rdb::WriteOptions::compresses>(
        {.key = "cache.rdb_compression", .help = "Strings above 20 octets are compressed in files and by DUMP (rdbcompression)."}),
    cache_rdb<&cache::rdb::WriteOptions::version>(
        {.key = "cache.rdb_version",
         .help = "The version of files and of what DUMP gives: 11 is Redis 7.2's and Valkey's; 10 can be read by Redis 7.0 as well.",
         .min = 10,
         .max = 11}),
    cache_replication<&cache::replication::Options::primary>({.key = "cache.replica_of",
                                                              .help = "\"host port\" of the server that this one follows, Redis or Chorus "
                                                                      "(replicaof); empty: none. REPLICAOF changes it while it runs."}),
    cache_replication<&cache::replication::Options::user>(
        {.key = "cache.primary_user", .help = "Who this server is to the one that it follows (masteruser); empty: the default user."}),
    cache_replication<&cache::replication::Options::password>(
        {.key = "cache.primary_password", .help = "And the password (masterauth); empty: none is given.", .secret = true}),
    cache_replication<&cache::replication::Options::is_read_only>(
        {.key = "cache.replica_read_only", .help = "A server that follows another takes no writes of clients (replica-read-only)."}),
    cache_replication<&cache::replication::Options::serves_stale_data>(
        {.key = "cache.replica_serve_stale_data",
         .help = "It answers also while it has no connection to the other; else with MASTERDOWN (replica-serve-stale-data)."}),
    cache_replication<&cache::replication::Options::ignores_memory_limit>(
        {.key = "cache.replica_ignore_max_memory",
         .help = "It keeps what the other keeps, whatever max_memory_bytes is (replica-ignore-maxmemory)."}),
    cache_replication<&cache::replication::Options::priority>(
        {.key = "cache.replica_priority", .help = "Shown to Redis Sentinel by INFO (replica-priority).", .max = unlimited}),
    cache_replication<&cache::replication::Options::announce_ip>(
        {.key = "cache.replica_announce_ip",
         .help = "Where it says that clients reach it (replica-announce-ip); empty: where its connection comes from."}),
    cache_replication<&cache::replication::Options::announce_port>(
        {.key = "cache.replica_announce_port", .help = "And the port (replica-announce-port); 0: that of address.", .max = 65'535}),
    cache_replication<&cache::replication::Options::is_announced>(
        {.key = "cache.replica_announced", .help = "Whether Redis Sentinel is to show it (replica-announced)."}),
    cache_replication<&cache::replication::Options::uses_tls>(
        {.key = "cache.repl_tls",
         .help =
             "The server that is followed is connected to inside TLS (tls-replication); it has to show a certificate that tls_ca_file has "
             "signed, and is shown tls_certificate_file."}),
    cache_replication<&cache::replication::Options::backlog_octets>(
        {.key = "cache.repl_backlog_bytes",
         .help = "Of the stream of changes, kept for replicas that come back after a break (repl-backlog-size).",
         .min = 1,
         .max = std::int64_t{1} << 40}),
    cache_replication<&cache::replication::Options::backlog_seconds_max>(
        {.key = "cache.repl_backlog_ttl_s",
         .help = "How long it is kept when nobody follows (repl-backlog-ttl); 0: for ever.",
         .max = unlimited}),
    cache_replication<&cache::replication::Options::ping_seconds>(
        {.key = "cache.repl_ping_period_s",
         .help = "How often replicas hear that it is there (repl-ping-replica-period).",
         .min = 1,
         .max = unlimited}),
    cache_replication<&cache::replication::Options::timeout_seconds>(
        {.key = "cache.repl_timeout_s",
         .help = "Whoever at the other end says nothing for so long is given up, on both sides (repl-timeout).",
         .min = 1,
         .max = unlimited}),
    cache_replication<&cache::replication::Options::is_diskless>(
        {.key = "cache.repl_diskless_sync",
         .help =
             "All keys are sent to replicas as they are read; else through a file in data_dir, as for replicas that have to know its size "
             "(repl-diskless-sync)."}),
    cache_replication<&cache::replication::Options::sync_delay_seconds>(
        {.key = "cache.repl_diskless_sync_delay_s",
         .help = "How long replicas wait for others that need all keys as well, to be sent them together (repl-diskless-sync-delay).",
         .max = unlimited}),
    cache_replication<&cache::replication::Options::sync_replicas_max>(
        {.key = "cache.repl_diskless_sync_max_replicas",
         .help = "With so many of them it begins at once (repl-diskless-sync-max-replicas); 0: never before the time is over.",
         .max = unlimited}),
    cache_replication<&cache::replication::Options::good_replicas_least>(
        {.key = "cache.min_replicas_to_write",
         .help = "Writes are refused with NOREPLICAS while fewer replicas keep up (min-replicas-to-write).",
         .max = unlimited}),
    cache_replication<&cache::replication::Options::good_lag_seconds_max>(
        {.key = "cache.min_replicas_max_lag_s",
         .help = "One that was heard of within so many seconds keeps up (min-replicas-max-lag); 0: none is asked for.",
         .max = unlimited}),
    cache_append<&cache::AppendOptions::is_on>(
        {.key = "cache.append_only",
         .help = "Every write goes to an append log, which is read at the start in place of the snapshot (appendonly)."}),
    cache_append<&cache::AppendOptions::sync>(
        {.key = "cache.append_sync",
         .help = "When the log is synced: before the reply to a write (always), each second, or as the system likes (appendfsync).",
         .choices = "no|always|everysec"}),
    cache_append<&cache::AppendOptions::directory>(
        {.key = "cache.append_dir", .help = "Where the log's files are, within data_dir (appenddirname)."}),
    cache_append<&cache::AppendOptions::file>({.key = "cache.append_file", .help = "What their names begin with (appendfilename)."}),
    cache_append<&cache::AppendOptions::no_sync_on_rewrite>(
        {.key = "cache.append_no_sync_on_rewrite",
         .help = "Under everysec the log is not synced while it is rewritten (no-appendfsync-on-rewrite)."}),
    cache_append<&cache::AppendOptions::rewrite_percentage>(
        {.key = "cache.append_rewrite_percentage",
         .help =
             "A log that has grown by so much since it was rewritten is rewritten (auto-aof-rewrite-percentage); 0: only by BGREWRITEAOF.",
         .max = unlimited}),
    cache_append<&cache::AppendOptions::rewrite_octets_min>({.key = "cache.append_rewrite_min_bytes",
                                                             .help = "But not before it is larger than this (auto-aof-rewrite-min-size).",
                                                             .max = std::int64_t{1} << 50}),
    cache_append<&cache::AppendOptions::loads_truncated>(
        {.key = "cache.append_load_truncated",
         .help = "An end of the log that a crash cut short is cut off at the start, and said; else the node does not start "
                 "(aof-load-truncated)."}),
    cache_append<&cache::AppendOptions::has_timestamps>(
        {.key = "cache.append_timestamps",
         .help = "The time is noted in the log, each second in which there is something (aof-timestamp-enabled)."}),
    cache_append<&cache::AppendOptions::syncs_rewrite>(
        {.key = "cache.append_incremental_sync",
         .help = "A log that is rewritten is synced every 4 MiB, not all of it at the end (aof-rewrite-incremental-fsync)."}),
    cache_cluster<&cache::cluster::Options::enabled>(
        {.key = "cache.cluster_enabled", .help = "This is a node of a cluster, which is kept in the tree (cluster-enabled)."}),
    cache_cluster<&cache::cluster::Options::name>(
        {.key = "cache.cluster_name",
         .help = "Its cluster's name in the tree: /chorus/cache/NAME. Nodes of another name know nothing of it."}),
    cache<&cache::Options::cluster_config_file>(
        {.key = "cache.cluster_config_file", .help = "Where a node of a cluster keeps its id (cluster-config-file); each needs its own."}),
    cache_cluster<&cache::cluster::Options::announce_ip>(
        {.key = "cache.cluster_announce_ip", .help = "What clients are told to connect to (cluster-announce-ip); empty: that of address."}),
    cache_cluster<&cache::cluster::Options::announce_port>(
        {.key = "cache.cluster_announce_port", .help = "And the port (cluster-announce-port); 0: that of address.", .max = 65'535}),
    cache_cluster<&cache::cluster::Options::announce_bus_port>(
        {.key = "cache.cluster_announce_bus_port",
         .help = "Shown to clients, which expect one (cluster-announce-bus-port); nothing listens there. 0: 10,000 above the port.",
         .max = 65'535}),
    cache_cluster<&cache::cluster::Options::announce_hostname>(
        {.key = "cache.cluster_announce_hostname",
         .help = "Shown to clients beside the address (cluster-announce-hostname); empty: none."}),
    cache_cluster<&cache::cluster::Options::node_timeout_ms>(
        {.key = "cache.cluster_node_timeout_ms",
         .help = "A node that cannot reach the tree for this long serves no more, and one that is gone counts as failed then "
                 "(cluster-node-timeout).",
         .min = 100,
         .max = 3'600'000}),
    cache_cluster<&cache::cluster::Options::require_full_coverage>(
        {.key = "cache.cluster_require_full_coverage",
         .help = "No node serves while a slot has no owner that runs (cluster-require-full-coverage)."}),
    cache_cluster<&cache::cluster::Options::rebalances>(
        {.key = "cache.cluster_rebalance",
         .help = "Nodes that are started become members, and slots move until each has its share; the same on all nodes."}),
    cache_cluster<&cache::cluster::Options::allow_reads_when_down>(
        {.key = "cache.cluster_allow_reads_when_down", .help = "Reads are served even then (cluster-allow-reads-when-down)."}),
    cache_cluster<&cache::cluster::Options::allow_pubsubshard_when_down>(
        {.key = "cache.cluster_allow_pubsubshard_when_down",
         .help = "Sharded channels are served even then (cluster-allow-pubsubshard-when-down)."}),
};

}  // namespace

std::span<const Property> cache_properties() { return table; }

}  // namespace chorus::app
