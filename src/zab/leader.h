// The leader's part of one term: epoch agreement, bringing learners into line, broadcast. source: Leader, LearnerHandler
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "zab/core.h"
#include "zab/tally.h"

namespace chorus::zab {

/// From the election's decision to the end of the term, which over() tells. Everything in the log must be committed and durable at the
/// beginning.
class Leader {
 public:
  explicit Leader(Core& core);
  Leader(const Leader&) = delete;
  Leader& operator=(const Leader&) = delete;

  void accept(LinkId link);
  void receive(LinkId link, const Packet& packet);
  void link_closed(LinkId link);
  void snapshot_sent(LinkId link);
  void history_read(const HistoryRead& read);
  void synced();
  void stored();
  void propose(Txn txn);
  void send(const SendToLearner& send);
  void time_passed();
  world::Instant deadline() const;
  /// Closes all links.
  void end(const std::string& why);

  /// Why the term is over.
  const std::optional<std::string>& over() const { return over_; }
  bool is_serving() const { return phase_ == Phase::serving; }
  std::int64_t epoch() const { return epoch_; }
  /// The leader that a reconfiguration named; ourselves otherwise.
  ServerId designated_leader() const { return designated_leader_; }
  std::vector<LearnerFacts> learners() const;
  std::size_t packets_held() const { return held_.size(); }
  /// A vote for the voter that has most, of those that follow us: who should lead next.
  std::optional<Vote> vote_for_best_follower() const;

 private:
  enum class Phase {
    collecting_epochs,  // until a quorum has said which epoch it accepted
    storing_epoch,      // our own promise becomes durable
    collecting_acks,    // until a quorum has promised the new epoch
    synchronizing,      // until a quorum has our history and calls the epoch its own
    serving
  };
  enum class Stage {
    connected,      // FOLLOWERINFO or OBSERVERINFO is to come
    introduced,     // waits for LEADERINFO
    asked,          // ACKEPOCH is to come
    promised,       // waits for synchronization
    reading_disk,   // its history is read from the disk
    synchronizing,  // NEWLEADER sent
    in_step,        // NEWLEADER acknowledged
    up_to_date      // UPTODATE sent
  };
  struct Learner {
    Stage stage = Stage::connected;
    ServerId id = 0;
    bool is_observer = false;
    std::int64_t last_zxid = 0;                                  // of its tree when it came
    world::Instant deadline;                                     // by which it has to say something
    enum class Feed { none, diff, snapshot } feed = Feed::none;  // how it is brought into line
    bool has_plan = false;                                       // DIFF sent, and history from the disk
    std::int64_t read_until = 0;                                 // of the read under way
    std::int64_t sent = 0;                                       // newest proposal
    std::int64_t acked = 0;                                      // newest acknowledged
    std::int64_t first_held_commit = 0;                          // waits, with those after it, for UPTODATE; 0: none
    std::int64_t tracked = 0;                                    // a proposal whose acknowledgement is awaited; 0: none
    world::Instant tracked_since;
    bool is_forwarded_to() const { return stage >= Stage::synchronizing; }
  };

  using Learners = std::map<LinkId, Learner>;

  bool forget(Learners::iterator learner);
  void introduce(LinkId link, Learner& learner, const Packet& packet);
  void give_way(ServerId id, std::int64_t accepted);
  void check_epochs();
  void lead_epoch(LinkId link, Learner& learner);
  void promise(LinkId link, Learner& learner, const Packet& packet);
  void check_promises();
  void synchronize(LinkId link, Learner& learner);
  bool may_feed(LinkId link, Learner& learner, Learner::Feed feed);
  void count_feeds(Learner::Feed feed);
  void send_snapshot(LinkId link, Learner& learner, std::int64_t zxid);
  void begin_history(LinkId link, Learner& learner, std::int64_t until);
  void finish_sync(LinkId link, Learner& learner, std::int64_t after);
  void send_historic(LinkId link, Learner& learner, const Txn& txn);
  void send_proposal(LinkId link, Learner& learner, const Txn& txn);
  void send_commit(LinkId link, Learner& learner, const Txn& txn);
  void send_held_commits(LinkId link, Learner& learner);
  void check_new_leader_acks();
  void serve();
  void make_up_to_date(LinkId link, Learner& learner);
  void acknowledge(LinkId link, Learner& learner, std::int64_t zxid);
  void count(ServerId id, std::int64_t zxid);
  void commit_what_may();
  void commit_reconfig();
  void send_held();
  void activate_config(std::int64_t zxid);
  ServerId choose_leader(std::int64_t zxid) const;
  void make_tallies();
  void pass_half_tick();
  void close_silent();
  void check_quorum();
  void enter(Phase phase);
  void close(LinkId link, std::string why);
  void give_up(std::string why);

  Core& core_;
  Phase phase_ = Phase::collecting_epochs;
  std::int64_t epoch_;
  // When the term began: nobody with more may be led.
  std::int64_t own_epoch_, own_zxid_;
  world::Instant phase_deadline_;
  std::set<ServerId> introduced_, promised_, acknowledged_;  // FOLLOWERINFO or OBSERVERINFO, ACKEPOCH, ACK of NEWLEADER
  Learners learners_;

  std::deque<SendToLearner> held_;  // for a commit, ascending

  std::map<ServerId, std::int64_t> acked_;
  Tally tally_;
  std::optional<Tally> next_tally_;
  std::int64_t reconfig_zxid_ = std::numeric_limits<std::int64_t>::max();  // of the reconfiguration that waits for its commit
  ServerId designated_leader_;
  world::Instant next_pass_{};
  bool is_full_tick_ = false;
  std::optional<std::string> over_;
};

}  // namespace chorus::zab
