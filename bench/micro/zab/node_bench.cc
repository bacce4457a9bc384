// What the agreement costs: three servers on one thread, over loopback, whose log is durable at once.
#include <benchmark/benchmark.h>
#include <spdlog/sinks/null_sink.h>

#include <array>
#include <memory>
#include <string>

#include "base/ensure.h"
#include "jute/txns.h"
#include "world/real/reactor.h"
#include "zab/node.h"

namespace {

using namespace chorus;
using namespace chorus::zab;
using namespace std::chrono_literals;

class Service final : public Application {
 public:
  explicit Service(world::World& world) : world_(world) {}

  std::unique_ptr<Node> node;
  std::int64_t last = 0;  // proposed
  std::int64_t committed = 0;
  std::optional<Role> role;

  void store_accepted_epoch(std::int64_t) override { store(); }
  void store_current_epoch(std::int64_t) override { store(); }
  void truncate(std::int64_t) override { store(); }
  void store_snapshot(std::int64_t) override { store(); }
  void append(const Txn& txn) override {
    appended_ = txn.zxid;
    if (std::exchange(syncing_, true)) return;
    world_.post([this] {
      syncing_ = false;
      node->log_synced(appended_);
    });
  }
  void commit(const Txn&) override { ++committed; }
  void read_history(LinkId link, std::int64_t, std::int64_t) override { node->history_read({.link = link, .found = false, .end = true}); }
  std::unique_ptr<SnapshotSource> send_snapshot() override { return nullptr; }
  std::unique_ptr<SnapshotSink> receive_snapshot(std::int64_t) override { return nullptr; }
  void config_proposed(const EnsembleConfig&) override {}
  void config_activated(const EnsembleConfig&) override {}
  void role_changed(const RoleChanged&) override {}
  void start_serving(const StartServing& how) override {
    role = how.role;
    last = how.zxid;
  }
  void stop_serving() override { role.reset(); }
  void deliver(LinkId, Packet packet) override {
    if (packet.type != 5 || role == Role::leading) return;  // PING
    packet.has_data = true;
    node->send_to_leader(std::move(packet));
  }
  void learners_changed() override {}

 private:
  void store() {
    world_.post([this] { node->stored(); });
  }
  world::World& world_;
  std::int64_t appended_ = 0;
  bool syncing_ = false;
};

/// Ports that are free now.
EnsembleConfig free_ports(world::real::Reactor& reactor) {
  EnsembleConfig config;
  std::vector<std::unique_ptr<world::Listener>> held;
  const auto address = [&] {
    auto listener = reactor.listen({"127.0.0.1", 0}, {}, [](auto) {});
    ENSURE(listener.has_value());
    held.push_back(std::move(*listener));
    return held.back()->address();
  };
  for (ServerId id = 1; id <= 3; ++id) config.members[id] = {.quorum_addresses = {address()}, .election_addresses = {address()}};
  return config;
}

/// state.range(0): how many are proposed in one turn of the loop.
void propose(benchmark::State& state) {
  spdlog::logger logger("bench", std::make_shared<spdlog::sinks::null_sink_st>());
  world::real::Reactor reactor;
  const EnsembleConfig config = free_ports(reactor);
  std::vector<std::unique_ptr<Service>> services;
  for (const auto& [id, member] : config.members) {
    services.push_back(std::make_unique<Service>(reactor));
    auto node = Node::start(reactor, {.peer = {.self = id}}, {.config = config}, *services.back(), logger);
    ENSURE(node.has_value());
    services.back()->node = std::move(*node);
  }
  const auto all = [&](auto holds) { return std::all_of(services.begin(), services.end(), [&](const auto& s) { return holds(*s); }); };
  ENSURE(reactor.run_until([&] { return all([](const Service& s) { return s.role.has_value(); }); }, 30s));
  Service& leader = **std::find_if(services.begin(), services.end(), [](const auto& s) { return s->role == Role::leading; });

  const std::string record(120, 'x');
  std::int64_t proposed = leader.committed;
  for (auto _ : state) {
    reactor.post([&] {
      for (int i = 0; i < state.range(0); ++i) {
        std::string octets;
        octets.reserve(32 + record.size());
        jute::encode(jute::TxnHeader{.zxid = ++leader.last, .type = 5}, octets);
        leader.node->propose({leader.last, std::make_shared<const std::string>(octets += record)});
      }
    });
    proposed += state.range(0);
    ENSURE(reactor.run_until([&] { return all([&](const Service& s) { return s.committed == proposed; }); }, 30s));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(propose)->Arg(1)->Arg(16)->Arg(256)->Arg(4096)->Unit(benchmark::kMicrosecond);

}  // namespace
