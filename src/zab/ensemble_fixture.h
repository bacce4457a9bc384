// For tests: simulated machines that each run a Node with a service whose state is a list of words.
#pragma once

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "jute/txns.h"
#include "world/sim/simulation.h"
#include "zab/node.h"

namespace chorus::zab::test {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

/// A transaction: the header that all have, then the word.
inline Txn make_txn(std::int64_t zxid, std::string_view word) {
  std::string octets;
  jute::encode(jute::TxnHeader{.zxid = zxid, .type = 5}, octets);
  return {zxid, std::make_shared<const std::string>(octets.append(word))};
}
inline std::string word_of(const Txn& txn) { return txn.octets->substr(32); }

/// What a machine keeps whatever happens to the process on it.
struct Disk {
  std::int64_t accepted_epoch = 0;
  std::int64_t current_epoch = 0;
  std::int64_t snapshot_zxid = 0;
  Words snapshot;
  std::vector<Txn> log;  // after the snapshot, or reaching back before it
  std::optional<EnsembleConfig> config, next_config;

  std::int64_t last_zxid() const { return log.empty() ? snapshot_zxid : log.back().zxid; }
  Words words() const {
    Words words = snapshot;
    for (const Txn& txn : log) {
      if (txn.zxid > snapshot_zxid) words.push_back(word_of(txn));
    }
    return words;
  }
};

inline constexpr std::uint32_t end_of_words = 0xffff'ffff;

struct WordsSource final : SnapshotSource {
  WordsSource(Words words, std::size_t& made) : words(std::move(words)), made(made) {}
  State next(std::size_t octets, std::string& out) override {
    base::Writer writer(out);
    const std::size_t before = out.size();
    while (out.size() < before + octets && at < words.size()) {
      writer.u32(static_cast<std::uint32_t>(words[at].size()));
      writer.octets(words[at++]);
    }
    const bool end = at == words.size();
    if (end) writer.u32(end_of_words);
    made += out.size() - before;
    return end ? State::end : State::more;
  }
  const Words words;
  std::size_t& made;
  std::size_t at = 0;
};

struct WordsSink final : SnapshotSink {
  explicit WordsSink(std::function<void(Words)> done) : done(std::move(done)) {}
  base::Result<std::size_t, std::string> feed(std::string_view octets) override {
    std::size_t used = 0;
    while (!complete) {
      base::Reader in(octets.substr(used));
      const std::uint32_t length = in.u32();
      const std::string_view word = length == end_of_words ? std::string_view() : in.octets(length);
      if (!in.ok()) break;
      complete = length == end_of_words;
      if (!complete) words.emplace_back(word);
      used += in.offset();
    }
    return used;
  }
  bool is_complete() const override { return complete; }
  void finish() override { done(std::move(words)); }
  const std::function<void(Words)> done;
  Words words;
  bool complete = false;
};

/// One life of the service.
class Service final : public Application {
 public:
  Service(world::World& world, Disk& disk, const NodeOptions& options, spdlog::logger& logger, world::Duration sync_time)
      : words(disk.words()), world_(world), disk_(disk), sync_time_(sync_time) {
    Recovered recovered{.last_zxid = disk.last_zxid(),
                        .accepted_epoch = disk.accepted_epoch,
                        .current_epoch = disk.current_epoch,
                        .config = disk.config.value(),
                        .next_config = disk.next_config};
    const std::size_t count = std::min(disk.log.size(), options.peer.committed_log_max);
    recovered.recent.assign(disk.log.end() - static_cast<std::ptrdiff_t>(count), disk.log.end());
    auto started = Node::start(world, options, std::move(recovered), *this, logger);
    EXPECT_TRUE(started) << started.error();
    if (started) node = std::move(*started);
  }

  /// On the leader.
  void propose(const std::string& word) { node->propose(make_txn(++last_proposed, word)); }

