#include "cache_run.h"

#include <fmt/format.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>
#include <map>
#include <utility>

#include "../client/tree_server.h"
#include "base/text.h"
#include "cache/cluster/coordinator.h"
#include "cache/node.h"
#include "cache_client.h"
#include "cache_judge.h"
#include "cache_planted.h"
#include "client/tree_watch.h"
#include "trace_sink.h"
#include "world/sim/chaos.h"
#include "world/sim/simulation.h"

namespace chorus::cache_sim {
namespace {

using namespace std::chrono_literals;
using cache::cluster::NodeId;
using cache::cluster::SlotMap;
using client::Code;
using std::chrono::milliseconds;

constexpr std::size_t nodes_count = 4, clients_count = 6, keys_count = 20;
constexpr std::uint16_t port = 6379;
const std::string cluster_name = "default";
constexpr auto active_for = 25s;

class Scene {
 public:
  explicit Scene(const RunOptions& options)
      : options_(options),
        dice_(options.seed * 2 + 1),
        simulation_(options.seed, machine_options(options)),
        logger_(logger()),
        server_(add_tree_server(simulation_, *logger_)) {
    for (std::size_t i = 0; i < nodes_count; ++i) {
      caches_.push_back({.machine = &simulation_.add_node(fmt::format("cache-{}", i + 1))});
      caches_.back().machine->set_drift(static_cast<double>(dice_.between(-20, 20)) / 1000);
      caches_.back().machine->set_boot([this, i](world::World& world) { return boot(i, world); });
    }
    node_timeout_ms_ = static_cast<std::uint32_t>(dice_.between(800, 2500));
    window_octets_ = static_cast<std::size_t>(dice_.between(2, 64)) << 10;
    outside_ = &simulation_.add_node("outside");
    outside_->set_boot([this](world::World& world) -> std::shared_ptr<void> {
      outside_world_ = &world;
      return std::make_shared<int>(0);
    });
    for (int i = 0; keys_.size() < keys_count; ++i) {
      // Several keys of some slots, so that they move together.
      const std::string tag = fmt::format("t{}", i / 2);
      keys_.push_back(fmt::format("{{{}}}k{}", tag, i));
    }
  }
  RunResult run();

 private:
  struct Cache {
    sim::Node* machine;
    cache::Node* node = nullptr;
    NodeId id = {};
    bool stays_down = false;                            // until it is known what was lost with it
    std::uint64_t handovers = 0, handovers_failed = 0;  // of the lives before
  };
  struct Client {
    std::map<std::string, std::unique_ptr<RedisConnection>> connections;  // by host
    std::map<std::string, std::string> owner;                             // of a key, as it was told
  };
  struct Life {
    Life(Scene& scene, std::size_t i) : scene(scene), i(i) {}
    ~Life() {
      Cache& cache = scene.caches_[i];
      if (node != nullptr) {
        cache.handovers += node->facts().handovers.done;
        cache.handovers_failed += node->facts().handovers.failed;
      }
      cache.node = nullptr;
      node.reset();
    }
    Scene& scene;
    std::size_t i;
    std::unique_ptr<world::World> planted;
    std::unique_ptr<cache::Node> node;
  };
  static sim::Options machine_options(const RunOptions& options) {
    sim::Options made;
    made.trace_length = options.verbose ? 100'000 : 16;
    return made;
  }
  std::shared_ptr<spdlog::logger> logger() {
    std::shared_ptr<spdlog::logger> made;
    if (options_.verbose) {
      made = std::make_shared<spdlog::logger>("cluster", std::make_shared<coord_sim::TraceSink>(simulation_));
      made->set_level(spdlog::level::debug);
    } else {
      made = std::make_shared<spdlog::logger>("cluster", std::make_shared<spdlog::sinks::null_sink_st>());
      made->set_level(spdlog::level::off);
    }
    return made;
  }
  std::string server_address() const { return server_.address() + ":2181"; }
  milliseconds ms_between(std::int64_t least, std::int64_t most) { return milliseconds(dice_.between(least, most)); }
  void note(const std::string& words) { simulation_.note(words); }

