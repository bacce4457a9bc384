// What a node of a cluster knows and decides: the slot map, its lease, who runs. Events in, actions out; no I/O, no clock of its own.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/random.h"
#include "cache/cluster/options.h"
#include "cache/cluster/slot_map.h"

namespace chorus::cache::cluster {

/// What came of one change that was asked for.
struct Outcome {
  std::string reply = "+OK";  // a line of RESP without its end: "+..." or "-..."
  bool has_changed = false;   // the map; never with an error
  /// Owners that lose slots by it and do not agree: it is written only once their leases are over.
  std::set<NodeId> robbed = {};
  /// Nodes that are to be in that life of theirs still; else it is refused.
  std::map<NodeId, std::int32_t> lives = {};
  /// Once it is written, the answer waits until this says something (a line, as above).
  std::function<std::optional<std::string>(const SlotMap&)> until = {};

  static Outcome error(std::string_view words) { return {.reply = "-" + std::string(words)}; }
};
/// Run against the newest map, once more for each time that somebody else was faster. Changes nothing where it replies an error.
using Change = std::function<Outcome(SlotMap&)>;

namespace event {
/// All that is in the tree has been read once.
struct Loaded {};
/// What the map is now; nothing: there is none. `read` says which ReadMap this answers, 0 for none.
struct MapRead {
  std::optional<std::string> text;
  std::int32_t version = -1;
  std::uint64_t read = 0;
};
/// A node that runs, or (nothing) does not any more.
struct NodeSeen {
  NodeId id;
  std::optional<std::string> endpoint;
};
/// This life of the node, by a number that each of its lives has for itself.
struct Life {
  std::int32_t number;
};
/// The lease was written; when that was sent, and how long it is.
struct Renewed {
  std::int64_t sent_us;
  std::int64_t lease_us;
};
enum class Written : std::uint8_t { done, conflict, outlived, unknown };  // outlived: one of the lives is over
struct MapWritten {
  Written how;
  std::int32_t version = -1;  // when done
};
struct LeaseRead {
  NodeId id;
  std::int32_t version;
  std::int64_t lease_us;  // as its holder wrote it
};
/// All or none of the changes, in order, as one write; answered by one Finished with that number. Without `deadline_us` it is not given up.
struct Request {
  std::uint64_t number;
  std::vector<Change> changes;
  std::optional<std::int64_t> deadline_us;
};
/// A node at that address is to become a member, as this is.
struct Meet {
  std::string ip;
  std::uint16_t port;
};
/// Ten times a second or so.
struct Tick {};
}  // namespace event
using Event = std::variant<event::Loaded, event::Life, event::MapRead, event::NodeSeen, event::Renewed, event::MapWritten, event::LeaseRead,
                           event::Request, event::Meet, event::Tick>;

namespace action {
/// Answered by MapRead, however often it has to be tried.
struct ReadMap {
  std::uint64_t read;
};
/// On condition that the map's version (-1: there is none), those leases and those lives are what they were. Answered by MapWritten.
struct WriteMap {
  std::string text;
  std::int32_t version;
  std::map<NodeId, std::int32_t> leases, lives;
};
/// Answered by LeaseRead, or not.
struct ReadLease {
  NodeId id;
};
struct Finished {
  std::uint64_t number;
  std::vector<std::string> replies;  // one for each change
  bool is_done = false;              // written (or nothing was to be): else it was refused or given up
};
/// The view is another now.
struct Changed {};
}  // namespace action
using Action = std::variant<action::ReadMap, action::WriteMap, action::ReadLease, action::Finished, action::Changed>;

/// A slot may be served while has_lease() and the map says so. Why that is safe: docs/decisions/0017-cache-cluster.md.
class Membership {
 public:
  /// options: of the server, may change while this lives
  Membership(const Options& options, Endpoint self, std::uint64_t seed);

  void step(std::int64_t now_us, const Event& event, std::vector<Action>& out);

