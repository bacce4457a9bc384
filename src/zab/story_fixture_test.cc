#include "zab/story_fixture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/ensure.h"
#include "zab/packet.h"
#include "zab/peer_fixture.h"

namespace chorus::zab::test {

using namespace std::chrono_literals;

namespace {

std::vector<std::string> split(std::string_view text, char by) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = text.find(by);
    if (end != 0) out.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
  return out;
}

std::int64_t number(std::string_view text) {
  const bool is_hex = text.starts_with("0x");
  std::int64_t value = 0;
  const auto digits = is_hex ? text.substr(2) : text;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, is_hex ? 16 : 10);
  ENSURE(error == std::errc() && end == digits.data() + digits.size());
  return value;
}

/// "1>2"
std::pair<ServerId, ServerId> direction_of(std::string_view text) {
  const auto ends = split(text, '>');
  return {number(ends.at(0)), number(ends.at(1))};
}

/// The value of "key=value" among the words; "" for a bare key.
std::optional<std::string> find(const std::vector<std::string>& words, std::string_view key) {
  for (const std::string& word : words) {
    if (word == key) return "";
    if (word.starts_with(key) && word.size() > key.size() && word[key.size()] == '=') return word.substr(key.size() + 1);
  }
  return std::nullopt;
}

}  // namespace

struct Story::Server {
  ServerId id;
  // On disk.
  std::int64_t accepted = 0, current = 0, snapshot_zxid = 0;
  std::vector<Entry> log;     // all that the tree is made of
  std::size_t log_begin = 0;  // before it there is a snapshot
  EnsembleConfig config;
  std::optional<EnsembleConfig> next_config;
  Standing standing = Standing::full;
  // Gone with a crash.
  std::unique_ptr<Peer> peer;  // null: down
  std::uint64_t life = 0;
  std::vector<Entry> tree;
  bool is_stalled = false;
  struct Persist {
    std::string name;
    bool is_log;
    std::function<void()> effect;
  };
  std::deque<Persist> persists;
  std::optional<StartServing> serving;
  std::int64_t next_zxid = 0;
};

/// [0]: the side that called.
struct Story::Wire {
  ServerId ends[2];
  LinkId links[2];
  bool is_open = true;
};

Story::Story() : options_{.tick = 1s, .init_limit = 10, .sync_limit = 5} {}
Story::~Story() = default;

std::string Story::tell(std::string_view command) {
  trace_.clear();
  const Words words = split(command, ' ');
  const std::string& verb = words.at(0);
  const auto argument = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
  const auto each = [&](auto what) {
    for (std::size_t i = 1; i < words.size(); ++i) what(server(words[i]));
  };
  if (verb == "ensemble") {
    ensemble(words);
  } else if (verb == "disk") {
    disk(words);
  } else if (verb == "start") {
    each([this](Server& s) { start(s); });
  } else if (verb == "crash") {
    each([this](Server& s) { crash(s); });
  } else if (verb == "run") {
    const std::string time = argument(1);
    run(time.ends_with("ms") ? milliseconds(number(time.substr(0, time.size() - 2)))
                             : milliseconds(time.empty() ? 0 : 1000 * number(time.substr(0, time.size() - 1))));
  } else if (verb == "hold") {
    held_[direction_of(argument(1))].from_type = argument(2);
  } else if (verb == "pass") {
    pass(direction_of(argument(1)), words.size() > 2 ? static_cast<std::size_t>(number(words[2])) : 1);
  } else if (verb == "release") {
    release(direction_of(argument(1)));
  } else if (verb == "cut" || verb == "heal") {
    const auto ends = split(argument(1), '-');
    const std::pair cut(number(ends.at(0)), number(ends.at(1)));
    if (verb == "heal") {
      std::erase(cuts_, cut);
    } else {
      cuts_.push_back(cut);
      for (const auto& wire : wires_) {
        if (!may_talk(wire->ends[0], wire->ends[1])) close_wire(*wire, std::nullopt);
      }
    }
  } else if (verb == "stall") {
    each([](Server& s) { s.is_stalled = true; });
  } else if (verb == "go") {
    go(server(argument(1)), words.size() > 2 ? static_cast<std::size_t>(number(words[2])) : 0);
  } else if (verb == "propose") {
    for (std::size_t i = 2; i < words.size(); ++i) propose(server(argument(1)), words[i]);
  } else if (verb == "reconfig") {
    reconfig(server(argument(1)), words);
  } else if (verb == "resign") {
    step(server(argument(1)), Resign{});
  } else if (verb == "show") {
    each([this](Server& s) { show(s); });
  } else {
    broken("there is no command " + verb);
  }
  return trace_;
}

