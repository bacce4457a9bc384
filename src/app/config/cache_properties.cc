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
constexpr Property cache_rdb(Property property) {
  return bind<&Settings::cache, &cache::ServerOptions::rdb, Fields...>(property);
}
template <auto... Fields>
constexpr Property cache_memory(Property property) {
  return bind<&Settings::cache, &cache::ServerOptions::memory, Fields...>(property);
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
};

}  // namespace

std::span<const Property> cache_properties() { return table; }

}  // namespace chorus::app
