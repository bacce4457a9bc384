// One server of an ensemble without I/O: elects, agrees on an epoch, synchronises, broadcasts. source: QuorumPeer, Leader, LearnerHandler,
// Learner, Follower, Observer
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "world/world.h"
#include "zab/config.h"
#include "zab/notification.h"
#include "zab/types.h"

namespace chorus::zab {

/// Deliberate bugs, so that tests can show that each would be found. Never set otherwise.
enum class Fault {
  none,
  acknowledge_before_sync,  // proposals, by a follower
  skip_epoch_check,         // of what others promised: the leader counts from its own, and is followed
  forget_promise,           // the accepted epoch is not stored
  forget_truncation,        // TRUNC is passed over
  forget_new_leader_sync,   // NEWLEADER is acknowledged before the history is durable
  commit_without_quorum,    // what the leader alone has is committed
  serve_without_quorum,     // the leader waits for no acknowledgement of NEWLEADER
  keep_unstored_tree        // a tree that came by SNAP and was not stored is kept for the next election
};

struct PeerOptions {
  ServerId self = 0;
  milliseconds tick{2000};
  int init_limit = 10;  // ticks
  int sync_limit = 5;   // ticks
  bool is_observer = false;
  bool reconfig_enabled = false;
  std::size_t committed_log_max = 500;          // zookeeper.commitLogCount
  milliseconds notification_interval_min{200};  // zookeeper.fastleader.minNotificationInterval
  milliseconds notification_interval_max{60'000};
  milliseconds finalize_wait{200};
  int connect_limit = 0;             // ticks that a learner tries to connect to its leader; 0: init_limit
  milliseconds observer_delay{200};  // an observer that lost its leader waits up to this, at random. zookeeper.observer.election.DelayMs
  milliseconds observer_reconnect_delay{0};  // and up to this besides. zookeeper.observer.reconnectDelayMs
  /// Learners that are brought into line at a time, by snapshots and by transactions, before an observer has to come again. Followers are
  /// always let in, since quorums need them, and count. source: LearnerSyncThrottler
  std::size_t snapshot_syncs_max = 10, diff_syncs_max = 100;
  bool always_send_snapshot = false;       // every learner is sent the whole tree. zookeeper.forceSnapshotSync
  std::int64_t counter_end = 0xffff'ffff;  // no zxid has this counter: the next epoch begins instead; tests let it come sooner
  Fault planted = Fault::none;
};

/// What the vote of a server is worth.
enum class Standing {
  full,
  /// Its disk has nothing: it is new, or it has lost what it once acknowledged. It votes until it hears of transactions or epochs that may
  /// have been its own; from then on only for what every other voter votes for, so that all disks were asked.
  empty,
  lost  // no vote
};

/// What the disk has at start: everything logged is applied to the tree.
struct Recovered {
  std::int64_t last_zxid = 0;
  std::int64_t accepted_epoch = 0;
  std::int64_t current_epoch = 0;
  /// Less than full: until a leader has handed its history on to us, or we lead. Without a vote of ours our promise does not count either.
  Standing standing = Standing::full;
  EnsembleConfig config;
  std::optional<EnsembleConfig> next_config;  // of ConfigProposed, when none was activated since
  std::vector<Txn> recent;                    // the newest transactions of the log, at most committed_log_max, ascending up to last_zxid
};

// --- Events: what happened. ---

struct Started {};
struct NotificationReceived {
  ServerId from;
  Notification notification;
};
/// It is gone from its election port: there is no use in waiting for its vote.
struct ServerDown {
  ServerId id;
};
/// Somebody connected to our quorum port. Also while looking: we may be the leader soon.
struct LinkAccepted {
  LinkId link;
};
/// The answer to Connect; then packets flow. ConnectFailed: after the tries that Connect makes.
struct LinkConnected {
  LinkId link;
};
struct ConnectFailed {
  ServerId to;
};
struct PacketReceived {
  LinkId link;
  Packet packet;
};
/// The stream that ExpectSnapshot announced is loaded, in the place of the tree.
struct SnapshotLoaded {
  LinkId link;
};
/// The stream that SendSnapshot began has gone out.
struct SnapshotSent {
  LinkId link;
};
struct LinkClosed {
  LinkId link;
};
/// Everything appended up to `zxid` is durable.
struct LogSynced {
  std::int64_t zxid;
};
/// What StoreAcceptedEpoch, StoreCurrentEpoch, Truncate, StoreSnapshot asked is durable. One at a time is asked for.
struct Stored {};
/// Of the leader's service: the next transaction. Zxids ascend without gaps.
struct Propose {
  Txn txn;
};
/// Of a learner's service, for its leader: REQUEST, REVALIDATE, the answer to a PING.
struct SendToLeader {
  Packet packet;
};
/// Of the leader's service, for a learner: REVALIDATE, SYNC. In order with proposals and commits. A SYNC leaves right behind the COMMIT of
/// `after`, since learners answer a client's requests in the order in which these come; at once when that is committed. source:
/// Leader.tryToCommit, Leader.processSync
struct SendToLearner {
  LinkId link;
  Packet packet;
  std::int64_t after = 0;  // never less than one before
};
/// More transactions after the one that ReadHistory named, or the last of them (there may be none). found: false when the log does not
/// have the transaction `after` itself or, for the beginning of an epoch (counter 0), one before it; or when a snapshot is cheaper.
struct HistoryRead {
  LinkId link;
  bool found;
  bool end;
  std::vector<Txn> txns;
};
/// Peer::deadline() has come.
struct TimePassed {};
/// Ends in good order: Resigned. A leader helps the others to elect one of them at once, and votes for itself no more.
struct Resign {};

struct Event {
  world::Instant now;
  std::variant<Started, NotificationReceived, ServerDown, LinkAccepted, LinkConnected, ConnectFailed, PacketReceived, SnapshotLoaded,
               SnapshotSent, LinkClosed, LogSynced, Stored, Propose, SendToLeader, SendToLearner, HistoryRead, TimePassed, Resign>
      what;
};

// --- Actions: what to do, in this order. ---

/// Over the election port; to others only.
struct SendNotification {
  ServerId to;
  Notification notification;
};
/// To the quorum port of `to`, several tries 100 ms apart, `limit` in all. Takes the place of a Connect that has not ended, which then has
/// no answer. source: Learner.connectToLeader
struct Connect {
  ServerId to;
  milliseconds limit;
};
struct SendPacket {
  LinkId link;
  Packet packet;
};
/// The tree as it is now, as the stream that follows a SNAP packet; what is sent to the link later queues up behind it. SnapshotSent tells
/// when it has gone out. A link that takes in none of it for init_limit ticks is the shell's to end.
struct SendSnapshot {
  LinkId link;
};
/// After the packet just received such a stream follows. The tree and the sessions are replaced by it at once when all of it has come:
/// SnapshotLoaded. Until then, and when the link ends before, they stay as they are. A stream that stalls for init_limit ticks is the
/// shell's to end.
struct ExpectSnapshot {
  LinkId link;
  std::int64_t zxid;
};
struct CloseLink {
  LinkId link;
  std::string why;
};
/// Read transactions after `after` up to the one before `until` from the log on disk: HistoryRead, in pieces, each asked for anew. May be
/// answered late, while the link has much unsent.
struct ReadHistory {
  LinkId link;
  std::int64_t after;
  std::int64_t until;
};
struct StoreAcceptedEpoch {
  std::int64_t epoch;
};
struct StoreCurrentEpoch {
  std::int64_t epoch;
};
/// Removes all transactions after `zxid` from the log and loads the tree anew from the disk. Also when there are none after it, for a tree
/// that came by SNAP and was not stored.
struct Truncate {
  std::int64_t zxid;
};
/// The tree as it is now becomes a durable snapshot named by `zxid`, and the log goes on after it in a new file. What the log
/// has does not lead up to it: from then on it counts neither for ReadHistory nor for Recovered, after `zxid` nor before.
struct StoreSnapshot {
  std::int64_t zxid;
};
/// To the log: LogSynced tells when it is durable.
struct Append {
  Txn txn;
};
/// Committed: apply it to the tree. What came by SNAP or TRUNC and was not yet appended comes without an Append before it.
struct Commit {
  Txn txn;
};
/// What counts for quorums beside the present configuration until it takes its place; to be kept on disk.
struct ConfigProposed {
  EnsembleConfig config;
};
/// Takes the place of the present configuration; to be kept on disk.
struct ConfigActivated {
  EnsembleConfig config;
};
/// Serve clients from now on. `zxid`: the leader's next proposal is zxid + 1.
struct StartServing {
  Role role;
  ServerId leader;
  std::int64_t epoch;
  std::int64_t zxid;
};
/// Serve no longer: clients are cut off. Comes once for each StartServing.
struct StopServing {};
/// A packet for the service: REQUEST, REVALIDATE, a PING's answer with sessions, on the leader; REVALIDATE, SYNC, PING (which it has to
/// answer) on a learner.
struct Deliver {
  LinkId link;
  Packet packet;
};
/// The leader's service: learners that are served have come or gone, see Peer::learners().
struct LearnersChanged {};
/// The end that Resign asked for: everything appended is durable and committed, the others have (or had their time to get) another leader.
struct Resigned {};
// Facts, for logs and metrics.
struct RoleChanged {
  Role role;
  std::optional<ServerId> leader;
};
struct Remark {
  enum class Level { info, warn } level;
  std::string text;
};

using Action = std::variant<SendNotification, Connect, SendPacket, SendSnapshot, ExpectSnapshot, CloseLink, ReadHistory, StoreAcceptedEpoch,
                            StoreCurrentEpoch, Truncate, StoreSnapshot, Append, Commit, ConfigProposed, ConfigActivated, StartServing,
                            StopServing, Deliver, LearnersChanged, Resigned, RoleChanged, Remark>;

/// Lives on one reactor.
class Peer {
 public:
  Peer(const PeerOptions& options, Recovered recovered, std::uint64_t seed);
  ~Peer();

  /// One event in, decisions appended to `out` in the order in which they must be carried out. Equal events, equal actions.
  void step(const Event& event, std::vector<Action>& out);
  /// When TimePassed is due; empty: not at all.
  std::optional<world::Instant> deadline() const;

  Role role() const;
  /// Looks for a leader, the tree being what the disk has: nothing is asked of tree or disk before the role changes.
  bool is_electing() const;
  const EnsembleConfig& config() const;
  std::int64_t accepted_epoch() const;
  std::int64_t current_epoch() const;
  std::int64_t last_committed() const;
  /// Of a leader: all that have told it who they are.
  std::vector<LearnerFacts> learners() const;
  /// As leader: packets of the service that wait for a commit.
  std::size_t packets_held() const;
  /// Of learners that were sent what they lacked, in all terms.
  const SyncCounts& syncs() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chorus::zab
