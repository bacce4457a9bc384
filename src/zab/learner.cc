#include "zab/learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace chorus::zab {
namespace {

// More than a leader has under way for us; else it would be ours to hold what the leader sends.
constexpr std::size_t inbox_octets_max = 512 << 20;
// A Java server opens its quorum port some 200 ms after those who voted for it know that it leads. Where something stands before the port
// (a proxy of a service mesh, a port forwarder), connections are not refused until then: they are made, and broken off.
constexpr int early_closes_max = 4;
constexpr milliseconds early_close_pause{100};

std::string four_octets(std::int32_t value) {
  std::string out;
  base::Writer(out).i32(value);
  return out;
}

}  // namespace

Learner::Learner(Core& core, ServerId leader, Role role) : core_(core), leader_(leader), role_(role), last_heard_(core.now) {
  ENSURE(core.ledger.is_all_synced() && core.ledger.pending().empty() && !core.ledger_on_disk);
  patience_ = core.init_time();
  // The shell's tries end within that time; this is for an answer that never comes.
  check_at_ = core.now + 2 * patience_;
  connect();
}

void Learner::give_up(std::string why) {
  if (!over_) over_ = std::move(why);
}

void Learner::violate(std::string why) { give_up(fmt::format("server {}: {}", leader_, why)); }

void Learner::end(const std::string& why) {
  if (link_) core_.emit(CloseLink{*link_, why});
  link_.reset();
}

void Learner::connected(LinkId link) {
  if (link_ || stage_ != Stage::connecting) return core_.emit(CloseLink{link, "not asked for"});
  link_ = link;
  last_heard_ = core_.now;
  check_at_ = core_.now + patience_;
  stage_ = Stage::introduced;
  const PacketType type = role_ == Role::observing ? PacketType::observer_info : PacketType::follower_info;
  core_.send(link, make_packet(type, first_zxid_of(core_.accepted_epoch),
                               encode(LearnerInfo{.id = core_.options.self, .config_version = core_.config.version})));
}

void Learner::connect_failed() {
  if (stage_ == Stage::connecting) give_up(fmt::format("no connection to server {}", leader_));
}

void Learner::link_closed(LinkId link) {
  if (link_ != link) return;
  link_.reset();
  if (stage_ != Stage::introduced || early_closes_ == early_closes_max) return give_up(fmt::format("server {} closed the link", leader_));
  ++early_closes_;
  stage_ = Stage::connecting;
  connect_at_ = core_.now + early_close_pause;
}

void Learner::connect() { core_.emit(Connect{leader_, std::chrono::duration_cast<milliseconds>(core_.connect_time())}); }

world::Instant Learner::deadline() const { return connect_at_ ? std::min(*connect_at_, check_at_) : check_at_; }

void Learner::time_passed() {
  if (connect_at_ && core_.now >= *connect_at_) {
    connect_at_.reset();
    connect();
  }
  if (core_.now < check_at_) return;
  // The shell looks after the stream of a snapshot; what we do to our own disk is not the leader's silence.
  if (is_busy()) last_heard_ = core_.now;
  check_at_ = last_heard_ + patience_;
  if (core_.now >= check_at_) give_up(fmt::format("nothing came from server {} in time", leader_));
}

bool Learner::is_busy() const {
  return stage_ == Stage::promising || stage_ == Stage::truncating || stage_ == Stage::loading || stage_ == Stage::storing_history ||
         stage_ == Stage::storing_epoch;
}

void Learner::receive(LinkId link, const Packet& packet) {
  if (link_ != link || over_) return;
  last_heard_ = core_.now;
  if (!is_busy()) return handle(packet);
  inbox_octets_ += sizeof(Packet) + data_of(packet).size();
  if (inbox_octets_ > inbox_octets_max) return violate("sends more than we can hold while our disk is busy");
  inbox_.push_back(packet);
}

void Learner::drain() {
  while (!inbox_.empty() && !is_busy() && !over_) {
    const Packet packet = std::move(inbox_.front());
    inbox_.pop_front();
    inbox_octets_ -= sizeof(Packet) + data_of(packet).size();
    handle(packet);
  }
}

