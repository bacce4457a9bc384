#include "app/coord_metrics.h"

#include <charconv>

#include "coord/zk/monitor.h"

namespace chorus::app {

void collect_coord(coord::Node& node, admin::MetricWriter& out) {
  out.gauge("chorus_coord_serving", "1: clients are served; 0: this member looks for a leader.", node.is_serving() ? 1 : 0);
  out.gauge("chorus_coord_read_only", "1: this member looks for a leader and serves reads meanwhile.", node.is_read_only() ? 1 : 0);
  if (!node.is_serving()) return;
  const coord::Server& server = node.server();
  const coord::Statistics& now = server.statistics();
  const auto number = [](auto value) { return static_cast<double>(value); };
  out.gauge("chorus_coord_znodes", "Nodes in the tree.", number(server.database().tree.size()));
  out.gauge("chorus_coord_data_bytes", "Octets of the paths and data of all nodes.", number(server.database().tree.data_size()));
  out.gauge("chorus_coord_sessions", "Sessions alive.", number(server.sessions().size()));
  out.gauge("chorus_coord_connections", "Connections of clients.", number(server.connections().size()));
  out.gauge("chorus_coord_watches", "Watches set.", number(server.watches().count()));
  out.gauge("chorus_coord_requests_outstanding", "Writes that are not durable yet.", number(server.outstanding()));
  out.counter("chorus_coord_received_bytes_total", "Octets from clients.", number(now.octets_received));
  out.counter("chorus_coord_sent_bytes_total", "Octets to clients.", number(now.octets_sent));
  out.counter("chorus_coord_transactions_total", "Transactions made durable.", number(now.transactions));
  out.counter("chorus_coord_syncs_total", "Groups of transactions that shared one sync.", number(now.groups));
  out.counter("chorus_coord_snapshots_total", "Snapshots written.", number(now.snapshots));
  out.counter("chorus_coord_snapshot_errors_total", "Snapshots that could not be written.", number(now.snapshot_errors));
  out.counter("chorus_coord_connections_refused_total", "Connections beyond a limit.", number(now.connections_rejected));
  out.counter("chorus_coord_auth_failures_total", "Credentials refused.", number(now.auth_failures));
  // The lines of mntr under the names that ZooKeeper's own Prometheus exporter gives them, for dashboards that are there already.
  const std::string help = "As in ZooKeeper's mntr.";
  std::optional<coord::QuorumFacts> quorum;
  if (node.member() != nullptr) quorum = node.member()->facts();
  const coord::zk::Monitor monitor = coord::zk::monitor(server, node.facts(), quorum ? &*quorum : nullptr);
  const auto gauge = [&](const coord::zk::Monitor::Value& what, const admin::Labels& labels) {
    double value = 0;
    const auto [end, error] = std::from_chars(what.text.data(), what.text.data() + what.text.size(), value);
    if (error == std::errc() && end == what.text.data() + what.text.size()) out.gauge(what.name, help, value, labels);
  };
  for (const auto& value : monitor.values) gauge(value, {});
  for (const coord::zk::Monitor::Family& family : monitor.families) {
    const admin::Labels labels = family.key.empty() ? admin::Labels() : admin::Labels{{"key", family.key}};
    for (const auto& value : coord::zk::lines_of(family.summary, family.name)) gauge(value, labels);
    std::vector<std::pair<double, double>> quantiles;
    for (const auto& quantile : family.quantiles) quantiles.emplace_back(quantile.rank, quantile.value);
    out.summary(std::string(family.name), help, static_cast<std::uint64_t>(family.summary.count), number(family.summary.sum), quantiles,
                labels);
  }
}

}  // namespace chorus::app
