#include "zab/peer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/random.h"
#include "zab/core.h"
#include "zab/election.h"
#include "zab/leader.h"
#include "zab/learner.h"

namespace chorus::zab {
namespace {

// A server that looks may be called by those that have decided for it sooner. What they send then is one packet.
constexpr std::size_t held_links_max = 1024;
constexpr std::size_t held_packets_max = 4;
constexpr std::size_t held_notifications_max = 256;
constexpr milliseconds failed_term_delay{100};

}  // namespace

class Peer::Impl {
 public:
  Impl(const PeerOptions& options, Recovered recovered, std::uint64_t seed)
      : core_{.options = options,
              .config = std::move(recovered.config),
              .next_config = std::move(recovered.next_config),
              .accepted_epoch = recovered.accepted_epoch,
              .current_epoch = recovered.current_epoch,
              .standing = recovered.standing,
              .ledger = Ledger(options.committed_log_max, recovered.last_zxid, std::move(recovered.recent))},
        election_({.self = options.self,
                   .is_observer = is_observer(),
                   .reconfig_enabled = options.reconfig_enabled,
                   .notification_interval_min = options.notification_interval_min,
                   .notification_interval_max = options.notification_interval_max,
                   .finalize_wait = options.finalize_wait}),
        random_(seed) {}

  void step(const Event& event, std::vector<Action>& out) {
    core_.now = event.now;
    core_.out = &out;
    std::visit([this](const auto& what) { on(what); }, event.what);
    settle();
    core_.out = nullptr;
  }

  std::optional<world::Instant> deadline() const;
  Role role() const;
  bool is_electing() const { return state_ == State::looking && !is_resigning_; }
  const Core& core() const { return core_; }
  std::size_t packets_held() const { return leader_ ? leader_->packets_held() : 0; }
  std::vector<LearnerFacts> learners() const { return leader_ ? leader_->learners() : std::vector<LearnerFacts>(); }

 private:
  enum class State {
    idle,     // not started
    ending,   // the term is over: what was asked of the disk is waited for
    looking,  // for a leader
    leading,
    learning,  // following or observing
    resigned
  };
  /// A link that came while we look: perhaps we are to lead it.
  struct Held {
    world::Instant until;
    std::vector<Packet> packets;
  };

  void on(const Started&) {
    state_ = State::ending;
    core_.emit(RoleChanged{Role::looking, std::nullopt});
  }
  void on(const NotificationReceived& received);
  void on(const ServerDown& down) { election_.server_down(down.id, core_.now); }
  void on(const LinkAccepted& accepted);
  void on(const LinkConnected& connected) {
    if (learner_) return learner_->connected(connected.link);
    core_.emit(CloseLink{connected.link, "not needed any more"});
  }
  void on(const ConnectFailed& failed) {
    if (learner_ && learner_->leader() == failed.to) learner_->connect_failed();
  }
  void on(const PacketReceived& received);
  void on(const SnapshotLoaded& loaded) {
    if (learner_) learner_->snapshot_loaded(loaded.link);
  }
  void on(const SnapshotSent& sent) {
    if (leader_) leader_->snapshot_sent(sent.link);
  }
  void on(const LinkClosed& closed) {
    held_.erase(closed.link);
    if (leader_) leader_->link_closed(closed.link);
    if (learner_) learner_->link_closed(closed.link);
  }
  void on(const LogSynced& synced) {
    core_.ledger.set_synced(synced.zxid);
    if (leader_) leader_->synced();
    if (learner_) learner_->synced();
  }
  void on(const Stored&) {
    core_.stored();
    if (leader_) leader_->stored();
    if (learner_) learner_->stored();
  }
  void on(const Propose& propose) {
    if (leader_) leader_->propose(propose.txn);
  }
  void on(const SendToLeader& send) {
    if (learner_) learner_->send(send.packet);
  }
  void on(const SendToLearner& send) {
    if (leader_) leader_->send(send);
  }
  void on(const HistoryRead& read) {
    if (leader_) leader_->history_read(read);
  }
  void on(const TimePassed&);
  void on(const Resign&);

