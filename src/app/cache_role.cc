#include "app/cache_role.h"

#include <spdlog/spdlog.h>

#include <mutex>
#include <thread>
#include <utility>

#include "world/real/reactor.h"

namespace chorus::app {

class CacheRole::Impl {
 public:
  Impl() : reactor_("chorus-ca") {}
  ~Impl() {
    reactor_.stop();
    if (thread_.joinable()) thread_.join();
    node_.reset();
  }

  base::Result<void, std::string> start(cache::Options options, std::function<void(const std::string&)> failed,
                                        std::function<void()> ends) {
    options.let_others_in = [this] { reactor_.let_others_in(); };
    auto node = cache::Node::start(reactor_, std::move(options), *spdlog::default_logger());
    if (!node) return std::unexpected(node.error() + " (cache.address, cache.secure_address)");
    node_ = std::move(*node);
    node_->on_failure(std::move(failed));
    node_->on_shutdown(std::move(ends));
    note_facts();
    thread_ = std::thread([this] { reactor_.run(); });
    return {};
  }

  void stop(std::function<void()> done) {
    reactor_.post([this, done = std::move(done)] { node_->stop(done); });
  }

  cache::Facts facts() const {
    const std::lock_guard lock(mutex_);
    return facts_;
  }

 private:
  // Read by the thread that answers scrapes: the one thing that both touch.
  void note_facts() {
    {
      const std::lock_guard lock(mutex_);
      facts_ = node_->facts();
    }
    reactor_.after(std::chrono::milliseconds(200), [this] { note_facts(); });
  }