  const NodeId& self() const { return options_->id; }
  const Options& options() const { return *options_; }
  const Endpoint& endpoint() const { return self_; }
  const SlotMap& map() const { return map_; }
  bool is_member() const { return map_.find(self()) != nullptr; }
  /// None: it is not known yet.
  std::optional<std::int32_t> life() const { return life_; }
  /// It was read at least once.
  bool knows_map() const { return has_map_ && is_readable_; }
  bool is_mine(std::uint16_t slot) const { return mine_[slot]; }
  bool has_lease(std::int64_t now_us) const { return now_us < lease_until_us_; }
  std::int64_t lease_us() const { return std::int64_t{options_->node_timeout_ms} * 1000; }
  /// cluster_state: served by us, and (when that is asked for) every slot by somebody.
  bool is_ok(std::int64_t now_us) const { return has_lease(now_us) && is_readable_ && (is_covered_ || !options_->require_full_coverage); }
  /// Gone for a moment does not count.
  bool has_failed(const NodeId& id) const { return id != self() && failed_.contains(id); }
  const std::set<NodeId>& failed() const { return failed_; }
  const std::map<NodeId, Endpoint>& running() const { return running_; }
  std::size_t slots_failed() const { return slots_failed_; }
  std::size_t members_with_slots() const { return members_with_slots_; }
  /// Within the last minute: who forgets it too is told that it is done.
  bool was_forgotten(const NodeId& id) const { return forgotten_.contains(id); }

 private:
  using Out = std::vector<Action>;
  struct Observed {
    std::int32_t version;
    std::int64_t since_us;
    std::int64_t lease_us;
  };
  struct Pending {
    event::Request request;
    std::vector<std::string> replies;
    std::vector<std::function<std::optional<std::string>(const SlotMap&)>> until;
  };
  struct Meeting {
    event::Meet with;
    std::int64_t deadline_us;
  };

  void on(const event::Loaded&, Out& out);
  void on(const event::Life& life, Out& out);
  void on(const event::MapRead& read, Out& out);
  void on(const event::NodeSeen& seen, Out& out);
  void on(const event::Renewed& renewed, Out& out);
  void on(const event::MapWritten& written, Out& out);
  void on(const event::LeaseRead& lease, Out& out);
  void on(const event::Request& request, Out& out);
  void on(const event::Meet& meet, Out& out);
  void on(const event::Tick&, Out& out);

  void read_map(Out& out);
  void take_map(SlotMap map, Out& out);
  void recompute(Out& out);
  void work(Out& out);
  enum class Robbing : std::uint8_t { allowed, not_yet, refused };
  /// Whether the leases of those that lose slots are over; where that is not known yet, asks.
  Robbing rob(const std::set<NodeId>& robbed, Out& out);
  void finish(bool is_done, Out& out);
  void refuse(std::string_view words, Out& out);
  void look_at_waiting(Out& out);
  void keep_up_own_entry(Out& out);
  void meet_those_that_run(Out& out);
  void rebalance(Out& out);  // rebalance.cc
  void unsettle() {
    changed_us_ = now_us_;
    is_balanced_ = false;
  }

  const Options* options_;
  const Endpoint self_;
  base::Random random_;
  std::int64_t now_us_ = 0;

  SlotMap map_;
  std::int32_t version_ = -1;
  std::optional<std::int32_t> life_;
  bool is_loaded_ = false, has_map_ = false;
  bool is_readable_ = true;
  std::array<bool, cache::slots> mine_{};
  std::map<NodeId, Endpoint> running_;
  std::map<NodeId, std::int64_t> gone_us_;  // members that do not run, since when
  std::set<NodeId> failed_;
  std::map<NodeId, std::int64_t> forgotten_;  // until when
  bool is_covered_ = false;
  std::size_t slots_failed_ = 0, members_with_slots_ = 0;

  std::int64_t lease_until_us_ = 0;
  std::int64_t lease_wanted_us_ = 0;  // once the map has been read anew
  std::uint64_t lease_read_ = 0;      // by this reading

  std::uint64_t reads_ = 0;
  std::deque<Pending> queue_;  // the first is worked on
  bool is_writing_ = false;
  std::uint64_t awaited_read_ = 0;  // before the first of the queue is tried (again)
  std::uint64_t ticket_ = 0;        // of the write whose outcome is not known; 0: none
  SlotMap written_;                 // what was written
  std::map<NodeId, Observed> observed_;
  std::int64_t lease_asked_us_ = 0;
  std::vector<Pending> waiting_;  // written, and wait for something in the map
  std::vector<Meeting> meetings_;
  std::int64_t changed_us_ = 0;  // the map, or who runs
  bool is_balanced_ = false;     // since then, or it is not for this node to see to
};

}  // namespace chorus::cache::cluster
