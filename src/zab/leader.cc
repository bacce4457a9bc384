#include "zab/leader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace chorus::zab {
namespace {

// Epochs are 32 bits, and ours would have to be one more.
constexpr std::int64_t epoch_max = 0x7fff'fffe;

std::string four_octets(std::int32_t value) {
  std::string out;
  base::Writer(out).i32(value);
  return out;
}

}  // namespace

Leader::Leader(Core& core)
    : core_(core),
      epoch_(std::max(core.accepted_epoch, core.epoch_of_others) + 1),
      own_epoch_(core.current_epoch),
      own_zxid_(core.ledger.committed()),
      tally_(core.config),
      designated_leader_(core.options.self) {
  ENSURE(core.ledger.is_all_synced() && core.ledger.pending().empty() && !core.ledger_on_disk);
  enter(Phase::collecting_epochs);
  introduced_.insert(core.options.self);
  check_epochs();
}

void Leader::enter(Phase phase) {
  phase_ = phase;
  phase_deadline_ = core_.now + core_.init_time();
}

void Leader::give_up(std::string why) {
  if (!over_) over_ = std::move(why);
}

void Leader::close(LinkId link, std::string why) {
  const auto found = learners_.find(link);
  const bool had_service = forget(found);
  core_.emit(CloseLink{link, std::move(why)});
  if (had_service) core_.emit(LearnersChanged{});
}

/// Whether it had been let in.
bool Leader::forget(Learners::iterator learner) {
  // An epoch is begun with those who are there, not with those who may follow another by now.
  acknowledged_.erase(learner->second.id);
  const bool had_service = learner->second.stage == Stage::up_to_date;
  learners_.erase(learner);
  return had_service;
}

void Leader::end(const std::string& why) {
  for (const auto& [link, learner] : learners_) core_.emit(CloseLink{link, why});
  learners_.clear();
}

void Leader::link_closed(LinkId link) {
  const auto found = learners_.find(link);
  if (found == learners_.end()) return;
  const bool had_service = forget(found);
  if (had_service) core_.emit(LearnersChanged{});
  // Whoever lost us looks for a leader at once. Until the end of the tick, as in Java, we would refuse sessions of a new one that clients
  // bring here, as unknown.
  if (phase_ == Phase::serving) check_quorum();
}

void Leader::accept(LinkId link) { learners_[link].deadline = core_.now + core_.init_time(); }

void Leader::receive(LinkId link, const Packet& packet) {
  const auto found = learners_.find(link);
  if (found == learners_.end()) return;
  Learner& learner = found->second;
  const auto type = static_cast<PacketType>(packet.type);
  switch (learner.stage) {
    case Stage::connected:
      return introduce(link, learner, packet);
    case Stage::asked:
      return promise(link, learner, packet);
    case Stage::introduced:
    case Stage::promised:
    case Stage::reading_disk:
      return close(link, describe(packet) + " before it was this side's turn");
    case Stage::synchronizing:
      if (type == PacketType::ping) return;
      // A Java learner logs what came before NEWLEADER beside acknowledging that, so that acknowledgements of proposals may be ahead of it.
      // They count with it: until then its epoch may not be on its disk. source: ZOOKEEPER-4685
      if (type == PacketType::ack && !is_new_epoch(packet.zxid) && packet.zxid <= learner.sent) {
        learner.acked = std::max(learner.acked, packet.zxid);
        return;
      }
      if (type != PacketType::ack || packet.zxid != first_zxid_of(epoch_)) {
        return close(link, fmt::format("{} where the acknowledgement of NEWLEADER {:#x} was due", describe(packet), first_zxid_of(epoch_)));
      }
      learner.stage = Stage::in_step;
      count_feeds(learner.feed);
      learner.deadline = core_.now + core_.sync_time();
      acknowledged_.insert(learner.id);
      if (!learner.is_observer && learner.acked > core_.ledger.committed()) count(learner.id, learner.acked);
      if (phase_ == Phase::serving) return make_up_to_date(link, learner);
      return check_new_leader_acks();
    case Stage::in_step:
    case Stage::up_to_date:
      break;
  }
  learner.deadline = core_.now + core_.sync_time();
  if (type == PacketType::ack) return acknowledge(link, learner, packet.zxid);
  if (type == PacketType::ping) {
    if (learner.stage == Stage::up_to_date && packet.data && !packet.data->empty()) core_.emit(Deliver{link, packet});
    return;
  }
  if (type == PacketType::request || type == PacketType::revalidate) {
    if (learner.stage != Stage::up_to_date) return close(link, describe(packet) + " before UPTODATE");
    core_.emit(Deliver{link, packet});
    return;
  }
  close(link, describe(packet) + " is not for a leader");
}

