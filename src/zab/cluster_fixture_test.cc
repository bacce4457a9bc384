// The servers, disks and network of cluster_fixture.h; cluster_test.cc has the judge and the tests.
#include "zab/cluster_fixture.h"

#include <fmt/format.h>

#include <algorithm>

namespace chorus::zab::test {

using std::chrono::microseconds;
using namespace std::chrono_literals;

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
                                                   .tick = 100ms,
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

}  // namespace chorus::zab::test