  Words words;
  std::unique_ptr<Node> node;
  std::optional<StartServing> serving;
  std::int64_t last_proposed = 0;
  std::vector<std::pair<LinkId, Packet>> delivered;
  std::function<void(LinkId, const Packet&)> on_deliver;
  std::size_t snapshot_octets = 0;  // made, to be sent
  int snapshots_received = 0;
  int histories_read = 0;
  std::deque<Txn> unsynced;
  std::size_t unsynced_octets = 0, unsynced_octets_max = 0;

  void store_accepted_epoch(std::int64_t epoch) override {
    store([this, epoch] { disk_.accepted_epoch = epoch; });
  }
  void store_current_epoch(std::int64_t epoch) override {
    store([this, epoch] { disk_.current_epoch = epoch; });
  }
  void truncate(std::int64_t zxid) override {
    store([this, zxid] {
      unsynced.clear();
      unsynced_octets = 0;
      std::erase_if(disk_.log, [&](const Txn& txn) { return txn.zxid > zxid; });
      words = disk_.words();
    });
  }
  void store_snapshot(std::int64_t zxid) override {
    store([this, zxid, now = words] {
      disk_.snapshot = now;
      disk_.snapshot_zxid = zxid;
      disk_.log.clear();
    });
  }
  void append(const Txn& txn) override {
    unsynced.push_back(txn);
    unsynced_octets += txn.octets->size();
    unsynced_octets_max = std::max(unsynced_octets_max, unsynced_octets);
    sync();
  }
  void commit(const Txn& txn) override { words.push_back(word_of(txn)); }
  void read_history(LinkId link, std::int64_t after, std::int64_t until) override {
    ++histories_read;
    HistoryRead read{.link = link, .found = false, .end = true, .txns = {}};
    const bool exact = counter_of(after) != 0;
    for (const Txn& txn : disk_.log) {
      if (exact ? txn.zxid == after : txn.zxid <= after) read.found = true;
      if (txn.zxid <= after || txn.zxid >= until) continue;
      if (read.txns.size() == 10) {
        read.end = false;
        break;
      }
      read.txns.push_back(txn);
    }
    node->history_read(std::move(read));  // from within the call
  }
  std::unique_ptr<SnapshotSource> send_snapshot() override { return std::make_unique<WordsSource>(words, snapshot_octets); }
  std::unique_ptr<SnapshotSink> receive_snapshot(std::int64_t) override {
    return std::make_unique<WordsSink>([this](Words all) {
      words = std::move(all);
      ++snapshots_received;
    });
  }
  void config_proposed(const EnsembleConfig& config) override { disk_.next_config = config; }
  void config_activated(const EnsembleConfig& config) override {
    disk_.config = config;
    disk_.next_config.reset();
  }
  void role_changed(const RoleChanged&) override {}
  void start_serving(const StartServing& how) override {
    EXPECT_FALSE(serving);
    serving = how;
    last_proposed = how.zxid;
  }
  void stop_serving() override {
    EXPECT_TRUE(serving);
    serving.reset();
  }
  void deliver(LinkId link, Packet packet) override {
    if (on_deliver) on_deliver(link, packet);
    if (packet.type == ping && serving && serving->role != Role::leading) {
      packet.has_data = true;
      node->send_to_leader(std::move(packet));
    }
  }
  void learners_changed() override {}

 private:
  static constexpr std::int32_t ping = 5;

  void store(std::function<void()> what) {
    world_.after(100us, [this, what = std::move(what)] {
      what();
      node->stored();
    });
  }
  // All that was appended before a sync began is durable when it ends.
  void sync() {
    if (syncing_ || unsynced.empty()) return;
    syncing_ = true;
    world_.after(sync_time_, [this, count = unsynced.size()] {
      syncing_ = false;
      for (std::size_t i = 0; i < count && !unsynced.empty(); ++i) {
        unsynced_octets -= unsynced.front().octets->size();
        disk_.log.push_back(std::move(unsynced.front()));
        unsynced.pop_front();
      }
      if (!disk_.log.empty()) node->log_synced(disk_.log.back().zxid);
      sync();
    });
  }

