#include "ensemble_run.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>
#include <set>

#include "audit.h"
#include "base/ensure.h"
#include "checker.h"
#include "client.h"
#include "coord/disk/dynamic_config.h"
#include "coord/node.h"
#include "damage.h"
#include "ensemble_planted.h"
#include "ensemble_shape.h"
#include "invariants.h"
#include "operator.h"
#include "trace_sink.h"
#include "witness.h"
#include "workload.h"

namespace chorus::coord_sim {

using namespace std::chrono_literals;
using jute::OpCode;
using std::chrono::milliseconds;

namespace {

constexpr sim::Duration partition_max = 2s, pause_max = 700ms;

/// What one life of a member's process consists of.
struct MemberProcess {
  explicit MemberProcess(zab::SyncCounts& all_syncs) : syncs(all_syncs) {}
  ~MemberProcess() {
    if (!node) return;
    const zab::SyncCounts& ours = node->member()->peer().syncs();
    syncs.diffs += ours.diffs;
    syncs.truncations += ours.truncations;
    syncs.snapshots += ours.snapshots;
  }
  zab::SyncCounts& syncs;
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
    bool was_leading = false;
    bool is_damaged = false;  // its files, since they were last made anew
    bool is_joining = false;  // by its owner's will, whatever its own files say
    std::unique_ptr<Client> auditor;
  };
  template <class T>
  T pick(std::initializer_list<T> values) {
    return coord_sim::pick(dice_, values);
  }
  static sim::Options machine_options(base::Random dice, bool verbose);
  void add_members();
  void add_clients();
  std::unique_ptr<Client> add_client(std::uint32_t number, const std::string& name, std::vector<world::Address> servers,
                                     const std::string& credentials = "");
  std::shared_ptr<void> boot(std::size_t member, world::World& world);
  bool read_config(std::size_t member, world::World& world);
  void prepare_to_join(std::size_t member, const zab::EnsembleConfig& members);
  std::vector<std::string> data_directories() const;
  bool damage(const Fault& fault, std::size_t member);
  std::vector<Fault> draw(sim::Duration length);
  std::optional<zab::EnsembleConfig> config_in_force() const;
  std::vector<std::size_t> members_in_force() const;
  CheckOptions what_is_promised() const;
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
  zab::SyncCounts syncs_;  // outlives the processes that count
  sim::Simulation simulation_;
  const Shape shape_;
  const coord::Options common_options_;
  zab::EnsembleConfig first_config_;
  std::vector<Server> servers_;
  std::vector<sim::Node*> machines_;
  History history_;
  Workload workload_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::unique_ptr<Operator> operator_;
  std::unique_ptr<FaultInjector> injector_;
  Invariants invariants_;
  std::string last_failure_ = "none";
  sim::Duration longest_pause_{};
  std::uint64_t refused_starts_ = 0;
  std::set<std::pair<std::size_t, std::string>> snapshots_;  // seen on the disk of a member
};

sim::Options EnsembleRun::machine_options(base::Random dice, bool verbose) {
  sim::Options options;
  options.network.split = static_cast<double>(dice.below(3)) * 0.2;
  options.network.window = dice.below(2) == 0 ? 4 << 10 : 64 << 10;
  options.disk.slow_max = 300ms;
  options.trace_length = verbose ? 400'000 : 16;
  return options;
}

EnsembleRun::EnsembleRun(const EnsembleRunOptions& options)
    : options_(options),
      dice_(options.seed * 2 + 1),
      simulation_(options.seed, machine_options(dice_.fork(), options.verbose)),
      shape_(dice_, options),
      common_options_(draw_options(dice_, shape_, options.seed)),
      workload_(dice_.fork()),
      invariants_(shape_.machines()) {
  add_members();
  add_clients();
}

void EnsembleRun::add_members() {
  const std::size_t at_first = shape_.participants + shape_.observers;
  for (std::size_t i = 0; i < shape_.machines(); ++i) {
    sim::Node& machine = simulation_.add_node(fmt::format("{}{}",
                                                          i < shape_.participants ? "member"
                                                          : i < at_first          ? "observer"
                                                                                  : "spare",
                                                          i + 1));
    machines_.push_back(&machine);
    if (i < at_first) first_config_.members[static_cast<zab::ServerId>(i + 1)] = Operator::describe(machine, i >= shape_.participants);
    ENSURE(machine.disk().make_directories(world::parent_directory(config_path)).has_value());
    ENSURE(machine.disk().sync_directory("/").has_value());
    if (shape_.damages && i < at_first) allow_to_begin(machine.disk(), common_options_);
  }
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    Server server{.machine = machines_[i], .options = common_options_, .logger = {}, .auditor = {}};
    server.options.server_id = static_cast<std::int64_t>(i + 1);
    server.options.ensemble.members = first_config_;
    server.options.ensemble.is_observer = i >= shape_.participants && i < at_first;
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

std::unique_ptr<Client> EnsembleRun::add_client(std::uint32_t number, const std::string& name, std::vector<world::Address> servers,
                                                const std::string& credentials) {
  sim::Node& host = simulation_.add_node(name);
  host.start();
  ClientOptions options{.servers = std::move(servers)};
  options.timeout_ms = static_cast<std::int32_t>(dice_.between(400, 3000));
  options.outstanding_max = pick<std::size_t>({1, 4, 16, 32});
  options.think_max = milliseconds(dice_.between(5, 60));
  options.write_chance = pick({0.6, 0.6, 0.1, 0.0});
  options.move_chance = pick({0.0, 0.002, 0.02});
  options.connect_timeout = milliseconds(dice_.between(50, 500));
  options.credentials = credentials;
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
  if (shape_.reconfigures) {
    clients_.push_back(add_client(90, "operator", all, "super:secret"));
    clients_.back()->quiesce();
    machines_.push_back(simulation_.nodes().back().get());
    operator_ = std::make_unique<Operator>(
        simulation_, *clients_.back(), std::vector<sim::Node*>(machines_.begin(), machines_.begin() + static_cast<std::ptrdiff_t>(members)),
        shape_.voters_min(),
        Operator::Hooks{.config = [this] { return config_in_force(); },
                        .start =
                            [this](std::size_t member, const zab::EnsembleConfig& config) {
                              prepare_to_join(member, config);
                              injector_->want(member, true);
                            },
                        .stop =
                            [this](std::size_t member) {
                              servers_[member].is_joining = false;
                              injector_->want(member, false);
                              servers_[member].machine->kill();
                            },
                        .is_started = [this](std::size_t member) { return injector_->is_wanted(member); }});
  }
  for (std::size_t i = 0; i < members; ++i) {
    servers_[i].auditor = add_client(100 + static_cast<std::uint32_t>(i), fmt::format("auditor{}", i + 1), {all[i]});
  }
}

std::shared_ptr<void> EnsembleRun::boot(std::size_t member, world::World& world) {
  Server& server = servers_[member];
  sim::Node& machine = *server.machine;
  server.node = nullptr;
  server.was_serving = server.was_leading = false;
  observe_log(member);
  auto process = std::make_shared<MemberProcess>(syncs_);
  if (shape_.reconfigures && !read_config(member, world)) {
    machine.kill();
    return process;
  }
  process->planted = plant_in_member(options_.plant, world, server.options, quorum_port);
  world::World& its_world = process->planted ? *process->planted : world;
  auto node = coord::Node::start(its_world, server.options, *server.logger);
  if (!node) {
    last_failure_ = fmt::format("{}: {}", machine.name(), node.error().message);
    if (options_.verbose) simulation_.note("start failed: " + last_failure_);
    if (node.error().code == coord::NodeErrc::refused && machine.running()) {
      if (server.is_damaged) {
        // Its owner takes it for what it is: a member without data.
        ++refused_starts_;
        server.is_damaged = false;
        machine.kill();
        simulation_.after(0s, [this, &machine] { empty_disk(machine.disk(), data_directories()); });
        return process;
      }
      // Whatever crashes and failing devices did, nobody has to be asked what to do about it.
      fault("a member refuses to start: " + last_failure_);
    }
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

// As the program does it with its configuration file. source: src/app/config/ensemble.cc
bool EnsembleRun::read_config(std::size_t member, world::World& world) {
  Server& server = servers_[member];
  coord::EnsembleOptions& ensemble = server.options.ensemble;
  const auto give_up = [&](const std::string& why) {
    last_failure_ = fmt::format("{}: {}", server.machine->name(), why);
    if (options_.verbose) simulation_.note("start failed: " + last_failure_);
    return false;
  };
  auto newest = coord::disk::newest_dynamic_config(world.files(), config_path);
  if (!newest) return give_up(newest.error().message);
  if (*newest) {
    auto members = coord::disk::read_dynamic_config(world.files(), **newest);
    if (!members) return give_up(members.error());
    auto last_seen = coord::disk::read_last_seen_config(world.files(), config_path);
    if (!last_seen) return give_up(last_seen.error());
    if (members->members.contains(server.options.server_id)) {
      ensemble.members = std::move(*members);
      ensemble.last_seen = std::move(*last_seen);
    } else if (server.is_joining) {
      empty_disk(server.machine->disk(), {world::parent_directory(config_path)});
      ensemble.last_seen.reset();
    } else {
      injector_->want(member, false);
      return give_up("is no member of its ensemble any more");
    }
  }
  ensemble.is_observer = ensemble.members.members.at(server.options.server_id).is_observer;
  return true;
}

void EnsembleRun::prepare_to_join(std::size_t member, const zab::EnsembleConfig& members) {
  Server& server = servers_[member];
  server.is_joining = true;
  server.options.ensemble.members = members;
  server.options.ensemble.members.version = 0;
  empty_disk(server.machine->disk(), {world::parent_directory(config_path)});
  if (shape_.damages && server.machine->lives() == 0) allow_to_begin(server.machine->disk(), common_options_);
}

std::vector<std::string> EnsembleRun::data_directories() const {
  std::vector<std::string> directories{common_options_.data_dir};
  if (!common_options_.data_log_dir.empty()) directories.push_back(common_options_.data_log_dir);
  return directories;
}

bool EnsembleRun::damage(const Fault& fault, std::size_t member) {
  Server& server = servers_[member];
  observe_log(member);
  base::Random dice(fault.amount);
  std::string what = "emptied";
  if (fault.kind == FaultKind::emptied_disk) {
    empty_disk(server.machine->disk(), data_directories());
    server.is_damaged = false;
  } else {
    what = fault.kind == FaultKind::flipped_bit ? flip_a_bit(server.machine->disk(), data_directories(), dice)
                                                : tear_a_file(server.machine->disk(), data_directories(), dice);
    if (what.empty()) return false;
    server.is_damaged = true;
  }
  if (options_.verbose) simulation_.note(fmt::format("disk of {}: {}", server.machine->name(), what));
  return true;
}

// What a log has is seen before its member can lose or give up some of it: at the end of each service, after each death, and at the end.
void EnsembleRun::observe_log(std::size_t member) {
  const coord::Options& options = servers_[member].options;
  std::string trouble;
  invariants_.observe_log(member,
                          read_log(servers_[member].machine->disk(),
                                   (options.data_log_dir.empty() ? options.data_dir : options.data_log_dir) + "/version-2", trouble));
  if (!trouble.empty()) fault(fmt::format("{}: {}", servers_[member].machine->name(), trouble));
  for (const std::string& path : servers_[member].machine->disk().all_files()) {
    if (path.find("/snapshot.") != std::string::npos && !path.ends_with(".tmp")) snapshots_.emplace(member, path);
  }
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
    const bool leads = member.peer().role() == zab::Role::leading;
    const bool served = std::exchange(server.was_serving, server.node->is_serving()) && !server.was_serving;
    // What a leader had logged may go out in a snapshot alone, and its log be removed.
    const bool led = std::exchange(server.was_leading, leads) && !leads;
    if (served || led) observe_log(i);
    invariants_.observe(i, {.life = server.machine->lives(),
                            .serving = server.node->is_serving(),
                            .leading = leads,
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

std::optional<zab::EnsembleConfig> EnsembleRun::config_in_force() const {
  const auto chief = leader();
  return chief ? std::optional(servers_[*chief].node->member()->peer().config()) : std::nullopt;
}

std::vector<std::size_t> EnsembleRun::members_in_force() const {
  std::vector<std::size_t> members;
  for (const auto& [id, member] : config_in_force().value_or(first_config_).members) members.push_back(static_cast<std::size_t>(id - 1));
  return members;
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
    for (const std::size_t i : members_in_force()) {
      const Server& server = servers_[i];
      if (!server.machine->running() || server.node == nullptr || !server.node->is_serving()) return false;
      const coord::Database& other = server.node->member()->database();
      // Whether a new epoch without transactions counts is seen differently by those that were there and those that came later.
      const bool is_same = other.last_zxid == first.last_zxid || zab::counter_of(std::max(other.last_zxid, first.last_zxid)) == 0;
      if (!is_same || other.tree.digest() != first.tree.digest()) return false;
    }
    if (operator_ && !operator_->idle()) return false;
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

std::vector<Fault> EnsembleRun::draw(sim::Duration length) {
  FaultBounds bounds{.members = servers_.size(),
                     .machines = machines_.size(),
                     .length = length,
                     .partition_max = partition_max,
                     .pause_max = pause_max,
                     .reconfigurations = shape_.reconfigures};
  if (shape_.damages) {
    // Of the voters no more than the others can do without, whoever they will be.
    std::vector<std::uint32_t> voters;
    for (std::uint32_t i = 0; i < shape_.participants; ++i) voters.push_back(i);
    const std::size_t bearable = shape_.reconfigures ? 1 : (shape_.participants - 1) / 2;
    for (std::size_t i = 0; i < bearable; ++i) {
      std::swap(voters[i], voters[i + dice_.below(voters.size() - i)]);
      bounds.damageable.push_back(voters[i]);
    }
    for (std::size_t i = 0; i < shape_.observers && !shape_.reconfigures; ++i) {
      bounds.damageable.push_back(static_cast<std::uint32_t>(shape_.participants + i));
    }
  }
  return draw_faults(dice_.fork(), bounds);
}

CheckOptions EnsembleRun::what_is_promised() const {
  const std::int64_t silence_ms = (common_options_.ensemble.sync_limit + 2) * common_options_.tick_time.count();
  const std::int64_t pause_ms = std::chrono::duration_cast<milliseconds>(longest_pause_).count();
  CheckOptions options{.reads_are_linearizable = false,
                       .stale_leader_ms = 2 * silence_ms + pause_ms,
                       .expiry_slack_ms = silence_ms + pause_ms + 300,
                       .voters_min = shape_.standalone_enabled ? 2U : 1U};
  for (const auto& [id, member] : first_config_.members) {
    zab::EnsembleConfig alone;
    alone.members[id] = member;
    const std::string text = alone.to_text();
    options.members[id] = text.substr(text.find('=') + 1, text.find('\n') - text.find('=') - 1);
  }
  return options;
}

EnsembleResult EnsembleRun::run() {
  EnsembleResult result;
  const sim::Duration length(dice_.between(3'000'000'000, 8'000'000'000));
  result.faults = draw(length);
  std::vector<Fault> kept = result.faults;
  if (options_.keep) {
    kept.clear();
    for (const std::size_t i : *options_.keep) kept.push_back(result.faults.at(i));
  }
  for (const Fault& fault : kept) {
    if (fault.kind == FaultKind::pause) longest_pause_ = std::max(longest_pause_, fault.length);
  }
  injector_ = std::make_unique<FaultInjector>(
      simulation_, machines_, servers_.size(), std::move(kept),
      FaultInjector::Hooks{.leader = [this] { return leader(); },
                           .damage = [this](const Fault& fault, std::size_t member) { return damage(fault, member); },
                           .reconfigure = [this](const Fault& fault) { return operator_->reconfigure(fault.amount); }});
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    if (first_config_.members.contains(servers_[i].options.server_id)) {
      servers_[i].machine->start();
    } else {
      injector_->want(i, false);
    }
  }
  injector_->begin();
  if (operator_) operator_->begin();
  for (const auto& client : clients_) client->start();
  run_for(length);
  injector_->stop();
  for (const auto& client : clients_) client->quiesce();
  for (const Server& server : servers_) server.auditor->quiesce();

  if (settle("after the faults")) {
    bool well = true;
    const std::vector<std::size_t> members = members_in_force();
    for (auto member = members.begin(); member != members.end() && well; ++member) {
      servers_[*member].auditor->start();
      well = audit(*member, "after the faults");
    }
    // Sessions that were left alone have to end: the longest timeout, the rounding of expiry, and what timers are late.
    const milliseconds longest = std::min(milliseconds(3000), common_options_.tick_time * 20) + 3 * common_options_.tick_time + 500ms;
    if (well) run_for(longest);
    for (const Server& server : servers_) server.machine->crash();
    well = well && settle("after a last crash");
    if (well) run_for(longest);
    well = well && settle("at the end");
    // A reconfiguration whose leader was lost may be in force only now.
    const std::vector<std::size_t> last_members = members_in_force();
    well = well && audit(last_members[dice_.below(last_members.size())], "at the end");
    if (well) invariants_.observe_rest(members_in_force());
  }

  for (const Server& server : servers_) server.machine->kill();

  for (std::size_t i = 0; i < servers_.size(); ++i) observe_log(i);
  const std::vector<Transaction> transactions = invariants_.committed();
  Verdict verdict;
  if (invariants_.faults().empty()) {
    verdict = check(history_, transactions, what_is_promised());
    result.violations = std::move(verdict.faults);
  } else {
    result.violations = invariants_.faults();
    result.violations.insert(result.violations.end(), history_.faults.begin(), history_.faults.end());
  }
  result.ensemble = fmt::format("{} members, {} observers, {} spares, {} clients, tick {} ms, init {} sync {} ticks", shape_.participants,
                                shape_.observers, shape_.spares, clients_.size(), common_options_.tick_time.count(),
                                common_options_.ensemble.init_limit, common_options_.ensemble.sync_limit);
  result.counts = {.simulated_ns = static_cast<std::uint64_t>(simulation_.elapsed().count()),
                   .events = simulation_.events(),
                   .restarts = injector_->restarts(),
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
                   .refused_starts = refused_starts_,
                   .snapshots = snapshots_.size(),
                   .syncs = syncs_,
                   .faults = injector_->struck()};
  result.trace_hash = simulation_.trace().hash();
  result.trace_tail = simulation_.trace().tail(options_.trace_lines);
  return result;
}

}  // namespace

EnsembleResult run_ensemble(const EnsembleRunOptions& options) { return EnsembleRun(options).run(); }

}  // namespace chorus::coord_sim
