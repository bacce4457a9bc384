#include "run.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>

#include "audit.h"
#include "checker.h"
#include "client.h"
#include "coord/node.h"
#include "planted.h"
#include "trace_sink.h"
#include "witness.h"
#include "workload.h"
#include "world/sim/chaos.h"
#include "world/sim/simulation.h"

namespace chorus::coord_sim {

using namespace std::chrono_literals;
using jute::OpCode;
using std::chrono::milliseconds;

namespace {

constexpr std::uint16_t client_port = 2181;

/// What one life of the server's process consists of.
struct ServerProcess {
  std::unique_ptr<world::World> planted;
  std::unique_ptr<coord::Node> node;
};

class Run {
 public:
  explicit Run(const RunOptions& options);
  RunResult run();

 private:
  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[dice_.below(values.size())];
  }
  /// Present in three seeds of four.
  sim::Duration now_and_then(sim::Duration least, sim::Duration most) {
    return dice_.below(4) == 0 ? sim::Duration{} : sim::Duration(dice_.between(least.count(), most.count()));
  }
  sim::Options machine_options();
  coord::Options server_options();
  sim::ChaosOptions chaos_options();
  std::shared_ptr<void> boot(world::World& world);
  void add_clients();
  bool settle(const char* when);
  bool audit(const char* when);
  void fault(std::string text) { history_.faults.push_back(std::move(text)); }