// --- The beginning ---

void Story::ensemble(const Words& words) {
  const int voters = static_cast<int>(number(find(words, "voters").value_or("3")));
  const int observers = static_cast<int>(number(find(words, "observers").value_or("0")));
  config_ = make_config(voters, observers);
  options_.reconfig_enabled = find(words, "reconfig").has_value();
  if (const auto end = find(words, "counter-end")) options_.counter_end = number(*end);
  if (const auto history = find(words, "history")) options_.committed_log_max = static_cast<std::size_t>(number(*history));
  for (const auto& [id, member] : config_.members) servers_[id] = std::make_unique<Server>(Server{.id = id, .config = config_});
}

void Story::disk(const Words& words) {
  Server& s = server(words.at(1));
  s.current = number(find(words, "epoch").value_or("0"));
  s.accepted = number(find(words, "accepted").value_or(std::to_string(s.current)));
  if (find(words, "empty")) s.standing = Standing::empty;
  for (const std::string& entry : split(find(words, "log").value_or(""), ',')) {
    const auto parts = split(entry, '/');
    s.log.push_back({number(parts.at(0)), *make_txn(number(parts[0]), 5, parts.at(1)).octets});
  }
  s.log_begin = static_cast<std::size_t>(number(find(words, "snapshot").value_or("0")));
  if (s.log_begin > 0) s.snapshot_zxid = s.log.at(s.log_begin - 1).zxid;
  // What the judge takes for committed: what a quorum has.
  for (std::size_t i = committed_.size(); i < s.log.size(); ++i) {
    const auto has = [&](ServerId id) { return servers_.at(id)->log.size() > i && servers_.at(id)->log[i] == s.log[i]; };
    if (!config_.is_quorum(has)) break;
    committed_.push_back(s.log[i]);
  }
}

Story::Server& Story::server(std::string_view id) { return *servers_.at(number(id)); }

void Story::start(Server& s) {
  ++s.life;
  const bool has_log = s.log.size() > s.log_begin;
  Recovered recovered{.last_zxid = has_log ? s.log.back().zxid : s.snapshot_zxid,
                      .accepted_epoch = s.accepted,
                      .current_epoch = s.current,
                      .standing = s.standing,
                      .config = s.config,
                      .next_config = s.next_config};
  for (std::size_t i = s.log_begin; i < s.log.size(); ++i) {
    recovered.recent.push_back({s.log[i].zxid, std::make_shared<const std::string>(s.log[i].octets)});
  }
  s.tree = s.log;
  PeerOptions options = options_;
  options.self = s.id;
  options.is_observer = config_.members.at(s.id).is_observer;
  s.peer = std::make_unique<Peer>(options, std::move(recovered), static_cast<std::uint64_t>(s.id));
  step(s, Started{});
}

void Story::crash(Server& s) {
  s.peer.reset();
  ++s.life;
  s.persists.clear();
  s.is_stalled = false;
  s.serving.reset();
  for (const auto& wire : wires_) {
    if (wire->ends[0] == s.id || wire->ends[1] == s.id) close_wire(*wire, s.id);
  }
}

// --- Time and the network ---

void Story::soon(Server& s, std::function<void()> what) {
  due_.emplace_back([&s, life = s.life, what = std::move(what)] {
    if (s.life == life && s.peer) what();
  });
}

void Story::step(Server& s, decltype(Event::what) what) {
  std::vector<Action> actions;
  s.peer->step({now_, std::move(what)}, actions);
  for (const Action& action : actions) std::visit([&](const auto& a) { perform(s, a); }, action);
}

void Story::deliver_all() {
  while (!due_.empty()) {
    const auto what = std::move(due_.front());
    due_.pop_front();
    what();
  }
}

