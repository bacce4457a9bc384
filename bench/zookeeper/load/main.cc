// zk_load: puts a ZooKeeper server under load and prints one JSON object about how it answered.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>

#include "zookeeper/load/load.h"

namespace {

using namespace chorus::bench;

double microseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

nlohmann::ordered_json report(const std::string& op, const Workload& workload, const Outcome& outcome) {
  const auto requests = static_cast<double>(std::max<std::uint64_t>(1, outcome.requests));
  const Histogram& latency = outcome.tally.latency;
  nlohmann::ordered_json out = {
      {"op", op},
      {"sessions", workload.sessions},
      {"outstanding", workload.outstanding},
      {"value_bytes", workload.value_bytes},
      {"keys", workload.keys},
      {"seconds", outcome.seconds},
      {"requests", outcome.requests},
      {"refused", outcome.tally.refused},
      {"last_error", outcome.tally.last_error},
      {"requests_per_second", requests / outcome.seconds},
      {"latency_us",
       {{"p50", microseconds(latency.quantile(0.5))},
        {"p90", microseconds(latency.quantile(0.9))},
        {"p99", microseconds(latency.quantile(0.99))},
        {"p999", microseconds(latency.quantile(0.999))},
        {"max", microseconds(latency.max())}}},
      {"client_cpu_seconds", outcome.client_cpu_seconds},
      {"client_cpu_us_per_request", outcome.client_cpu_seconds * 1e6 / requests},
  };
  if (outcome.server_cpu_seconds) {
    // The kernel counts in ticks of 10 ms: less than one measured is less than one used.
    const double server = std::max(*outcome.server_cpu_seconds, 0.01);
    out["server_cpu_seconds"] = *outcome.server_cpu_seconds;
    out["server_cpu_us_per_request"] = server * 1e6 / requests;
    out["requests_per_server_cpu_second"] = requests / server;
    out["client_share_of_server_cpu"] = outcome.client_cpu_seconds / server;
    out["server_resident_bytes"] = *outcome.server_resident_bytes;
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Puts a ZooKeeper server under load from one thread and prints a JSON object about how it answered.");
  Workload workload;
  Plan plan;
  std::vector<std::string> servers = {"127.0.0.1:2181"};
  std::string op = "set";
  double warm_up = 1;
  double seconds = 5;
  const std::map<std::string, Workload::Kind> kinds = {
      {"set", Workload::Kind::set}, {"get", Workload::Kind::get}, {"create", Workload::Kind::create}, {"mixed", Workload::Kind::mixed}};
  app.add_option("--server", servers, "HOST:PORT, IPv4; several, with commas, share the sessions")->delimiter(',')->capture_default_str();
  app.add_option("--op", op, "set, get, create or mixed")->check(CLI::IsMember(kinds))->capture_default_str();
  app.add_option("--sessions", workload.sessions, "sessions, each on its own connection")
      ->check(CLI::Range(1, 9999))
      ->capture_default_str();
  app.add_option("--outstanding", workload.outstanding, "requests that each session keeps on their way")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--value", workload.value_bytes, "octets of a node's value")->check(CLI::Range(0, 1 << 20))->capture_default_str();
  app.add_option("--keys", workload.keys, "nodes that set and get choose from")->check(CLI::Range(1, 100'000'000))->capture_default_str();
  app.add_option("--reads", workload.reads_percent, "per cent of gets in mixed")->check(CLI::Range(0, 100))->capture_default_str();
  app.add_option("--warm-up", warm_up, "seconds before measuring")->check(CLI::Range(0.0, 3600.0))->capture_default_str();
  app.add_option("--seconds", seconds, "seconds to measure")->check(CLI::Range(0.01, 3600.0))->capture_default_str();
  app.add_option("--count", plan.count, "measure so many requests instead of a time");
  app.add_option("--server-pid", plan.server_pids,
                 "the server's process, or the processes of all, whose CPU time and memory are then reported")
      ->delimiter(',');
  app.add_flag("--keep", plan.keep_nodes, "leave the nodes there");
  try {
    app.parse(argc, argv);
    plan.warm_up = std::chrono::duration<double>(warm_up);
    plan.measure = std::chrono::duration<double>(seconds);
    workload.kind = kinds.at(op);
    const Outcome outcome = run_load(parse_targets(servers), workload, plan);
    fmt::print("{}\n", report(op, workload, outcome).dump(2));
    return outcome.tally.refused == 0 ? 0 : 3;
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    fmt::print(stderr, "zk_load: {}\n", error.what());
    return 1;
  }
}
