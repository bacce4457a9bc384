#include "cache_run.h"

#include <fmt/format.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>
#include <utility>

#include "../client/tree_server.h"
#include "base/text.h"
#include "cache_planted.h"
#include "cache_scene.h"
#include "trace_sink.h"

namespace chorus::cache_sim {
namespace {

constexpr auto active_for = 20s;

sim::Options machine_options(const RunOptions& options) {
  sim::Options made;
  made.trace_length = options.verbose ? std::max<std::size_t>(100'000, options.trace_lines) : 16;
  return made;
}

}  // namespace

struct Scene::Life {
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

Scene::Scene(const RunOptions& options)
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
  for (std::size_t i = 0; keys_.size() < keys_count; ++i) {
    // Several keys of some slots, so that they move together.
    keys_.push_back(fmt::format("{{t{}}}k{}", i / 2, i));
  }
}

std::shared_ptr<spdlog::logger> Scene::logger() {
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

std::shared_ptr<void> Scene::boot(std::size_t i, world::World& world) {
  auto life = std::make_shared<Life>(*this, i);
  Cache& cache = caches_[i];
  if (cache.stays_down) {
    // The chaos starts whoever is down; it is not for it to say when.
    cache.machine->kill();
    return life;
  }
  world::World* its_world = &world;
  // The others see what is wrong with these.
  if (!options_.plant.empty() && i < nodes_count / 2) {
    life->planted = plant(options_.plant, world);
    if (life->planted) its_world = life->planted.get();
  }
  cache::Options options;
  options.address = world::Address{cache.host(), port};
  options.tree = server_address();
  options.cluster_config_file = "/cache/nodes.conf";
  options.save.directory = "/cache";
  options.save.points.clear();
  options.cluster.enabled = true;
  options.cluster.node_timeout_ms = node_timeout_ms_;
  options.cluster.require_full_coverage = false;
  options.cluster.handover_window_octets = window_octets_;
  auto node = cache::Node::start(*its_world, std::move(options), *logger_);
  ENSURE(node.has_value(), node.error());
  life->node = std::move(*node);
  life->node->on_failure([this, i](const std::string& why) { faults_.push_back(caches_[i].machine->name() + ": " + why); });
  cache.node = life->node.get();
  const NodeId id(base::trim(*world::read_file(world.files(), "/cache/nodes.conf")));
  if (!cache.id.empty() && cache.id != id) faults_.push_back(cache.machine->name() + " has become another");
  cache.id = id;
  return life;
}

Scene::Cache* Scene::cache_of(std::string_view id) {
  const auto found = std::find_if(caches_.begin(), caches_.end(), [&](const Cache& each) { return each.id == id; });
  return found == caches_.end() ? nullptr : &*found;
}

std::vector<std::string> Scene::keys_of(std::uint16_t slot) const {
  std::vector<std::string> found;
  for (const std::string& key : keys_) {
    if (cache::slot_of(key) == slot) found.push_back(key);
  }
  return found;
}

/// So that a handover takes a while.
void Scene::pad() {
  for (std::size_t i = 0; i < keys_.size(); i += 2) {
    const std::size_t owner = cache::slot_of(keys_[i]) * (nodes_count - 1) / cache::slots;
    const std::string key = keys_[i].substr(0, keys_[i].find('}') + 1) + "padding";
    operators(caches_[owner].host()).ask({"SET", key, std::string(dice_.below(100'000), 'x')}, [](const Reply&) {});
  }
}

void Scene::map_seen(const std::string& path, const std::string* data) {
  if (!options_.verbose || data == nullptr || path != cache::cluster::map_path(cluster_name)) return;
  const auto map = SlotMap::parse(*data);
  if (!map) return;
  std::string text = "map:";
  for (std::size_t i = 0; i < keys_.size(); i += 2) {
    const std::uint16_t slot = cache::slot_of(keys_[i]);
    const auto name = [&](const NodeId* id) {
      return id == nullptr || cache_of(*id) == nullptr ? "?" : cache_of(*id)->machine->name().substr(6);
    };
    text += fmt::format(" {}@{}", slot, name(map->owner(slot)));
    if (const std::uint64_t number = map->move_of(slot); number != 0) text += fmt::format(">{}", name(&map->moves().at(number).to));
    if (const auto* open = map->open(slot)) {
      if (open->migrating_to) text += fmt::format("->{}", name(&*open->migrating_to));
      for (const auto& [at, from] : open->importing) text += fmt::format("<-{}", name(&at));
    }
  }
  note(text);
}

RunResult Scene::run() {
  outside_->start();
  tree_ = std::make_unique<client::TreeWatch>(
      *outside_world_, *client::options_for(server_address()), std::vector<std::string>{"/chorus"},
      client::TreeWatch::Events{.changed = [this](const std::string& path, const std::string* data) { map_seen(path, data); },
                                .loaded = [] {},
                                .trouble = [](const std::string&) {}});
  tree_->start();
  for (Cache& cache : caches_) cache.machine->start();
  operate();
  if (!simulation_.run_until([&] { return is_set_up_; }, 60s)) faults_.emplace_back("the cluster was not set up within 60 s");

  sim::ChaosOptions chaos_options;
  const auto now_and_then = [&](std::int64_t least, std::int64_t most) {
    return by_chance(3) ? sim::Duration{} : sim::Duration(ms_between(least, most));
  };
  chaos_options.pause_every = now_and_then(1000, 5000);
  chaos_options.pause_max = 4s;
  chaos_options.break_every = now_and_then(500, 4000);
  chaos_options.partition_every = now_and_then(2000, 6000);
  chaos_options.partition_max = 3s;
  chaos_options.step_every = now_and_then(2000, 6000);
  // The nodes are killed by the operator, who knows what was saved.
  std::vector<sim::Node*> struck;
  for (const Cache& cache : caches_) struck.push_back(cache.machine);
  struck.push_back(&server_);
  sim::Chaos chaos(simulation_, struck, chaos_options);
  if (!by_chance(8)) chaos.begin();
  pad();
  for (std::size_t i = 0; i < clients_count; ++i) go_on(i);
  simulation_.run_for(active_for);
  is_quiet_ = true;
  chaos.stop();
  // What was begun ends, and the longest lease does.
  simulation_.run_for(20s);
  simulation_.network().heal();
  const auto all_run = [&] { return std::all_of(caches_.begin(), caches_.end(), [](const Cache& each) { return each.node != nullptr; }); };
  if (!simulation_.run_until(all_run, 60s)) faults_.emplace_back("not all nodes have come back");
  read_all();
  if (!simulation_.run_until([&] { return unread_ == 0; }, 120s)) {
    faults_.push_back(fmt::format("{} keys cannot be read at the end", unread_));
  }

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

void Counts::add(const Counts& other) {
  events += other.events;
  operations += other.operations;
  judged += other.judged;
  handovers += other.handovers;
  handovers_failed += other.handovers_failed;
  migrations += other.migrations;
  kills += other.kills;
  saves += other.saves;
  revived += other.revived;
  takeovers += other.takeovers;
  faults += other.faults;
}

RunResult run_seed(const RunOptions& options) { return Scene(options).run(); }

}  // namespace chorus::cache_sim
