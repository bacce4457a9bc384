#include "ensemble_run.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>

#include "audit.h"
#include "checker.h"
#include "client.h"
#include "coord/node.h"
#include "ensemble_planted.h"
#include "invariants.h"
#include "trace_sink.h"
#include "witness.h"
#include "workload.h"

namespace chorus::coord_sim {

using namespace std::chrono_literals;
using jute::OpCode;
using std::chrono::milliseconds;

namespace {

constexpr std::uint16_t client_port = 2181, quorum_port = 2888, election_port = 3888;
constexpr sim::Duration partition_max = 2s, pause_max = 700ms;

/// What one life of a member's process consists of.
struct MemberProcess {
  std::unique_ptr<world::World> planted;
  std::unique_ptr<coord::Node> node;
};

class EnsembleRun {
 public:
  explicit EnsembleRun(const EnsembleRunOptions& options);
  EnsembleResult run();

 private:
  struct Server {
    sim::Node* machine;
    coord::Options options;
    std::shared_ptr<spdlog::logger> logger;
    coord::Node* node = nullptr;  // of the present life
    bool was_serving = false;
    std::unique_ptr<Client> auditor;
  };
  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[dice_.below(values.size())];
  }
  static sim::Options machine_options(base::Random dice, bool verbose);
  coord::Options common_options();
  void add_members();
  void add_clients();
  std::unique_ptr<Client> add_client(std::uint32_t number, const std::string& name, std::vector<world::Address> servers);
  std::shared_ptr<void> boot(std::size_t member, world::World& world);
  void observe();
  void observe_log(std::size_t member);
  std::optional<std::size_t> leader() const;
  void run_for(sim::Duration length);
  bool run_until(const std::function<bool()>& done, sim::Duration limit);
  bool settle(const char* when);
  bool audit(std::size_t member, const char* when);
  std::string describe_members() const;
  void fault(std::string text) { history_.faults.push_back(std::move(text)); }

  const EnsembleRunOptions options_;
  base::Random dice_;
  sim::Simulation simulation_;
  const std::size_t participants_;
  const std::size_t observers_;
  const coord::Options common_options_;
  std::vector<Server> servers_;
  std::vector<sim::Node*> machines_;
  History history_;
  Workload workload_;
  std::vector<std::unique_ptr<Client>> clients_;
  Invariants invariants_;
  std::string last_failure_ = "none";
};

sim::Options EnsembleRun::machine_options(base::Random dice, bool verbose) {
  sim::Options options;
  options.network.split = static_cast<double>(dice.below(3)) * 0.2;
  options.network.window = dice.below(2) == 0 ? 4 << 10 : 64 << 10;
  options.disk.slow_max = 300ms;
  options.trace_length = verbose ? 200'000 : 16;
  return options;
}

EnsembleRun::EnsembleRun(const EnsembleRunOptions& options)
    : options_(options),
      dice_(options.seed * 2 + 1),
      simulation_(options.seed, machine_options(dice_.fork(), options.verbose)),
      participants_(options.members ? *options.members : pick<std::size_t>({3, 3, 3, 3, 5, 5, 7})),
      observers_(pick<std::size_t>({0, 0, 1, 2})),
      common_options_(common_options()),
      workload_(dice_.fork()),
      invariants_(participants_ + observers_) {
  add_members();
  add_clients();
}

coord::Options EnsembleRun::common_options() {
  coord::Options options;
  options.client_address = world::Address{"0.0.0.0", client_port};
  options.data_dir = "/data";
  options.data_log_dir = pick({"", "", "/log"});
  options.tick_time = milliseconds(dice_.between(40, 150));
  options.snap_count = dice_.between(10, 400);
  options.pre_alloc_size_kb = pick({4, 16, 64});
  options.txn_log_size_limit_kb = pick({0, 0, 8, 64});
  options.container_check_interval = milliseconds(dice_.between(100, 1500));
  coord::EnsembleOptions& ensemble = options.ensemble;
  ensemble.init_limit = static_cast<int>(dice_.between(6, 12));
  ensemble.sync_limit = static_cast<int>(dice_.between(3, 6));
  ensemble.notification_interval_min = milliseconds(dice_.between(20, 200));
  ensemble.notification_interval_max = milliseconds(dice_.between(400, 1000));
  ensemble.connect_timeout = milliseconds(dice_.between(200, 1000));
  ensemble.leader_connect_delay = milliseconds(dice_.between(10, 100));
  ensemble.observer_election_delay = milliseconds(20);
  ensemble.commit_log_count = pick<std::int64_t>({2, 20, 100, 500});
  ensemble.force_snapshot_sync = dice_.below(8) == 0;
  return options;
}

void EnsembleRun::add_members() {
  zab::EnsembleConfig config;
  for (std::size_t i = 0; i < participants_ + observers_; ++i) {
    sim::Node& machine = simulation_.add_node(fmt::format("{}{}", i < participants_ ? "member" : "observer", i + 1));
    machines_.push_back(&machine);
    zab::Member& member = config.members[static_cast<zab::ServerId>(i + 1)];
    member.quorum_addresses = {{machine.address(), quorum_port}};
    member.election_addresses = {{machine.address(), election_port}};
    member.is_observer = i >= participants_;
  }
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    Server server{.machine = machines_[i], .options = common_options_, .logger = {}, .auditor = {}};
    server.options.server_id = static_cast<std::int64_t>(i + 1);
    server.options.ensemble.members = config;
    server.options.ensemble.is_observer = i >= participants_;
    plant_in_options(options_.plant, server.options);
    if (options_.verbose) {
      server.logger = std::make_shared<spdlog::logger>(machines_[i]->name(), std::make_shared<TraceSink>(simulation_));
      server.logger->set_level(spdlog::level::debug);
    } else {
      server.logger = std::make_shared<spdlog::logger>(machines_[i]->name(), std::make_shared<spdlog::sinks::null_sink_st>());
      server.logger->set_level(spdlog::level::off);
    }
    servers_.push_back(std::move(server));
    machines_[i]->set_boot([this, i](world::World& world) { return boot(i, world); });
  }
}

