// An ensemble under crashes, broken links and partitions, thousands of times, each from a seed of its own.
//   CHORUS_ZAB_SEED=N   runs that seed alone, and prints what happened in it
//   CHORUS_ZAB_SEEDS=N  runs so many
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/bytes.h"
#include "zab/cluster_fixture.h"
#include "zab/peer_fixture.h"

namespace chorus::zab::test {
namespace {

using std::chrono::microseconds;
using namespace std::chrono_literals;

constexpr milliseconds tick{100};

Entry entry_of(const Txn& txn) {
  base::Reader in(*txn.octets);
  in.octets(32);
  return {txn.zxid, in.i64()};
}
Txn txn_of(const Entry& entry) {
  std::string value;
  base::Writer(value).i64(entry.value);
  return make_txn(entry.zxid, 5, value);
}

}  // namespace

struct Cluster::Server {
  ServerId id;
  bool is_observer;
  // On disk.
  std::int64_t accepted = 0, current = 0;
  Entries log;                // all that the tree is made of
  std::size_t log_begin = 0;  // before it there is a snapshot
  std::int64_t snapshot_zxid = 0;
  // Gone with a crash.
  std::unique_ptr<Peer> peer;  // null: down
  std::uint64_t life = 0;
  Entries tree, unsynced;
  bool is_syncing = false;
  bool is_stepping = false;
  std::function<void()> store_effect;
  std::optional<StartServing> serving;
  std::int64_t next_zxid = 0;
  std::uint64_t connects = 0;
  std::optional<world::Instant> armed;
  std::vector<std::function<void()>> later;

