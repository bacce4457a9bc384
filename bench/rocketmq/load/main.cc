// mq_load: puts a RocketMQ broker under load and prints one JSON object about how it answered.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>

#include "rocketmq/load/load.h"

namespace chorus::bench::rocketmq {
namespace {

using Json = nlohmann::ordered_json;

double microseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

Json report(const Tally& tally, double seconds) {
  const Histogram& latency = tally.latency;
  Json refused = Json::object();
  for (const auto& [code, count] : tally.refused) refused[std::to_string(code)] = count;
  Json out = {{"messages", tally.messages},
              {"messages_per_second", static_cast<double>(tally.messages) / seconds},
              {"octets_per_second", static_cast<double>(tally.octets) / seconds},
              {"refused", refused}};
  if (!tally.refused.empty()) out["last_remark"] = tally.last_remark;
  if (latency.count() > 0) {
    out["latency_us"] = {{"p50", microseconds(latency.quantile(0.5))},
                         {"p90", microseconds(latency.quantile(0.9))},
                         {"p99", microseconds(latency.quantile(0.99))},
                         {"p999", microseconds(latency.quantile(0.999))},
                         {"max", microseconds(latency.max())}};
  }
  return out;
}

Json report(const Plan& plan, const Outcome& outcome) {
  const Production& production = plan.production;
  Json out = {{"producers", production.producers},
              {"outstanding", production.outstanding},
              {"batch", production.shape.batch},
              {"body_octets", production.shape.body_octets},
              {"transactions", production.shape.half},
              {"topics", production.topics},
              {"queues", production.queues},
              {"rate", production.rate},
              {"consumers", plan.consumers},
              {"readers", plan.readers},
              {"create_seconds", outcome.create_seconds},
              {"seconds", outcome.seconds}};
  if (production.producers > 0) out["produced"] = report(outcome.produced, outcome.seconds);
  if (plan.consumers > 0) out["consumed"] = report(outcome.consumed, outcome.seconds);
  if (plan.readers > 0) out["read"] = report(outcome.read, outcome.seconds);
  out["client_cpu_seconds"] = outcome.client_cpu_seconds;
  if (outcome.server_cpu_seconds) {
    // The kernel counts in ticks of 10 ms: less than one measured is less than one used.
    const double server = std::max(*outcome.server_cpu_seconds, 0.01);
    out["server_cpu_seconds"] = *outcome.server_cpu_seconds;
    out["client_share_of_server_cpu"] = outcome.client_cpu_seconds / server;
    out["server_resident_bytes"] = *outcome.server_resident_bytes;
  }
  return out;
}

bool refused(const Outcome& outcome) {
  return std::ranges::any_of(std::initializer_list<const Tally*>{&outcome.produced, &outcome.consumed, &outcome.read},
                             [](const Tally* tally) { return !tally->refused.empty(); });
}

void add_options(CLI::App& app, Plan& plan, std::string& broker) {
  Production& production = plan.production;
  app.add_option("--broker", broker, "HOST:PORT, IPv4")->capture_default_str();
  app.add_option("--producers", production.producers, "connections that send")->check(CLI::Range(0, 10'000))->capture_default_str();
  app.add_option("--outstanding", production.outstanding, "requests that each keeps on their way")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--rate", production.rate, "messages a second of all together, whatever the answers do; 0: as fast as they come")
      ->check(CLI::Range(0.0, 1e7))
      ->capture_default_str();
  app.add_option("--batch", production.shape.batch, "messages in a request")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--body", production.shape.body_octets, "octets of a message's body")
      ->check(CLI::Range(8, 4 << 20))
      ->capture_default_str();
  app.add_flag("--transactions", production.shape.half, "half messages, each committed when it is acknowledged");
  app.add_option("--topic", production.shape.topic, "the topics' names, before their numbers")->capture_default_str();
  app.add_option("--topics", production.topics, "topics that the messages are spread over")
      ->check(CLI::Range(1, 99'999))
      ->capture_default_str();
  app.add_option("--queues", production.queues, "queues of each topic")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--consumers", plan.consumers, "connections that follow the heads of all those queues")
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  app.add_option("--backlog", plan.backlog, "an old topic's name, which --readers read from its beginning, again and again")
      ->capture_default_str();
  app.add_option("--readers", plan.readers, "connections that read the backlog")->check(CLI::Range(0, 10'000))->capture_default_str();
  app.add_option("--count", plan.count, "measure until so many messages are acknowledged instead of a time");
  app.add_option("--server-pid", plan.server_pids, "the server's process, or processes, whose CPU time and memory are then reported")
      ->delimiter(',');
}

}  // namespace
}  // namespace chorus::bench::rocketmq

int main(int argc, char** argv) {
  CLI::App app("Puts a RocketMQ broker under load from one thread and prints a JSON object about how it answered.");
  using namespace chorus::bench::rocketmq;
  Plan plan;
  std::string broker = "127.0.0.1:10911";
  double warm_up = 1;
  double seconds = 5;
  add_options(app, plan, broker);
  app.add_option("--warm-up", warm_up, "seconds before measuring")->check(CLI::Range(0.0, 3600.0))->capture_default_str();
  app.add_option("--seconds", seconds, "seconds to measure")->check(CLI::Range(0.01, 3600.0))->capture_default_str();
  try {
    app.parse(argc, argv);
    if (plan.production.shape.half && plan.production.shape.batch > 1) throw std::runtime_error("a batch cannot be transactional");
    if (plan.readers > 0 && plan.backlog.empty()) throw std::runtime_error("--readers need --backlog");
    if (plan.production.producers == 0 && plan.production.rate > 0) throw std::runtime_error("--rate needs --producers");
    plan.warm_up = std::chrono::duration<double>(warm_up);
    plan.measure = std::chrono::duration<double>(seconds);
    const Outcome outcome = run_load(chorus::bench::parse_targets({broker}).front(), plan);
    fmt::print("{}\n", report(plan, outcome).dump(2));
    return refused(outcome) ? 3 : 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    fmt::print(stderr, "mq_load: {}\n", error.what());
    return 1;
  }
}
