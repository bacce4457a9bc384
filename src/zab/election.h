// Fast Leader Election: one server's part in agreeing on whom to follow, without I/O. source: FastLeaderElection, Vote
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "zab/config.h"
#include "zab/notification.h"
#include "zab/peer.h"
#include "zab/types.h"

namespace chorus::zab {

/// The zxid in what a server says that withholds its vote: nobody counts it.
inline constexpr std::int64_t not_loaded = -1;

struct ElectionOptions {
  ServerId self = 0;
  bool is_observer = false;       // this server never votes, whatever the configuration says
  bool reconfig_enabled = false;  // newer configurations that others have are reported
  milliseconds notification_interval_min{200};
  milliseconds notification_interval_max{60'000};
  /// How long to listen for a better vote once a quorum agrees.
  milliseconds finalize_wait{200};
};

/// While looking it proposes, takes over better votes and decides when a quorum agrees; otherwise it tells those who look whom we follow.
/// Lives on one reactor. Every SendNotification that it appends is for another server. Differs from the Java server where nothing but time
/// is at stake:
/// - it does not wait for a better vote when none can come: every voter has voted for the proposal, or is known to be down;
/// - in the wait for a better vote, votes of this round still count;
/// - it answers those who look in its round with a lesser vote, rather than to say its own again after a while;
/// - asked by a server that has no vote while looking, it answers with its proposal rather than with the outcome of the last election;
/// - whose disk is empty counts the votes of those who look, though it may have none (Standing);
/// - an answer of one who follows or leads does not put off what it says next to all;
/// - a newer configuration is passed over where reconfig is not enabled, instead of beginning the round anew.
class Election {
 public:
  explicit Election(const ElectionOptions& options);

  /// Begins a round: from here on we are looking. candidate: whom we vote for until we hear of a better one, its round counts for nothing.
  /// That is ourselves, with the last zxid and the current epoch of our log; one who resigns may name another whose log is as good. Servers
  /// without a vote pass the same, it is not sent. last_seen: the newest configuration proposed, or `committed` when none is under way.
  void start(const Vote& candidate, const EnsembleConfig& committed, const EnsembleConfig& last_seen, world::Instant now,
             std::vector<Action>& out);
  /// In every state; before the first start() it does nothing. The result: while looking, a committed configuration newer than ours, which
  /// the caller adopts before it calls start() again; the notification then counts for nothing.
  std::optional<EnsembleConfig> receive(ServerId from, const Notification& notification, world::Instant now, std::vector<Action>& out);
  /// In every state. That server is gone from where it votes: it is not waited for until it is heard.
  void server_down(ServerId id, world::Instant now);
  /// deadline() has come.
  void time_passed(world::Instant now, std::vector<Action>& out);
  std::optional<world::Instant> deadline() const;

  bool is_looking() const { return state_ == NotificationState::looking; }
  /// Whom we lead (ourselves), follow or observe by the last round; empty while looking.
  std::optional<Vote> decided() const;
  /// Whether all voters that are not down voted for whom we decided on, so that nobody needs us any more to come to the same.
  bool is_unanimous() const { return is_unanimous_; }
  /// Whether we were free to vote for whom we decided on. See Standing.
  bool has_voted() const { return has_voted_; }
  NotificationState state() const { return state_; }

  // What changes without an election, for the answers that we give.

  /// In step with a leader: late joiners then see equal votes of all who follow it. source: QuorumPeer.updateElectionVote
  void set_peer_epoch(std::int64_t epoch) { current_vote_.peer_epoch = epoch; }
  void set_config(const EnsembleConfig& committed, const EnsembleConfig& last_seen);
  /// Unless we look: says to `to` what it would be answered if it asked. A configuration that it lacks comes with it.
  void tell(ServerId to, std::vector<Action>& out) const;
  /// After a reconfiguration that names the next leader: no round is needed. source: QuorumPeer.updateVote
  void set_current_vote(const Vote& vote, NotificationState state);
  /// Before start(). accepted: the newest epoch that we have promised.
  void set_standing(Standing standing, std::int64_t accepted_epoch);
  /// The roles of the configuration may change with it.
  void set_observer(bool is_observer) { options_.is_observer = is_observer; }

 private:
  /// What one server has said last. A Vote is compared in two ways, by state and release.
  struct Ballot {
    Vote vote;
    NotificationState state;
    std::int32_t version;
  };
  using Ballots = std::map<ServerId, Ballot>;

  static bool agree(const Ballot& one, const Ballot& other);
  bool may_vote(ServerId id) const { return committed_.is_voter(id) || last_seen_.is_voter(id); }
  /// Whether our disk could make others believe that what it lacks never was. See Standing.
  bool withholds() const {
    return may_vote(options_.self) && (standing_ == Standing::lost || (standing_ == Standing::empty && has_heard_of_history_));
  }
  bool tells_of_history(const Vote& vote) const;
  bool is_backed_by_all_others() const;
  bool names_us_in_vain(const Vote& vote) const { return withholds() && vote.leader == options_.self; }
  Vote what_we_say() const;
  void hear_of_history(std::vector<Action>& out);
  bool is_better(const Vote& vote, const Vote& than) const;
  bool is_quorum(const Ballots& ballots, const Ballot& ballot) const;
  bool is_at_work(const Ballot& ballot) const;
  bool none_can_come() const;
  bool has_said_to_lead(const Ballots& ballots, const Vote& vote) const;
  void propose(const Vote& vote, std::vector<Action>& out);
  void broadcast(std::vector<Action>& out) const;
  void count(world::Instant now);
  void receive_looking(ServerId from, const Vote& vote, world::Instant now, std::vector<Action>& out);
  void count_looking(ServerId from, const Vote& vote, world::Instant now, std::vector<Action>& out);
  void receive_settled(ServerId from, const Notification& notification);
  void answer_without_vote(ServerId from, world::Instant now, std::vector<Action>& out);
  void decide(const Vote& vote);
  void send(ServerId to, const Vote& vote, std::vector<Action>& out) const;

  ElectionOptions options_;
  Standing standing_ = Standing::full;
  bool has_heard_of_history_ = false;
  std::int64_t accepted_epoch_ = 0;
  EnsembleConfig committed_;
  EnsembleConfig last_seen_;
  std::string committed_text_;

  NotificationState state_ = NotificationState::looking;
  std::int64_t clock_ = 0;  // the number of the round
  Vote initial_;            // what we begin with
  Vote proposal_;           // while looking; election_epoch is the clock
  Vote current_vote_;       // otherwise
  bool is_unanimous_ = false;
  bool has_voted_ = true;
  Ballots votes_;                // of this round; our own among them
  std::set<ServerId> down_;      // voters that cannot vote, as far as we know
  std::set<ServerId> withheld_;  // voters that look and have nothing to vote for
  struct Early {
    Vote vote;
    world::Instant at;
  };
  std::map<ServerId, Early> early_;              // of those who look already while we do not
  std::map<ServerId, world::Instant> answered_;  // when those without a vote were told last
  Ballots settled_;                              // of those who follow or lead, of any round
  milliseconds interval_{0};
  std::optional<world::Instant> notify_at_;
  std::optional<world::Instant> finalize_at_;
};

}  // namespace chorus::zab