void Story::run(world::Duration time) {
  const world::Instant until = now_ + time;
  for (;;) {
    deliver_all();
    Server* next = nullptr;
    for (const auto& [id, s] : servers_) {
      const auto deadline = s->peer ? s->peer->deadline() : std::nullopt;
      if (deadline && *deadline <= until && (next == nullptr || *deadline < *next->peer->deadline())) next = s.get();
    }
    if (next == nullptr || time == 0s) break;
    now_ = std::max(now_, *next->peer->deadline());
    step(*next, TimePassed{});
  }
  now_ = until;
}

bool Story::may_talk(ServerId a, ServerId b) const {
  return servers_.at(a)->peer && servers_.at(b)->peer &&
         std::ranges::none_of(cuts_, [&](const auto& cut) { return cut == std::pair(a, b) || cut == std::pair(b, a); });
}

void Story::perform(Server& from, const SendNotification& a) {
  due_.emplace_back([this, &from, a] {
    if (may_talk(from.id, a.to)) step(*servers_.at(a.to), NotificationReceived{from.id, a.notification});
  });
}

void Story::perform(Server& from, const Connect& a) {
  soon(from, [this, &from, to = a.to] {
    if (!may_talk(from.id, to)) return step(from, ConnectFailed{to});
    const LinkId here{++last_link_}, there{++last_link_};
    wires_.push_back(std::make_unique<Wire>(Wire{.ends = {from.id, to}, .links = {here, there}}));
    step(*servers_.at(to), LinkAccepted{there});
    step(from, LinkConnected{here});
  });
}

void Story::send(LinkId link, std::string name, std::function<void(Server&, LinkId)> arrive) {
  for (const auto& wire : wires_) {
    const int side = wire->links[0] == link ? 0 : 1;
    if (wire->links[side] != link || !wire->is_open) continue;
    auto what = [this, &wire = *wire, side, name, arrive = std::move(arrive)] {
      Server& to = *servers_.at(wire.ends[1 - side]);
      if (!wire.is_open || !to.peer) return;
      if (name != "PING") note(fmt::format("{}>{} {}", wire.ends[side], to.id, name));
      arrive(to, wire.links[1 - side]);
    };
    const auto held = held_.find({wire->ends[side], wire->ends[1 - side]});
    if (held != held_.end() &&
        (!held->second.what.empty() || held->second.from_type.empty() || (name + " ").starts_with(held->second.from_type + " "))) {
      held->second.what.emplace_back(std::move(what));
    } else {
      due_.emplace_back(std::move(what));
    }
    return;
  }
}

void Story::pass(const Direction& direction, std::size_t count) {
  for (auto& what = held_.at(direction).what; count > 0 && !what.empty(); --count) {
    due_.push_back(std::move(what.front()));
    what.pop_front();
    deliver_all();
  }
}

void Story::release(const Direction& direction) {
  for (auto& what : held_.extract(direction).mapped().what) due_.push_back(std::move(what));
  deliver_all();
}

void Story::close_wire(Wire& wire, std::optional<ServerId> but_not) {
  if (!wire.is_open) return;
  wire.is_open = false;
  for (const int side : {0, 1}) {
    Server& end = *servers_.at(wire.ends[side]);
    if (end.id != but_not) soon(end, [this, &end, link = wire.links[side]] { step(end, LinkClosed{link}); });
  }
}

void Story::perform(Server&, const SendPacket& a) {
  const auto type = static_cast<PacketType>(a.packet.type);
  std::string name = type == PacketType::ping ? "PING" : describe(a.packet);
  if (type == PacketType::new_leader && options_.reconfig_enabled) {
    if (const auto config = parse_config(data_of(a.packet))) name += fmt::format(" configuration {:#x}", config->version);
  }
  send(a.link, std::move(name), [this, packet = a.packet](Server& to, LinkId link) { step(to, PacketReceived{link, packet}); });
}

void Story::perform(Server& from, const SendSnapshot& a) {
  send(a.link, fmt::format("snapshot of {} transactions", from.tree.size()), [this, tree = from.tree](Server& to, LinkId link) {
    to.tree = tree;
    step(to, SnapshotLoaded{link});
  });
  soon(from, [this, &from, link = a.link] { step(from, SnapshotSent{link}); });
}

