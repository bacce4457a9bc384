#include "coord/zk/monitor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "coord/zk/four_letter.h"

namespace chorus::coord::zk {
namespace {

using base::QuantileSummary;
using base::Summary;

// What cannot happen here, or waits for nothing: there is no cache of responses, no throttle that turns requests away, no queue between
// threads, no virtual machine that stops, no observer that follows another follower, and no restoring under service.
constexpr std::array never_counted = {"throttled_ops",
                                      "large_requests_rejected",
                                      "response_packet_cache_hits",
                                      "response_packet_cache_misses",
                                      "response_packet_get_children_cache_hits",
                                      "response_packet_get_children_cache_misses",
                                      "add_dead_watcher_stall_time",
                                      "dead_watchers_queued",
                                      "dead_watchers_cleared",
                                      "ensemble_auth_success",
                                      "ensemble_auth_fail",
                                      "ensemble_auth_skip",
                                      "tls_handshake_exceeded",
                                      "insecure_admin_count",
                                      "skip_learner_request_to_next_processor_count",
                                      "requests_not_forwarded_to_commit_processor",
                                      "quit_leading_due_to_disloyal_voter",
                                      "unrecoverable_error_count",
                                      "snapshot_rate_limited_count",
                                      "restore_error_count",
                                      "restore_rate_limited_count"};
constexpr std::array never_measured = {"restore_time",
                                       "socket_closing_time",
                                       "connection_token_deficit",
                                       "netty_queued_buffer_capacity",
                                       "prep_processor_queue_size",
                                       "learner_request_processor_queue_size",
                                       "concurrent_request_processing_in_commit_processor",
                                       "time_waiting_empty_pool_in_commit_processor_read_ms"};
constexpr std::array never_measured_in_quantiles = {"prep_processor_queue_time_ms", "dead_watchers_cleaner_latency", "jvm_pause_time_ms",
                                                    "om_commit_process_time_ms", "om_proposal_process_time_ms"};

class Collection {
 public:
  void add(std::string_view name, std::string text) { out_.values.push_back({std::string(name), std::move(text)}); }
  template <std::integral T>
  void add(std::string_view name, T value) {
    add(name, std::to_string(value));
  }
  void family(std::string_view name, const Summary& summary, std::string key = {}) {
    out_.families.push_back({name, std::move(key), summary, {}});
  }
  void family(std::string_view name, const QuantileSummary& summary, std::string key = {}) {
    std::vector<Monitor::Quantile> quantiles;
    for (const auto& [prefix, rank] : {std::pair("p50", 0.5), {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}})
      quantiles.push_back({prefix, rank, summary.quantile(rank)});
    out_.families.push_back({name, std::move(key), summary, std::move(quantiles)});
  }
  Monitor take() { return std::move(out_); }