  const RunOptions options_;
  base::Random dice_;
  sim::Simulation simulation_;
  const coord::Options server_options_;
  sim::Chaos chaos_;
  std::shared_ptr<spdlog::logger> logger_;
  sim::Node& server_;
  History history_;
  Workload workload_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::unique_ptr<Client> auditor_;
  std::string last_failure_ = "none";
};

Run::Run(const RunOptions& options)
    : options_(options),
      dice_(options.seed * 2 + 1),
      simulation_(options.seed, machine_options()),
      server_options_(server_options()),
      chaos_(simulation_, {&simulation_.add_node("server")}, chaos_options()),
      server_(*simulation_.nodes().front()),
      workload_(dice_.fork()) {
  if (options.verbose) {
    logger_ = std::make_shared<spdlog::logger>("server", std::make_shared<TraceSink>(simulation_));
    logger_->set_level(spdlog::level::debug);
  } else {
    logger_ = std::make_shared<spdlog::logger>("server", std::make_shared<spdlog::sinks::null_sink_st>());
    logger_->set_level(spdlog::level::off);
  }
}

sim::Options Run::machine_options() {
  sim::Options options;
  options.network.slow = pick({0.0, 0.002, 0.02});
  options.network.split = pick({0.0, 0.2, 0.8});
  options.network.reset = pick({0.0, 0.0002, 0.002});
  options.network.refuse = pick({0.0, 0.1});
  options.network.window = pick<std::size_t>({4 << 10, 64 << 10});
  options.disk.slow = pick({0.0, 0.005, 0.02});
  options.disk.slow_max = 300ms;
  options.disk.write_error = pick({0.0, 0.0, 0.0002});
  options.disk.sync_error = pick({0.0, 0.0, 0.0005});
  options.trace_length = options_.verbose ? 100'000 : 16;
  return options;
}

coord::Options Run::server_options() {
  coord::Options options;
  options.client_address = world::Address{"0.0.0.0", client_port};
  options.data_dir = "/data";
  options.data_log_dir = pick({"", "", "/log"});
  options.tick_time = milliseconds(dice_.between(50, 400));
  options.snap_count = dice_.between(10, 400);
  options.pre_alloc_size_kb = pick({4, 16, 64});
  options.txn_log_size_limit_kb = pick({0, 0, 8, 64});
  options.snapshot_compression = pick({"", "", "gz", "snappy"});
  options.container_check_interval = milliseconds(dice_.between(100, 1500));
  return options;
}

sim::ChaosOptions Run::chaos_options() {
  sim::ChaosOptions options;
  options.crash_every = dice_.below(3) == 0 ? sim::Duration(0) : sim::Duration(milliseconds(dice_.between(500, 2000)));
  options.crash_on_disk_every = milliseconds(dice_.between(400, 1500));
  options.crash_on_disk_within = pick<std::uint64_t>({4, 20, 80});
  options.kill_every = now_and_then(500ms, 4s);
  options.pause_every = now_and_then(500ms, 4s);
  options.break_every = now_and_then(300ms, 3s);
  options.partition_every = now_and_then(1s, 4s);
  options.step_every = now_and_then(500ms, 3s);
  options.full_disk_every = now_and_then(1s, 4s);
  options.bad_disk_every = now_and_then(1s, 4s);
  return options;
}

std::shared_ptr<void> Run::boot(world::World& world) {
  auto process = std::make_shared<ServerProcess>();
  world::World* its_world = &world;
  if (!options_.plant.empty()) {
    process->planted = plant(options_.plant, world);
    its_world = process->planted.get();
  }
  auto node = coord::Node::start(*its_world, server_options_, *logger_);
  if (!node) {
    last_failure_ = node.error().message;
    if (options_.verbose) simulation_.note("start failed: " + last_failure_);
    // Whatever crashes and failing devices did, nobody has to be asked what to do about it.
    if (node.error().code == coord::NodeErrc::refused && server_.running()) fault("the server refuses to start: " + last_failure_);
    server_.kill();
    return process;
  }
  process->node = std::move(*node);
  process->node->on_failure([this](const std::string& why) {
    last_failure_ = why;
    if (options_.verbose) simulation_.note("server fails: " + why);
    // Its owner starts it again, or the machine.
    if (dice_.below(2) == 0) {
      server_.kill();
    } else {
      server_.crash();
    }
  });
  return process;
}

void Run::add_clients() {
  const std::uint64_t count = 1 + dice_.below(5);
  for (std::uint32_t i = 1; i <= count + 1; ++i) {
    sim::Node& host = simulation_.add_node(i > count ? "auditor" : fmt::format("client{}", i));
    host.start();
    host.set_drift((dice_.unit() - 0.5) * 0.02);
    ClientOptions options{.servers = {{server_.address(), client_port}}};
    options.timeout_ms = static_cast<std::int32_t>(dice_.between(300, 3000));
    options.outstanding_max = pick<std::size_t>({1, 4, 16, 64});
    options.think_max = milliseconds(dice_.between(1, 40));
    auto client = std::make_unique<Client>(
        host.world(), host.name(), [this] { return simulation_.elapsed(); }, i, history_, workload_, dice_.fork(), options);
    (i > count ? auditor_ : clients_.emplace_back()) = std::move(client);
  }
  for (const auto& client : clients_) client->start();
}

bool Run::settle(const char* when) {
  const auto all_idle = [this] {
    return server_.running() && std::all_of(clients_.begin(), clients_.end(), [](const auto& client) { return client->idle(); });
  };
  if (simulation_.run_until(all_idle, 120s)) return true;
  std::string states;
  for (const auto& client : clients_) states += "; " + client->describe();
  fault(fmt::format("{}: the service does not come to rest within 2 minutes; server {}; its last failure: {}{}", when,
                    server_.running() ? "runs" : "is down", last_failure_, states));
  return false;
}

bool Run::audit(const char* when) {
  read_tree(*auditor_, SystemNodes::included);
  if (simulation_.run_until([this] { return auditor_->idle(); }, 60s)) return true;
  fault(fmt::format("{}: the tree cannot be read within a minute; {}", when, auditor_->describe()));
  return false;
}

RunResult Run::run() {
  server_.set_boot([this](world::World& world) { return boot(world); });
  server_.start();
  add_clients();
  chaos_.begin();
  simulation_.run_for(sim::Duration(dice_.between(3'000'000'000, 6'000'000'000)));
  chaos_.stop();
  for (const auto& client : clients_) client->quiesce();
  auditor_->quiesce();

  if (settle("after the faults")) {
    auditor_->start();
    bool well = audit("after the faults");
    // Sessions that were left alone have to end: the longest timeout, the rounding of expiry, and what timers are late.
    const milliseconds longest = std::min(milliseconds(3000), server_options_.tick_time * 20);
    simulation_.run_for(longest + 3 * server_options_.tick_time + 500ms);
    server_.crash();
    well = well && settle("after a last crash") && audit("after a last crash");
    simulation_.run_for(longest + 3 * server_options_.tick_time + 500ms);
    if (well) audit("at the end");
  }
  server_.kill();

  RunResult result;
  std::string trouble;
  const std::string directory =
      (server_options_.data_log_dir.empty() ? server_options_.data_dir : server_options_.data_log_dir) + "/version-2";
  const std::vector<Transaction> transactions = read_transactions(server_.disk(), directory, trouble);
  if (!trouble.empty()) fault(trouble);
  Verdict verdict = check(history_, transactions);
  result.faults = std::move(verdict.faults);
  result.counts = {.events = simulation_.events(),
                   .crashes = chaos_.counts().crashes + chaos_.counts().kills,
                   .restarts = chaos_.counts().restarts,
                   .faults = chaos_.counts().total() + server_.disk_counts().faults + simulation_.network().counts.broken,
                   .acknowledged = verdict.acknowledged,
                   .unknown_kept = verdict.unknown_kept,
                   .unknown_lost = verdict.unknown_lost,
                   .reads_and_others = history_.requests.size() - verdict.acknowledged - verdict.unknown_kept - verdict.unknown_lost,
                   .sessions = history_.sessions.size(),
                   .transactions = transactions.size(),
                   .checks = verdict.checks};
  result.trace_hash = simulation_.trace().hash();
  result.trace_tail = simulation_.trace().tail(options_.trace_lines);
  return result;
}

}  // namespace

void Counts::add(const Counts& other) {
  events += other.events;
  crashes += other.crashes;
  restarts += other.restarts;
  faults += other.faults;
  acknowledged += other.acknowledged;
  unknown_kept += other.unknown_kept;
  unknown_lost += other.unknown_lost;
  reads_and_others += other.reads_and_others;
  sessions += other.sessions;
  transactions += other.transactions;
  checks += other.checks;
}

RunResult run_seed(const RunOptions& options) { return Run(options).run(); }

}  // namespace chorus::coord_sim