void Story::perform(Server& from, const CloseLink& a) {
  for (const auto& wire : wires_) {
    const int side = wire->links[0] == a.link ? 0 : 1;
    if (wire->links[side] != a.link || !wire->is_open) continue;
    note(fmt::format("{} closes its link with {}: {}", from.id, wire->ends[1 - side], a.why));
    // What was sent before arrives before, unless it is held up.
    Server& to = *servers_.at(wire->ends[1 - side]);
    soon(to, [this, &wire = *wire, but_not = from.id] { close_wire(wire, but_not); });
  }
}

// --- The disks ---

void Story::persist(Server& s, std::string name, bool is_log, std::function<void()> effect) {
  s.persists.push_back({std::move(name), is_log, std::move(effect)});
  if (!s.is_stalled)
    soon(s, [this, &s] {
      if (!s.is_stalled) go(s, s.persists.size());
    });
}

/// count 0: all, and the disk is slow no longer.
void Story::go(Server& s, std::size_t count) {
  if (count == 0) {
    s.is_stalled = false;
    count = s.persists.size();
  }
  for (; count > 0 && !s.persists.empty() && s.peer; --count) {
    Server::Persist next = std::move(s.persists.front());
    s.persists.pop_front();
    next.effect();
    note(fmt::format("{}: durable {}", s.id, next.name));
    if (next.is_log) {
      step(s, LogSynced{s.log.back().zxid});
    } else {
      step(s, Stored{});
    }
  }
}

void Story::perform(Server& s, const StoreAcceptedEpoch& a) {
  persist(s, fmt::format("accepted epoch {}", a.epoch), false, [&s, a] { s.accepted = a.epoch; });
}
void Story::perform(Server& s, const StoreCurrentEpoch& a) {
  persist(s, fmt::format("epoch {}", a.epoch), false, [&s, a] { s.current = a.epoch; });
}
void Story::perform(Server& s, const Truncate& a) {
  persist(s, fmt::format("cut to {:#x}", a.zxid), false, [&s, a] {
    while (!s.log.empty() && s.log.back().zxid > a.zxid) s.log.pop_back();
    s.log_begin = std::min(s.log_begin, s.log.size());
    s.snapshot_zxid = std::min(s.snapshot_zxid, a.zxid);
    s.tree = s.log;
  });
}
void Story::perform(Server& s, const StoreSnapshot& a) {
  persist(s, fmt::format("snapshot {:#x}", a.zxid), false, [&s, a, tree = s.tree] {
    s.log = tree;
    s.log_begin = tree.size();
    s.snapshot_zxid = a.zxid;
  });
}
void Story::perform(Server& s, const Append& a) {
  persist(s, fmt::format("{:#x}", a.txn.zxid), true, [&s, a] { s.log.push_back({a.txn.zxid, *a.txn.octets}); });
}

void Story::perform(Server& s, const ReadHistory& a) {
  soon(s, [this, &s, a] {
    HistoryRead read{.link = a.link, .found = false, .end = true, .txns = {}};
    for (std::size_t i = s.log_begin; i < s.log.size(); ++i) {
      const Entry& entry = s.log[i];
      if (entry.zxid <= a.after) read.found = entry.zxid == a.after || is_new_epoch(a.after);
      if (entry.zxid > a.after && entry.zxid < a.until)
        read.txns.push_back({entry.zxid, std::make_shared<const std::string>(entry.octets)});
    }
    if (!read.found) read.txns.clear();
    step(s, std::move(read));
  });
}

// --- The service ---

void Story::propose(Server& s, const std::string& word) {
  if (!s.serving || s.serving->role != Role::leading) return broken(fmt::format("server {} does not lead", s.id));
  step(s, Propose{make_txn(s.next_zxid++, 5, word)});
}

void Story::reconfig(Server& s, const Words& words) {
  if (!s.serving || s.serving->role != Role::leading) return broken(fmt::format("server {} does not lead", s.id));
  EnsembleConfig next;
  for (const auto& [key, is_observer] : {std::pair("voters", false), std::pair("observers", true)}) {
    for (const std::string& id : split(find(words, key).value_or(""), ',')) {
      next.members[number(id)] = config_.members.at(number(id));
      next.members[number(id)].is_observer = is_observer;
    }
  }
  step(s, Propose{make_reconfig(s.next_zxid++, next)});
}

