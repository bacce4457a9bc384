// A coordination server without I/O: frames of clients in, replies, log writes and snapshots out. Alone, or as a member of an ensemble for
// one term of service.
// source: ZooKeeperServer, PrepRequestProcessor, SyncRequestProcessor, FinalRequestProcessor; LeaderZooKeeperServer, LearnerHandler,
// FollowerZooKeeperServer, ObserverZooKeeperServer
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/node_hash_map.h"
#include "base/random.h"
#include "coord/connection.h"
#include "coord/database_snapshot.h"
#include "coord/options.h"
#include "coord/prepare.h"
#include "coord/sessions.h"
#include "coord/statistics.h"
#include "coord/watches.h"
#include "zab/config.h"
#include "zab/types.h"

namespace chorus::coord {

/// What a Server is for: to be alone for ever, or one term of service of a member, from StartServing to StopServing (zab/peer.h).
struct Serve {
  enum class Role {
    standalone,
    leader,   // prepares everybody's writes, and proposes them
    learner,  // a follower or an observer: reads here, hands writes to the leader
    /// Without a leader: reads for clients that allow it, with sessions of its own. source: ReadOnlyZooKeeperServer
    read_only,
  } role = Role::standalone;
  /// Leader: its first transaction is zxid + 1, as StartServing has it.
  std::int64_t zxid = 0;
  /// Members: what is in force as the term begins. It is written into /zookeeper/config, locally, and a reconfiguration starts from it.
  std::optional<zab::EnsembleConfig> config;
  world::WallTime wall{};  // now, for the mtime of that node
  /// Members with a leader: the term's. All of earlier epochs is here, so a client may have seen as much as the beginning of this one,
  /// which leaders of Java tell their clients before the first transaction.
  std::int64_t epoch = 0;
};

// --- Events: what happened. ---

/// A client's connection was accepted. peer: numeric.
struct Accepted {
  ConnectionId connection;
  world::Address peer;
  bool is_tls = false;
  std::string peer_subject;  // of its verified certificate
};
/// Octets from a client, cut anywhere. Borrowed until the step returns.
struct Received {
  ConnectionId connection;
  std::string_view octets;
  /// Other clients may have sent something too, which comes next: writes are not handed to the disk before Flush, so that they share a
  /// sync.
  bool more_follows = false;
};
/// Nothing else is at hand: the disk may have what there is.
struct Flush {};
/// Octets that the connection has not taken yet; told when it is more than Connection::high_water, and 0 when all are gone.
struct Unsent {
  ConnectionId connection;
  std::size_t octets = 0;
};
/// The connection is gone; told after Close too.
struct Disconnected {
  ConnectionId connection;
};
/// The group of the oldest Persist under way is on disk, and comes back.
struct Persisted {
  std::string group;
};
/// The octets of the last SnapshotChunk, SnapshotBegin included, were taken.
struct SnapshotAdvanced {};
/// The snapshot could not be written; the log still has everything, and another is tried later.
struct SnapshotFailed {};
/// Time passed: told several times a tick.
struct Tick {};
/// Members: apply it. Comes in order of zxids; on the leader each is one of its own proposals, and zab has sent its COMMITs by now.
struct Committed {
  zab::Txn txn;
};
/// Leader: REQUEST, REVALIDATE, or a PING with the sessions that the learner's clients have kept alive. Others are refused.
struct FromLearner {
  zab::LinkId link;
  zab::Packet packet;
};
/// Learner: REVALIDATE, SYNC, PING, in order with Committed. A PING is answered at once by ToLeader, never with null data.
struct FromLeader {
  zab::Packet packet;
};
/// Leader: the members that follow in step with it, itself included; told when that changes. A reconfiguration needs a quorum of its
/// voters among them. source: Leader.isQuorumSynced
struct SyncedMembers {
  std::set<zab::ServerId> ids;
};

struct Event {
  world::Instant now;
  world::WallTime wall;
  std::variant<Accepted, Received, Flush, Unsent, Disconnected, Persisted, SnapshotAdvanced, SnapshotFailed, Tick, Committed, FromLearner,
               FromLeader, SyncedMembers>
      what;
};

// --- Actions: what to do, in this order. ---

struct Send {
  ConnectionId connection;
  std::string octets;
};
/// After what was sent before has gone out.
struct Close {
  ConnectionId connection;
};
/// The client sent a four-letter word that is on the list: write the answer (coord/zk/four_letter.h), then close.
struct AnswerWord {
  ConnectionId connection;
  std::string word;
};
/// Read no more from it (bounded memory) until Resume.
struct Pause {
  ConnectionId connection;
};
struct Resume {
  ConnectionId connection;
};
/// Alone: entries for the transaction log, framed but for their checksums (coord/disk/txn_log.h). Several may be under way.
struct Persist {
  std::string group;
  std::int64_t first_zxid;
  std::int64_t last_zxid;
};
/// A snapshot as of `zxid` begins: `octets` are the sessions and access lists. Then chunks of nodes; the last one with `end`.
/// The log is to start a new file with the next Persist.
struct SnapshotBegin {
  std::int64_t zxid;
  std::uint64_t digest;
  std::string octets;
};
struct SnapshotChunk {
  std::string octets;
  bool end = false;
};
/// Leader: the next transaction; comes back as Committed.
struct Propose {
  zab::Txn txn;
};
/// Learner: REQUEST, REVALIDATE, the answer to a PING.
struct ToLeader {
  zab::Packet packet;
};
/// Leader: REVALIDATE, SYNC; see zab::SendToLearner.
struct ToLearner {
  zab::LinkId link;
  zab::Packet packet;
  std::int64_t after = 0;
};
/// What came over this link of a learner (empty: from the leader) cannot be read: the link is to be closed.
struct RefusedLink {
  std::optional<zab::LinkId> link;
  std::string why;
};
/// Learner: a committed transaction cannot be read. Nothing is applied any more, since the tree would no longer be the others'.
struct CannotApply {
  std::int64_t zxid;
  std::string why;
};
// Facts, for logs.
struct SessionOpened {
  std::int64_t session;
  milliseconds timeout;
  world::Address peer;
  bool resumed;
};
struct SessionEnded {
  std::int64_t session;
  bool expired;
};
/// A connection that broke the protocol or a bound, and why.
struct Refused {
  world::Address peer;
  std::string why;
};
using Action = std::variant<Send, Close, AnswerWord, Pause, Resume, Persist, SnapshotBegin, SnapshotChunk, Propose, ToLeader, ToLearner,
                            RefusedLink, CannotApply, SessionOpened, SessionEnded, Refused>;

/// Lives on one reactor.
class Server {
 public:
  /// database: as recovered; its sessions live for a whole time-out from `now`.
  Server(const Options& options, std::unique_ptr<Database> database, world::Instant now, std::uint64_t seed, const Serve& serve = {});
  ~Server();
  /// The term is over: the database with what was committed, for the next Server; a snapshot under way is off. Then this one is only to
  /// be destroyed.
  std::unique_ptr<Database> release();

