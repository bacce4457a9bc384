// A Peer at work: bound to the World by its election port and its quorum port, and to the service above it by Application.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "world/world.h"
#include "zab/peer.h"
#include "zab/quorum_auth_options.h"
#include "zab/snapshot_stream.h"

namespace chorus::zab {

/// What a Peer asks of the service; peer.h has the contract of each. Called on the reactor, in order. Calls to Node may be made from within
/// one of these: they are taken up when the actions at hand are done. But the Node must not be destroyed there.
class Application {
 public:
  virtual ~Application() = default;
  // Each ends with Node::stored().
  virtual void store_accepted_epoch(std::int64_t epoch) = 0;
  virtual void store_current_epoch(std::int64_t epoch) = 0;
  virtual void truncate(std::int64_t zxid) = 0;
  virtual void store_snapshot(std::int64_t zxid) = 0;
  /// Ends with Node::log_synced().
  virtual void append(const Txn& txn) = 0;
  virtual void commit(const Txn& txn) = 0;
  /// Ends with Node::history_read().
  virtual void read_history(LinkId link, std::int64_t after, std::int64_t until) = 0;
  virtual std::unique_ptr<SnapshotSource> send_snapshot() = 0;
  virtual std::unique_ptr<SnapshotSink> receive_snapshot(std::int64_t zxid) = 0;
  virtual void config_proposed(const EnsembleConfig& config) = 0;
  virtual void config_activated(const EnsembleConfig& config) = 0;
  virtual void role_changed(const RoleChanged& change) = 0;
  virtual void start_serving(const StartServing& how) = 0;
  virtual void stop_serving() = 0;
  virtual void deliver(LinkId link, Packet packet) = 0;
  virtual void learners_changed() = 0;
};

struct NodeOptions {
  PeerOptions peer;
  /// Of ours; where they bind, as in the configuration unless set. source: quorumListenOnAllIPs
  bool listen_on_all_interfaces = false;
  milliseconds connect_timeout{5000};  // zookeeper.cnxTimeout, election port
  /// Of a learner to its leader. Twice those of a Java learner: where all have voted we are through with the election 200 ms before a Java
  /// leader is, and it listens only then. Who gives up before costs both another round, after the leader's init_limit.
  int connect_tries = 10;
  milliseconds connect_retry_delay{100};
  bool multi_address = false;
  std::optional<milliseconds> greeting_limit;  // quorumCnxnTimeoutMs: who connects to the election port says who it is; sync_limit ticks
  // Both ports. From plain to TLS without a pause: first all accept both (tls and plain_too), then all connect with TLS too, then none
  // takes plain connections.
  std::optional<world::TlsOptions> tls;          // to accept with
  bool plain_too = false;                        // portUnification
  std::optional<world::TlsOptions> connect_tls;  // sslQuorum
  QuorumAuthOptions auth;                        // both ports
  /// A link whose other side takes in nothing is ended at this many octets unsent.
  std::size_t link_unsent_max = 256 << 20;
  /// A learner whose disk is so much behind reads no more from its leader until half of it is done.
  std::size_t unsynced_max = 64 << 20;
};

/// Lives on one reactor and must be destroyed before it.
class Node {
 public:
  /// Listens on its ports and begins to look for a leader once the loop runs. The words of the error are for a person.
  static base::Result<std::unique_ptr<Node>, std::string> start(world::World& world, const NodeOptions& options, Recovered recovered,
                                                                Application& application, spdlog::logger& logger);
  ~Node();

  void stored();
  void log_synced(std::int64_t zxid);
  void propose(Txn txn);
  void send_to_leader(Packet packet);
  void send_to_learner(SendToLearner send);
  void history_read(HistoryRead read);
  /// Ends a link over which something came that the service cannot read; empty: the one to our leader.
  void close_link(std::optional<LinkId> link, std::string why);
  /// Ends in good order; `done` when the others know.
  void resign(world::Callback done);

  const Peer& peer() const;
  /// Of the packets to the other side of a link; null when it is gone. Borrowed until the next call of anything.
  const LinkQueue* queue_of(LinkId link) const;

 private:
  class Impl;
  explicit Node(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace chorus::zab