void Story::perform(Server& s, const Commit& a) {
  s.tree.push_back({a.txn.zxid, *a.txn.octets});
  note(fmt::format("{}: commit {:#x}", s.id, a.txn.zxid));
  if (s.serving) judge_commit(s);
}
void Story::perform(Server& s, const ConfigProposed& a) {
  s.next_config = a.config;
  note(fmt::format("{}: configuration {:#x} proposed", s.id, a.config.version));
}
void Story::perform(Server& s, const ConfigActivated& a) {
  s.config = a.config;
  s.next_config.reset();
  note(fmt::format("{}: configuration {:#x}", s.id, a.config.version));
}
void Story::perform(Server& s, const StartServing& a) {
  s.serving = a;
  s.next_zxid = a.zxid + 1;
  note(fmt::format("{}: serves epoch {} from {:#x}", s.id, a.epoch, a.zxid));
  if (a.role == Role::leading) judge_leader(s);
}
void Story::perform(Server& s, const StopServing&) {
  s.serving.reset();
  note(fmt::format("{}: serves no longer", s.id));
}
void Story::perform(Server& s, const Deliver& a) {
  if (static_cast<PacketType>(a.packet.type) == PacketType::ping && s.serving && s.serving->role != Role::leading) {
    soon(s, [this, &s, zxid = a.packet.zxid] { step(s, SendToLeader{make_packet(PacketType::ping, zxid, std::string())}); });
  }
}
void Story::perform(Server& s, const RoleChanged& a) {
  note(fmt::format("{}: {}", s.id,
                   a.role == Role::looking     ? "looking"
                   : a.role == Role::leading   ? "leading"
                   : a.role == Role::following ? fmt::format("following {}", *a.leader)
                                               : fmt::format("observing {}", *a.leader)));
}
void Story::perform(Server& s, const Resigned&) {
  note(fmt::format("{}: resigned", s.id));
  soon(s, [this, &s] { crash(s); });
}
void Story::perform(Server& s, const Remark& a) { note(fmt::format("{}: \"{}\"", s.id, a.text)); }

void Story::show(const Server& s) {
  std::vector<std::string> entries;
  for (const Entry& entry : s.log) {
    const std::string word = entry.octets.substr(32);
    entries.push_back(std::ranges::all_of(word, [](char c) { return c >= ' ' && c < 0x7f; })
                          ? fmt::format("{:#x}/{}", entry.zxid, word)
                          : fmt::format("{:#x}/reconfiguration", entry.zxid));
  }
  note(fmt::format("{}: accepted {} epoch {} snapshot {:#x} of {} log [{}] tree of {}", s.id, s.accepted, s.current, s.snapshot_zxid,
                   s.log_begin, fmt::join(entries, " "), s.tree.size()));
}

// --- The judge ---

void Story::judge_commit(Server& s) {
  const std::size_t index = s.tree.size() - 1;
  if (index < committed_.size()) {
    if (committed_[index] != s.tree.back())
      broken(fmt::format("server {} commits another {:#x} than was committed", s.id, s.tree.back().zxid));
    return;
  }
  const auto has = [&](ServerId id) { return servers_.at(id)->log.size() > index && servers_.at(id)->log[index] == s.tree.back(); };
  if (!s.peer->config().is_quorum(has)) broken(fmt::format("{:#x} is committed without a quorum that has it", s.tree.back().zxid));
  committed_.push_back(s.tree.back());
}

void Story::judge_leader(Server& s) {
  const auto [leader, is_new] = leaders_.emplace(s.serving->epoch, s.id);
  if (!is_new) broken(fmt::format("servers {} and {} lead epoch {}", leader->second, s.id, s.serving->epoch));
  if (s.tree.size() < committed_.size() || !std::equal(committed_.begin(), committed_.end(), s.tree.begin()))
    broken(fmt::format("server {} leads without all that was committed", s.id));
  // What it brought into its epoch is committed by that.
  committed_ = s.tree;
}

}  // namespace chorus::zab::test