std::unique_ptr<Client> EnsembleRun::add_client(std::uint32_t number, const std::string& name, std::vector<world::Address> servers) {
  sim::Node& host = simulation_.add_node(name);
  host.start();
  ClientOptions options{.servers = std::move(servers)};
  options.timeout_ms = static_cast<std::int32_t>(dice_.between(400, 3000));
  options.outstanding_max = pick<std::size_t>({1, 4, 16, 32});
  options.think_max = milliseconds(dice_.between(5, 60));
  options.move_chance = pick({0.0, 0.002, 0.02});
  options.connect_timeout = milliseconds(dice_.between(50, 500));
  return std::make_unique<Client>(
      host.world(), name, [this] { return simulation_.elapsed(); }, number, history_, workload_, dice_.fork(), options);
}

void EnsembleRun::add_clients() {
  std::vector<world::Address> all;
  for (const sim::Node* machine : machines_) all.push_back({machine->address(), client_port});
  const std::size_t members = machines_.size();
  const auto count = static_cast<std::uint32_t>(1 + dice_.below(5));
  for (std::uint32_t i = 1; i <= count; ++i) {
    clients_.push_back(add_client(i, fmt::format("client{}", i), all));
    machines_.push_back(simulation_.nodes().back().get());
  }
  for (std::size_t i = 0; i < members; ++i) {
    servers_[i].auditor = add_client(100 + static_cast<std::uint32_t>(i), fmt::format("auditor{}", i + 1), {all[i]});
  }
}

std::shared_ptr<void> EnsembleRun::boot(std::size_t member, world::World& world) {
  Server& server = servers_[member];
  sim::Node& machine = *server.machine;
  server.node = nullptr;
  server.was_serving = false;
  observe_log(member);
  auto process = std::make_shared<MemberProcess>();
  process->planted = plant_in_member(options_.plant, world, quorum_port);
  world::World& its_world = process->planted ? *process->planted : world;
  auto node = coord::Node::start(its_world, server.options, *server.logger);
  if (!node) {
    last_failure_ = fmt::format("{}: {}", machine.name(), node.error().message);
    if (options_.verbose) simulation_.note("start failed: " + last_failure_);
    // Whatever crashes and failing devices did, nobody has to be asked what to do about it.
    if (node.error().code == coord::NodeErrc::refused && machine.running()) fault("a member refuses to start: " + last_failure_);
    machine.kill();
    return process;
  }
  process->node = std::move(*node);
  server.node = process->node.get();
  process->node->on_failure([this, &machine](const std::string& why) {
    last_failure_ = fmt::format("{}: {}", machine.name(), why);
    if (options_.verbose) simulation_.note("member fails: " + last_failure_);
    // Its owner starts it again, or the machine.
    if (dice_.below(2) == 0) {
      machine.kill();
    } else {
      machine.crash();
    }
  });
  return process;
}