// --- Discovery ---

void Leader::introduce(LinkId link, Learner& learner, const Packet& packet) {
  const auto type = static_cast<PacketType>(packet.type);
  if (type != PacketType::follower_info && type != PacketType::observer_info) {
    return close(link, describe(packet) + " where FOLLOWERINFO or OBSERVERINFO was due");
  }
  const auto info = decode_learner_info(data_of(packet));
  if (!info || info->protocol < learner_protocol) return close(link, "speaks a protocol from before ZooKeeper 3.4");
  if (info->id == core_.options.self) return close(link, fmt::format("calls itself server {}, which is us", info->id));
  // source: LearnerHandler.run
  if (info->config_version > core_.config.version) {
    return close(link, fmt::format("server {} has the configuration of {:#x}, newer than ours of {:#x}", info->id, info->config_version,
                                   core_.config.version));
  }
  const std::int64_t accepted = epoch_of(packet.zxid);
  if (accepted < 0 || accepted >= epoch_max) return close(link, fmt::format("server {} accepted the epoch {}", info->id, accepted));
  // The former link of a server that has come again is dead, whether we were told or not.
  const auto former = std::ranges::find_if(
      learners_, [&](const auto& other) { return other.second.stage != Stage::connected && other.second.id == info->id; });
  if (former != learners_.end()) close(former->first, fmt::format("server {} has come again", info->id));

  learner.id = info->id;
  learner.is_observer = type == PacketType::observer_info;
  learner.stage = Stage::introduced;
  // What it acknowledged over a former link counts no more: it may have lost it.
  count(learner.id, 0);
  if (phase_ == Phase::serving && accepted > epoch_ && core_.config.members.contains(info->id)) return give_way(info->id, accepted);
  if (phase_ > Phase::storing_epoch) return lead_epoch(link, learner);
  if (phase_ != Phase::collecting_epochs) return;
  if (!core_.has(Fault::skip_epoch_check)) epoch_ = std::max(epoch_, accepted + 1);
  // Also who observes: in a configuration that is to come it may be a voter. Quorums are made of voters whoever else is among them.
  introduced_.insert(learner.id);
  check_epochs();
}

/// It promised a leader of which nothing came not to follow one of an older epoch, and keeps that promise. Java's leaders go on without it,
/// until they end for another reason. An election takes less than a member that is missing may cost.
void Leader::give_way(ServerId id, std::int64_t accepted) {
  core_.epoch_of_others = accepted;
  give_up(fmt::format("server {} accepted the epoch {}, we lead {}: an epoch that it can follow has to begin", id, accepted, epoch_));
}

void Leader::check_epochs() {
  if (!is_quorum_of_both(core_, [&](ServerId id) { return introduced_.contains(id); })) return;
  enter(Phase::storing_epoch);
  // Our promise not to accept an older epoch must hold before anybody hears of the new one.
  core_.store(StoreAcceptedEpoch{epoch_});
}

void Leader::stored() {
  if (phase_ == Phase::storing_epoch) {
    enter(Phase::collecting_acks);
    promised_.insert(core_.options.self);
    for (auto& [link, learner] : learners_) {
      if (learner.stage == Stage::introduced) lead_epoch(link, learner);
    }
    return check_promises();
  }
  ENSURE(phase_ == Phase::synchronizing);
  acknowledged_.insert(core_.options.self);
  check_new_leader_acks();
}

void Leader::lead_epoch(LinkId link, Learner& learner) {
  learner.stage = Stage::asked;
  learner.deadline = core_.now + core_.init_time();
  core_.send(link, make_packet(PacketType::leader_info, first_zxid_of(epoch_), four_octets(learner_protocol)));
}

