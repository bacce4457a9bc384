#include "zab/election.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "base/ensure.h"

namespace chorus::zab {
namespace {

/// In the place of all that makes a candidate: of those who cannot lead.
constexpr std::int64_t nothing = std::numeric_limits<std::int64_t>::min();
/// Rounds are counted up by one: a number like this is no honest one, and the next would not fit.
constexpr std::int64_t round_max = std::int64_t{1} << 62;
constexpr std::size_t answered_max = 1024;
constexpr Vote for_nobody{.leader = nothing, .zxid = nothing, .peer_epoch = nothing};

}  // namespace

Election::Election(const ElectionOptions& options) : options_(options) {}

void Election::start(const Vote& candidate, const EnsembleConfig& committed, const EnsembleConfig& last_seen, world::Instant now,
                     std::vector<Action>& out) {
  set_config(committed, last_seen);
  state_ = NotificationState::looking;
  votes_.clear();
  settled_.clear();
  is_unanimous_ = false;
  withheld_.clear();
  ++clock_;
  const bool votes = committed_.is_voter(options_.self) && !options_.is_observer;
  initial_ = votes && !withholds() ? candidate : for_nobody;
  interval_ = options_.notification_interval_min;
  notify_at_ = now + interval_;
  propose(initial_, out);
  count(now);
  // They would not say it again. Where a leader resigns, its vote often comes before the end of its link.
  for (const auto& [from, early] : std::exchange(early_, {})) {
    if (!is_looking() || now - early.at > options_.notification_interval_min) continue;
    if (may_vote(from) && may_vote(early.vote.leader)) receive_looking(from, early.vote, now, out);
  }
}

std::optional<EnsembleConfig> Election::receive(ServerId from, const Notification& notification, world::Instant now,
                                                std::vector<Action>& out) {
  const Vote& vote = notification.vote;
  if (from == options_.self || committed_.members.empty() || vote.election_epoch > round_max) return std::nullopt;
  if (is_looking() && options_.reconfig_enabled && notification.version > 1 && notification.config != committed_text_) {
    auto config = parse_config(notification.config);
    if (config && config->version > committed_.version) return std::move(*config);
  }
  if (!may_vote(from)) {  // an observer, or a server that joins: it is told at once, and has no say
    answer_without_vote(from, now, out);
    return std::nullopt;
  }
  down_.erase(from);
  const bool it_looks = notification.state == NotificationState::looking;
  if (standing_ == Standing::empty && !has_heard_of_history_ && tells_of_history(vote)) hear_of_history(out);
  if (!is_looking()) {
    early_.erase(from);
    if (it_looks) {
      early_[from] = {vote, now};
      send(from, current_vote_, out);
    }
    return std::nullopt;
  }
  // Whoever looks with less did not hear us when we said it: Java's servers pass over votes until they look themselves.
  const bool has_less = vote.election_epoch < clock_ || (vote.election_epoch == clock_ && is_better(what_we_say(), vote));
  if (it_looks && has_less) send(from, what_we_say(), out);
  if (!may_vote(vote.leader)) {
    // A voter to be names nobody by itself, and votes as others do once they are in its round, which may be later than theirs. Java's
    // servers do not come to it, and wait for one another.
    if (it_looks && vote.election_epoch > clock_ && !finalize_at_) {
      clock_ = vote.election_epoch;
      votes_.clear();
      propose(initial_, out);
    }
    return std::nullopt;
  }
  if (it_looks) {
    receive_looking(from, vote, now, out);
  } else if (notification.state != NotificationState::observing) {
    receive_settled(from, notification);
  }
  return std::nullopt;
}

/// To a server that was removed we are a voter, which it answers when our round is older than its own: this must not go on without a pause.
void Election::answer_without_vote(ServerId from, world::Instant now, std::vector<Action>& out) {
  if (answered_.size() > answered_max) answered_.clear();
  const auto [before, is_first] = answered_.try_emplace(from, now);
  if (!is_first && now - before->second < options_.notification_interval_min / 2) return;
  before->second = now;
  Vote ours = is_looking() ? what_we_say() : current_vote_;
  ours.election_epoch = clock_;
  send(from, ours, out);
}

void Election::server_down(ServerId id, world::Instant now) {
  if (!may_vote(id)) return;
  // A leader that crashes is often noticed here before its followers look.
  down_.insert(id);
  if (is_looking()) count(now);
}

void Election::time_passed(world::Instant now, std::vector<Action>& out) {
  if (finalize_at_ && now >= *finalize_at_) return decide(proposal_);
  if (!notify_at_ || now < *notify_at_) return;
  interval_ = std::min(2 * interval_, options_.notification_interval_max);
  notify_at_ = now + interval_;
  broadcast(out);
}

std::optional<world::Instant> Election::deadline() const { return finalize_at_ ? finalize_at_ : notify_at_; }

std::optional<Vote> Election::decided() const {
  if (is_looking()) return std::nullopt;
  return current_vote_;
}

void Election::set_config(const EnsembleConfig& committed, const EnsembleConfig& last_seen) {
  committed_ = committed;
  last_seen_ = last_seen;
  committed_text_ = committed_.to_text();
}

void Election::set_standing(Standing standing, std::int64_t accepted_epoch) {
  standing_ = standing;
  accepted_epoch_ = accepted_epoch;
}

/// Of what we may have had a part in. An epoch that we have promised, and then never called our own, is none of those.
bool Election::tells_of_history(const Vote& vote) const {
  if (vote.zxid > 0 && (counter_of(vote.zxid) != 0 || epoch_of(vote.zxid) > accepted_epoch_)) return true;
  return vote.peer_epoch > accepted_epoch_;
}

/// Takes our own vote back.
void Election::hear_of_history(std::vector<Action>& out) {
  has_heard_of_history_ = true;
  if (!is_looking() || !withholds()) return;
  initial_ = for_nobody;
  propose(initial_, out);
}

/// Then it is the best of all that there is on any disk: ours has nothing to add.
bool Election::is_backed_by_all_others() const {
  if (proposal_.leader == nothing) return false;
  const auto backs = [this](const auto& member) {
    if (member.second.is_observer || member.first == options_.self || withheld_.contains(member.first)) return true;
    const auto found = votes_.find(member.first);
    return found != votes_.end() && found->second.vote == proposal_;
  };
  return std::ranges::all_of(committed_.members, backs) && std::ranges::all_of(last_seen_.members, backs);
}

Vote Election::what_we_say() const {
  if (!withholds() || votes_.contains(options_.self)) return proposal_;
  return {.leader = options_.self, .zxid = not_loaded, .election_epoch = clock_, .peer_epoch = 0};
}

void Election::tell(ServerId to, std::vector<Action>& out) const {
  if (!is_looking()) send(to, current_vote_, out);
}

void Election::set_current_vote(const Vote& vote, NotificationState state) {
  ENSURE(state != NotificationState::looking);
  decide(vote);
  state_ = state;
}

bool Election::agree(const Ballot& one, const Ballot& other) {
  if (one.state == NotificationState::looking || other.state == NotificationState::looking) return one.vote == other.vote;
  if (one.vote.leader != other.vote.leader) return false;
  // Zxid and round may differ among those who follow one leader; releases before 3.4.6 (version 0) differ in the peer epoch too.
  return (one.version > 0) != (other.version > 0) || one.vote.peer_epoch == other.vote.peer_epoch;
}

bool Election::is_better(const Vote& vote, const Vote& than) const {
  if (committed_.weight(vote.leader) == 0) return false;
  return std::tie(vote.peer_epoch, vote.zxid, vote.leader) > std::tie(than.peer_epoch, than.zxid, than.leader);
}

/// Of one of the two configurations, since a reconfiguration that we know of may have been given up by those who are at work, or be in
/// force. Whom we join is safe either way: what is committed does not hang on it. With both asked, as in Java, who proposed one and lost
/// its followers may look for ever.
bool Election::is_at_work(const Ballot& ballot) const {
  const auto agrees = [&](ServerId id) {
    const auto found = settled_.find(id);
    return found != settled_.end() && agree(found->second, ballot);
  };
  return committed_.is_quorum(agrees) || last_seen_.is_quorum(agrees);
}

bool Election::is_quorum(const Ballots& ballots, const Ballot& ballot) const {
  const auto agrees = [&](ServerId id) {
    const auto found = ballots.find(id);
    return found != ballots.end() && agree(found->second, ballot);
  };
  return committed_.is_quorum(agrees) && (last_seen_.version <= committed_.version || last_seen_.is_quorum(agrees));
}

bool Election::none_can_come() const {
  const auto voted = [this](const auto& member) {
    if (member.second.is_observer || down_.contains(member.first) || withheld_.contains(member.first)) return true;
    if (member.first == options_.self && withholds()) return true;
    const auto found = votes_.find(member.first);
    return found != votes_.end() && found->second.vote == proposal_;
  };
  return std::ranges::all_of(committed_.members, voted) && std::ranges::all_of(last_seen_.members, voted);
}

/// So that nobody goes on electing a server that crashed since.
bool Election::has_said_to_lead(const Ballots& ballots, const Vote& vote) const {
  if (vote.leader == options_.self) return vote.election_epoch == clock_;
  const auto found = ballots.find(vote.leader);
  return found != ballots.end() && found->second.state == NotificationState::leading;
}

void Election::propose(const Vote& vote, std::vector<Action>& out) {
  proposal_ = vote;
  proposal_.election_epoch = clock_;
  finalize_at_.reset();
  votes_.erase(options_.self);
  if (may_vote(options_.self) && !options_.is_observer && !withholds()) {
    votes_[options_.self] = {proposal_, NotificationState::looking, 0};
  }
  broadcast(out);
}

void Election::broadcast(std::vector<Action>& out) const {
  for (const auto& [id, member] : committed_.members) {
    if (!member.is_observer) send(id, what_we_say(), out);
  }
  for (const auto& [id, member] : last_seen_.members) {
    if (!member.is_observer && !committed_.is_voter(id)) send(id, what_we_say(), out);
  }
}

void Election::count(world::Instant now) {
  if (!is_quorum(votes_, {proposal_, NotificationState::looking, 0})) {
    finalize_at_.reset();
  } else if (none_can_come()) {
    decide(proposal_);
    is_unanimous_ = true;
  } else if (!finalize_at_) {
    finalize_at_ = now + options_.finalize_wait;
  }
}

void Election::receive_looking(ServerId from, const Vote& vote, world::Instant now, std::vector<Action>& out) {
  if (vote.zxid == not_loaded) {
    withheld_.insert(from);
    votes_.erase(from);
  } else {
    withheld_.erase(from);
    count_looking(from, vote, now, out);
  }
  if (!is_looking() || standing_ != Standing::empty || !withholds() || votes_.contains(options_.self) || !is_backed_by_all_others()) return;
  votes_[options_.self] = {proposal_, NotificationState::looking, 0};
  broadcast(out);
  count(now);
}

void Election::count_looking(ServerId from, const Vote& vote, world::Instant now, std::vector<Action>& out) {
  if (vote.election_epoch < clock_) return;
  if (vote.election_epoch > clock_) {
    // A quorum of this round agrees already: only a better vote is worth another one.
    if (finalize_at_ && !is_better(vote, proposal_)) return;
    clock_ = vote.election_epoch;
    votes_.clear();
    propose(is_better(vote, initial_) && !names_us_in_vain(vote) ? vote : initial_, out);
  } else if (is_better(vote, proposal_) && !names_us_in_vain(vote)) {
    propose(vote, out);
  }
  votes_[from] = {vote, NotificationState::looking, 0};
  count(now);
}

/// From one who follows or leads.
void Election::receive_settled(ServerId from, const Notification& notification) {
  const Vote& vote = notification.vote;
  if (names_us_in_vain(vote)) return;
  const Ballot said{vote, notification.state, notification.version};
  if (vote.election_epoch == clock_) {
    votes_[from] = {vote, notification.state, 0};
    if (is_quorum(votes_, said) && has_said_to_lead(votes_, vote)) return decide(vote);
  }
  // An ensemble that is at work is joined when a quorum of it follows one leader, whatever the round was.
  settled_[from] = said;
  if (!is_at_work(said) || !has_said_to_lead(settled_, vote)) return;
  clock_ = vote.election_epoch;
  decide(vote);
}

void Election::decide(const Vote& vote) {
  has_voted_ = !withholds() || votes_.contains(options_.self);
  current_vote_ = vote;
  state_ = vote.leader == options_.self ? NotificationState::leading
           : options_.is_observer       ? NotificationState::observing
                                        : NotificationState::following;
  votes_.clear();
  settled_.clear();
  notify_at_.reset();
  finalize_at_.reset();
}

void Election::send(ServerId to, const Vote& vote, std::vector<Action>& out) const {
  if (to == options_.self) return;
  out.emplace_back(SendNotification{to, {.state = state_, .vote = vote, .version = 2, .config = committed_text_}});
}

}  // namespace chorus::zab
