// For tests: an ensemble of Peers in one thread, from one seed, with a network that delays and breaks, disks that lose what was not synced,
// and a judge who knows what may be committed.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "zab/packet.h"
#include "zab/peer.h"
#include "zab/peer_fixture.h"

namespace chorus::zab::test {

/// One transaction, as the judge sees it. Two with one zxid differ in their value.
struct Entry {
  std::int64_t zxid = 0;
  std::int64_t value = 0;
  friend bool operator==(const Entry&, const Entry&) = default;
};
using Entries = std::vector<Entry>;

inline Entry entry_of(const Txn& txn) {
  base::Reader in(*txn.octets);
  in.octets(32);
  return {txn.zxid, in.i64()};
}
inline Txn txn_of(const Entry& entry) {
  std::string value;
  base::Writer(value).i64(entry.value);
  return make_txn(entry.zxid, 5, value);
}

struct ClusterOptions {
  std::uint64_t seed = 1;
  int voters = 3;
  int observers = 0;
  int faults = 15;
  double slowness = 0;  // how many of the waits are 200 times as long
  double forgery = 0;   // how often an election names anybody
  std::size_t committed_log_max = 20;
  Fault planted = Fault::none;
  bool keep_trace = false;
};

class Cluster {
 public:
  explicit Cluster(const ClusterOptions& options);
  ~Cluster();

  /// Faults, then peace in which all must come to serve and commit. What was broken first; empty: all held.
  std::string run();

  int committed() const { return static_cast<int>(committed_.size()); }
  int terms() const { return static_cast<int>(leaders_.size()); }
  std::uint64_t events() const { return events_; }
  /// What happened, for a person who looks into a failure; with keep_trace.
  std::string trace() const;

  struct Counts {
    int crashes = 0, breaks = 0, partitions = 0, resignations = 0, snapshots = 0, truncations = 0, reads = 0;
  } counts;

 private:
  struct Server;
  struct Wire;

  void at(world::Duration delay, std::function<void()> what);
  world::Duration delay(int max_us);
  world::Duration wait(int max_us);
  void step(Server& server, decltype(Event::what) what);
  void arm(Server& server);
  void start(Server& server);
  void crash(Server& server);
  bool may_talk(const Server& a, const Server& b) const;
  Server& server(ServerId id);

  void perform(Server& server, const SendNotification& a);
  void perform(Server& server, const Connect& a);
  void perform(Server& server, const SendPacket& a);
  void perform(Server& server, const SendSnapshot& a);
  void perform(Server& server, const ExpectSnapshot& a);
  void perform(Server& server, const CloseLink& a);
  void perform(Server& server, const ReadHistory& a);
  void perform(Server& server, const StoreAcceptedEpoch& a);
  void perform(Server& server, const StoreCurrentEpoch& a);
  void perform(Server& server, const Truncate& a);
  void perform(Server& server, const StoreSnapshot& a);
  void perform(Server& server, const Append& a);
  void perform(Server& server, const Commit& a);
  void perform(Server& server, const StartServing& a);
  void perform(Server& server, const StopServing& a);
  void perform(Server& server, const Deliver& a);
  void perform(Server& server, const Resigned& a);
  void perform(Server& server, const ConfigProposed&) { (void)server; }
  void perform(Server& server, const ConfigActivated&) { (void)server; }
  void perform(Server& server, const LearnersChanged&) { (void)server; }
  void perform(Server& server, const RoleChanged&) { (void)server; }
  void perform(Server& server, const Remark& a);

  void forge(Server& to, Notification notification);
  void store(Server& server, std::function<void()> effect);
  void sync(Server& server);
  void send(Server& from, LinkId link, std::function<void(Server&, LinkId)> deliver);
  bool is_open(const Server& server, LinkId link) const;
  void close_side(Server& to, LinkId link);
  void break_wire(const std::shared_ptr<Wire>& wire);
  void propose(Server& server);
  void later(Server& server, std::function<void()> what);
  void note(const std::string& what);
  void fault();
  bool is_well();

  // The judge.
  void broken(const std::string& what);
  void judge_commit(Server& server);
  void judge_start(Server& server, const StartServing& how);
  bool has_quorum(std::size_t index) const;

  ClusterOptions options_;
  base::Random random_;
  EnsembleConfig config_;
  world::Instant now_{};
  struct Due {
    world::Instant when;
    std::uint64_t order;
    std::function<void()> what;
    bool operator>(const Due& other) const { return std::pair(when, order) > std::pair(other.when, other.order); }
  };
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::uint64_t events_ = 0, order_ = 0, next_link_ = 1;
  std::int64_t next_value_ = 1;
  int idle_ = 0;            // events at the same time
  world::Instant peace_{};  // no faults from then on
  std::vector<std::unique_ptr<Server>> servers_;
  std::vector<std::shared_ptr<Wire>> wires_;
  std::map<std::pair<ServerId, ServerId>, bool> cut_;

  Entries committed_;  // as far as any quorum went
  absl::flat_hash_set<std::pair<std::int64_t, std::int64_t>> proposed_;
  std::map<std::int64_t, ServerId> leaders_;  // established, by epoch
  std::string broken_;
  std::vector<std::string> trace_;
};

struct Cluster::Server {
  ServerId id;
  bool is_observer;
  // On disk.
  std::int64_t accepted = 0, current = 0;
  Entries log;                // all that the tree is made of
  std::size_t log_begin = 0;  // before it there is a snapshot
  std::int64_t snapshot_zxid = 0;
  // Gone with a crash.
  std::unique_ptr<Peer> peer;  // null: down
  std::uint64_t life = 0;
  Entries tree, unsynced;
  bool is_syncing = false;
  bool is_stepping = false;
  std::function<void()> store_effect;
  std::optional<StartServing> serving;
  std::int64_t next_zxid = 0;
  std::uint64_t connects = 0;
  std::optional<world::Instant> armed;
  std::vector<std::function<void()>> later;

  std::int64_t last_zxid() const { return log.size() > log_begin ? log.back().zxid : snapshot_zxid; }
  std::string name() const { return fmt::format("server {}", id); }
};

/// A connection: [0] the side that called.
struct Cluster::Wire {
  ServerId ends[2];
  LinkId links[2];
  bool is_open[2] = {true, true};  // as the shell of that side knows
  world::Instant last[2] = {};     // arrival of the last, by receiving side: no overtaking
};

}  // namespace chorus::zab::test