  /// One event in, decisions appended to `out` in the order in which they must be carried out. Equal events, equal actions.
  void step(const Event& event, std::vector<Action>& out);

  /// Asks for a snapshot now; false when one is under way already.
  bool start_snapshot(std::vector<Action>& out);
  Serve::Role role() const { return serve_.role; }
  bool is_snapshotting() const { return snapshot_ != nullptr || !snapshot_ended_; }

  // For four-letter words, metrics and tests.
  const Options& options() const { return options_; }
  const Database& database() const { return *database_; }
  const Watches& watches() const { return watches_; }
  /// Of those that this server keeps the time of: none on a learner, where the database knows who there is.
  const SessionTracker& sessions() const { return sessions_; }
  const SessionTracker& local_sessions() const { return local_sessions_; }
  const Statistics& statistics() const { return statistics_; }
  Statistics& statistics() { return statistics_; }
  void reset_connection_statistics() {
    for (const auto& [id, client] : connections_) client->statistics = {};
  }
  const std::map<ConnectionId, std::unique_ptr<ClientConnection>>& connections() const { return connections_; }
  std::size_t outstanding() const { return in_flight_.size() + forwarded_count_; }
  bool has_unpersisted() const { return unpersisted_octets_ > 0 || !group_.empty(); }
  /// Whether Flush would give the disk something to do.
  bool wants_flush() const { return !group_.empty(); }
  milliseconds min_session_timeout() const { return options_.min_session_timeout.value_or(options_.tick_time * 2); }
  milliseconds max_session_timeout() const { return options_.max_session_timeout.value_or(options_.tick_time * 20); }

