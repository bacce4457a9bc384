// For tests: an ensemble of Peers in one thread, from one seed, with a network that delays and breaks, disks that lose what was not synced,
// and a judge who knows what may be committed.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "base/random.h"
#include "zab/packet.h"
#include "zab/peer.h"

namespace chorus::zab::test {

/// One transaction, as the judge sees it. Two with one zxid differ in their value.
struct Entry {
  std::int64_t zxid = 0;
  std::int64_t value = 0;
  friend bool operator==(const Entry&, const Entry&) = default;
};
using Entries = std::vector<Entry>;

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
  void perform(Server& server, const LearnerGone&) { (void)server; }
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

}  // namespace chorus::zab::test
