#include "coord/member.h"

#include <fmt/format.h>

#include "base/ensure.h"
#include "coord/disk/dynamic_config.h"
#include "coord/disk/snapshot_layout.h"
#include "coord/reconfig.h"

namespace chorus::coord {
namespace {

constexpr std::size_t history_piece_octets = 1 << 20;
constexpr std::size_t record_octets_max = 64 << 20;
/// How long an election may take, at least, before it is taken for a lost quorum. source: QuorumPeer.run
constexpr milliseconds read_only_grace{2000};

/// "1,2,3,4(observes)"
std::string in_words(const zab::EnsembleConfig& config) {
  std::string out;
  for (const auto& [id, member] : config.members)
    fmt::format_to(std::back_inserter(out), "{}{}{}", out.empty() ? "" : ",", id, member.is_observer ? "(observes)" : "");
  return out;
}

}  // namespace

// The tree for a learner. One copy of the tree is made at a time: the others wait for it.
class Member::Source final : public zab::SnapshotSource {
 public:
  explicit Source(Database& database) : database_(database) { begin(); }

  State next(std::size_t octets, std::string& out) override {
    if (!snapshot_ && !begin()) return State::wait;
    out += std::exchange(head_, {});
    if (snapshot_->next(octets, out)) return State::more;
    base::Writer writer(out);
    jute::write(writer, std::string_view("/"));
    snapshot_.reset();
    return State::end;
  }

 private:
  bool begin() {
    if (database_.tree.is_being_copied()) return false;
    snapshot_.emplace(database_);
    head_ = snapshot_->take_head();
    return true;
  }

  Database& database_;
  std::optional<DatabaseSnapshot> snapshot_;
  std::string head_;
};

// A leader's tree. It takes the place of ours when all of it has come.
class Member::Sink final : public zab::SnapshotSink {
 public:
  Sink(Member& member, std::int64_t zxid)
      : member_(member), zxid_(zxid), database_(std::make_unique<Database>(member.options_.extended_types_enabled)) {
    database_->tree.clear();  // the stream has the root too
  }

  base::Result<std::size_t, std::string> feed(std::string_view octets) override {
    std::size_t taken = 0;
    while (stage_ != Stage::complete) {
      base::Reader in(octets.substr(taken));
      auto took = take(in);
      if (!took) return std::unexpected(took.error());
      if (!*took) {
        if (octets.size() - taken > record_octets_max) return std::unexpected("a record in the snapshot is too long");
        break;
      }
      taken += in.offset();
    }
    return taken;
  }
  bool is_complete() const override { return stage_ == Stage::complete; }
  void finish() override {
    database_->tree.acls().purge_unused();
    database_->last_zxid = zxid_;
    // A Java leader's tree goes on changing while it is sent: transactions that follow may be in it already.
    database_->distrust_digests();
    ENSURE(member_.database_ != nullptr);
    member_.database_ = std::move(database_);
    member_.tree_ = member_.database_.get();
  }

 private:
  enum class Stage { session_count, sessions, acl_count, acls, nodes, complete };

  /// Takes the next record; false when it is not all there.
  base::Result<bool, std::string> take(base::Reader& in) {
    switch (stage_) {
      case Stage::session_count:
      case Stage::acl_count: {
        left_ = in.i32();
        if (!in.ok()) return false;
        if (left_ < 0) return std::unexpected("the snapshot has a negative count");
        stage_ = stage_ == Stage::session_count ? Stage::sessions : Stage::acls;
        return true;
      }
      case Stage::sessions: {
        if (left_-- == 0) {
          stage_ = Stage::acl_count;
          return true;
        }
        const auto session = jute::decode<disk::SnapshotSession>(in);
        if (!session) return ++left_, false;
        database_->sessions[session->id] = session->timeout_ms;
        return true;
      }
      case Stage::acls: {
        if (left_-- == 0) {
          stage_ = Stage::nodes;
          return true;
        }
        const auto acl = jute::decode<disk::SnapshotAcl>(in);
        if (!acl) return ++left_, false;
        database_->tree.acls().load(acl->id, acl->acl);
        return true;
      }
      case Stage::nodes: {
        base::Reader ahead = in;
        std::string_view path;
        jute::read(ahead, path);
        if (!ahead.ok()) return false;
        if (path == "/") {
          in = ahead;
          if (database_->tree.find("/") == nullptr) return std::unexpected("the snapshot has no root node");
          stage_ = Stage::complete;
          return true;
        }
        const auto node = jute::decode<disk::SnapshotNode>(in);
        if (!node) return false;
        if (!database_->tree.load(node->path, node->data, node->acl_id, node->stat))
          return std::unexpected(
              fmt::format("node '{}' of the snapshot has no parent, is there twice, or names a missing access list", path));
        return true;
      }
      case Stage::complete:
        break;
    }
    return false;
  }