 private:
  // A prepared transaction that is not applied yet, and who waits for it. On a learner: one that is being applied.
  struct InFlight {
    std::int64_t zxid;
    std::int64_t session;
    ConnectionId connection;  // 0: nobody here
    std::int32_t xid;
    jute::OpCode type;
    world::Instant received;
    bool answered = true;  // else the connection only waits for it
  };
  // A request that the leader has, whose transaction will come back.
  struct Forwarded {
    ConnectionId connection;
    std::int32_t xid;
    jute::OpCode type;
    world::Instant received;
    std::size_t octets;
    bool answered = true;
  };

  // server.cc: connections, frames, time
  void on(const Accepted& event);
  void on(const Received& event);
  void on(const Flush&) {}
  void on(const Unsent& event);
  void on(const Disconnected& event);
  void on(const Persisted& event);
  void on(const SnapshotAdvanced& event);
  void on(const SnapshotFailed& event);
  void on(const Tick& event);
  void on(const Committed& event);
  void on(const FromLearner& event);
  void on(const FromLeader& event);
  void on(const SyncedMembers& event);
  void feed(ClientConnection& client, std::string_view octets);
  bool is_four_letter_word(ClientConnection& client, std::string_view octets);
  void refuse(ClientConnection& client, std::string why);
  void close(ClientConnection& client);
  void detach(ClientConnection& client);
  void update_pause(ClientConnection& client);
  bool is_full(const ClientConnection& client) const;
  bool is_leader() const { return serve_.role == Serve::Role::leader; }
  bool is_read_only() const { return serve_.role == Serve::Role::read_only; }
  /// Whether others decide what is written, and which sessions live.
  bool is_learner() const { return serve_.role == Serve::Role::learner || is_read_only(); }
  /// The log takes nothing, as on a full disk, or the ensemble: what waits for it must not grow, or clients that give up and come back
  /// would add to it.
  bool is_disk_behind() const {
    return static_cast<std::int64_t>(unpersisted_octets_ + group_.size()) > options_.all_connections_buffer_max;
  }
  void reap_nodes();
  void end_lost_sessions();
  void flush();

  // server_session.cc
  void emit(Action action) { out_->push_back(std::move(action)); }
  ClientConnection* find(ConnectionId id);
  void queue(ClientConnection& client, ClientConnection::Waiting item, std::size_t octets);
  void unqueue(ClientConnection& client);
  std::deque<ClientConnection::Waiting> take_queue(ClientConnection& client);
  void connect(ClientConnection& client, std::string_view frame);
  void resume(ClientConnection& client, std::int64_t session, std::string_view password);
  void welcome(ClientConnection& client, bool resumed);
  void write_connect_response(ClientConnection& client);
  void wait_for_earlier_writes(ClientConnection& client);
  void refuse_session(ClientConnection& client);
  std::int64_t known_zxid() const;
  std::int64_t next_session_id();
  jute::ErrorCode check_session(const ClientConnection& client);
  void touch(const ClientConnection& client);
  void authenticate(ClientConnection& client, std::int32_t xid, base::Reader& in);
  void end_session(std::int64_t session, bool expired);

  // server_local.cc
  bool has_local_sessions() const {
    return is_read_only() || (options_.ensemble.local_sessions_enabled && serve_.role != Serve::Role::standalone);
  }
  void expire_local_sessions();
  void close_local_session(ClientConnection& client, std::int32_t xid);
  bool stays_here(ClientConnection& client, jute::OpCode type, std::string_view body, jute::ErrorCode& refusal);

  // server_leader.cc
  void request_of_learner(zab::LinkId link, const zab::Packet& packet);
  void revalidate(zab::LinkId link, const zab::Packet& packet);
  void touched_by_learner(zab::LinkId link, const zab::Packet& packet);
  void propose(jute::OpCode type, std::string_view body, const Requester& who);
  void begin_session(std::int64_t session, std::string_view body, const SessionOwner& owner);

  // server_learner.cc
  void forward(ClientConnection& client, std::int32_t xid, jute::OpCode type, std::string_view body);
  void forward_sync(ClientConnection& client, std::int32_t xid, std::string_view frame, std::string_view body);
  void send_request(const ClientConnection& client, std::int32_t xid, jute::OpCode type, std::string_view body);
  InFlight take_forwarded(const jute::TxnHeader& header);
  void forget_session(std::int64_t session);
  void ask_leader_for(ClientConnection& client);
  void revalidated(const zab::Packet& packet);
  void synced();
  void answer_ping(const zab::Packet& packet);

