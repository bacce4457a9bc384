// Of the leader: transactions go out, acknowledgements come in, what a quorum has is committed.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "zab/leader.h"

namespace chorus::zab {

void Leader::propose(Txn txn) {
  if (phase_ != Phase::serving) return;
  // Soon the counter would reach into the epoch. Those who elect anew begin the next one. source: Leader.propose
  if (counter_of(txn.zxid) >= core_.options.counter_end) return give_up(fmt::format("the zxids of epoch {} are used up", epoch_));
  ENSURE(txn.zxid == core_.ledger.last() + 1, txn.zxid, core_.ledger.last());
  const auto type = txn_type(txn);
  ENSURE(type.has_value(), txn.zxid);
  if (*type == reconfig_type) {
    auto config = read_reconfig(txn);
    ENSURE(config.has_value() && !core_.next_config, txn.zxid);
    core_.propose_config(std::move(*config));
    reconfig_zxid_ = txn.zxid;
    make_tallies();
  }
  for (auto& [link, learner] : learners_) {
    if (learner.is_forwarded_to() && !learner.is_observer) send_proposal(link, learner, txn);
  }
  core_.ledger.append(std::move(txn), *core_.out);
}

void Leader::send_proposal(LinkId link, Learner& learner, const Txn& txn) {
  core_.send(link, make_packet(PacketType::proposal, txn.zxid, txn.octets));
  learner.sent = txn.zxid;
  if (learner.tracked == 0 && learner.stage >= Stage::in_step) {
    learner.tracked = txn.zxid;
    learner.tracked_since = core_.now;
  }
}

/// A follower is told only once it is up to date: ZooKeeper 3.8.0 fails on a commit between NEWLEADER and UPTODATE of what was proposed
/// before NEWLEADER, and comes again and again under load. source: ZOOKEEPER-4394
void Leader::send_commit(LinkId link, Learner& learner, const Txn& txn) {
  if (learner.is_observer) {
    core_.send(link, make_packet(PacketType::inform, txn.zxid, txn.octets));
  } else if (learner.stage == Stage::up_to_date) {
    core_.send(link, make_packet(PacketType::commit, txn.zxid));
  } else if (learner.first_held_commit == 0) {
    learner.first_held_commit = txn.zxid;
  }
}

/// All that were held are committed, and of this epoch, whose zxids have no gaps.
void Leader::send_held_commits(LinkId link, Learner& learner) {
  if (learner.first_held_commit == 0) return;
  for (std::int64_t zxid = learner.first_held_commit; zxid <= core_.ledger.committed(); ++zxid) {
    core_.send(link, make_packet(PacketType::commit, zxid));
  }
  learner.first_held_commit = 0;
}

void Leader::send(const SendToLearner& send) {
  const auto found = learners_.find(send.link);
  if (found == learners_.end() || found->second.stage != Stage::up_to_date) return;
  if (send.after > core_.ledger.committed()) {
    held_.push_back(send);
  } else {
    core_.send(send.link, send.packet);
  }
}

/// After a commit was sent.
void Leader::send_held() {
  for (; !held_.empty() && held_.front().after <= core_.ledger.committed(); held_.pop_front()) {
    if (learners_.contains(held_.front().link)) core_.send(held_.front().link, std::move(held_.front().packet));
  }
}

void Leader::acknowledge(LinkId link, Learner& learner, std::int64_t zxid) {
  // Also UPTODATE is acknowledged, by the epoch's first zxid. source: Leader.processAck
  if (is_new_epoch(zxid) || learner.is_observer) return;
  if (zxid > core_.ledger.last()) return close(link, fmt::format("ACK {:#x} of what was not proposed", zxid));
  learner.acked = std::max(learner.acked, zxid);
  if (learner.tracked != 0 && zxid >= learner.tracked) {
    learner.tracked = learner.sent > zxid ? learner.sent : 0;
    learner.tracked_since = core_.now;
  }
  if (zxid > core_.ledger.committed()) count(learner.id, zxid);
}

void Leader::synced() {
  if (phase_ == Phase::serving) count(core_.options.self, core_.ledger.synced());
}

void Leader::count(ServerId id, std::int64_t zxid) {
  acked_[id] = zxid;
  tally_.set(id, zxid);
  if (next_tally_) next_tally_->set(id, zxid);
  if (phase_ == Phase::serving) commit_what_may();
}

void Leader::make_tallies() {
  tally_ = Tally(core_.config);
  next_tally_.reset();
  if (core_.next_config) next_tally_.emplace(*core_.next_config);
  for (const auto& [id, zxid] : acked_) {
    tally_.set(id, zxid);
    if (next_tally_) next_tally_->set(id, zxid);
  }
}

void Leader::commit_what_may() {
  const auto& pending = core_.ledger.pending();
  // Having committed that another is to lead, we commit no more: that is for the new leader. source: Leader.tryToCommit
  while (!pending.empty() && designated_leader_ == core_.options.self) {
    std::int64_t point = core_.has(Fault::commit_without_quorum) ? core_.ledger.synced() : tally_.quorum_zxid();
    if (next_tally_ && point >= reconfig_zxid_) point = std::max(reconfig_zxid_ - 1, std::min(point, next_tally_->quorum_zxid()));
    if (pending.front().zxid > point) return;
    while (!pending.empty() && pending.front().zxid <= point) {
      const Txn& txn = pending.front();
      if (txn.zxid == reconfig_zxid_) {
        commit_reconfig();
        break;  // the quorums are others now
      }
      for (auto& [link, learner] : learners_) {
        if (learner.is_forwarded_to()) send_commit(link, learner, txn);
      }
      core_.ledger.commit(*core_.out);
      send_held();
    }
  }
}

// --- Configurations ---

void Leader::commit_reconfig() {
  const Txn txn = core_.ledger.pending().front();
  const ServerId designated = choose_leader(txn.zxid);
  std::string leader;
  base::Writer(leader).i64(designated);
  const auto for_followers = std::make_shared<const std::string>(leader);
  const auto for_observers = std::make_shared<const std::string>(leader + *txn.octets);
  for (auto& [link, learner] : learners_) {
    if (!learner.is_forwarded_to()) continue;
    send_held_commits(link, learner);
    core_.send(link, learner.is_observer ? make_packet(PacketType::inform_and_activate, txn.zxid, for_observers)
                                         : make_packet(PacketType::commit_and_activate, txn.zxid, for_followers));
  }
  core_.ledger.commit(*core_.out);
  send_held();
  reconfig_zxid_ = std::numeric_limits<std::int64_t>::max();
  activate_config(txn.zxid);
}

void Leader::activate_config(std::int64_t zxid) {
  designated_leader_ = choose_leader(zxid);
  core_.activate_next_config();
  make_tallies();
}

/// Of the configuration that comes into force: ourselves if we may, else the voter that has most. source: Leader.getDesignatedLeader
ServerId Leader::choose_leader(std::int64_t zxid) const {
  const EnsembleConfig& next = *core_.next_config;
  const ServerId self = core_.options.self;
  const auto address_of = [&](const EnsembleConfig& config) {
    const auto found = config.members.find(self);
    return found == config.members.end() ? std::vector<world::Address>() : found->second.quorum_addresses;
  };
  if (next.is_voter(self) && address_of(next) == address_of(core_.config)) return self;
  std::optional<std::pair<std::int64_t, ServerId>> best;
  for (const auto& [link, learner] : learners_) {
    if (learner.is_observer || learner.stage < Stage::in_step || !next.is_voter(learner.id)) continue;
    const auto acked = acked_.find(learner.id);
    const std::int64_t has = acked == acked_.end() ? 0 : acked->second;
    if (has >= zxid && (!best || std::pair(has, learner.id) > *best)) best = {has, learner.id};
  }
  return best ? best->second : self;
}

std::optional<Vote> Leader::vote_for_best_follower() const {
  std::optional<Vote> best;
  for (const auto& [link, learner] : learners_) {
    if (learner.is_observer || learner.stage < Stage::in_step || !core_.config.is_voter(learner.id)) continue;
    const auto acked = acked_.find(learner.id);
    // No more than it has: a vote that promised more would keep out those that have.
    const Vote vote{.leader = learner.id, .zxid = acked == acked_.end() ? 0 : acked->second, .peer_epoch = epoch_};
    if (!best || std::pair(vote.zxid, vote.leader) > std::pair(best->zxid, best->leader)) best = vote;
  }
  return best;
}

std::vector<LearnerFacts> Leader::learners() const {
  std::vector<LearnerFacts> out;
  for (const auto& [link, learner] : learners_) {
    if (learner.stage == Stage::connected) continue;
    out.push_back({.id = learner.id,
                   .link = link,
                   .is_observer = learner.is_observer,
                   .is_synced = learner.is_forwarded_to(),
                   .acked_zxid = learner.acked});
  }
  return out;
}

// --- Liveness ---

world::Instant Leader::deadline() const {
  if (phase_ == Phase::serving) return next_pass_;
  world::Instant first = phase_deadline_;
  for (const auto& [link, learner] : learners_) first = std::min(first, learner.deadline);
  return first;
}

void Leader::time_passed() {
  if (phase_ == Phase::serving) {
    if (core_.now >= next_pass_) pass_half_tick();
    return;
  }
  close_silent();
  if (core_.now >= phase_deadline_) {
    give_up(phase_ == Phase::synchronizing ? "no quorum of followers was in step in time" : "no quorum of followers came in time");
  }
}

void Leader::close_silent() {
  std::vector<std::pair<LinkId, std::string>> silent;
  for (const auto& [link, learner] : learners_) {
    if (core_.now >= learner.deadline) {
      silent.emplace_back(link, fmt::format("server {} was silent too long", learner.id));
    } else if (learner.tracked != 0 && core_.now - learner.tracked_since > core_.sync_time()) {
      silent.emplace_back(link, fmt::format("server {} did not acknowledge {:#x} in time", learner.id, learner.tracked));
    }
  }
  for (auto& [link, why] : silent) close(link, std::move(why));
}

/// source: Leader.lead, the loop at its end; LearnerHandler.ping
void Leader::pass_half_tick() {
  next_pass_ = core_.now + core_.options.tick / 2;
  close_silent();
  for (const auto& [link, learner] : learners_) {
    if (learner.is_forwarded_to()) core_.send(link, make_packet(PacketType::ping, core_.ledger.last()));
  }
  if (is_full_tick_) check_quorum();
  is_full_tick_ = !is_full_tick_;
}

void Leader::check_quorum() {
  const auto follows = [&](ServerId id) {
    return id == core_.options.self || std::ranges::any_of(learners_, [&](const auto& entry) {
             return entry.second.stage > Stage::connected && !entry.second.is_observer && entry.second.id == id;
           });
  };
  if (!is_quorum_of_both(core_, follows)) give_up("no quorum of followers is left");
}

}  // namespace chorus::zab