// What a log has is seen before its member can lose or give up some of it: at the end of each service, after each death, and at the end.
void EnsembleRun::observe_log(std::size_t member) {
  const coord::Options& options = servers_[member].options;
  std::string trouble;
  invariants_.observe_log(member,
                          read_log(servers_[member].machine->disk(),
                                   (options.data_log_dir.empty() ? options.data_dir : options.data_log_dir) + "/version-2", trouble));
  if (!trouble.empty()) fault(fmt::format("{}: {}", servers_[member].machine->name(), trouble));
}

void EnsembleRun::observe() {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    Server& server = servers_[i];
    if (!server.machine->running() || server.node == nullptr) {
      invariants_.observe_down(i);
      continue;
    }
    const coord::Member& member = *server.node->member();
    const coord::Database& database = member.database();
    if (std::exchange(server.was_serving, server.node->is_serving()) && !server.was_serving) observe_log(i);
    invariants_.observe(i, {.life = server.machine->lives(),
                            .serving = server.node->is_serving(),
                            .leading = member.peer().role() == zab::Role::leading,
                            .epoch = member.peer().current_epoch(),
                            .zxid = database.last_zxid,
                            .digest = database.tree.digest()});
  }
}

std::optional<std::size_t> EnsembleRun::leader() const {
  std::optional<std::size_t> found;
  std::int64_t newest = -1;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const Server& server = servers_[i];
    if (!server.machine->running() || server.node == nullptr || !server.node->is_serving()) continue;
    const zab::Peer& peer = server.node->member()->peer();
    if (peer.role() != zab::Role::leading || peer.current_epoch() <= newest) continue;
    newest = peer.current_epoch();
    found = i;
  }
  return found;
}

bool EnsembleRun::run_until(const std::function<bool()>& done, sim::Duration limit) {
  return simulation_.run_until(
      [&] {
        observe();
        return !invariants_.faults().empty() || done();
      },
      limit);
}

void EnsembleRun::run_for(sim::Duration length) {
  run_until([] { return false; }, length);
}

std::string EnsembleRun::describe_members() const {
  std::string text;
  for (const Server& server : servers_) {
    text += text.empty() ? "" : "; ";
    text += server.machine->name();
    if (!server.machine->running() || server.node == nullptr) {
      text += " is down";
      continue;
    }
    const coord::Member& member = *server.node->member();
    static constexpr const char* roles[] = {"looks", "follows", "leads", "observes"};
    text += fmt::format(" {} in epoch {} at {:#x}{}", roles[static_cast<std::size_t>(member.peer().role())], member.peer().current_epoch(),
                        member.database().last_zxid, server.node->is_serving() ? " and serves" : "");
  }
  return text;
}

bool EnsembleRun::settle(const char* when) {
  const auto at_rest = [this] {
    const auto chief = leader();
    if (!chief) return false;
    const coord::Database& first = servers_[*chief].node->member()->database();
    for (const Server& server : servers_) {
      if (!server.machine->running() || server.node == nullptr || !server.node->is_serving()) return false;
      const coord::Database& other = server.node->member()->database();
      // Whether a new epoch without transactions counts is seen differently by those that were there and those that came later.
      const bool is_same = other.last_zxid == first.last_zxid || zab::counter_of(std::max(other.last_zxid, first.last_zxid)) == 0;
      if (!is_same || other.tree.digest() != first.tree.digest()) return false;
    }
    return std::all_of(clients_.begin(), clients_.end(), [](const auto& client) { return client->idle(); });
  };
  if (run_until(at_rest, 120s)) return invariants_.faults().empty();
  std::string states;
  for (const auto& client : clients_) states += "; " + client->describe();
  fault(fmt::format("{}: the ensemble does not come to rest within 2 minutes; {}; last failure: {}{}", when, describe_members(),
                    last_failure_, states));
  return false;
}

bool EnsembleRun::audit(std::size_t member, const char* when) {
  Client& auditor = *servers_[member].auditor;
  read_tree(auditor, SystemNodes::left_out);  // the configuration is among them
  if (run_until([&] { return auditor.idle(); }, 60s)) return invariants_.faults().empty();
  fault(fmt::format("{}: the tree cannot be read from {} within a minute; {}; {}", when, servers_[member].machine->name(),
                    auditor.describe(), describe_members()));
  return false;
}