void Leader::promise(LinkId link, Learner& learner, const Packet& packet) {
  if (static_cast<PacketType>(packet.type) != PacketType::ack_epoch) return close(link, describe(packet) + " where ACKEPOCH was due");
  base::Reader in(data_of(packet));
  const std::int32_t current_epoch = in.i32();
  if (!in.ok() || packet.zxid < 0) return close(link, "ACKEPOCH without an epoch, or with a negative zxid");
  learner.last_zxid = packet.zxid;
  learner.stage = Stage::promised;
  learner.deadline = world::Instant::max();
  if (phase_ > Phase::collecting_acks) return synchronize(link, learner);
  // -1: it had promised this epoch before, perhaps to another leader, and must not be counted. source: Learner.registerWithLeader
  if (current_epoch == -1) return;
  if (std::pair(std::int64_t{current_epoch}, packet.zxid) > std::pair(own_epoch_, own_zxid_)) {
    return close(link, fmt::format("server {} has more than we have: {:#x} of epoch {}, ours is {:#x} of epoch {}", learner.id, packet.zxid,
                                   current_epoch, own_zxid_, own_epoch_));
  }
  promised_.insert(learner.id);
  check_promises();
}

void Leader::check_promises() {
  if (!is_quorum_of_both(core_, [&](ServerId id) { return promised_.contains(id); })) return;
  enter(Phase::synchronizing);
  // A configuration from a file gets a version now, so that members can tell it from later ones. source: Leader.lead
  if (core_.options.reconfig_enabled && core_.last_seen().version == 0) {
    EnsembleConfig versioned = core_.config;
    versioned.version = first_zxid_of(epoch_);
    core_.propose_config(std::move(versioned));
  }
  core_.store(StoreCurrentEpoch{epoch_});
  for (auto next = learners_.begin(); next != learners_.end();) {
    const auto at = next++;  // it may have to go
    if (at->second.stage == Stage::promised) synchronize(at->first, at->second);
  }
}

// --- Synchronization ---

void Leader::synchronize(LinkId link, Learner& learner) {
  const std::int64_t committed = core_.ledger.committed();
  const SyncPlan plan = core_.options.always_send_snapshot ? SyncPlan{SyncPlan::Kind::snap, committed, committed}
                                                           : plan_sync(core_.ledger.history(), committed, learner.last_zxid);
  if (plan.kind != SyncPlan::Kind::snap && !may_feed(link, learner, Learner::Feed::diff)) return;
  switch (plan.kind) {
    case SyncPlan::Kind::diff:
      ++core_.syncs.diffs;
      count_feeds(learner.feed);
      core_.send(link, make_packet(PacketType::diff, plan.zxid));
      return finish_sync(link, learner, plan.after);
    case SyncPlan::Kind::trunc:
      ++core_.syncs.truncations;
      count_feeds(learner.feed);
      core_.send(link, make_packet(PacketType::trunc, plan.zxid));
      return finish_sync(link, learner, plan.after);
    case SyncPlan::Kind::from_disk:
      return begin_history(link, learner, plan.until);
    case SyncPlan::Kind::snap:
      break;
  }
  send_snapshot(link, learner, plan.zxid);
}

/// An observer is let in only where there is room; else it has to come again.
bool Leader::may_feed(LinkId link, Learner& learner, Learner::Feed feed) {
  const bool by_snapshot = feed == Learner::Feed::snapshot;
  const std::size_t limit = by_snapshot ? core_.options.snapshot_syncs_max : core_.options.diff_syncs_max;
  const auto others = std::ranges::count_if(learners_, [&](const auto& other) {
    return &other.second != &learner && other.second.feed == feed && other.second.stage < Stage::in_step;
  });
  learner.feed = feed;
  if (!learner.is_observer || static_cast<std::size_t>(others) < limit) return true;
  close(link, fmt::format("{} learners are brought into line by {} at this time, and it only observes", others,
                          by_snapshot ? "snapshots" : "transactions"));
  return false;
}

/// How many are under way now.
void Leader::count_feeds(Learner::Feed feed) {
  const auto is_fed = [feed](const auto& entry) { return entry.second.feed == feed && entry.second.stage < Stage::in_step; };
  (feed == Learner::Feed::snapshot ? core_.syncs.snapshots_under_way : core_.syncs.diffs_under_way)
      .add(std::ranges::count_if(learners_, is_fed));
}