  world::World& world_;
  Disk& disk_;
  const world::Duration sync_time_;
  bool syncing_ = false;
};

class Ensemble : public testing::Test {
 protected:
  struct Machine {
    ServerId id;
    sim::Node* node;
    Disk disk;
    NodeOptions options;
    world::Duration sync_time = 200us;
    std::weak_ptr<Service> service;
    bool runs() const { return !service.expired(); }
  };

  explicit Ensemble(std::uint64_t seed = 1, int voters = 3, int observers = 0) : simulation_(seed) {
    EnsembleConfig config;
    for (ServerId id = 1; id <= voters + observers; ++id) {
      sim::Node& node = simulation_.add_node("m" + std::to_string(id));
      Machine& machine = machines_[id];
      machine.id = id;
      machine.node = &node;
      config.members[id] = {
          .quorum_addresses = {{node.address(), 2888}}, .election_addresses = {{node.address(), 3888}}, .is_observer = id > voters};
    }
    for (auto& [id, machine] : machines_) {
      machine.disk.config = config;
      machine.options.peer = {.self = id, .tick = 200ms, .is_observer = id > voters, .committed_log_max = 20};
      machine.node->set_boot([this, &machine = machine](world::World& world) {
        auto service = std::make_shared<Service>(world, machine.disk, machine.options, logger_, machine.sync_time);
        machine.service = service;
        return service;
      });
    }
  }

  Machine& machine(ServerId id) { return machines_.at(id); }
  std::shared_ptr<Service> service(ServerId id) { return machine(id).service.lock(); }
  void start_all() {
    for (auto& [id, machine] : machines_) machine.node->start();
  }
  bool run_until(const std::function<bool()>& done, sim::Duration limit = 60s) { return simulation_.run_until(done, limit); }
  /// The leader with the highest epoch among those that serve as such; null: none.
  Machine* leader() {
    Machine* best = nullptr;
    std::int64_t best_epoch = -1;
    for (auto& [id, machine] : machines_) {
      const auto service = machine.service.lock();
      if (!service || !service->serving || service->serving->role != Role::leading || service->serving->epoch <= best_epoch) continue;
      best = &machine;
      best_epoch = service->serving->epoch;
    }
    return best;
  }
  /// Whether all these serve in the epoch of one leader.
  bool serve(const std::vector<ServerId>& ids) {
    const Machine* leads = leader();
    if (leads == nullptr) return false;
    const std::int64_t epoch = leads->service.lock()->serving->epoch;
    return std::all_of(ids.begin(), ids.end(), [&](ServerId id) {
      const auto each = service(id);
      return each && each->serving && each->serving->epoch == epoch;
    });
  }
  /// Proposes words and waits until these members have them.
  void propose(int count, const std::vector<ServerId>& ids, const std::string& padding = "") {
    Machine* leads = leader();
    ASSERT_NE(leads, nullptr);
    for (int i = 0; i < count; ++i) {
      expected_.push_back(std::to_string(expected_.size()) + padding);
      leads->service.lock()->propose(expected_.back());
    }
    EXPECT_TRUE(run_until([&] { return agree(ids); })) << words_of(ids);
  }
  bool agree(const std::vector<ServerId>& ids) {
    return std::all_of(ids.begin(), ids.end(), [&](ServerId id) {
      const auto each = service(id);
      return each && each->words == expected_;
    });
  }
  std::string words_of(const std::vector<ServerId>& ids) {
    std::string text = std::to_string(expected_.size()) + " expected;";
    for (const ServerId id : ids)
      text += " " + std::to_string(id) + ": " + (service(id) ? std::to_string(service(id)->words.size()) : "down");
    return text;
  }
  std::vector<ServerId> others(ServerId id) const {
    std::vector<ServerId> ids;
    for (const auto& [each, machine] : machines_) {
      if (each != id) ids.push_back(each);
    }
    return ids;
  }

  spdlog::logger logger_{"ensemble", std::make_shared<spdlog::sinks::null_sink_st>()};
  std::map<ServerId, Machine> machines_;
  Words expected_;  // what the service must come to
  sim::Simulation simulation_;
};

}  // namespace chorus::zab::test
