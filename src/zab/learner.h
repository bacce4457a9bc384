// A follower's or observer's part of one term: comes into line with its leader, then takes its transactions. source: Learner, Follower,
// Observer
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "zab/core.h"

namespace chorus::zab {

/// From the election's decision to the end of the term, which over() tells. Everything in the log must be committed and durable at the
/// beginning.
class Learner {
 public:
  Learner(Core& core, ServerId leader, Role role);
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  void connected(LinkId link);
  void connect_failed();
  void receive(LinkId link, const Packet& packet);
  void snapshot_loaded(LinkId link);
  void link_closed(LinkId link);
  void synced();
  void stored();
  void send(Packet packet);
  void time_passed();
  world::Instant deadline() const;
  /// Closes the link.
  void end(const std::string& why);

  /// Why the term is over.
  const std::optional<std::string>& over() const { return over_; }
  bool is_serving() const { return stage_ == Stage::serving; }
  std::int64_t epoch() const { return epoch_; }
  ServerId leader() const { return leader_; }
  /// Set when a reconfiguration ended the term: who leads from now on, without an election.
  std::optional<ServerId> next_leader() const { return next_leader_; }

 private:
  enum class Stage {
    connecting,
    introduced,  // LEADERINFO is to come
    promising,   // the epoch's promise becomes durable
    promised,    // DIFF, TRUNC or SNAP is to come
    truncating,
    loading,          // the snapshot's stream comes
    synchronizing,    // history comes, up to NEWLEADER
    storing_history,  // after NEWLEADER: what came becomes durable
    storing_epoch,    // then the epoch
    in_step,          // NEWLEADER acknowledged, UPTODATE is to come
    serving
  };

  void connect();
  void handle(const Packet& packet);
  void drain();
  bool is_busy() const;
  void lead_info(const Packet& packet);
  void answer_epoch(std::int32_t current_epoch);
  void begin_sync(const Packet& packet);
  void stream(const Packet& packet);
  void propose(Txn txn);
  void log(Txn txn);
  void commit(std::int64_t zxid);
  void inform(Txn txn);
  void activate(const Packet& packet);
  void new_leader(const Packet& packet);
  void store_epoch();
  void acknowledge_new_leader();
  void up_to_date();
  void adopt_config(std::optional<ServerId> leader);
  void acknowledge();
  void violate(std::string why);
  void give_up(std::string why);

  Core& core_;
  ServerId leader_;
  Role role_;
  Stage stage_ = Stage::connecting;
  std::optional<LinkId> link_;
  int early_closes_ = 0;                      // links that the leader closed before it said anything
  std::optional<world::Instant> connect_at_;  // once more
  std::int64_t epoch_ = 0;
  // Silence: looked at when it may be too long, not at every packet.
  world::Instant last_heard_;
  world::Duration patience_;
  world::Instant check_at_;

  /// While the disk or the snapshot is waited for.
  std::deque<Packet> inbox_;
  std::size_t inbox_octets_ = 0;
  /// Proposals while the tree is one that came by SNAP: what is committed of them will be in our snapshot.
  std::deque<Txn> unlogged_;
  /// Appended by this term and not acknowledged.
  std::deque<std::int64_t> unacknowledged_;
  std::int64_t snapshot_zxid_ = 0;
  bool is_config_new_ = false;  // NEWLEADER brought one
  bool has_remarked_ = false;
  std::optional<ServerId> next_leader_;
  std::optional<std::string> over_;
};

}  // namespace chorus::zab