  // server_write.cc
  void submit(ClientConnection* client, std::int64_t session, std::int32_t xid, jute::OpCode type, std::string_view body);
  std::int64_t order(jute::OpCode type, std::string_view body, const Requester& who, ConnectionId connection);
  void apply_group(std::string_view group);
  bool apply(std::string_view txn, const InFlight& request);
  void applied();
  void complete(const InFlight& request, const Outcome& outcome);
  void answer(ClientConnection& client, const InFlight& request, const Outcome& outcome, std::int64_t latency_ms);
  bool take_own_write(ClientConnection& client, const InFlight& request);
  void wake_waiting(std::int64_t zxid);
  void persist();

  // server_read.cc
  void handle(ClientConnection& client, std::string_view frame);
  std::size_t expected_reply(jute::OpCode type, base::Reader in) const;
  void serve(ClientConnection& client, std::string_view frame, jute::ErrorCode refusal, world::Instant received);
  jute::ErrorCode serve_read(ClientConnection& client, jute::OpCode type, base::Reader& in, std::string& body);
  jute::ErrorCode multi_read(ClientConnection& client, base::Reader& in, std::string& body);
  jute::ErrorCode set_watches(ClientConnection& client, jute::OpCode type, base::Reader& in);
  jute::ErrorCode remove_or_check_watches(ClientConnection& client, jute::OpCode type, base::Reader& in);
  void write_children(const Znode& node, base::Writer& out) const;
  void count_read(std::string_view path, std::size_t octets);
  void drain(ClientConnection& client);
  void reply(ClientConnection& client, std::int32_t xid, std::int64_t zxid, jute::ErrorCode error, std::string_view body);
  void notify(const Change& change);
  base::Summary& watches_fired(jute::EventType type);
  void send_events(std::string_view path, jute::EventType type, AclId acl);
  void send_event(ClientConnection& client, std::int64_t zxid, jute::EventType type, std::string_view path);
  bool may_read(const ClientConnection& client, AclId acl) const;
  void mark_dirty(ClientConnection& client);

  const Options options_;
  const Serve serve_;
  std::unique_ptr<Database> database_;
  Membership membership_;  // leader
  Preparer preparer_;
  SessionTracker sessions_;
  SessionTracker local_sessions_;
  Watches watches_;
  Statistics statistics_;
  base::Random random_;

  world::Instant now_;
  world::WallTime wall_;
  std::vector<Action>* out_ = nullptr;  // of the step under way

  std::map<ConnectionId, std::unique_ptr<ClientConnection>> connections_;
  absl::flat_hash_map<std::int64_t, ClientConnection*> by_session_;
  StringMap<int> per_address_;
  std::int64_t waiting_octets_ = 0;                           // of all connections
  std::int64_t connections_waiting_ = 0, reads_waiting_ = 0;  // connections with requests that wait; of these, those that are no writes
  bool all_paused_ = false;
  std::vector<ClientConnection*> dirty_;  // have octets to send at the end of the step

  std::string group_;  // entries that go to the disk at the end of the turn
  std::int64_t group_first_zxid_ = 0;
  std::size_t unpersisted_octets_ = 0;  // on their way to the disk, or to be agreed on
  std::deque<InFlight> in_flight_;
  std::multimap<std::int64_t, ConnectionId> waiting_;  // connections that wait for a zxid which is not their own request's
  std::int64_t applying_zxid_ = 0;
  OnChange on_change_;
  std::vector<ConnectionId> to_tell_;  // scratch of notify()

  std::unique_ptr<DatabaseSnapshot> snapshot_;
  bool snapshot_ended_ = true;
  world::Instant snapshot_began_;
  std::int64_t snapshot_countdown_txns_ = 0;
  std::int64_t snapshot_countdown_octets_ = 0;
  world::Instant next_reap_;
  bool has_ended_lost_sessions_ = false;

  // Learner: requests at the leader by session, in the order in which they were sent; never an empty queue.
  absl::node_hash_map<std::int64_t, std::deque<Forwarded>> forwarded_;
  std::size_t forwarded_count_ = 0;
  std::deque<ConnectionId> syncs_;                                // learner: whose sync the next SYNC answers
  absl::flat_hash_map<std::int64_t, ConnectionId> revalidating_;  // learner: who waits for which session
  absl::flat_hash_map<std::int64_t, std::int32_t> touched_;       // learner: sessions alive since the last PING, time-outs in ms
  bool is_broken_ = false;                                        // after CannotApply
};

}  // namespace chorus::coord
