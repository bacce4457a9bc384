// Byte-stream connections between simulated nodes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "world/sim/options.h"
#include "world/sim/scheduler.h"

namespace chorus::sim {

class Life;
class Node;
class SimConnection;
class SimListener;
struct Link;

struct NetworkCounts {
  std::uint64_t connections = 0;
  std::uint64_t segments = 0;
  std::uint64_t octets = 0;
  std::uint64_t broken = 0;
  std::uint64_t connects_failed = 0;
};

struct ListenerState {
  Life* life = nullptr;
  world::Address address;
  world::ListenOptions options;
  world::OnAccept on_accept;
};

class Network {
 public:
  Network(Scheduler& scheduler, const NetworkOptions& options, base::Random random);
  ~Network();

  NetworkOptions options;
  NetworkCounts counts;

  void add(Node& node);
  /// By address, or by the node's name.
  Node* find(const std::string& host) const;

  // Faults. A blocked direction holds what is sent, as TCP does, and delivers it after healing.
  void block(const Node& from, const Node& to);
  void unblock(const Node& from, const Node& to);
  /// Blocks both directions between the groups.
  void partition(const std::vector<Node*>& these, const std::vector<Node*>& those);
  void heal();
  bool blocked(const Node& from, const Node& to) const;
  /// Breaks every connection between the two nodes (in either direction); their number.
  std::size_t break_connections(const Node& one, const Node& other);

  // For Life.
  world::NetResult<std::unique_ptr<world::Listener>> listen(Life& life, const world::Address& address, const world::ListenOptions& options,
                                                            world::OnAccept on_accept);
  void connect(Life& life, const world::Address& address, const world::ConnectOptions& options, world::OnConnect on_connect);
  /// The process is gone. power: the machine too, so that nobody tells the other ends.
  void end(Life& life, bool power);
  /// A node runs again: what waited for it gets its answer.
  void retry_held();

 private:
  friend class SimConnection;
  friend class SimListener;
  struct Attempt;

  std::int64_t delay(const Node& from, const Node& to);
  void try_connect(std::shared_ptr<Attempt> attempt);
  void fail(Attempt& attempt, world::NetErrc code, const std::string& why);
  void establish(std::shared_ptr<Attempt> attempt, const std::shared_ptr<ListenerState>& listener);
  void post_pump(const std::shared_ptr<Link>& link, int side);
  void pump(const std::shared_ptr<Link>& link, int side);
  void send(const std::shared_ptr<Link>& link, int side, std::string octets, int kind);
  void post_arrival(const std::shared_ptr<Link>& link, int side);
  void arrive(const std::shared_ptr<Link>& link, int side);
  void drain(const std::shared_ptr<Link>& link, int side);
  void give_credit(const std::shared_ptr<Link>& link, int side, std::size_t count);
  void credit_arrives(const std::shared_ptr<Link>& link, int side);
  void finish(const std::shared_ptr<Link>& link, int side, world::NetErrc code, const std::string& why);
  void break_off(const std::shared_ptr<Link>& link);
  void abandon(const std::shared_ptr<Link>& link, int side);
  void prune();

  Scheduler& scheduler_;
  base::Random random_;
  std::vector<Node*> nodes_;
  std::map<std::pair<std::string, std::uint16_t>, std::shared_ptr<ListenerState>> listeners_;  // by the node's address
  std::vector<std::shared_ptr<Link>> links_;
  std::size_t prune_at_ = 64;
  std::vector<std::pair<std::shared_ptr<Link>, int>> held_;  // directions (by sending side) with something that waits
  std::set<std::pair<std::uint32_t, std::uint32_t>> blocked_;
  std::uint16_t next_port_ = 32768;
};

}  // namespace chorus::sim