  void settle();
  void end_term(const std::string& why);
  bool is_disk_settled();
  void look();
  void elect();
  void in_step_with(std::int64_t epoch) {
    election_.set_peer_epoch(epoch);
    core_.standing = Standing::full;
  }
  void begin_term(const Vote& vote);
  void tell_the_absent();
  void close_held(const std::string& why);
  bool is_observer() const {
    const auto member = core_.config.members.find(core_.options.self);
    return member == core_.config.members.end() ? core_.options.is_observer : member->second.is_observer;
  }

  Core core_;
  Election election_;
  base::Random random_;
  State state_ = State::idle;
  std::optional<Leader> leader_;
  std::optional<Learner> learner_;
  std::map<LinkId, Held> held_;
  std::map<ServerId, Notification> held_notifications_;  // the last of each that came while the term ended
  std::optional<world::Instant> look_at_;                // not before
  std::optional<world::Instant> tell_at_;                // as leader: members that are not here that we lead
  world::Duration tell_interval_{};
  std::optional<ServerId> next_leader_;  // that a reconfiguration named: no election is needed
  bool is_resigning_ = false;
  std::optional<Vote> successor_;  // whom we vote for when we resign
  world::Instant resigned_at_{};
};

void Peer::Impl::on(const NotificationReceived& received) {
  if (state_ == State::idle || state_ == State::resigned) return;
  if (state_ == State::ending) {
    if (held_notifications_.size() < held_notifications_max) held_notifications_[received.from] = received.notification;
    return;
  }
  auto newer = election_.receive(received.from, received.notification, core_.now, *core_.out);
  if (!newer) return;
  auto proposed = std::exchange(core_.next_config, std::move(newer));
  core_.activate_next_config();
  if (proposed && proposed->version > core_.config.version) core_.propose_config(std::move(*proposed));
  elect();
}

void Peer::Impl::on(const LinkAccepted& accepted) {
  if (leader_) return leader_->accept(accepted.link);
  if (state_ != State::looking && state_ != State::ending) {
    return core_.emit(CloseLink{accepted.link, learner_ ? fmt::format("server {} leads", learner_->leader()) : "leads nobody"});
  }
  if (is_resigning_ || held_.size() >= held_links_max) return core_.emit(CloseLink{accepted.link, "cannot lead now"});
  held_[accepted.link].until = core_.now + core_.init_time();
}

void Peer::Impl::on(const PacketReceived& received) {
  if (leader_) return leader_->receive(received.link, received.packet);
  if (learner_) return learner_->receive(received.link, received.packet);
  const auto held = held_.find(received.link);
  if (held == held_.end()) return;
  held->second.packets.push_back(received.packet);
  if (held->second.packets.size() <= held_packets_max) return;
  held_.erase(held);
  core_.emit(CloseLink{received.link, describe(received.packet) + " before anything was asked of it"});
}

void Peer::Impl::on(const TimePassed&) {
  if (leader_) leader_->time_passed();
  if (learner_) learner_->time_passed();
  if (tell_at_ && core_.now >= *tell_at_) tell_the_absent();
  if (state_ == State::looking) election_.time_passed(core_.now, *core_.out);
  std::vector<LinkId> stale;
  for (const auto& [link, held] : held_) {
    if (core_.now >= held.until) stale.push_back(link);
  }
  for (const LinkId link : stale) {
    held_.erase(link);
    core_.emit(CloseLink{link, "no leader was found in time"});
  }
}

/// Those who followed look at once as their links close. They decide at once too when they have every voter's vote, so ours is given to the
/// one of them that has most.
void Peer::Impl::on(const Resign&) {
  if (is_resigning_) return;
  is_resigning_ = true;
  if (leader_ && leader_->is_serving()) successor_ = leader_->vote_for_best_follower();
  if (leader_ || learner_) end_term("resigns");
  close_held("resigns");
  state_ = State::ending;
  look_at_.reset();
}

void Peer::Impl::settle() {
  if (leader_ && leader_->over()) {
    if (leader_->designated_leader() != core_.options.self) next_leader_ = leader_->designated_leader();
    end_term(std::string(*leader_->over()));
  } else if (learner_ && learner_->over()) {
    next_leader_ = learner_->next_leader();
    end_term(std::string(*learner_->over()));
  }
  if (std::exchange(core_.is_config_changed, false)) election_.set_config(core_.config, core_.last_seen());
  if (look_at_ && core_.now >= *look_at_) look_at_.reset();
  if (state_ == State::ending && !look_at_ && is_disk_settled()) look();
  if (state_ == State::looking) {
    const auto vote = election_.decided();
    const bool has_waited = is_resigning_ && core_.now >= resigned_at_;
    // Who looks only after others were elected by our vote needs to hear it from us: without it there is no quorum of votes.
    if (is_resigning_ && ((vote && election_.is_unanimous()) || has_waited)) {
      state_ = State::resigned;
      core_.emit(Resigned{});
    } else if (vote && !is_resigning_) {
      begin_term(*vote);
    }
  }
  if (leader_ && leader_->is_serving()) {
    in_step_with(leader_->epoch());
    if (core_.options.reconfig_enabled && !tell_at_) tell_at_ = core_.now + tell_interval_;
  }
  if (learner_ && learner_->is_serving()) in_step_with(learner_->epoch());
}

void Peer::Impl::end_term(const std::string& why) {
  const bool served = (leader_ && leader_->is_serving()) || (learner_ && learner_->is_serving());
  if (served) core_.emit(StopServing{});
  if (leader_) leader_->end(why);
  if (learner_) learner_->end(why);
  leader_.reset();
  learner_.reset();
  state_ = State::ending;
  core_.remark(Remark::Level::info, why);
  core_.emit(RoleChanged{Role::looking, std::nullopt});
  tell_at_.reset();
  look_at_.reset();
  // What made a term fail before it began would do so at once again, as often as the network lets it.
  if (!served && !next_leader_) look_at_ = core_.now + failed_term_delay;
  if (is_observer() && !next_leader_) {
    look_at_ = core_.now + milliseconds(random_.between(0, core_.options.observer_delay.count())) +
               milliseconds(random_.between(0, core_.options.observer_reconnect_delay.count()));
  }
}

/// Before we stand for anything, the tree has to be what the log has: all of it durable and committed.
bool Peer::Impl::is_disk_settled() {
  if (core_.is_storing() || !core_.ledger.is_all_synced()) return false;
  if (core_.ledger_on_disk && core_.has(Fault::keep_unstored_tree)) core_.ledger_on_disk.reset();
  if (core_.ledger_on_disk) {
    core_.store(Truncate{core_.ledger_on_disk->last()});
    return false;
  }
  while (!core_.ledger.pending().empty()) core_.ledger.commit(*core_.out);
  return true;
}

void Peer::Impl::look() {
  if (is_resigning_ && !successor_) {
    state_ = State::resigned;
    return core_.emit(Resigned{});
  }
  state_ = State::looking;
  if (const auto leader = std::exchange(next_leader_, std::nullopt); leader && !is_resigning_) {
    Vote vote = election_.decided().value_or(Vote{});
    vote.leader = *leader;
    const bool is_self = *leader == core_.options.self;
    election_.set_current_vote(vote, is_self         ? NotificationState::leading
                                     : is_observer() ? NotificationState::observing
                                                     : NotificationState::following);
    held_notifications_.clear();
    return;
  }
  if (is_resigning_) resigned_at_ = core_.now + 10 * core_.options.notification_interval_min;
  elect();
  for (const auto& [from, notification] : std::exchange(held_notifications_, {})) on(NotificationReceived{from, notification});
}

void Peer::Impl::elect() {
  election_.set_observer(is_observer());  // a configuration may have come since we began to look
  election_.set_standing(core_.standing, core_.accepted_epoch);
  const Vote ourselves{.leader = core_.options.self, .zxid = core_.ledger.committed(), .peer_epoch = core_.current_epoch};
  election_.start(successor_.value_or(ourselves), core_.config, core_.last_seen(), core_.now, *core_.out);
}

void Peer::Impl::begin_term(const Vote& vote) {
  core_.has_voted = election_.has_voted();
  if (vote.leader == core_.options.self) {
    core_.emit(RoleChanged{Role::leading, vote.leader});
    state_ = State::leading;
    tell_interval_ = core_.init_time();
    leader_.emplace(core_);
    for (const auto& [link, held] : std::exchange(held_, {})) {
      leader_->accept(link);
      for (const Packet& packet : held.packets) leader_->receive(link, packet);
    }
    return;
  }
  const Role role = is_observer() ? Role::observing : Role::following;
  close_held(fmt::format("server {} leads", vote.leader));
  core_.emit(RoleChanged{role, vote.leader});
  state_ = State::learning;
  learner_.emplace(core_, vote.leader, role);
}

/// A member that was away while reconfigurations took the place of all whom it knows to vote asks those, and would never find us. It takes
/// our configuration up as it looks. Java's leaders wait to be asked, and such a member is configured by hand. In the end less often than
/// a server asks that looks: Java's put that off for as long as they hear anything.
void Peer::Impl::tell_the_absent() {
  tell_at_.reset();
  tell_interval_ = std::min<world::Duration>(2 * tell_interval_, core_.options.notification_interval_max + core_.init_time());
  std::set<ServerId> here{core_.options.self};
  for (const LearnerFacts& learner : leader_->learners()) here.insert(learner.id);
  for (const auto& [id, member] : core_.config.members) {
    if (!here.contains(id)) election_.tell(id, *core_.out);
  }
}

void Peer::Impl::close_held(const std::string& why) {
  for (const auto& [link, held] : std::exchange(held_, {})) core_.emit(CloseLink{link, why});
}

std::optional<world::Instant> Peer::Impl::deadline() const {
  std::optional<world::Instant> first;
  const auto consider = [&](std::optional<world::Instant> instant) {
    if (instant && (!first || *instant < *first)) first = instant;
  };
  if (leader_) consider(leader_->deadline());
  if (learner_) consider(learner_->deadline());
  if (state_ == State::looking) consider(election_.deadline());
  if (state_ == State::looking && is_resigning_) consider(resigned_at_);
  if (state_ == State::ending) consider(look_at_);
  consider(tell_at_);
  for (const auto& [link, held] : held_) consider(held.until);
  return first;
}

Role Peer::Impl::role() const {
  if (leader_) return Role::leading;
  if (learner_) return is_observer() ? Role::observing : Role::following;
  return Role::looking;
}

Peer::Peer(const PeerOptions& options, Recovered recovered, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(options, std::move(recovered), seed)) {}
Peer::~Peer() = default;
void Peer::step(const Event& event, std::vector<Action>& out) { impl_->step(event, out); }
std::optional<world::Instant> Peer::deadline() const { return impl_->deadline(); }
Role Peer::role() const { return impl_->role(); }
bool Peer::is_electing() const { return impl_->is_electing(); }
const EnsembleConfig& Peer::config() const { return impl_->core().config; }
std::int64_t Peer::accepted_epoch() const { return impl_->core().accepted_epoch; }
std::int64_t Peer::current_epoch() const { return impl_->core().current_epoch; }
std::int64_t Peer::last_committed() const { return impl_->core().ledger.committed(); }
std::vector<LearnerFacts> Peer::learners() const { return impl_->learners(); }
std::size_t Peer::packets_held() const { return impl_->packets_held(); }
const SyncCounts& Peer::syncs() const { return impl_->core().syncs; }

}  // namespace chorus::zab