  Member& member_;
  const std::int64_t zxid_;
  std::unique_ptr<Database> database_;
  Stage stage_ = Stage::session_count;
  std::int32_t left_ = 0;
};

base::Result<std::unique_ptr<Member>, NodeError> Member::start(world::World& world, const Options& options, Storage& storage,
                                                               Storage::Loaded loaded, MemberHost& host, spdlog::logger& logger) {
  std::unique_ptr<Member> member(new Member(world, options, storage, host, logger));
  auto recovered = member->recover(std::move(loaded));
  if (!recovered) return std::unexpected(recovered.error());
  const EnsembleOptions& ensemble = options.ensemble;
  zab::NodeOptions how{
      .peer =
          {
              .self = options.server_id,
              .tick = options.tick_time,
              .init_limit = ensemble.init_limit,
              .sync_limit = ensemble.sync_limit,
              .is_observer = ensemble.is_observer,
              .reconfig_enabled = ensemble.reconfig_enabled,
              .committed_log_max = static_cast<std::size_t>(ensemble.commit_log_count),
              .notification_interval_min = ensemble.notification_interval_min,
              .notification_interval_max = ensemble.notification_interval_max,
              .connect_limit = ensemble.connect_to_leader_limit,
              .observer_delay = ensemble.observer_election_delay,
              .observer_reconnect_delay = ensemble.observer_reconnect_delay,
              .snapshot_syncs_max = static_cast<std::size_t>(ensemble.concurrent_snapshot_syncs_max),
              .diff_syncs_max = static_cast<std::size_t>(ensemble.concurrent_diff_syncs_max),
              .always_send_snapshot = ensemble.force_snapshot_sync,
              .counter_end = ensemble.counter_end,
          },
      .listen_on_all_interfaces = ensemble.listen_on_all_interfaces,
      .connect_timeout = ensemble.connect_timeout,
      .connect_tries = ensemble.leader_connect_tries,
      .connect_retry_delay = ensemble.leader_connect_delay,
      .multi_address = ensemble.multi_address_enabled,
      .greeting_limit = ensemble.election_handshake_timeout,
      .tls = ensemble.tls_enabled || ensemble.port_unification ? ensemble.tls : std::nullopt,
      .plain_too = ensemble.port_unification,
      .connect_tls = ensemble.tls_enabled ? ensemble.tls : std::nullopt,
      .auth = ensemble.auth,
  };
  auto node = zab::Node::start(world, how, std::move(*recovered), *member, logger);
  if (!node) return base::error(NodeErrc::address, node.error());
  member->zab_ = std::move(*node);
  return member;
}

Member::Member(world::World& world, const Options& options, Storage& storage, MemberHost& host, spdlog::logger& logger)
    : world_(world), options_(options), storage_(storage), host_(host), log_(logger), recorder_(world.now()) {}

Member::~Member() {
  *alive_ = false;
  world_.cancel(reads_timer_);
}

void Member::stop(world::Callback done) {
  world_.cancel(std::exchange(reads_timer_, {}));
  zab_->resign(std::move(done));
}

// What was promised of a reconfiguration is in the log. The file beside it is written at another moment: it may be missing, or tell of a
// proposal that the log lost before anybody counted on it, and that no leader may bring into force then.
std::optional<zab::EnsembleConfig> Member::pending_config() const {
  const EnsembleOptions& ensemble = options_.ensemble;
  std::optional<zab::EnsembleConfig> pending = ensemble.last_seen;
  if (pending && pending->version > tree_->last_zxid && !zab::is_new_epoch(pending->version)) pending.reset();
  const Znode* node = tree_->tree.find(config_node_path);
  if (!ensemble.reconfig_enabled || node == nullptr) return pending;
  auto logged = zab::parse_config(node->data);
  if (logged && logged->version > std::max(ensemble.members.version, pending ? pending->version : 0)) pending = std::move(*logged);
  return pending;
}

// Without epoch files, as in the directory of a server that was alone, the epoch is that of the last transaction. source:
// QuorumPeer.loadDataBase
base::Result<zab::Recovered, NodeError> Member::recover(Storage::Loaded loaded) {
  database_ = std::move(loaded.database);
  tree_ = database_.get();
  zab::Recovered out{.last_zxid = tree_->last_zxid, .config = options_.ensemble.members, .next_config = pending_config()};
  out.recent.assign(loaded.recent.begin(), loaded.recent.end());
  auto current = storage_.read_epoch(Storage::Epoch::current);
  if (!current) return std::unexpected(current.error());
  auto accepted = storage_.read_epoch(Storage::Epoch::accepted);
  if (!accepted) return std::unexpected(accepted.error());
  if (current->value_or(0) > 0) {
    // An honest vote is not to be had: the epoch would make up for the transactions that are gone.
    const char* const lost = !loaded.had_log_directory                ? "the directory of its log is gone"
                             : loaded.is_new && tree_->last_zxid == 0 ? "all of its snapshots and logs are gone"
                                                                      : nullptr;
    if (lost != nullptr) {
      return base::error(
          NodeErrc::refused,
          fmt::format("this member took part in epoch {}, and {} ({}): bring it back, or let this member fetch all data from "
                      "the others by moving {} away",
                      **current, lost, storage_.log_directory(), storage_.snapshot_directory()));
    }
  }
  // Taken in any case: a marker that stays would speak for a disk that is lost later.
  const bool is_empty = !*current && tree_->last_zxid == 0;
  auto may_begin = storage_.take_initialize_marker(is_empty);
  if (!may_begin) return std::unexpected(may_begin.error());
  if (is_empty && !*may_begin) {
    out.standing = options_.ensemble.database_autocreate ? zab::Standing::empty : zab::Standing::lost;
    log_.warn(
        "no data here: it votes {} before a leader's history has come; a file 'initialize' beside the log says that this member is new",
        options_.ensemble.database_autocreate ? "for nobody who has some, unless all others do," : "not");
  }
  const std::int64_t of_log = zab::epoch_of(tree_->last_zxid);
  out.current_epoch = current->value_or(of_log);
  out.accepted_epoch = accepted->value_or(std::max(of_log, out.current_epoch));
  if (of_log > out.accepted_epoch || out.current_epoch > out.accepted_epoch) {
    return base::error(
        NodeErrc::refused,
        fmt::format("the log in {} ends in epoch {}, but currentEpoch says {} and acceptedEpoch {}: bring the missing file back "
                    "from a copy, or let this member fetch all data from the others by moving the directory away",
                    storage_.log_directory(), of_log, out.current_epoch, out.accepted_epoch));
  }
  // Power failed while a leader brought us into line: its history was on disk, its epoch not yet. What has transactions of an epoch is part
  // of the history of the leader that was established in it. Java's servers do not start then.
  if (of_log > out.current_epoch) {
    if (auto kept = storage_.keep_epoch(Storage::Epoch::current, of_log); !kept) return std::unexpected(kept.error());
    out.current_epoch = of_log;
  }
  return out;
}

void Member::later(Outgoing what) {
  outgoing_.push_back(std::move(what));
  if (std::exchange(sending_, true)) return;
  world_.post([this, alive = alive_] {
    if (*alive) send_outgoing();
  });
}

void Member::send_outgoing() {
  sending_ = false;
  // What zab does of this may end the term, and what its Server still wanted with it.
  while (!outgoing_.empty()) {
    Outgoing next = std::move(outgoing_.front());
    outgoing_.pop_front();
    if (auto* propose = std::get_if<Propose>(&next)) {
      const world::Instant began = world_.now();
      zab_->propose(std::move(propose->txn));
      recorder_.proposal_handed_on(world_.now() - began);
    } else if (auto* to_leader = std::get_if<ToLeader>(&next)) {
      zab_->send_to_leader(std::move(to_leader->packet));
    } else if (auto* to_learner = std::get_if<ToLearner>(&next)) {
      zab_->send_to_learner({to_learner->link, std::move(to_learner->packet), to_learner->after});
    } else {
      auto& refused = std::get<RefusedLink>(next);
      zab_->close_link(refused.link, std::move(refused.why));
    }
  }
}

void Member::stored(const disk::RecoverResult<void>& result) {
  if (!result) return host_.member_failed(result.error().message);
  zab_->stored();
}

void Member::store_accepted_epoch(std::int64_t epoch) {
  storage_.write_epoch(Storage::Epoch::accepted, epoch, [this](const auto& result) { stored(result); });
}

void Member::store_current_epoch(std::int64_t epoch) {
  storage_.write_epoch(Storage::Epoch::current, epoch, [this](const auto& result) { stored(result); });
}

void Member::truncate(std::int64_t zxid) {
  ENSURE(database_ != nullptr);
  log_.info("undoing transactions after=0x{:x}", zxid);
  storage_.truncate(zxid, [this](base::Result<Storage::Loaded, NodeError> loaded) {
    if (!loaded) return host_.member_failed(loaded.error().message);
    database_ = std::move(loaded->database);
    tree_ = database_.get();
    zab_->stored();
  });
}

// First what nobody agreed on leaves the log, or it would be replayed over the new snapshot. The old snapshots go last: until the new one
// is durable they are all that this member has.
void Member::store_snapshot(std::int64_t zxid) {
  ENSURE(database_ != nullptr && database_->last_zxid <= zxid, zxid);
  database_->last_zxid = zxid;
  const auto forget = [this, zxid] {
    storage_.discard_after(zxid, [this, zxid](const base::Result<void, NodeError>& discarded) {
      if (!discarded) return host_.member_failed(discarded.error().message);
      storage_.forget_before(zxid, [this](const base::Result<void, NodeError>& forgotten) {
        if (!forgotten) return host_.member_failed(forgotten.error().message);
        zab_->stored();
      });
    });
  };
  storage_.cut_log(zxid, [this, forget](const base::Result<void, NodeError>& cut) {
    if (!cut) return host_.member_failed(cut.error().message);
    storage_.write_snapshot(*database_, [this, forget, began = world_.now()](const disk::SnapshotResult<std::string>& path) {
      if (!path) return host_.member_failed(path.error().message);
      recorder_.snapshot_stored(world_.now() - began);
      log_.info("snapshot written path={}", *path);
      forget();
    });
  });
}

void Member::append(const zab::Txn& txn) {
  recorder_.proposed(txn.zxid, static_cast<std::int64_t>(txn.octets->size()), age_of(txn), world_.now());
  if (group_.octets.empty()) {
    group_.first_zxid = txn.zxid;
    world_.post([this, alive = alive_] {
      if (*alive) flush_group();
    });
  }
  const std::size_t mark = disk::TxnLog::begin_entry(group_.octets);
  group_.octets += *txn.octets;
  disk::TxnLog::end_entry(group_.octets, mark);
  group_.last_zxid = txn.zxid;
  ++group_.txns;
}

/// By the leader's clock, which may be ahead of ours.
milliseconds Member::age_of(const zab::Txn& txn) const {
  base::Reader in(*txn.octets);
  in.octets(20);  // session, request and zxid of the header
  const milliseconds made(in.i64());
  return in.ok() ? std::max(milliseconds(0), world_.wall_now().time_since_epoch() - made) : milliseconds(0);
}

void Member::flush_group() { storage_.log().append(std::exchange(group_, {})); }

void Member::commit(const zab::Txn& txn) {
  recorder_.committed(age_of(txn));
  if (!database_) return host_.to_server(Committed{txn});
  const auto outcome = database_->apply(*txn.octets, nullptr, true);
  if (!outcome) host_.member_failed(fmt::format("transaction 0x{:x} cannot be applied: this version does not know it", txn.zxid));
}

void Member::read_history(zab::LinkId link, std::int64_t after, std::int64_t until) {
  storage_.read_history(after, until, history_piece_octets, [this, link](Storage::History history) {
    zab::HistoryRead read{.link = link, .found = history.has_value(), .end = true, .txns = {}};
    if (history) read.txns = std::move(*history);
    std::size_t octets = 0;
    for (const zab::Txn& txn : read.txns) octets += txn.octets->size();
    read.end = octets < history_piece_octets;
    zab_->history_read(std::move(read));
  });
}

std::unique_ptr<zab::SnapshotSource> Member::send_snapshot() {
  recorder_.snapshot_sent();
  return std::make_unique<Source>(*tree_);
}
std::unique_ptr<zab::SnapshotSink> Member::receive_snapshot(std::int64_t zxid) { return std::make_unique<Sink>(*this, zxid); }

void Member::config_proposed(const zab::EnsembleConfig& config) {
  log_.info("configuration proposed version=0x{:x} members={}", config.version, in_words(config));
  keep(config, [](world::Files& files, const EnsembleOptions& ensemble, const zab::EnsembleConfig& what, zab::ServerId) {
    return disk::keep_last_seen_config(files, ensemble.config_path, what);
  });
}

void Member::config_activated(const zab::EnsembleConfig& config) {
  log_.info("configuration in force version=0x{:x} members={}", config.version, in_words(config));
  keep(config, [](world::Files& files, const EnsembleOptions& ensemble, const zab::EnsembleConfig& what, zab::ServerId self) {
    if (auto done = disk::keep_config(files, ensemble.config_path, ensemble.config_is_zoo_cfg, what, self); !done) return done;
    return disk::forget_last_seen_config(files, ensemble.config_path);
  });
}

void Member::keep(const zab::EnsembleConfig& config, Keep how) {
  if (!options_.ensemble.reconfig_enabled || options_.ensemble.config_path.empty()) return;
  auto result = std::make_shared<world::FileResult<void>>();
  world_.run_in_background([&files = world_.files(), ensemble = options_.ensemble, self = options_.server_id, config, how,
                            result] { *result = how(files, ensemble, config, self); },
                           [this, alive = alive_, result] {
                             if (*alive && !*result) log_.error("the configuration was not kept reason={}", result->error().message);
                           });
}

void Member::role_changed(const zab::RoleChanged& change) {
  recorder_.role_changed(change.role, world_.now());
  stop_serving_reads();
  const bool looks = change.role == zab::Role::looking;
  if (looks && options_.ensemble.read_only_mode_enabled) serve_reads_after(std::max(read_only_grace, options_.tick_time));
}

// The election goes on meanwhile. A member whose data is missing has nothing to show.
void Member::serve_reads_after(milliseconds delay) {
  reads_timer_ = world_.after(delay, [this] {
    reads_timer_ = {};
    if (!peer().is_electing()) return serve_reads_after(options_.tick_time);
    if (tree_->last_zxid == 0 && !options_.ensemble.database_autocreate) return;
    log_.warn("no leader was found: reads are served to clients that allow it zxid=0x{:x}", tree_->last_zxid);
    serves_reads_only_ = true;
    host_.begin_term(
        {.role = Serve::Role::read_only, .config = peer().config(), .wall = world_.wall_now(), .epoch = peer().current_epoch()},
        std::move(database_));
  });
}

void Member::stop_serving_reads() {
  world_.cancel(std::exchange(reads_timer_, {}));
  if (!std::exchange(serves_reads_only_, false)) return;
  database_ = host_.end_term();
  tree_ = database_.get();
}

void Member::start_serving(const zab::StartServing& how) {
  leader_ = how.leader;
  recorder_.serving(world_.now());
  tree_->trust_digests_after(std::max(how.zxid, tree_->last_zxid));
  const bool leads = how.role == zab::Role::leading;
  host_.begin_term({.role = leads ? Serve::Role::leader : Serve::Role::learner,
                    .zxid = how.zxid,
                    .config = peer().config(),
                    .wall = world_.wall_now(),
                    .epoch = how.epoch},
                   std::move(database_));
  if (leads) learners_changed();
}

void Member::stop_serving() {
  outgoing_.clear();
  recorder_.not_serving(world_.now());
  database_ = host_.end_term();
  tree_ = database_.get();
}

QuorumFacts Member::facts() const {
  QuorumFacts facts{.role = recorder_.role(), .leader = leader_, .config = peer().config(), .statistics = recorder_.statistics()};
  facts.learners = peer().learners();
  facts.pending_syncs = static_cast<std::int64_t>(peer().packets_held());
  for (const zab::LearnerFacts& learner : facts.learners) {
    if (const zab::LinkQueue* queue = zab_->queue_of(learner.link)) facts.queues.emplace(learner.id, *queue);
  }
  facts.statistics.diffs_sent = peer().syncs().diffs + peer().syncs().truncations;
  facts.statistics.snapshots_under_way = peer().syncs().snapshots_under_way;
  facts.statistics.diffs_under_way = peer().syncs().diffs_under_way;
  facts.last_committed = peer().last_committed();
  if (const auto since = recorder_.leading_since()) facts.leader_uptime = std::chrono::duration_cast<milliseconds>(world_.now() - *since);
  return facts;
}

void Member::deliver(zab::LinkId link, zab::Packet packet) {
  if (database_) return;
  if (recorder_.role() == zab::Role::leading) {
    host_.to_server(FromLearner{link, std::move(packet)});
  } else {
    host_.to_server(FromLeader{std::move(packet)});
  }
}

void Member::learners_changed() {
  if (database_) return;
  SyncedMembers synced{{options_.server_id}};
  for (const zab::LearnerFacts& learner : peer().learners()) {
    if (learner.is_synced && !learner.is_observer) synced.ids.insert(learner.id);
  }
  host_.to_server(std::move(synced));
}

}  // namespace chorus::coord