  world::real::Reactor reactor_;
  std::unique_ptr<cache::Node> node_;
  std::thread thread_;
  mutable std::mutex mutex_;
  cache::Facts facts_;
};

CacheRole::CacheRole(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CacheRole::~CacheRole() = default;

base::Result<std::unique_ptr<CacheRole>, std::string> CacheRole::start(cache::Options options,
                                                                       std::function<void(const std::string&)> failed,
                                                                       std::function<void()> ends) {
  auto impl = std::make_unique<Impl>();
  if (auto started = impl->start(std::move(options), std::move(failed), std::move(ends)); !started) return std::unexpected(started.error());
  return std::unique_ptr<CacheRole>(new CacheRole(std::move(impl)));
}

void CacheRole::stop(std::function<void()> done) { impl_->stop(std::move(done)); }
cache::Facts CacheRole::facts() const { return impl_->facts(); }

void collect_cache(const cache::Facts& facts, admin::MetricWriter& out) {
  const auto number = [](auto value) { return static_cast<double>(value); };
  out.gauge("chorus_cache_clients", "Connections of Redis' clients.", number(facts.clients));
  out.gauge("chorus_cache_blocked_clients", "Of these, how many wait for a key.", number(facts.blocked_clients));
  out.gauge("chorus_cache_keys", "Keys of all databases.", number(facts.keys));
  out.gauge("chorus_cache_expiring_keys", "Of these, how many have a time of expiry.", number(facts.expiring_keys));
  out.gauge("chorus_cache_memory_bytes", "What keys and values take, the allocator's overhead included.", number(facts.memory_used));
  out.gauge("chorus_cache_memory_peak_bytes", "The most that it was.", number(facts.memory_peak));
  if (facts.in_cluster) {
    out.gauge("chorus_cache_cluster_ok", "1: this node has its lease, and all slots are served as far as that is asked for.",
              facts.cluster_ok ? 1 : 0);
    out.gauge("chorus_cache_cluster_slots", "Slots that this node owns.", number(facts.cluster_slots));
    out.gauge("chorus_cache_cluster_members", "Members of the cluster.", number(facts.cluster_members));
    out.gauge("chorus_cache_cluster_members_failed", "Of these, how many do not run.", number(facts.cluster_members_failed));
    out.counter("chorus_cache_cluster_handovers_total", "Moves of slots from this node to another.", number(facts.handovers.done),
                {{"result", "done"}});
    out.counter("chorus_cache_cluster_handovers_total", "Moves of slots from this node to another.", number(facts.handovers.failed),
                {{"result", "failed"}});
    out.counter("chorus_cache_cluster_handover_bytes_total", "Octets sent by them.", number(facts.handovers.octets));
    out.gauge("chorus_cache_cluster_handover_pause_seconds", "How long the last one held back requests for its slots.",
              static_cast<double>(facts.handovers.pause_us_last) / 1e6);
    out.gauge("chorus_cache_cluster_handover_pause_seconds_max", "The longest since the start.",
              static_cast<double>(facts.handovers.pause_us_max) / 1e6);
  }
  out.counter("chorus_cache_connections_total", "Connections taken.", number(facts.statistics.connections));
  out.counter("chorus_cache_refused_connections_total", "Connections beyond cache.max_clients.",
              number(facts.statistics.connections_refused));
  out.counter("chorus_cache_commands_total", "Commands run.", number(facts.statistics.commands));
  out.counter("chorus_cache_errors_total", "Errors replied.", number(facts.statistics.errors));
  out.counter("chorus_cache_in_bytes_total", "Octets of requests.", number(facts.statistics.octets_in));
  out.counter("chorus_cache_out_bytes_total", "Octets of replies.", number(facts.statistics.octets_out));
  out.counter("chorus_cache_hits_total", "Reads of keys that were there.", number(facts.statistics.hits));
  out.counter("chorus_cache_misses_total", "Reads of keys that were not.", number(facts.statistics.misses));
  out.gauge("chorus_cache_clients_memory_bytes", "What connections take: queries, replies, transactions.", number(facts.clients_memory));
  out.counter("chorus_cache_evicted_keys_total", "Keys that went for the limit of memory.", number(facts.statistics.evicted_keys));
  out.counter("chorus_cache_evicted_clients_total", "Connections that were ended for the limit of clients' memory.",
              number(facts.statistics.evicted_clients));
  out.counter("chorus_cache_expired_keys_total", "Keys whose time was over.", number(facts.statistics.expired_keys));
  out.gauge("chorus_cache_is_replica", "1: this server follows another.", facts.is_replica ? 1 : 0);
  if (facts.is_replica) {
    out.gauge("chorus_cache_primary_up", "1: it has the stream of the one that it follows.", facts.is_primary_up ? 1 : 0);
    out.gauge("chorus_cache_primary_loading", "1: it is sent all keys.", facts.is_primary_loading ? 1 : 0);
  }
  out.gauge("chorus_cache_replicas", "Servers that follow this one.", number(facts.replicas));
  out.gauge("chorus_cache_replicas_online", "Of these, how many have the stream.", number(facts.replicas_online));
  out.gauge("chorus_cache_replica_lag_bytes_max", "Of the stream, what the slowest of these has not acknowledged.",
            number(facts.replica_lag_octets_max));
  out.gauge("chorus_cache_replication_offset_bytes", "The end of the stream.", number(facts.stream_end));
  out.gauge("chorus_cache_replication_backlog_bytes", "Of the stream, what is kept.", number(facts.backlog_octets));
  out.counter("chorus_cache_full_syncs_total", "Replicas that needed all keys.", number(facts.full_syncs));
  out.counter("chorus_cache_partial_syncs_total", "Replicas that came back.", number(facts.partial_syncs), {{"result", "ok"}});
  out.counter("chorus_cache_partial_syncs_total", "Replicas that came back.", number(facts.partial_syncs_refused), {{"result", "refused"}});
  out.gauge("chorus_cache_append_log_bytes", "Octets of the append log's files; 0: it is off.", number(facts.append.octets));
  out.gauge("chorus_cache_append_log_buffer_bytes", "Octets of it that are not written yet.", number(facts.append.buffer_octets));
  out.gauge("chorus_cache_append_log_failed", "1: it cannot be written, and writes are refused.", facts.append.error.empty() ? 0 : 1);
  out.counter("chorus_cache_append_log_syncs_total", "Times that it was synced.", number(facts.append.syncs));
  out.counter("chorus_cache_append_log_rewrites_total", "Times that a new base of it was begun.", number(facts.append.rewrites));
  out.counter("chorus_cache_snapshots_total", "Snapshots that were kept.", number(facts.save.saves));
  out.gauge("chorus_cache_snapshot_failed", "1: the last one could not be kept, and writes may be refused.", facts.save.has_failed ? 1 : 0);
  out.gauge("chorus_cache_unsaved_changes", "Changes that no snapshot has.", number(facts.save.changes));
}

}  // namespace chorus::app