  std::shared_ptr<void> boot(std::size_t i, world::World& world) {
    auto life = std::make_shared<Life>(*this, i);
    if (caches_[i].stays_down) {
      caches_[i].machine->kill();
      return life;
    }
    world::World* its_world = &world;
    // The others see what is wrong with these.
    if (!options_.plant.empty() && i < nodes_count / 2) {
      life->planted = plant(options_.plant, world);
      if (life->planted) its_world = life->planted.get();
    }
    cache::Options options;
    options.address = world::Address{caches_[i].machine->address(), port};
    options.tree = server_address();
    options.cluster_config_file = "/cache/nodes.conf";
    options.cluster.enabled = true;
    options.cluster.node_timeout_ms = node_timeout_ms_;
    options.cluster.require_full_coverage = false;
    options.cluster.handover_window_octets = window_octets_;
    auto node = cache::Node::start(*its_world, std::move(options), *logger_);
    ENSURE(node.has_value(), node.error());
    life->node = std::move(*node);
    caches_[i].node = life->node.get();
    caches_[i].id = base::trim(*world::read_file(world.files(), "/cache/nodes.conf"));
    return life;
  }
  Cache* cache_of(std::string_view id) {
    const auto found = std::find_if(caches_.begin(), caches_.end(), [&](const Cache& each) { return each.id == id; });
    return found == caches_.end() ? nullptr : &*found;
  }

  // --- the operator: reads and writes the map as `chorus cache` does
  using WithMap = std::function<void(SlotMap map, std::int32_t version)>;
  void with_map(WithMap body);
  void write_map(const SlotMap& map, std::int32_t version);
  void set_up(SlotMap map, std::int32_t version);
  void operate();
  void change_moves(SlotMap map, std::int32_t version);
  void kill_one();
  void bring_back(std::size_t i);
  void taint_what(std::size_t i, const SlotMap& map);
  void take_over();
  void give_to(const std::string& host, std::uint16_t slot, Cache& lost);
  void begin_anew(const std::string& host, const std::vector<std::string>& keys, bool is_done);
  std::vector<std::string> keys_of(std::uint16_t slot) const;

  // --- clients
  void go_on(std::size_t client);
  void attempt(std::size_t client, CounterJudge::Begun begun, const std::string& host, int tries);
  RedisConnection& connection(std::size_t client, const std::string& host);
  void read_all();