 private:
  Monitor out_;
};

Summary constant(std::int64_t value, std::int64_t times) {
  Summary summary;
  summary.add(value, times);
  return summary;
}
QuantileSummary zeros(std::int64_t times) {
  QuantileSummary summary;
  summary.add(0, times);
  return summary;
}

bool leads(const QuorumFacts& quorum) { return quorum.role == zab::Role::leading; }

void add_role(Collection& out, const QuorumFacts& quorum) {
  // Only those that serve are asked, so the last part is always this. source: QuorumPeer.getDetailedPeerState
  out.add("peer_state", leads(quorum)                         ? "leading - broadcast"
                        : quorum.role == zab::Role::following ? "following - broadcast"
                                                              : "observing - broadcast");
  if (quorum.role == zab::Role::observing) out.add("observer_master_id", quorum.leader);
}

/// source: QuorumZooKeeperServer, LeaderZooKeeperServer (registerMetrics)
void add_ensemble(Collection& out, const QuorumFacts& quorum) {
  out.add("quorum_size", quorum.config.voters());
  if (!leads(quorum)) return;
  const QuorumStatistics& q = quorum.statistics;
  const auto count = [&](auto which) { return std::ranges::count_if(quorum.learners, which); };
  out.add("learners", quorum.learners.size());
  out.add("synced_followers", count([](const zab::LearnerFacts& l) { return l.is_synced && !l.is_observer; }));
  out.add("synced_non_voting_followers",
          count([&](const zab::LearnerFacts& l) { return l.is_synced && !l.is_observer && !quorum.config.is_voter(l.id); }));
  out.add("synced_observers", count([](const zab::LearnerFacts& l) { return l.is_synced && l.is_observer; }));
  out.add("pending_syncs", quorum.pending_syncs);
  out.add("leader_uptime", quorum.leader_uptime.count());
  out.add("last_proposal_size", q.last_proposal_octets);
  out.add("min_proposal_size", q.min_proposal_octets);
  out.add("max_proposal_size", q.max_proposal_octets);
  for (const auto& [id, queue] : quorum.queues) {
    out.family("learner_handler_qp_size", queue.packets, std::to_string(id));
    out.family("learner_handler_qp_time_ms", queue.time_ms, std::to_string(id));
  }
}

void add_agreement(Collection& out, const QuorumStatistics& q) {
  out.add("looking_count", q.looking);
  out.add("commit_count", q.commits);
  out.add("learner_proposal_received_count", q.learner_proposals);
  out.add("learner_commit_received_count", q.learner_commits);
  out.add("diff_count", q.diffs_sent);
  out.family("inflight_snap_count", q.snapshots_under_way);
  out.family("inflight_diff_count", q.diffs_under_way);
  out.family("election_time", q.election);
  out.family("unavailable_time", q.unavailable);
  out.family("leader_unavailable_time", q.leader_unavailable);
  out.family("follower_sync_time", q.follower_sync);
  out.family("observer_sync_time", q.observer_sync);
  out.family("proposal_process_time", q.proposal_time);
  out.family("proposal_latency", q.proposal);
  out.family("proposal_ack_creation_latency", q.ack_creation);
  out.family("quorum_ack_latency", q.quorum_ack);
  out.family("commit_propagation_latency", q.commit_propagation);
  out.family("propagation_latency", q.propagation);
}

/// source: ZooKeeperServer.registerMetrics, ServerStats
void add_service(Collection& out, const Server& server, const ProcessFacts& facts) {
  const Statistics& s = server.statistics();
  const Database& database = server.database();
  out.add("ephemerals_count", database.tree.ephemeral_count());
  out.add("num_alive_connections", server.connections().size());
  out.add("avg_latency", decimal(s.latency.average()));
  out.add("max_latency", s.latency.max);
  out.add("min_latency", s.latency.min);
  out.add("outstanding_requests", server.outstanding());
  out.add("znode_count", database.tree.size() + 1);
  out.add("global_sessions", database.sessions.size());
  out.add("local_sessions", server.local_sessions().size());
  out.add("watch_count", server.watches().count());
  out.add("packets_sent", s.packets_sent);
  out.add("packets_received", s.packets_received);
  out.add("approximate_data_size", database.tree.data_size());
  out.add("open_file_descriptor_count", facts.open_files);
  out.add("max_file_descriptor_count", facts.open_files_max);
  out.add("uptime", facts.uptime.count());
  out.add("last_client_response_size", s.last_response_octets);
  out.add("min_client_response_size", s.min_response_octets);
  out.add("max_client_response_size", s.max_response_octets);
  out.add("auth_failed_count", s.auth_failures);
  out.add("non_mtls_local_conn_count", s.plain_connections_local);
  out.add("non_mtls_remote_conn_count", s.plain_connections_remote);
  out.add("outstanding_tls_handshake", facts.handshakes.under_way);
  out.add("unsuccessful_handshake", facts.handshakes.failed);
  out.add("connection_drop_probability", "0.0");
}

void add_requests(Collection& out, const Statistics& s, const NodeStatistics& node) {
  out.add("connection_rejected", s.connections_rejected);
  out.add("connection_request_count", s.connection_requests);
  out.add("connection_drop_count", s.connection_drops);
  out.add("connection_revalidate_count", s.revalidations);
  out.add("cnxn_closed_without_zk_server_running", node.closed_without_service);
  out.add("sessionless_connections_expired", s.sessionless_connections_expired);
  out.add("stale_sessions_expired", s.stale_sessions_expired);
  out.add("stale_requests", s.stale_requests);
  out.add("stale_requests_dropped", s.stale_requests);
  out.add("stale_replies", s.stale_replies);
  out.add("request_throttle_wait_count", s.pauses);
  out.add("bytes_received_count", s.octets_received);
  out.add("response_bytes", s.octets_sent);
  out.add("watch_bytes", s.watch_octets_sent);
  out.family("node_created_watch_count", s.watches_fired_created);
  out.family("node_deleted_watch_count", s.watches_fired_deleted);
  out.family("node_changed_watch_count", s.watches_fired_changed);
  out.family("node_children_watch_count", s.watches_fired_children);
  out.family("readlatency", s.read_latency);
  out.family("updatelatency", s.update_latency);
  out.family("request_throttle_queue_time_ms", s.pause_time);
  for (const auto& [name, summary] : s.reads.all()) out.family("read_per_namespace", summary, name);
  for (const auto& [name, summary] : s.writes.all()) out.family("write_per_namespace", summary, name);
}

/// The way of a write, under the names of Java's stages. source: PrepRequestProcessor, CommitProcessor, FinalRequestProcessor
void add_stages(Collection& out, const Statistics& s, const NodeStatistics& node) {
  out.add("prep_processor_request_queued", s.prepared);
  out.add("outstanding_changes_queued", s.changes_queued);
  out.add("outstanding_changes_removed", s.changes_removed);
  out.family("prep_process_time", node.prepare_time);
  out.family("close_session_prep_time", node.close_prepare_time);

  out.family("read_commit_proc_req_queued", s.reads_waiting);
  out.family("write_commit_proc_req_queued", s.writes_waiting);
  out.family("commit_commit_proc_req_queued", constant(1, s.transactions));  // each is taken up as it comes
  out.family("read_commit_proc_issued", constant(1, s.reads_at_once));
  out.family("write_commit_proc_issued", constant(1, s.transactions));
  out.family("requests_in_session_queue", s.queue_lengths);
  out.family("pending_session_queue_size", s.queues_waiting);
  out.family("reads_after_write_in_session_queue", s.reads_woken_by_own);
  out.family("reads_issued_from_session_queue", s.reads_woken);
  Summary drained = constant(1, s.own_commits);
  drained.add(0, s.other_commits);
  out.family("session_queues_drained", drained);
  out.family("read_commitproc_time_ms", s.read_wait);
  out.family("write_commitproc_time_ms", s.write_wait);
  out.family("local_write_committed_time_ms", zeros(s.own_commits));
  out.family("server_write_committed_time_ms", zeros(s.other_commits));
  out.family("commit_process_time", node.commit_time);
  out.family("write_batch_time_in_commit_processor", node.commit_time);
  out.family("read_final_proc_time_ms", node.read_time);
  out.family("write_final_proc_time_ms", node.apply_time);
}

/// source: SyncRequestProcessor, FileTxnSnapLog
void add_disk(Collection& out, const Statistics& s, const ProcessFacts& facts, const Summary& snapshots_of_leaders) {
  const disk::LogStatistics& log = facts.log;
  out.add("sync_processor_request_queued", log.txns);
  out.family("sync_processor_queue_size", log.waiting);
  out.family("sync_processor_batch_size", log.batch);
  out.family("sync_process_time", log.process_time);
  out.family("sync_processor_queue_time_ms", log.queue_time);
  out.family("sync_processor_queue_flush_time_ms", log.flush_time);
  out.family("sync_processor_queue_and_flush_time_ms", log.time_to_durable);
  out.family("fsynctime", s.sync_latency);
  Summary snapshots = s.snapshot_time;
  snapshots.add(snapshots_of_leaders);
  out.family("snapshottime", snapshots);
  out.add("snapshot_error_count", s.snapshot_errors);
  const NodeStatistics& node = facts.statistics;
  out.family("dbinittime", node.database_init);
  out.family("startup_snap_load_time", node.snapshot_load);
  out.family("startup_txns_load_time", node.txns_load);
  out.family("startup_txns_loaded", node.txns_loaded);
}

std::string line(std::string_view name, std::string_view text) { return fmt::format("zk_{}\t{}\n", name, text); }

}  // namespace

std::string_view mode(const QuorumFacts* quorum) {
  if (quorum == nullptr) return "standalone";
  switch (quorum->role) {
    case zab::Role::leading:
      return "leader";
    case zab::Role::following:
      return "follower";
    case zab::Role::observing:
      return "observer";
    case zab::Role::looking:
      return "read-only";
  }
  return "";
}

std::string decimal(double value) {
  std::string text = fmt::format("{:.4f}", value);
  while (text.ends_with('0') && !text.ends_with(".0")) text.pop_back();
  return text;
}

Monitor monitor(const Server& server, const ProcessFacts& facts, const QuorumFacts* quorum) {
  const Statistics& s = server.statistics();
  const QuorumStatistics q = quorum == nullptr ? QuorumStatistics() : quorum->statistics;
  Collection out;
  out.add("version", version_text(server.options()));
  out.add("server_state", std::string(mode(quorum)));
  if (quorum != nullptr && !quorum->is_read_only()) add_role(out, *quorum);
  add_service(out, server, facts);
  if (quorum != nullptr) add_ensemble(out, *quorum);
  add_agreement(out, q);
  out.add("proposal_count", quorum == nullptr ? s.transactions : q.proposals);
  out.add("snap_count", quorum == nullptr ? s.snapshots : q.snapshots_sent);
  out.add("revalidate_count", quorum == nullptr ? 0 : s.revalidations);
  out.add("request_commit_queued", quorum == nullptr ? 0 : s.transactions);
  out.add("digest_mismatches_count", server.database().digest_mismatches);
  add_requests(out, s, facts.statistics);
  add_stages(out, s, facts.statistics);
  add_disk(out, s, facts, q.snapshot_time);
  for (const char* name : never_counted) out.add(name, 0);
  for (const char* name : never_measured) out.family(name, Summary());
  for (const char* name : never_measured_in_quantiles) out.family(name, QuantileSummary());
  return out.take();
}

std::vector<Monitor::Value> lines_of(const Summary& summary, std::string_view name) {
  return {{fmt::format("avg_{}", name), decimal(summary.average())},
          {fmt::format("min_{}", name), std::to_string(summary.min)},
          {fmt::format("max_{}", name), std::to_string(summary.max)},
          {fmt::format("cnt_{}", name), std::to_string(summary.count)},
          {fmt::format("sum_{}", name), std::to_string(summary.sum)}};
}

std::string to_text(const Monitor& monitor) {
  std::string text;
  for (const auto& [name, value] : monitor.values) text += line(name, value);
  for (const Monitor::Family& family : monitor.families) {
    const std::string name = family.key.empty() ? std::string(family.name) : fmt::format("{}_{}", family.key, family.name);
    for (const auto& [full_name, value] : lines_of(family.summary, name)) text += line(full_name, value);
    for (const Monitor::Quantile& quantile : family.quantiles)
      text += line(fmt::format("{}_{}", quantile.prefix, name), std::to_string(std::llround(quantile.value)));
  }
  return text;
}

}  // namespace chorus::coord::zk
