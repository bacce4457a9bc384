// What mntr and Prometheus show of a server, under ZooKeeper's names. docs/monitoring.md says what each stands for here.
// source: ZooKeeperServer.registerMetrics, ServerMetrics, MonitorCommand, PrometheusMetricsProvider
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/summary.h"
#include "coord/node.h"
#include "coord/quorum_facts.h"

namespace chorus::coord::zk {

struct Monitor {
  struct Value {
    std::string name, text;
  };
  struct Quantile {
    std::string_view prefix;  // of mntr
    double rank, value;
  };
  /// In mntr avg_<name>, min_<name>, ... and p50_<name>, ... of those with quantiles; with a key, <key>_<name> in place of the name.
  struct Family {
    std::string_view name;
    std::string key;  // a server or a top-level node; empty: none
    base::Summary summary;
    std::vector<Quantile> quantiles;
  };
  std::vector<Value> values;
  std::vector<Family> families;
};

/// quorum: null when the node serves alone.
Monitor monitor(const Server& server, const ProcessFacts& facts, const QuorumFacts* quorum = nullptr);
/// A line each of mntr.
std::string to_text(const Monitor& monitor);
/// Name and value of the lines of a family but for its quantiles: avg_, min_, max_, cnt_, sum_.
std::vector<Monitor::Value> lines_of(const base::Summary& summary, std::string_view name);

/// leader, follower, observer, standalone, read-only.
std::string_view mode(const QuorumFacts* quorum);
/// A Java double with at most four decimals: "0.0", "7.2258".
std::string decimal(double value);

}  // namespace chorus::coord::zk