void Leader::send_snapshot(LinkId link, Learner& learner, std::int64_t zxid) {
  if (!may_feed(link, learner, Learner::Feed::snapshot)) return;
  ++core_.syncs.snapshots;
  count_feeds(learner.feed);
  core_.send(link, make_packet(PacketType::snap, zxid));
  core_.emit(SendSnapshot{link});
  finish_sync(link, learner, zxid);
  learner.deadline = world::Instant::max();  // it answers once it has the snapshot
}

void Leader::snapshot_sent(LinkId link) {
  const auto found = learners_.find(link);
  if (found != learners_.end() && found->second.stage == Stage::synchronizing) found->second.deadline = core_.now + core_.init_time();
}

void Leader::begin_history(LinkId link, Learner& learner, std::int64_t until) {
  learner.stage = Stage::reading_disk;
  learner.read_until = until;
  core_.emit(ReadHistory{link, learner.last_zxid, until});
}

void Leader::history_read(const HistoryRead& read) {
  const auto found = learners_.find(read.link);
  if (found == learners_.end() || found->second.stage != Stage::reading_disk) return;
  Learner& learner = found->second;
  if (!learner.has_plan) {
    if (!read.found) return send_snapshot(read.link, learner, core_.ledger.committed());
    ++core_.syncs.diffs;
    count_feeds(learner.feed);
    core_.send(read.link, make_packet(PacketType::diff, core_.ledger.committed()));
    learner.has_plan = true;
  } else if (!read.found) {
    return close(read.link, "the log was removed while it was read for this learner");
  }
  for (const Txn& txn : read.txns) {
    ENSURE(txn.zxid > learner.last_zxid, txn.zxid, learner.last_zxid);
    send_historic(read.link, learner, txn);
    learner.last_zxid = txn.zxid;
  }
  // Meanwhile the oldest in memory may have become too new to go on with.
  const auto& txns = core_.ledger.history().txns();
  if (!read.end) return begin_history(read.link, learner, learner.read_until);
  if (!txns.empty() && txns.front().zxid > learner.read_until) return begin_history(read.link, learner, txns.front().zxid);
  finish_sync(read.link, learner, std::max(learner.last_zxid, learner.read_until - 1));
}

void Leader::finish_sync(LinkId link, Learner& learner, std::int64_t after) {
  const History& history = core_.ledger.history();
  for (auto txn = history.after(after); txn != history.txns().end(); ++txn) send_historic(link, learner, *txn);
  if (!learner.is_observer) {
    for (const Txn& txn : core_.ledger.pending()) send_proposal(link, learner, txn);
  }
  core_.send(link, make_packet(PacketType::new_leader, first_zxid_of(epoch_), core_.last_seen().to_text()));
  learner.stage = Stage::synchronizing;
  learner.deadline = core_.now + core_.init_time();
}

void Leader::send_historic(LinkId link, Learner& learner, const Txn& txn) {
  core_.send(link, make_packet(PacketType::proposal, txn.zxid, txn.octets));
  core_.send(link, make_packet(PacketType::commit, txn.zxid));
  learner.sent = txn.zxid;
}

void Leader::check_new_leader_acks() {
  if (phase_ != Phase::synchronizing || !acknowledged_.contains(core_.options.self)) return;
  const bool has_quorum = is_quorum_of_both(core_, [&](ServerId id) { return acknowledged_.contains(id); });
  if (has_quorum || core_.has(Fault::serve_without_quorum)) serve();
}

void Leader::serve() {
  phase_ = Phase::serving;
  if (core_.next_config) activate_config(0);
  core_.ledger.begin_epoch(epoch_);
  make_tallies();
  next_pass_ = core_.now + core_.options.tick / 2;
  core_.emit(StartServing{Role::leading, core_.options.self, epoch_, first_zxid_of(epoch_)});
  for (auto& [link, learner] : learners_) {
    if (learner.stage == Stage::in_step) make_up_to_date(link, learner);
  }
}

void Leader::make_up_to_date(LinkId link, Learner& learner) {
  core_.send(link, make_packet(PacketType::up_to_date, -1));
  learner.stage = Stage::up_to_date;
  send_held_commits(link, learner);
  core_.emit(LearnersChanged{});
}

}  // namespace chorus::zab
