// A tree, caches that share slots, an operator who moves them, and clients that count: see cache_run.h.
#pragma once

#include <spdlog/logger.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cache/cluster/coordinator.h"
#include "cache/node.h"
#include "cache_client.h"
#include "cache_judge.h"
#include "cache_run.h"
#include "client/tree_watch.h"
#include "world/sim/chaos.h"
#include "world/sim/simulation.h"

namespace chorus::cache_sim {

using namespace std::chrono_literals;
using cache::cluster::NodeId;
using cache::cluster::SlotMap;
using std::chrono::milliseconds;

inline constexpr std::size_t nodes_count = 4, clients_count = 6, keys_count = 20;
inline constexpr std::uint16_t port = 6379;
inline const std::string cluster_name = "default";

class Scene {
 public:
  explicit Scene(const RunOptions& options);
  RunResult run();

 private:
  struct Cache {
    sim::Node* machine;
    cache::Node* node = nullptr;
    NodeId id = {};
    bool stays_down = false;                            // until it is known what may be lost with it
    std::map<std::string, std::int64_t> saved = {};     // a count of each key that its snapshot has, or a later one
    std::set<std::string> lost = {};                    // keys that it held when it died
    std::uint64_t handovers = 0, handovers_failed = 0;  // of the lives before
    const std::string& host() const { return machine->address(); }
  };
  struct Client {
    std::map<std::string, std::unique_ptr<RedisConnection>> connections;  // by host
    std::map<std::string, std::string> owner;                             // of a key, as it was told
  };
  struct Life;
  using Words = std::vector<std::string>;
  using Reply = std::optional<std::string>;

  std::shared_ptr<spdlog::logger> logger();
  std::shared_ptr<void> boot(std::size_t i, world::World& world);
  std::string server_address() const { return server_.address() + ":2181"; }
  milliseconds ms_between(std::int64_t least, std::int64_t most) { return milliseconds(dice_.between(least, most)); }
  bool by_chance(std::uint64_t one_in) { return dice_.below(one_in) == 0; }
  void note(const std::string& words) { simulation_.note(words); }
  Cache* cache_of(std::string_view id);
  std::vector<std::string> keys_of(std::uint16_t slot) const;
  bool is_between_eras(std::uint16_t slot) const;
  void pad();
  void map_seen(const std::string& path, const std::string* data);

  // --- the operator: cache_operator.cc
  using WithMap = std::function<void(SlotMap map, std::int32_t version)>;
  void with_map(WithMap body);
  void write_map(const SlotMap& map, std::int32_t version);
  void set_up(SlotMap map, std::int32_t version);
  void operate();
  void change_moves(SlotMap map, std::int32_t version);
  struct KeyMove {
    std::uint16_t slot;
    Cache *from, *to;
    int tries = 0;
  };
  void move_key_by_key(SlotMap map);
  void move_keys(const std::shared_ptr<KeyMove>& move);
  void close_slot(const std::shared_ptr<KeyMove>& move);
  void save(std::size_t i);
  void kill_one();
  void bring_back(std::size_t i);
  void begin_eras(std::size_t i, const SlotMap& map);
  void revive(std::size_t i, const std::string& key);
  void begin_anew(const std::string& key, const std::string& host);
  void take_over();
  void give_to(const Cache& next, std::uint16_t slot);

  // --- clients: cache_clients.cc
  RedisConnection& connection(std::size_t client, const std::string& host);
  RedisConnection& operators(const std::string& host) { return connection(clients_count, host); }
  void go_on(std::size_t client);
  void attempt(std::size_t client, const CounterJudge::Begun& begun, const std::string& host, int tries, bool asks);
  /// What the operator asks of a node, and what comes of it, are in the trace.
  void order(const std::string& host, const Words& words, RedisConnection::Done done);
  /// Wherever it is sent, and again when it is refused; `done` also gets the node that has answered.
  void follow(const Words& words, const std::string& host, int tries, std::function<void(Reply, const std::string&)> done,
              bool asks = false);
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
  bool is_set_up_ = false, is_quiet_ = false, is_taking_over_ = false, is_killing_ = false, is_moving_keys_ = false, is_saving_ = false;
  std::int64_t era_ = 0;
  std::size_t unread_ = 0;
};

/// The number of a reply to INCR or GET; 0 for a key that is not there.
std::int64_t number_in(std::string_view reply);
/// "HOST" of "-MOVED 5 HOST:6379" or -ASK; empty: it is none of them.
std::string redirected_to(std::string_view reply);

}  // namespace chorus::cache_sim