void Learner::handle(const Packet& packet) {
  switch (stage_) {
    case Stage::introduced:
      return lead_info(packet);
    case Stage::promised:
      return begin_sync(packet);
    case Stage::synchronizing:
    case Stage::in_step:
    case Stage::serving:
      return stream(packet);
    default:
      return violate(describe(packet) + " before anything was asked of it");
  }
}

// --- Discovery ---

void Learner::lead_info(const Packet& packet) {
  if (static_cast<PacketType>(packet.type) != PacketType::leader_info) return violate(describe(packet) + " where LEADERINFO was due");
  base::Reader in(data_of(packet));
  const std::int32_t protocol = in.i32();
  if (!in.ok() || protocol < learner_protocol) return violate("speaks a protocol from before ZooKeeper 3.4");
  epoch_ = epoch_of(packet.zxid);
  if (epoch_ <= core_.accepted_epoch && core_.has(Fault::skip_epoch_check)) {
    return answer_epoch(static_cast<std::int32_t>(core_.current_epoch));
  }
  if (epoch_ < core_.accepted_epoch) {
    return violate(fmt::format("leads epoch {}, and we accepted {} from another", epoch_, core_.accepted_epoch));
  }
  // Promised before, perhaps to another: it must not count twice. source: Learner.registerWithLeader
  if (epoch_ == core_.accepted_epoch) return answer_epoch(-1);
  if (core_.has(Fault::forget_promise)) return answer_epoch(static_cast<std::int32_t>(core_.current_epoch));
  stage_ = Stage::promising;
  core_.store(StoreAcceptedEpoch{epoch_});
}

/// Without our data we do not know what we promised and acknowledged before: the leader must not count us among the quorum that it takes
/// to have every promise and every committed transaction.
void Learner::answer_epoch(std::int32_t current_epoch) {
  if (core_.standing != Standing::full && !core_.has_voted) current_epoch = -1;
  stage_ = Stage::promised;
  core_.send(*link_, make_packet(PacketType::ack_epoch, core_.ledger.committed(), four_octets(current_epoch)));
}

// --- Synchronization ---

void Learner::begin_sync(const Packet& packet) {
  switch (static_cast<PacketType>(packet.type)) {
    case PacketType::diff:
      stage_ = Stage::synchronizing;
      return;
    case PacketType::trunc:
      if (packet.zxid < 0 || packet.zxid > core_.ledger.last()) {
        return violate(fmt::format("{} of a log that ends at {:#x}", describe(packet), core_.ledger.last()));
      }
      if (core_.has(Fault::forget_truncation)) {
        stage_ = Stage::synchronizing;
        return;
      }
      stage_ = Stage::truncating;
      return core_.store(Truncate{packet.zxid});
    case PacketType::snap:
      if (packet.zxid < 0) return violate(describe(packet) + " of a negative zxid");
      stage_ = Stage::loading;
      snapshot_zxid_ = packet.zxid;
      return core_.emit(ExpectSnapshot{*link_, packet.zxid});
    default:
      return violate(describe(packet) + " where DIFF, TRUNC or SNAP was due");
  }
}

void Learner::snapshot_loaded(LinkId link) {
  if (link_ != link || stage_ != Stage::loading) return;
  core_.ledger_on_disk = core_.ledger;
  core_.ledger.replace(snapshot_zxid_);
  last_heard_ = core_.now;
  stage_ = Stage::synchronizing;
  drain();
}

void Learner::stream(const Packet& packet) {
  switch (static_cast<PacketType>(packet.type)) {
    case PacketType::proposal:
      return propose({packet.zxid, packet.data});
    case PacketType::commit:
      return commit(packet.zxid);
    case PacketType::inform:
      return inform({packet.zxid, packet.data});
    case PacketType::commit_and_activate:
    case PacketType::inform_and_activate:
      return activate(packet);
    case PacketType::new_leader:
      return new_leader(packet);
    case PacketType::up_to_date:
      return up_to_date();
    // The service answers; before it is there, nobody waits for an answer. source: Learner.syncWithLeader
    case PacketType::ping:
    case PacketType::sync:
    case PacketType::revalidate:
      if (is_serving()) core_.emit(Deliver{*link_, packet});
      return;
    default:
      break;
  }
  if (!has_remarked_) core_.remark(Remark::Level::warn, fmt::format("server {} sends {}, which is passed over", leader_, describe(packet)));
  has_remarked_ = true;
}