  const RunOptions options_;
  base::Random dice_;
  sim::Simulation simulation_;
  std::shared_ptr<spdlog::logger> logger_;
  sim::Node& server_;
  std::vector<Cache> caches_;
  std::uint32_t node_timeout_ms_ = 1000;
  std::size_t window_octets_ = 8192;
  sim::Node* outside_ = nullptr;
  world::World* outside_world_ = nullptr;
  std::unique_ptr<client::TreeWatch> tree_;
  std::vector<std::string> keys_;
  std::vector<Client> clients_{clients_count + 1};  // the last is the operator's
  CounterJudge judge_;
  std::vector<std::string> faults_;
  Counts counts_;
  bool is_set_up_ = false, is_quiet_ = false, is_taking_over_ = false, is_killing_ = false;
  std::int64_t era_ = 0;
  std::size_t unread_ = 0;
};

void Scene::with_map(WithMap body) {
  auto& tree = tree_->client();
  tree.sync("/", [](client::Result<void>) {});
  tree.get(cache::cluster::map_path(cluster_name), [body = std::move(body)](client::Result<client::Data> data) {
    if (!data && data.error().code != Code::no_node) return;
    if (!data) return body(SlotMap(), -1);
    auto map = SlotMap::parse(data->data);
    ENSURE(map.has_value(), map.error().what);
    body(std::move(*map), data->stat.version);
  });
}

void Scene::write_map(const SlotMap& map, std::int32_t version) {
  SlotMap next = map;
  next.next_epoch();
  tree_->client().set(cache::cluster::map_path(cluster_name), next.format(), version, [](client::Result<client::Stat>) {});
}

/// The first three share the slots, the fourth has none.
void Scene::set_up(SlotMap map, std::int32_t version) {
  if (version >= 0) {
    is_set_up_ = map.assigned() == cache::slots;
    return;
  }
  for (const Cache& cache : caches_) {
    map.add_member(cache.id, {.ip = cache.machine->address(), .port = port, .bus_port = port + 10'000, .hostname = {}});
  }
  for (std::size_t slot = 0; slot < cache::slots; ++slot) {
    map.set_owner(static_cast<std::uint16_t>(slot), &caches_[slot * (nodes_count - 1) / cache::slots].id);
  }
  for (const std::string& path : cache::cluster::parent_paths(cluster_name)) {
    tree_->client().create(path, "", {}, [](client::Result<client::Created>) {});
  }
  tree_->client().create(cache::cluster::map_path(cluster_name), map.format(), {}, [](client::Result<client::Created>) {});
}

void Scene::operate() {
  if (is_quiet_) return;
  simulation_.after(ms_between(100, 800), [this] { operate(); });
  if (!is_set_up_) return with_map([this](SlotMap map, std::int32_t version) { set_up(std::move(map), version); });
  switch (dice_.below(12)) {
    case 0:
      return kill_one();
    case 1:
      return take_over();
    default:
      with_map([this](SlotMap map, std::int32_t version) { change_moves(std::move(map), version); });
  }
}

void Scene::change_moves(SlotMap map, std::int32_t version) {
  if (is_quiet_) return;
  if (map.moves().size() > 2 || (!map.moves().empty() && dice_.below(5) == 0)) {
    map.remove_move(map.moves().begin()->first);
    return write_map(map, version);
  }
  const std::string& key = keys_[dice_.below(keys_.size())];
  const std::uint16_t slot = cache::slot_of(key);
  const NodeId* owner = map.owner(slot);
  const Cache& to = caches_[dice_.below(caches_.size())];
  if (owner == nullptr || *owner == to.id || map.move_of(slot) != 0) return;
  cache::cluster::Slots slots{slot};
  for (const std::string& other : keys_) {
    const std::uint16_t beside = cache::slot_of(other);
    if (map.owns(*owner, beside) && map.move_of(beside) == 0 && dice_.below(3) == 0) slots.insert(beside);
  }
  map.add_move(NodeId(*owner), to.id, slots);
  write_map(map, version);
}

std::vector<std::string> Scene::keys_of(std::uint16_t slot) const {
  std::vector<std::string> found;
  for (const std::string& key : keys_) {
    if (cache::slot_of(key) == slot) found.push_back(key);
  }
  return found;
}

/// Its data is gone with it: what it owned is not judged any more. What it was only being given is the other's still.
void Scene::taint_what(std::size_t i, const SlotMap& map) {
  for (const std::string& key : keys_) {
    if (map.owns(caches_[i].id, cache::slot_of(key))) judge_.taint(key);
  }
}

void Scene::kill_one() {
  if (std::exchange(is_killing_, true)) return;
  const std::size_t i = dice_.below(caches_.size());
  with_map([this, i](SlotMap map, std::int32_t) {
    // Those that own many keys die rarely: too few would be left to judge.
    std::size_t owned = 0;
    for (const std::string& key : keys_) owned += map.owns(caches_[i].id, cache::slot_of(key)) && !judge_.is_tainted(key) ? 1 : 0;
    if (owned > 1 && dice_.below(12) != 0) {
      is_killing_ = false;
      return;
    }
    ++counts_.kills;
    note("kill " + caches_[i].machine->name());
    taint_what(i, map);
    caches_[i].stays_down = true;
    caches_[i].machine->kill();
  });
  // What was on its way to the tree is there by now, or never will be.
  simulation_.after(4s, [this, i] {
    is_killing_ = false;
    bring_back(i);
  });
}

void Scene::bring_back(std::size_t i) {
  if (!caches_[i].stays_down) return;
  with_map([this, i](SlotMap map, std::int32_t) {
    if (!std::exchange(caches_[i].stays_down, false)) return;
    taint_what(i, map);
    if (!caches_[i].machine->running()) caches_[i].machine->start();
  });
  // When the tree did not answer.
  simulation_.after(2s, [this, i] { bring_back(i); });
}

/// A node is cut off from the tree, but not from clients, and another is given one of its slots.
void Scene::take_over() {
  if (std::exchange(is_taking_over_, true)) return;
  simulation_.after(25s, [this] { is_taking_over_ = false; });
  with_map([this](SlotMap map, std::int32_t) {
    const std::uint16_t slot = cache::slot_of(keys_[dice_.below(keys_.size())]);
    const NodeId* owner = map.owner(slot);
    Cache* lost = owner == nullptr ? nullptr : cache_of(*owner);
    if (lost == nullptr || map.move_of(slot) != 0 || is_quiet_) return;
    const Cache& next = caches_[dice_.below(caches_.size())];
    if (&next == lost) return;
    note(fmt::format("cut {} off from the tree; slot {} is to go to {}", lost->machine->name(), slot, next.machine->name()));
    simulation_.network().partition({lost->machine}, {&server_});
    simulation_.after(ms_between(5000, 9000), [this, host = next.machine->address(), slot, lost] { give_to(host, slot, *lost); });
    simulation_.after(20s, [this, lost] {
      simulation_.network().unblock(*lost->machine, server_);
      simulation_.network().unblock(server_, *lost->machine);
    });
  });
}

void Scene::give_to(const std::string& host, std::uint16_t slot, Cache& /*lost*/) {
  const auto keys = keys_of(slot);
  for (const std::string& key : keys) judge_.begin_era(key);
  RedisConnection& to = connection(clients_count, host);
  const std::string number = std::to_string(slot);
  to.ask({"MULTI"}, [](const std::optional<std::string>&) {});
  to.ask({"CLUSTER", "DELSLOTS", number}, [](const std::optional<std::string>&) {});
  to.ask({"CLUSTER", "ADDSLOTS", number}, [](const std::optional<std::string>&) {});
  to.ask({"EXEC"},
         [this, host, keys](const std::optional<std::string>& reply) { begin_anew(host, keys, reply == "*2\r\n+OK\r\n+OK\r\n"); });
}

void Scene::begin_anew(const std::string& host, const std::vector<std::string>& keys, bool is_done) {
  if (!is_done) {
    // Or it may be, later: whose key it is nobody knows.
    for (const std::string& key : keys) judge_.taint(key);
    return;
  }
  ++counts_.takeovers;
  const std::int64_t from = ++era_ * 1'000'000;
  for (const std::string& key : keys) {
    connection(clients_count, host).ask({"SET", key, std::to_string(from)}, [this, key, from](const std::optional<std::string>& reply) {
      reply == "+OK\r\n" ? judge_.end_era(key, from) : judge_.taint(key);
    });
  }
}

RedisConnection& Scene::connection(std::size_t client, const std::string& host) {
  auto& made = clients_[client].connections[host];
  const auto patience = client == clients_count ? 30s : 4s;
  if (!made) made = std::make_unique<RedisConnection>(*outside_world_, world::Address{host, port}, patience);
  return *made;
}

void Scene::go_on(std::size_t client) {
  if (is_quiet_) return;
  simulation_.after(ms_between(1, 60), [this, client] {
    const std::string& key = keys_[dice_.below(keys_.size())];
    ++counts_.operations;
    const std::string& known = clients_[client].owner[key];
    const std::string host = known.empty() || dice_.below(10) == 0 ? caches_[dice_.below(caches_.size())].machine->address() : known;
    attempt(client, judge_.begin(key, dice_.below(3) != 0), host, 0);
  });
}

void Scene::attempt(std::size_t client, CounterJudge::Begun begun, const std::string& host, int tries) {
  connection(client, host)
      .ask({begun.is_increment ? "INCR" : "GET", begun.key}, [this, client, begun, host, tries](const std::optional<std::string>& reply) {
        if (!reply) {
          clients_[client].owner.erase(begun.key);
          return go_on(client);
        }
        constexpr int tries_max = 6;
        if (reply->starts_with("-MOVED ") && tries < tries_max) {
          const auto words = base::split(base::trim(*reply), ' ');
          const auto to = world::parse_address(words.at(2));
          ENSURE(to.has_value(), *reply);
          clients_[client].owner[begun.key] = to->host;
          return attempt(client, begun, to->host, tries + 1);
        }
        if (reply->starts_with('-')) {
          clients_[client].owner.erase(begun.key);
          judge_.refused(begun);
        } else {
          clients_[client].owner[begun.key] = host;
          const std::string_view text =
              reply->starts_with('$') ? std::string_view(*reply).substr(reply->find("\r\n") + 2) : std::string_view(*reply).substr(1);
          judge_.answered(begun, *reply == "$-1\r\n" ? 0 : base::parse_int(base::trim(text)).value_or(-1));
        }
        go_on(client);
      });
}

/// At the end, from whoever has it.
void Scene::read_all() {
  unread_ = keys_.size();
  for (const std::string& key : keys_) {
    auto ask = std::make_shared<std::function<void(std::string, int)>>();
    *ask = [this, key, ask, begun = judge_.begin(key, false)](const std::string& host, int tries) {
      connection(0, host).ask({"GET", key}, [this, key, ask, begun, host, tries](const std::optional<std::string>& reply) {
        if (reply && reply->starts_with('$')) {
          judge_.answered(begun,
                          *reply == "$-1\r\n" ? 0 : base::parse_int(base::trim(reply->substr(reply->find("\r\n") + 2))).value_or(-1));
          --unread_;
          *ask = nullptr;
          return;
        }
        std::string next = host;
        if (reply && reply->starts_with("-MOVED ")) next = world::parse_address(base::split(base::trim(*reply), ' ').at(2))->host;
        constexpr int tries_max = 400;
        if (tries < tries_max) simulation_.after(100ms, [ask, next, tries] { (*ask)(next, tries + 1); });
      });
    };
    (*ask)(caches_.front().machine->address(), 0);
  }
}

RunResult Scene::run() {
  outside_->start();
  tree_ = std::make_unique<client::TreeWatch>(
      *outside_world_, *client::options_for(server_address()), std::vector<std::string>{"/chorus"},
      client::TreeWatch::Events{
          .changed = [](const std::string&, const std::string*) {}, .loaded = [] {}, .trouble = [](const std::string&) {}});
  tree_->start();
  for (Cache& cache : caches_) cache.machine->start();
  operate();
  if (!simulation_.run_until([&] { return is_set_up_; }, 60s)) faults_.emplace_back("the cluster was not set up within 60 s");

  sim::ChaosOptions chaos_options;
  const auto now_and_then = [&](std::int64_t least, std::int64_t most) {
    return dice_.below(3) == 0 ? sim::Duration{} : sim::Duration(ms_between(least, most));
  };
  chaos_options.pause_every = now_and_then(1000, 5000);
  chaos_options.pause_max = 4s;
  chaos_options.break_every = now_and_then(500, 4000);
  chaos_options.partition_every = now_and_then(2000, 6000);
  chaos_options.partition_max = 3s;
  chaos_options.step_every = now_and_then(2000, 6000);
  std::vector<sim::Node*> struck;
  for (const Cache& cache : caches_) struck.push_back(cache.machine);
  struck.push_back(&server_);
  sim::Chaos chaos(simulation_, struck, chaos_options);
  if (dice_.below(8) != 0) chaos.begin();
  // So that a handover takes a while.
  for (std::size_t i = 0; i < keys_.size(); i += 2) {
    const std::size_t owner = cache::slot_of(keys_[i]) * (nodes_count - 1) / cache::slots;
    const std::string key = keys_[i].substr(0, keys_[i].find('}') + 1) + "padding";
    connection(clients_count, caches_[owner].machine->address())
        .ask({"SET", key, std::string(dice_.below(100'000), 'x')}, [](const std::optional<std::string>&) {});
  }
  for (std::size_t i = 0; i < clients_count; ++i) go_on(i);
  simulation_.run_for(active_for);
  is_quiet_ = true;
  chaos.stop();
  simulation_.run_for(30s);
  simulation_.network().heal();
  if (!simulation_.run_until(
          [&] { return std::all_of(caches_.begin(), caches_.end(), [](const Cache& each) { return each.node != nullptr; }); }, 60s)) {
    faults_.emplace_back("not all nodes have come back");
  }
  read_all();
  if (!simulation_.run_until([&] { return unread_ == 0; }, 120s))
    faults_.push_back(fmt::format("{} keys cannot be read at the end", unread_));

  RunResult result{.faults = faults_,
                   .counts = counts_,
                   .trace_hash = simulation_.trace().hash(),
                   .trace_tail = simulation_.trace().tail(options_.trace_lines)};
  result.faults.insert(result.faults.end(), judge_.faults().begin(), judge_.faults().end());
  result.counts.judged = judge_.judged();
  result.counts.events = simulation_.events();
  result.counts.faults = chaos.counts().total();
  for (const Cache& cache : caches_) {
    result.counts.handovers += cache.handovers + (cache.node == nullptr ? 0 : cache.node->facts().handovers.done);
    result.counts.handovers_failed += cache.handovers_failed + (cache.node == nullptr ? 0 : cache.node->facts().handovers.failed);
  }
  // Before what they call.
  for (const Cache& cache : caches_) cache.machine->kill();
  server_.kill();
  clients_.clear();
  tree_.reset();
  return result;
}

}  // namespace

void Counts::add(const Counts& other) {
  events += other.events;
  operations += other.operations;
  judged += other.judged;
  handovers += other.handovers;
  handovers_failed += other.handovers_failed;
  kills += other.kills;
  takeovers += other.takeovers;
  faults += other.faults;
}

RunResult run_seed(const RunOptions& options) { return Scene(options).run(); }

}  // namespace chorus::cache_sim
