// A coordination server without I/O: frames of clients in, replies, log writes and snapshots out.
// source: ZooKeeperServer, PrepRequestProcessor, SyncRequestProcessor, FinalRequestProcessor
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
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

namespace chorus::coord {

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

struct Event {
  world::Instant now;
  world::WallTime wall;
  std::variant<Accepted, Received, Flush, Unsent, Disconnected, Persisted, SnapshotAdvanced, SnapshotFailed, Tick> what;
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
/// Entries for the transaction log, framed but for their checksums (coord/disk/txn_log.h). Several may be under way.
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
using Action =
    std::variant<Send, Close, AnswerWord, Pause, Resume, Persist, SnapshotBegin, SnapshotChunk, SessionOpened, SessionEnded, Refused>;

/// Lives on one reactor.
class Server {
 public:
  /// database: as recovered; its sessions live for a whole time-out from `now`.
  Server(const Options& options, std::unique_ptr<Database> database, world::Instant now, std::uint64_t seed);
  ~Server();

  /// One event in, decisions appended to `out` in the order in which they must be carried out. Equal events, equal actions.
  void step(const Event& event, std::vector<Action>& out);

  /// Asks for a snapshot now; false when one is under way already.
  bool start_snapshot(std::vector<Action>& out);
  bool is_snapshotting() const { return snapshot_ != nullptr || !snapshot_ended_; }

  // For four-letter words, metrics and tests.
  const Options& options() const { return options_; }
  const Database& database() const { return *database_; }
  const Watches& watches() const { return watches_; }
  const SessionTracker& sessions() const { return sessions_; }
  const Statistics& statistics() const { return statistics_; }
  Statistics& statistics() { return statistics_; }
  void reset_connection_statistics() {
    for (const auto& [id, client] : connections_) client->statistics = {};
  }
  const std::map<ConnectionId, std::unique_ptr<ClientConnection>>& connections() const { return connections_; }
  std::size_t outstanding() const { return in_flight_.size(); }
  bool has_unpersisted() const { return unpersisted_octets_ > 0 || !group_.empty(); }
  /// Whether Flush would give the disk something to do.
  bool wants_flush() const { return !group_.empty(); }
  milliseconds min_session_timeout() const { return options_.min_session_timeout.value_or(options_.tick_time * 2); }
  milliseconds max_session_timeout() const { return options_.max_session_timeout.value_or(options_.tick_time * 20); }

 private:
  // A prepared transaction that is not applied yet, and who waits for it.
  struct InFlight {
    std::int64_t zxid;
    std::int64_t session;
    ConnectionId connection;  // 0: nobody
    std::int32_t xid;
    jute::OpCode type;
    world::Instant received;
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
  void feed(ClientConnection& client, std::string_view octets);
  bool is_four_letter_word(ClientConnection& client, std::string_view octets);
  void refuse(ClientConnection& client, std::string why);
  void close(ClientConnection& client);
  void detach(ClientConnection& client);
  void update_pause(ClientConnection& client);
  bool is_full(const ClientConnection& client) const;
  /// The log takes nothing, as on a full disk: what waits for it must not grow, or clients that give up and come back would add to it.
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
  void connect(ClientConnection& client, std::string_view frame);
  void finish_connect(ClientConnection& client, std::int64_t session, milliseconds timeout);
  void refuse_session(ClientConnection& client);
  void authenticate(ClientConnection& client, std::int32_t xid, base::Reader& in);
  void end_session(std::int64_t session, bool expired);

  // server_write.cc
  void submit(ClientConnection* client, std::int64_t session, std::int32_t xid, jute::OpCode type, std::string_view body);
  void apply_group(std::string_view group);
  void complete(const InFlight& request, const Outcome& outcome);
  void wake_waiting(std::int64_t zxid);
  void persist();

  // server_read.cc
  void handle(ClientConnection& client, std::string_view frame);
  std::size_t expected_reply(jute::OpCode type, base::Reader in) const;
  void serve(ClientConnection& client, std::string_view frame, bool session_ended);
  jute::ErrorCode serve_read(ClientConnection& client, jute::OpCode type, base::Reader& in, std::string& body);
  jute::ErrorCode multi_read(ClientConnection& client, base::Reader& in, std::string& body);
  jute::ErrorCode set_watches(ClientConnection& client, jute::OpCode type, base::Reader& in);
  jute::ErrorCode remove_or_check_watches(ClientConnection& client, jute::OpCode type, base::Reader& in);
  void write_children(const Znode& node, base::Writer& out) const;
  void drain(ClientConnection& client);
  void reply(ClientConnection& client, std::int32_t xid, std::int64_t zxid, jute::ErrorCode error, std::string_view body);
  void notify(const Change& change);
  void send_events(std::string_view path, jute::EventType type, AclId acl);
  void send_event(ClientConnection& client, std::int64_t zxid, jute::EventType type, std::string_view path);
  bool may_read(const ClientConnection& client, AclId acl) const;
  void mark_dirty(ClientConnection& client);

  const Options options_;
  std::unique_ptr<Database> database_;
  Preparer preparer_;
  SessionTracker sessions_;
  Watches watches_;
  Statistics statistics_;
  base::Random random_;

  world::Instant now_;
  world::WallTime wall_;
  std::vector<Action>* out_ = nullptr;  // of the step under way

  std::map<ConnectionId, std::unique_ptr<ClientConnection>> connections_;
  absl::flat_hash_map<std::int64_t, ClientConnection*> by_session_;
  StringMap<int> per_address_;
  std::int64_t waiting_octets_ = 0;  // of all connections
  bool all_paused_ = false;
  std::vector<ClientConnection*> dirty_;  // have octets to send at the end of the step

  std::string group_;  // entries that go to the disk at the end of the turn
  std::int64_t group_first_zxid_ = 0;
  std::size_t unpersisted_octets_ = 0;  // on their way to the disk
  std::deque<InFlight> in_flight_;
  std::multimap<std::int64_t, ConnectionId> waiting_;  // connections that wait for a zxid which is not their own request's
  std::int64_t applying_zxid_ = 0;
  OnChange on_change_;
  std::vector<ConnectionId> to_tell_;  // scratch of notify()

  std::unique_ptr<DatabaseSnapshot> snapshot_;
  bool snapshot_ended_ = true;
  std::int64_t snapshot_countdown_txns_ = 0;
  std::int64_t snapshot_countdown_octets_ = 0;
  world::Instant next_reap_;
  bool has_ended_lost_sessions_ = false;
};

}  // namespace chorus::coord