  std::int64_t last_zxid() const { return log.size() > log_begin ? log.back().zxid : snapshot_zxid; }
  std::string name() const { return fmt::format("server {}", id); }
};

/// A connection: [0] the side that called.
struct Cluster::Wire {
  ServerId ends[2];
  LinkId links[2];
  bool is_open[2] = {true, true};  // as the shell of that side knows
  world::Instant last[2] = {};     // arrival of the last, by receiving side: no overtaking
};

Cluster::Cluster(const ClusterOptions& options)
    : options_(options), random_(options.seed), config_(make_config(options.voters, options.observers)) {
  for (const auto& [id, member] : config_.members) {
    servers_.push_back(std::make_unique<Server>());
    servers_.back()->id = id;
    servers_.back()->is_observer = member.is_observer;
  }
}
Cluster::~Cluster() = default;

void Cluster::at(world::Duration delay, std::function<void()> what) { due_.push({now_ + delay, ++order_, std::move(what)}); }
world::Duration Cluster::delay(int max_us) { return microseconds(random_.between(50, max_us)); }
/// Now and then a network or a disk takes much longer.
world::Duration Cluster::wait(int max_us) { return delay(random_.chance(options_.slowness) ? 200 * max_us : max_us); }
Cluster::Server& Cluster::server(ServerId id) { return *servers_[static_cast<std::size_t>(id - 1)]; }
bool Cluster::may_talk(const Server& a, const Server& b) const {
  const auto cut = cut_.find(std::minmax(a.id, b.id));
  return a.peer && b.peer && (cut == cut_.end() || !cut->second);
}

void Cluster::broken(const std::string& what) {
  if (broken_.empty()) broken_ = fmt::format("after {} events: {}", events_, what);
}
std::string Cluster::trace() const {
  std::string all;
  for (const std::string& line : trace_) all += line + "\n";
  return all;
}
void Cluster::note(const std::string& what) {
  if (options_.keep_trace) trace_.push_back(fmt::format("{:>9} us {}", (now_ - world::Instant{}).count() / 1000, what));
}

void Cluster::step(Server& server, decltype(Event::what) what) {
  if (!server.peer) return;
  ++events_;
  std::vector<Action> actions;
  server.peer->step({now_, std::move(what)}, actions);
  for (const Action& action : actions) std::visit([&](const auto& a) { perform(server, a); }, action);
  arm(server);
}

void Cluster::arm(Server& server) {
  const auto deadline = server.peer->deadline();
  if (!deadline || server.armed == deadline) return;
  server.armed = deadline;
  at(std::max<world::Duration>(*deadline - now_, 0ns), [this, &server, life = server.life, when = *deadline] {
    if (server.life != life || server.armed != when) return;
    server.armed.reset();
    step(server, TimePassed{});
  });
}

void Cluster::start(Server& server) {
  ++server.life;
  note(server.name() + " starts");
  Recovered recovered{
      .last_zxid = server.last_zxid(), .accepted_epoch = server.accepted, .current_epoch = server.current, .config = config_};
  const std::size_t recent = std::min(options_.committed_log_max, server.log.size() - server.log_begin);
  for (std::size_t i = server.log.size() - recent; i < server.log.size(); ++i) recovered.recent.push_back(txn_of(server.log[i]));
  server.tree = server.log;
  server.peer = std::make_unique<Peer>(PeerOptions{.self = server.id,
                                                   .tick = tick,
                                                   .is_observer = server.is_observer,
                                                   .committed_log_max = options_.committed_log_max,
                                                   .notification_interval_min = 20ms,
                                                   .notification_interval_max = 200ms,
                                                   .finalize_wait = 20ms,
                                                   .planted = options_.planted},
                                       std::move(recovered), random_.next());
  step(server, Started{});
}

void Cluster::crash(Server& server) {
  note(server.name() + " crashes");
  ++counts.crashes;
  // Some of what was under way had reached the disk, from the front.
  if (server.store_effect && random_.chance(0.5)) server.store_effect();
  const std::size_t kept = random_.below(server.unsynced.size() + 1);
  server.log.insert(server.log.end(), server.unsynced.begin(), server.unsynced.begin() + static_cast<std::ptrdiff_t>(kept));
  server.peer.reset();
  ++server.life;
  server.unsynced.clear();
  server.is_syncing = false;
  server.store_effect = nullptr;
  server.serving.reset();
  server.armed.reset();
  for (const auto& wire : wires_) {
    if (wire->ends[0] == server.id || wire->ends[1] == server.id) break_wire(wire);
  }
  at(delay(500'000), [this, &server] {
    if (!server.peer) start(server);
  });
}

// --- The network ---

void Cluster::perform(Server& from, const SendNotification& a) {
  Server& to = server(a.to);
  if (a.notification.state == NotificationState::looking && now_ < peace_ && random_.chance(options_.forgery)) forge(from, a.notification);
  at(wait(2000), [this, &from, &to, notification = a.notification] {
    if (may_talk(from, to)) step(to, NotificationReceived{from.id, notification});
  });
}

/// Whom an election names must not matter for what is promised: all seem to vote for just anybody.
void Cluster::forge(Server& to, Notification notification) {
  notification.vote = {.leader = random_.between(1, options_.voters),
                       .zxid = std::int64_t{1} << 60,
                       .election_epoch = notification.vote.election_epoch,
                       .peer_epoch = 1 << 30};
  at(delay(2000), [this, &to, notification, life = to.life] {
    if (to.life != life) return;
    for (ServerId id = 1; id <= options_.voters; ++id) {
      if (id != to.id) step(to, NotificationReceived{id, notification});
    }
  });
}

void Cluster::perform(Server& from, const Connect& a) {
  const std::uint64_t connect = ++from.connects;
  Server& to = server(a.to);
  at(delay(2000), [this, &from, &to, connect, life = from.life] {
    if (from.life != life || from.connects != connect) return;
    if (!may_talk(from, to))
      return at(400ms, [this, &from, &to, connect, life] {
        if (from.life == life && from.connects == connect) step(from, ConnectFailed{to.id});
      });
    const auto wire = std::make_shared<Wire>(Wire{{from.id, to.id}, {LinkId{next_link_}, LinkId{next_link_ + 1}}});
    next_link_ += 2;
    wires_.push_back(wire);
    step(to, LinkAccepted{wire->links[1]});
    step(from, LinkConnected{wire->links[0]});
  });
}

/// deliver: at the other side, unless the wire is broken by then.
void Cluster::send(Server& from, LinkId link, std::function<void(Server&, LinkId)> deliver) {
  for (const auto& wire : wires_) {
    const int side = wire->links[0] == link ? 0 : 1;
    if (wire->links[side] != link || wire->ends[side] != from.id || !wire->is_open[side]) continue;
    const int other = 1 - side;
    const world::Instant when = std::max(wire->last[other], now_ + wait(1500));
    wire->last[other] = when;
    at(when - now_, [this, wire, other, deliver = std::move(deliver), life = server(wire->ends[other]).life] {
      Server& to = server(wire->ends[other]);
      if (wire->is_open[other] && to.life == life) deliver(to, wire->links[other]);
    });
    return;
  }
}

void Cluster::perform(Server& from, const SendPacket& a) {
  send(from, a.link, [this, packet = a.packet](Server& to, LinkId link) { step(to, PacketReceived{link, packet}); });
}

void Cluster::perform(Server& from, const SendSnapshot& a) {
  ++counts.snapshots;
  send(from, a.link, [this, tree = from.tree](Server& to, LinkId link) {
    // It takes a while, and may be broken off.
    at(wait(20'000), [this, &to, link, tree, life = to.life] {
      if (to.life != life || !is_open(to, link)) return;
      to.tree = tree;
      step(to, SnapshotLoaded{link});
    });
  });
  at(delay(20'000), [this, &from, link = a.link, life = from.life] {
    if (from.life == life) step(from, SnapshotSent{link});
  });
}
void Cluster::perform(Server& at_server, const ExpectSnapshot& a) {
  note(fmt::format("{} expects a snapshot {:#x}", at_server.name(), a.zxid));
}

bool Cluster::is_open(const Server& server, LinkId link) const {
  return std::ranges::any_of(wires_, [&](const auto& wire) {
    return (wire->links[0] == link && wire->ends[0] == server.id && wire->is_open[0]) ||
           (wire->links[1] == link && wire->ends[1] == server.id && wire->is_open[1]);
  });
}

void Cluster::perform(Server& from, const CloseLink& a) {
  note(fmt::format("{} closes link {}: {}", from.name(), a.link.value, a.why));
  send(from, a.link, [this](Server& to, LinkId link) { close_side(to, link); });
  for (const auto& wire : wires_) {
    for (const int side : {0, 1}) {
      if (wire->links[side] == a.link) wire->is_open[side] = false;
    }
  }
}

void Cluster::close_side(Server& to, LinkId link) {
  for (const auto& wire : wires_) {
    for (const int side : {0, 1}) {
      if (wire->links[side] == link) wire->is_open[side] = false;
    }
  }
  step(to, LinkClosed{link});
}

/// Each side learns of it in its own time.
void Cluster::break_wire(const std::shared_ptr<Wire>& wire) {
  for (const int side : {0, 1}) {
    if (!wire->is_open[side]) continue;
    Server& end = server(wire->ends[side]);
    at(delay(5000), [this, wire, side, &end, life = end.life] {
      if (!wire->is_open[side]) return;
      wire->is_open[side] = false;
      if (end.life == life) step(end, LinkClosed{wire->links[side]});
    });
  }
}

// --- The disks ---

void Cluster::store(Server& server, std::function<void()> effect) {
  server.store_effect = std::move(effect);
  at(wait(8000), [this, &server, life = server.life] {
    if (server.life != life) return;
    std::exchange(server.store_effect, nullptr)();
    step(server, Stored{});
  });
}
void Cluster::perform(Server& server, const StoreAcceptedEpoch& a) {
  if (a.epoch <= server.accepted) broken(fmt::format("{} promises epoch {} after {}", server.name(), a.epoch, server.accepted));
  store(server, [&server, a] { server.accepted = a.epoch; });
}
void Cluster::perform(Server& server, const StoreCurrentEpoch& a) {
  if (a.epoch <= server.current) broken(fmt::format("{} stores epoch {} after {}", server.name(), a.epoch, server.current));
  if (a.epoch < server.accepted) broken(fmt::format("{} is in epoch {}, having promised {}", server.name(), a.epoch, server.accepted));
  store(server, [&server, a] { server.current = a.epoch; });
}
void Cluster::perform(Server& server, const Truncate& a) {
  ++counts.truncations;
  if (!server.unsynced.empty()) broken(server.name() + " cuts its log while it is written");
  store(server, [&server, a] {
    while (!server.log.empty() && server.log.back().zxid > a.zxid) server.log.pop_back();
    server.log_begin = std::min(server.log_begin, server.log.size());
    server.snapshot_zxid = std::min(server.snapshot_zxid, a.zxid);
    server.tree = server.log;
  });
}
void Cluster::perform(Server& server, const StoreSnapshot& a) {
  if (!server.unsynced.empty()) broken(server.name() + " stores a snapshot while its log is written");
  store(server, [&server, a, tree = server.tree] {
    server.log = tree;
    server.log_begin = tree.size();
    server.snapshot_zxid = a.zxid;
  });
}
void Cluster::perform(Server& server, const Append& a) {
  server.unsynced.push_back(entry_of(a.txn));
  if (server.store_effect) broken(server.name() + " appends while it stores");
  if (!server.is_syncing) sync(server);
}
void Cluster::sync(Server& server) {
  server.is_syncing = true;
  // What is appended before it begins, at the end of the turn, goes along.
  at(50us, [this, &server, life = server.life] {
    if (server.life != life) return;
    at(wait(6000), [this, &server, life, size = server.unsynced.size()] {
      if (server.life != life) return;
      const auto end = server.unsynced.begin() + static_cast<std::ptrdiff_t>(size);
      server.log.insert(server.log.end(), server.unsynced.begin(), end);
      server.unsynced.erase(server.unsynced.begin(), end);
      server.is_syncing = false;
      if (!server.unsynced.empty()) sync(server);
      step(server, LogSynced{server.log.back().zxid});
    });
  });
}
void Cluster::perform(Server& server, const ReadHistory& a) {
  ++counts.reads;
  at(delay(3000), [this, &server, a, life = server.life] {
    if (server.life != life) return;
    Entries all(server.log.begin() + static_cast<std::ptrdiff_t>(server.log_begin), server.log.end());
    all.insert(all.end(), server.unsynced.begin(), server.unsynced.end());
    const auto next = std::ranges::upper_bound(all, a.after, {}, &Entry::zxid);
    HistoryRead read{
        .link = a.link, .found = next != all.begin() && (is_new_epoch(a.after) || std::prev(next)->zxid == a.after), .end = true};
    for (auto entry = next; read.found && entry != all.end() && entry->zxid < a.until; ++entry) {
      if (read.txns.size() == 5) {
        read.end = false;
        break;
      }
      read.txns.push_back(txn_of(*entry));
    }
    step(server, std::move(read));
  });
}

// --- The service ---

void Cluster::perform(Server& server, const Commit& a) {
  const Entry entry = entry_of(a.txn);
  if (!server.tree.empty() && server.tree.back().zxid >= entry.zxid)
    broken(fmt::format("{} commits {:#x} again", server.name(), entry.zxid));
  server.tree.push_back(entry);
  if (!proposed_.contains(std::pair(entry.zxid, entry.value))) broken(fmt::format("{:#x} was never proposed", entry.zxid));
  if (server.serving) judge_commit(server);
}
void Cluster::perform(Server& server, const StartServing& a) {
  note(fmt::format("{} serves epoch {} with {} transactions", server.name(), a.epoch, server.tree.size()));
  if (server.serving) broken(server.name() + " is asked to serve twice");
  server.serving = a;
  server.next_zxid = a.zxid + 1;
  judge_start(server, a);
}
void Cluster::perform(Server& server, const StopServing&) {
  if (!server.serving) broken(server.name() + " is asked to stop, and does not serve");
  server.serving.reset();
}
void Cluster::perform(Server& server, const Deliver& a) {
  if (!server.serving) return broken(server.name() + " gets a packet for its service, which is not there");
  // Never from within a call of the peer.
  const auto type = static_cast<PacketType>(a.packet.type);
  later(server, [this, &server, type, zxid = a.packet.zxid] {
    if (type == PacketType::ping && server.serving->role != Role::leading) {
      step(server, SendToLeader{make_packet(PacketType::ping, zxid, std::string())});
    }
    if (type == PacketType::request) propose(server);
  });
}
void Cluster::perform(Server& server, const Resigned&) {
  later(server, [this, &server] { crash(server); });
}
void Cluster::perform(Server& server, const Remark& a) { note(server.name() + ": " + a.text); }

void Cluster::later(Server& server, std::function<void()> what) {
  at(0us, [&server, what = std::move(what), life = server.life, epoch = server.serving ? server.serving->epoch : 0] {
    if (server.life == life && (epoch == 0 || (server.serving && server.serving->epoch == epoch))) what();
  });
}

void Cluster::propose(Server& server) {
  if (!server.serving) return;
  if (server.serving->role != Role::leading) return step(server, SendToLeader{make_packet(PacketType::request, -1, "request")});
  const Entry entry{server.next_zxid++, next_value_++};
  proposed_.emplace(entry.zxid, entry.value);
  step(server, Propose{txn_of(entry)});
}

// --- The judge ---

bool Cluster::has_quorum(std::size_t index) const {
  int have = 0;
  for (const auto& server : servers_) {
    have += !server->is_observer && server->log.size() > index && server->log[index] == committed_[index] ? 1 : 0;
  }
  return 2 * have > options_.voters;
}

void Cluster::judge_commit(Server& server) {
  const std::size_t index = server.tree.size() - 1;
  const Entry& entry = server.tree.back();
  if (server.serving->role == Role::leading) {
    if (index == committed_.size()) committed_.push_back(entry);
    if (index < committed_.size() && committed_[index] == entry && !has_quorum(index)) {
      broken(fmt::format("{} commits {:#x} without a quorum that has it on disk", server.name(), entry.zxid));
    }
  }
  if (index >= committed_.size()) return broken(fmt::format("{} commits {:#x} before its leader", server.name(), entry.zxid));
  if (committed_[index] != entry) {
    broken(fmt::format("{} commits {:#x}/{} where {:#x}/{} was committed", server.name(), entry.zxid, entry.value, committed_[index].zxid,
                       committed_[index].value));
  }
  const std::int64_t before = index > 0 ? server.tree[index - 1].zxid : 0;
  if (entry.zxid != before + 1 && (epoch_of(entry.zxid) <= epoch_of(before) || counter_of(entry.zxid) != 1)) {
    broken(fmt::format("{} commits {:#x} after {:#x}", server.name(), entry.zxid, before));
  }
}

void Cluster::judge_start(Server& server, const StartServing& how) {
  const auto both = std::min(server.tree.size(), committed_.size());
  if (!std::equal(server.tree.begin(), server.tree.begin() + static_cast<std::ptrdiff_t>(both), committed_.begin())) {
    return broken(fmt::format("{} serves another history than was committed", server.name()));
  }
  if (how.role != Role::leading) {
    if (server.tree.size() > committed_.size()) broken(fmt::format("{} serves what is not committed", server.name()));
    return;
  }
  const auto [leader, is_new] = leaders_.emplace(how.epoch, server.id);
  if (!is_new) broken(fmt::format("servers {} and {} lead epoch {}", leader->second, server.id, how.epoch));
  // A later epoch may have begun already, of which it does not know: then it commits nothing any more.
  if (server.tree.size() < committed_.size() && epoch_of(committed_[both].zxid) < how.epoch) {
    return broken(fmt::format("{} leads epoch {} and has lost {:#x}", server.name(), how.epoch, committed_[both].zxid));
  }
  // Its history is committed with the epoch.
  if (server.tree.size() > committed_.size()) committed_ = server.tree;
  if (!server.tree.empty() && !has_quorum(server.tree.size() - 1)) {
    broken(fmt::format("{} leads epoch {} without a quorum that has its history on disk", server.name(), how.epoch));
  }
  int in_epoch = 0;
  for (const auto& other : servers_) in_epoch += !other->is_observer && other->current >= how.epoch ? 1 : 0;
  if (2 * in_epoch <= options_.voters) broken(fmt::format("{} leads epoch {} without a quorum that is in it", server.name(), how.epoch));
}

// --- What happens ---

void Cluster::fault() {
  Server& one = *servers_[random_.below(servers_.size())];
  const auto leader = std::ranges::find_if(servers_, [](const auto& s) { return s->serving && s->serving->role == Role::leading; });
  Server& target = leader != servers_.end() && random_.chance(0.4) ? **leader : one;
  switch (random_.below(8)) {
    case 0:
    case 1:
    case 2:
      if (target.peer) crash(target);
      break;
    case 3:  // all at once
      if (random_.chance(0.3)) {
        for (const auto& server : servers_) {
          if (server->peer) crash(*server);
        }
      }
      break;
    case 4:
    case 5: {
      const auto& [a, b] = std::minmax(target.id, servers_[random_.below(servers_.size())]->id);
      if (a == b) break;
      ++counts.partitions;
      cut_[{a, b}] = true;
      note(fmt::format("servers {} and {} are cut off from one another", a, b));
      at(delay(1'500'000), [this, pair = std::pair(a, b)] { cut_[pair] = false; });
      for (const auto& wire : wires_) {
        if (std::minmax(wire->ends[0], wire->ends[1]) == std::minmax(a, b)) break_wire(wire);
      }
      break;
    }
    case 6:
      ++counts.breaks;
      for (const auto& wire : wires_) {
        if (wire->is_open[0] && wire->is_open[1] && random_.chance(0.5)) break_wire(wire);
      }
      break;
    default:
      ++counts.resignations;
      note(target.name() + " is asked to resign");
      step(target, Resign{});
  }
  std::erase_if(wires_, [](const auto& wire) { return !wire->is_open[0] && !wire->is_open[1]; });
}

bool Cluster::is_well() {
  return std::ranges::all_of(servers_, [&](const auto& server) {
    return server->serving && server->serving->epoch == (*servers_.begin())->serving->epoch && server->tree.size() == committed_.size();
  });
}

std::string Cluster::run() {
  for (const auto& server : servers_) at(delay(300'000), [this, &server = *server] { start(server); });
  world::Duration fault_at = 1s;
  for (int i = 0; i < options_.faults; ++i) {
    fault_at += delay(600'000);
    at(fault_at, [this] { fault(); });
  }
  peace_ = now_ + fault_at + 2s;
  for (world::Duration when{}; when < fault_at + 2s; when += delay(40'000)) {
    at(when, [this] { propose(*servers_[random_.below(servers_.size())]); });
  }
  std::size_t wanted = 0;
  while (broken_.empty() && !due_.empty()) {
    Due due = std::move(const_cast<Due&>(due_.top()));
    due_.pop();
    idle_ = due.when == now_ ? idle_ + 1 : 0;
    if (idle_ > 10'000) broken("time does not pass any more");
    now_ = due.when;
    due.what();
    if (now_ < peace_) continue;
    if (wanted == 0) wanted = committed_.size() + 1;
    if (now_ > peace_ + 60s) broken("there is no service a minute after the last fault");
    if (!is_well()) continue;
    if (committed_.size() >= wanted) return broken_;
    propose(*servers_.front());
  }
  return broken_;
}

namespace {

std::optional<std::uint64_t> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text ? std::optional<std::uint64_t>(std::strtoull(text, nullptr, 0)) : std::nullopt;
}

ClusterOptions options_for(std::uint64_t seed) {
  base::Random random(seed);
  return {.seed = seed,
          .voters = random.chance(0.3) ? 5 : 3,
          .observers = random.chance(0.3) ? 1 : 0,
          .faults = static_cast<int>(random.between(3, 20)),
          .slowness = random.chance(0.5) ? 0.01 : 0,
          .forgery = random.chance(0.3) ? 0.2 : 0,
          .committed_log_max = random.chance(0.4) ? 1 : static_cast<std::size_t>(random.between(2, 60))};
}

TEST(Cluster, KeepsItsPromises) {
  const auto one = number_in("CHORUS_ZAB_SEED");
  const std::uint64_t first = one.value_or(1), last = one.value_or(number_in("CHORUS_ZAB_SEEDS").value_or(600));
  Cluster::Counts counts;
  std::uint64_t events = 0;
  int committed = 0, terms = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    ClusterOptions options = options_for(seed);
    options.keep_trace = one.has_value();
    Cluster cluster(options);
    const std::string broken = cluster.run();
    if (one) fmt::print("{}", cluster.trace());
    ASSERT_EQ(broken, "") << "seed " << seed << ": replay it with CHORUS_ZAB_SEED=" << seed;
    events += cluster.events();
    committed += cluster.committed();
    terms += cluster.terms();
    counts.crashes += cluster.counts.crashes;
    counts.breaks += cluster.counts.breaks;
    counts.partitions += cluster.counts.partitions;
    counts.resignations += cluster.counts.resignations;
    counts.snapshots += cluster.counts.snapshots;
    counts.truncations += cluster.counts.truncations;
    counts.reads += cluster.counts.reads;
  }
  fmt::print(
      "seeds {}..{}: {} events, {} committed, {} terms, {} crashes, {} breaks, {} partitions, {} resignations, {} snapshots, {} "
      "truncations, "
      "{} reads of history\n",
      first, last, events, committed, terms, counts.crashes, counts.breaks, counts.partitions, counts.resignations, counts.snapshots,
      counts.truncations, counts.reads);
}

struct PlantedCase {
  const char* name;
  Fault fault;
};
void PrintTo(const PlantedCase& c, std::ostream* out) { *out << c.name; }
class Planted : public testing::TestWithParam<PlantedCase> {};
INSTANTIATE_TEST_SUITE_P(Bugs, Planted,
                         testing::Values(PlantedCase{"acknowledge_before_sync", Fault::acknowledge_before_sync},
                                         PlantedCase{"skip_epoch_check", Fault::skip_epoch_check},
                                         PlantedCase{"forget_promise", Fault::forget_promise},
                                         PlantedCase{"forget_truncation", Fault::forget_truncation},
                                         PlantedCase{"forget_new_leader_sync", Fault::forget_new_leader_sync},
                                         PlantedCase{"commit_without_quorum", Fault::commit_without_quorum},
                                         PlantedCase{"serve_without_quorum", Fault::serve_without_quorum},
                                         PlantedCase{"keep_unstored_tree", Fault::keep_unstored_tree}),
                         [](const auto& info) { return std::string(info.param.name); });

/// The judge can tell: each deliberate bug is found.
TEST_P(Planted, BugIsFound) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    ClusterOptions options = options_for(seed);
    options.planted = GetParam().fault;
    // Its time is short: between a snapshot and its storing.
    if (options.planted == Fault::keep_unstored_tree)
      options = {.seed = seed, .faults = 25, .slowness = 0.04, .committed_log_max = 1, .planted = options.planted};
    const std::string broken = Cluster(options).run();
    if (broken.empty()) continue;
    fmt::print("{}: seed {}: {}\n", GetParam().name, seed, broken);
    return;
  }
  FAIL() << "not found";
}

}  // namespace
}  // namespace chorus::zab::test