void Learner::propose(Txn txn) {
  const auto type = txn_type(txn);
  if (!type) return violate(fmt::format("proposal {:#x} has no header with that zxid", txn.zxid));
  const std::int64_t last = unlogged_.empty() ? core_.ledger.last() : unlogged_.back().zxid;
  // No gaps; only history has several epochs. source: Learner.syncWithLeader
  const bool is_next = txn.zxid == last + 1 ||
                       (epoch_of(txn.zxid) > epoch_of(last) && (stage_ == Stage::synchronizing || txn.zxid == first_zxid_of(epoch_) + 1));
  if (!is_next || epoch_of(txn.zxid) > epoch_) return violate(fmt::format("proposal {:#x} after {:#x}", txn.zxid, last));
  if (*type == reconfig_type && core_.options.reconfig_enabled) {
    auto config = read_reconfig(txn);
    if (!config) return violate(fmt::format("proposal {:#x}: {}", txn.zxid, config.error()));
    if (config->version > core_.last_seen().version) core_.propose_config(std::move(*config));
  }
  if (core_.ledger_on_disk) {
    unlogged_.push_back(std::move(txn));
  } else {
    log(std::move(txn));
  }
}

void Learner::log(Txn txn) {
  if (role_ == Role::following) unacknowledged_.push_back(txn.zxid);
  core_.ledger.append(std::move(txn), *core_.out);
  if (core_.has(Fault::acknowledge_before_sync)) acknowledge();
}

void Learner::commit(std::int64_t zxid) {
  const auto& pending = core_.ledger_on_disk ? unlogged_ : core_.ledger.pending();
  if (pending.empty() || pending.front().zxid != zxid) {
    return violate(pending.empty() ? fmt::format("commits {:#x}, and nothing is proposed", zxid)
                                   : fmt::format("commits {:#x} before {:#x}", zxid, pending.front().zxid));
  }
  if (!core_.ledger_on_disk) return core_.ledger.commit(*core_.out);
  core_.ledger.commit_unlogged(std::move(unlogged_.front()), *core_.out);
  unlogged_.pop_front();
}

void Learner::inform(Txn txn) {
  const std::int64_t zxid = txn.zxid;
  propose(std::move(txn));
  if (!over_) commit(zxid);
}

// --- NEWLEADER to UPTODATE ---

/// What makes our history the leader's becomes durable, then the epoch, and only then do we say so: else a leader of this epoch could count
/// on what a crash of ours takes away.
void Learner::new_leader(const Packet& packet) {
  if (stage_ != Stage::synchronizing || packet.zxid != first_zxid_of(epoch_)) {
    return violate(fmt::format("{} when epoch {} was agreed on", describe(packet), epoch_));
  }
  // A null or one octet is of releases that have no configurations. source: Learner.syncWithLeader
  if (data_of(packet).size() > 1 && core_.options.reconfig_enabled) {
    auto config = parse_config(data_of(packet));
    if (!config) return violate("NEWLEADER with a configuration that cannot be read: " + config.error());
    is_config_new_ = config->version > core_.config.version;
    // The leader has seen all that is in the history which we share now: a reconfiguration that was newer was given up.
    if (core_.next_config && core_.next_config->version > config->version) core_.withdraw_next_config();
    if (config->version > core_.last_seen().version) core_.propose_config(std::move(*config));
  }
  stage_ = Stage::storing_history;
  if (core_.ledger_on_disk) return core_.store(StoreSnapshot{core_.ledger.committed()});
  store_epoch();
}

void Learner::store_epoch() {
  if (core_.is_storing() || (!core_.ledger.is_all_synced() && !core_.has(Fault::forget_new_leader_sync))) return;
  stage_ = Stage::storing_epoch;
  if (core_.current_epoch == epoch_) return acknowledge_new_leader();
  core_.store(StoreCurrentEpoch{epoch_});
}