EnsembleResult EnsembleRun::run() {
  EnsembleResult result;
  const sim::Duration length(dice_.between(3'000'000'000, 8'000'000'000));
  result.faults = draw_faults(
      dice_.fork(),
      {.members = servers_.size(), .machines = machines_.size(), .length = length, .partition_max = partition_max, .pause_max = pause_max});
  std::vector<Fault> kept = result.faults;
  if (options_.keep) {
    kept.clear();
    for (const std::size_t i : *options_.keep) kept.push_back(result.faults.at(i));
  }
  FaultInjector injector(simulation_, machines_, servers_.size(), std::move(kept), [this] { return leader(); });
  for (const Server& server : servers_) server.machine->start();
  injector.begin();
  for (const auto& client : clients_) client->start();
  run_for(length);
  injector.stop();
  for (const auto& client : clients_) client->quiesce();
  for (const Server& server : servers_) server.auditor->quiesce();

  if (settle("after the faults")) {
    bool well = true;
    for (std::size_t i = 0; i < servers_.size() && well; ++i) {
      servers_[i].auditor->start();
      well = audit(i, "after the faults");
    }
    // Sessions that were left alone have to end: the longest timeout, the rounding of expiry, and what timers are late.
    const milliseconds longest = std::min(milliseconds(3000), common_options_.tick_time * 20) + 3 * common_options_.tick_time + 500ms;
    if (well) run_for(longest);
    for (const Server& server : servers_) server.machine->crash();
    well = well && settle("after a last crash");
    if (well) run_for(longest);
    well = well && settle("at the end") && audit(dice_.below(servers_.size()), "at the end");
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < servers_.size(); ++i) all.push_back(i);
    if (well) invariants_.observe_rest(all);
  }

  for (const Server& server : servers_) server.machine->kill();

  for (std::size_t i = 0; i < servers_.size(); ++i) observe_log(i);
  const std::vector<Transaction> transactions = invariants_.committed();
  const std::int64_t silence_ms = (common_options_.ensemble.sync_limit + 2) * common_options_.tick_time.count();
  const std::int64_t pause_ms = std::chrono::duration_cast<milliseconds>(pause_max).count();
  Verdict verdict;
  if (invariants_.faults().empty()) {
    verdict = check(
        history_, transactions,
        {.reads_are_linearizable = false, .stale_leader_ms = 2 * silence_ms + pause_ms, .expiry_slack_ms = silence_ms + pause_ms + 300});
    result.violations = std::move(verdict.faults);
  } else {
    result.violations = invariants_.faults();
    result.violations.insert(result.violations.end(), history_.faults.begin(), history_.faults.end());
  }
  result.ensemble =
      fmt::format("{} members, {} observers, {} clients, tick {} ms, init {} sync {} ticks", participants_, observers_, clients_.size(),
                  common_options_.tick_time.count(), common_options_.ensemble.init_limit, common_options_.ensemble.sync_limit);
  result.counts = {.simulated_ns = static_cast<std::uint64_t>(simulation_.elapsed().count()),
                   .events = simulation_.events(),
                   .restarts = injector.restarts(),
                   .leaders = invariants_.established_leaders(),
                   .acknowledged = verdict.acknowledged,
                   .unknown_kept = verdict.unknown_kept,
                   .unknown_lost = verdict.unknown_lost,
                   .reads_and_others = history_.requests.size() - verdict.acknowledged - verdict.unknown_kept - verdict.unknown_lost,
                   .sessions = history_.sessions.size(),
                   .reconnects = history_.connections.size() - std::min(history_.connections.size(), history_.sessions.size()),
                   .transactions = transactions.size(),
                   .left_out = invariants_.left_out(),
                   .checks = verdict.checks,
                   .faults = injector.struck()};
  result.trace_hash = simulation_.trace().hash();
  result.trace_tail = simulation_.trace().tail(options_.trace_lines);
  return result;
}

}  // namespace

void EnsembleCounts::add(const EnsembleCounts& other) {
  simulated_ns += other.simulated_ns;
  events += other.events;
  restarts += other.restarts;
  leaders += other.leaders;
  acknowledged += other.acknowledged;
  unknown_kept += other.unknown_kept;
  unknown_lost += other.unknown_lost;
  reads_and_others += other.reads_and_others;
  sessions += other.sessions;
  reconnects += other.reconnects;
  transactions += other.transactions;
  left_out += other.left_out;
  checks += other.checks;
  for (std::size_t i = 0; i < fault_kinds; ++i) faults[i] += other.faults[i];
}

EnsembleResult run_ensemble(const EnsembleRunOptions& options) { return EnsembleRun(options).run(); }

}  // namespace chorus::coord_sim
