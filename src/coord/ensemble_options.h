// What the owner of a member of an ensemble may set. Defaults are ZooKeeper's. source: QuorumPeerConfig, QuorumPeer
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "world/net.h"
#include "zab/config.h"
#include "zab/quorum_auth_options.h"

namespace chorus::coord {

using std::chrono::milliseconds;

struct EnsembleOptions {
  /// All members, this one by Options::server_id. Empty: no ensemble. A member whose client address is the same as Options::client_address
  /// because it was told so by the static clientPort has none here, as its lines have none.
  zab::EnsembleConfig members;
  /// The configuration that was proposed last and is not known to be committed (the file .dynamic.next).
  std::optional<zab::EnsembleConfig> last_seen;
  /// This server observes. An observer may be missing among the members.
  bool is_observer = false;

  /// Ticks that learners have to connect and to take in the leader's state, and that one side may be silent for thereafter.
  int init_limit = 10;
  int sync_limit = 5;
  int connect_to_leader_limit = 0;  // connectToLearnerMasterLimit, ticks; 0: init_limit

  milliseconds notification_interval_min{200};     // zookeeper.fastleader.minNotificationInterval
  milliseconds notification_interval_max{60'000};  // zookeeper.fastleader.maxNotificationInterval
  milliseconds connect_timeout{5000};              // zookeeper.cnxTimeout, election port
  milliseconds leader_connect_delay{100};          // zookeeper.leaderConnectDelayDuringRetryMs: between a learner's tries
  int leader_connect_tries = 10;                   // not for people to set; see zab/node.h
  std::int64_t counter_end = 0xffff'ffff;          // not for people to set; see zab/peer.h
  /// zookeeper.quorumCnxnTimeoutMs: silence allowed while an election connection is set up; empty: sync_limit ticks.
  std::optional<milliseconds> election_handshake_timeout;

  bool reconfig_enabled = false;
  /// One voter alone serves as a standalone server, and reconfigurations may not go below two.
  bool standalone_enabled = true;
  bool local_sessions_enabled = false;
  bool local_sessions_upgrading_enabled = false;
  /// readonlymode.enabled: a member that finds no leader serves reads to clients that allow it.
  bool read_only_mode_enabled = false;
  bool leader_serves = true;  // zookeeper.leaderServes: the leader takes clients
  /// zookeeper.db.autocreate: false: a member without data does not vote, unless its log directory has the file `initialize`.
  bool database_autocreate = true;

  bool listen_on_all_interfaces = false;  // quorumListenOnAllIPs: both ports, on 0.0.0.0
  bool multi_address_enabled = false;     // several addresses a member; servers before 3.6 do not understand what is then sent

  /// sslQuorum: TLS on both ports. With `port_unification` plain connections are taken as well, or, without `tls_enabled`, TLS ones.
  bool tls_enabled = false;
  bool port_unification = false;
  std::optional<world::TlsOptions> tls;  // ssl.quorum.*; both sides show certificates
  zab::QuorumAuthOptions auth;           // quorum.auth.*: SASL on both ports

  std::int64_t commit_log_count = 500;        // committed transactions kept in memory for learners that are a little behind
  bool force_snapshot_sync = false;           // zookeeper.forceSnapshotSync
  milliseconds observer_election_delay{200};  // zookeeper.observer.election.DelayMs: up to this, at random
  milliseconds observer_reconnect_delay{0};   // zookeeper.observer.reconnectDelayMs: likewise, besides
  /// zookeeper.leader.maxConcurrentSnapSyncs, maxConcurrentDiffSyncs: for observers.
  std::int64_t concurrent_snapshot_syncs_max = 10, concurrent_diff_syncs_max = 100;

  /// Where reconfigurations are kept: `<config_path>.dynamic.<version>` and `.dynamic.next`. Empty: nowhere, they last until the restart.
  std::string config_path;
  /// config_path is a zoo.cfg that is to point to the newest of those files.
  bool config_is_zoo_cfg = false;

  /// Whether this node forms an ensemble with others rather than serve alone. source: QuorumPeerConfig.isDistributed
  bool is_distributed() const { return !members.members.empty() && (!standalone_enabled || members.voters() > 1); }
};

}  // namespace chorus::coord