void Learner::acknowledge_new_leader() {
  stage_ = Stage::in_step;
  core_.standing = Standing::full;
  patience_ = core_.sync_time();
  last_heard_ = core_.now;
  check_at_ = core_.now + patience_;
  core_.send(*link_, make_packet(PacketType::ack, first_zxid_of(epoch_)));
}

void Learner::stored() {
  if (over_) return;
  switch (stage_) {
    case Stage::promising:
      answer_epoch(static_cast<std::int32_t>(core_.current_epoch));
      break;
    case Stage::truncating:
      stage_ = Stage::synchronizing;
      break;
    case Stage::storing_history:
      for (Txn& txn : std::exchange(unlogged_, {})) log(std::move(txn));
      store_epoch();
      break;
    default:
      acknowledge_new_leader();
  }
  drain();
}

void Learner::synced() {
  if (over_) return;
  if (stage_ == Stage::storing_history) {
    store_epoch();
    drain();
  }
  acknowledge();
}

void Learner::up_to_date() {
  if (stage_ != Stage::in_step) return violate("UPTODATE without NEWLEADER");
  core_.send(*link_, make_packet(PacketType::ack, first_zxid_of(epoch_)));
  // What NEWLEADER brought may be a proposal, which only a quorum can bring into force: it would reach others as committed, by our votes,
  // and leave them to a quorum that has not got what was committed. Java's servers do not look.
  const bool is_in_force =
      core_.next_config && (is_new_epoch(core_.next_config->version) || core_.next_config->version <= core_.ledger.committed());
  if (is_config_new_ && is_in_force) adopt_config(std::nullopt);
  if (over_) return;
  stage_ = Stage::serving;
  core_.emit(StartServing{role_, leader_, epoch_, core_.ledger.committed()});
  acknowledge();
}

// --- Broadcast ---

/// One for each, as Java's leader counts them, and none before the second acknowledgement of NEWLEADER: it takes the first to be that.
/// source: LearnerHandler.run
void Learner::acknowledge() {
  if (!is_serving() || over_) return;
  const std::int64_t durable = core_.has(Fault::acknowledge_before_sync) ? core_.ledger.last() : core_.ledger.synced();
  while (!unacknowledged_.empty() && unacknowledged_.front() <= durable) {
    core_.send(*link_, make_packet(PacketType::ack, unacknowledged_.front()));
    unacknowledged_.pop_front();
  }
}

void Learner::send(Packet packet) {
  if (is_serving() && link_) core_.send(*link_, std::move(packet));
}

// --- Configurations ---

/// COMMITANDACTIVATE and INFORMANDACTIVATE: the designated leader, and for observers the transaction.
void Learner::activate(const Packet& packet) {
  base::Reader in(data_of(packet));
  const ServerId leader = in.i64();
  if (!in.ok()) return violate(describe(packet) + " names no leader");
  if (static_cast<PacketType>(packet.type) == PacketType::inform_and_activate) {
    inform({packet.zxid, std::make_shared<const std::string>(in.rest())});
  } else {
    commit(packet.zxid);
  }
  if (over_ || !core_.next_config || core_.next_config->version > packet.zxid) return;
  adopt_config(leader);
}

/// leader: who is to lead from now on; empty: the one that leads, if it still may. source: QuorumPeer.processReconfig
void Learner::adopt_config(std::optional<ServerId> leader) {
  const auto place_of_leader = [this] {
    return core_.config.is_voter(leader_) ? core_.config.members.at(leader_).quorum_addresses : std::vector<world::Address>();
  };
  const auto place = place_of_leader();
  core_.activate_next_config();
  const auto member = core_.config.members.find(core_.options.self);
  const Role role = member == core_.config.members.end() ? role_ : member->second.is_observer ? Role::observing : Role::following;
  const bool is_leader_same = leader ? *leader == leader_ : !place.empty() && place == place_of_leader();
  if (role == role_ && is_leader_same) return;
  next_leader_ = leader;
  give_up("a reconfiguration gives another role or leader");
}

}  // namespace chorus::zab
