#include "cache/replication/primary.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "cache/call.h"
#include "cache/replication/replication.h"

namespace chorus::cache::replication {
namespace {

constexpr std::int64_t second_us = 1'000'000;
/// Of the stream, that a replica has not taken from us: more lies in the backlog, once for all.
constexpr std::size_t untaken_octets_max = 1U << 20;

}  // namespace

bool Primary::may_ask(Call& call) {
  if (followers_.contains(call.client().id)) return false;  // as Redis: nothing is said
  const Introduction* introduction = call.client().introduction.get();
  if (call.client().is_primary) return false;
  if (server_.replication().failover().is_under_way()) {
    call.error("NOMASTERLINK Can't SYNC while failing over");
  } else if (server_.replication().is_replica() && !server_.replication().is_link_up()) {
    call.error("NOMASTERLINK Can't SYNC while not connected with my master");
  } else if (!call.client().out.empty() || call.client().unsent > 0) {
    call.error("ERR SYNC and PSYNC are invalid with pending output");
  } else if (introduction != nullptr && introduction->has_filter && !introduction->takes_mark) {
    call.error("ERR Filtered replica requires EOF capability");
  } else {
    return true;
  }
  return false;
}

void Primary::psync(Call& call) {
  if (call.size() > 3 && call.is_word(3, "FAILOVER") && !followers_.contains(call.client().id)) {
    if (!server_.replication().is_replica()) return call.error("ERR PSYNC FAILOVER can't be sent to a master.");
    if (base::lower(call[1]) != stream_.id()) return call.error("ERR PSYNC FAILOVER replid must match my replid.");
    server_.replication().stop_following();
  }
  if (!may_ask(call)) return;
  const auto from = call.integer(2);
  if (!from) return;
  if (go_on(call)) return;
  if (call[1] != "?") ++refused_;
  begin_full(call, false);
}

void Primary::sync(Call& call) {
  if (may_ask(call)) begin_full(call, true);
}

bool Primary::go_on(Call& call) {
  const std::int64_t from = *call.integer(2);
  if (!stream_.can_continue(base::lower(call[1]), from)) return false;
  ++partial_;
  Client& client = call.client();
  if (client.introduction == nullptr) client.introduction = std::make_unique<Introduction>();
  call.reply.simple(client.introduction->takes_new_id ? fmt::format("CONTINUE {}", stream_.id()) : "CONTINUE");
  client.is_replica = true;
  const std::int64_t now = server_.now().monotonic_us;
  followers_[client.id] = {.state = Follower::State::online, .since_us = now, .sent = from - 1, .acknowledged = from - 1, .heard_us = now};
  alone_since_us_.reset();
  pump(client, followers_[client.id]);
  return true;
}

void Primary::begin_full(Call& call, bool is_old) {
  ++full_;
  Client& client = call.client();
  client.is_replica = true;
  if (client.introduction == nullptr) client.introduction = std::make_unique<Introduction>();
  // What was never counted cannot be told from what others have: a history of its own begins here.
  if (!stream_.is_kept()) server_.replication().begin_history();
  const std::int64_t now = server_.now().monotonic_us;
  followers_[client.id] = {.since_us = now, .heard_us = now, .is_old = is_old};
  alone_since_us_.reset();
}

void Primary::acknowledge(Client& client, std::int64_t offset, std::optional<std::int64_t> synced) {
  const auto found = followers_.find(client.id);
  if (found == followers_.end()) return;
  Follower& follower = found->second;
  follower.acknowledged = std::max(follower.acknowledged, std::min(offset, stream_.end()));
  if (synced) follower.synced = std::max(follower.synced, std::min(*synced, stream_.end()));
  follower.heard_us = server_.now().monotonic_us;
  if (follower.state == Follower::State::loading) {
    follower.state = Follower::State::online;
    pump(client, follower);
  }
}

void Primary::disconnected(ClientId id) {
  if (followers_.erase(id) == 0) return;
  if (transfer_ != nullptr) {
    transfer_->remove(id);
    if (transfer_->to().empty()) abort_transfer();
  }
  if (followers_.empty()) alone_since_us_ = server_.now().monotonic_us;
}

void Primary::let_go(ClientId id) {
  if (Client* client = server_.find_client(id); client != nullptr && !client->closes) server_.break_off(*client);
  disconnected(id);
}

void Primary::heard(const Client& client) {
  const auto found = followers_.find(client.id);
  if (found != followers_.end()) found->second.heard_us = server_.now().monotonic_us;
}

void Primary::begin_alone() {
  if (followers_.empty()) alone_since_us_ = server_.now().monotonic_us;
}

void Primary::let_all_go() {
  abort_transfer();
  while (!followers_.empty()) let_go(followers_.begin()->first);
}

void Primary::abort_transfer() {
  if (transfer_ == nullptr) return;
  const bool is_by_file = transfer_->is_by_file();
  // A replica that has a part of a snapshot can do nothing with it.
  const std::vector<ClientId> to = transfer_->to();
  transfer_.reset();
  if (is_by_file) file_actions_.push_back({.what = FileAction::What::remove, .transfer = transfers_});
  for (const ClientId id : to) let_go(id);
}

void Primary::pump() {
  const std::size_t hard = limit(server_.options().replica_output.hard);
  std::vector<ClientId> too_slow;
  for (auto& [id, follower] : followers_) {
    if (follower.state == Follower::State::waiting || follower.sent == stream_.end()) continue;
    Client* client = server_.find_client(id);
    if (client != nullptr && follower.state == Follower::State::online) pump(*client, follower);
    if (hard > 0 && behind(follower) > hard) too_slow.push_back(id);
  }
  for (const ClientId id : too_slow) let_go(id);
  stream_.trim(server_.options().replication.backlog_octets, needed());
}

void Primary::pump(Client& client, Follower& follower) {
  if (client.closes) return;
  while (client.unsent + client.out.size() < untaken_octets_max) {
    const std::string_view octets = stream_.from(follower.sent + 1);
    if (octets.empty()) return;
    server_.send(client.id, octets);
    follower.sent += static_cast<std::int64_t>(octets.size());
  }
}

void Primary::drained(Client& client) {
  const auto found = followers_.find(client.id);
  if (found != followers_.end() && found->second.state == Follower::State::online) pump(client, found->second);
}

std::optional<std::int64_t> Primary::needed() const {
  std::optional<std::int64_t> least;
  for (const auto& [id, follower] : followers_) {
    if (follower.state == Follower::State::waiting) continue;
    if (!least || follower.sent + 1 < *least) least = follower.sent + 1;
  }
  return least;
}

bool Primary::step() {
  if (transfer_ == nullptr) return false;
  const bool has_more = transfer_->step();
  for (FileAction& action : transfer_->take_file_actions()) {
    action.transfer = transfers_;
    file_actions_.push_back(std::move(action));
  }
  if (!transfer_->failure().empty()) {
    failure_ = transfer_->failure();
    abort_transfer();
    return false;
  }
  if (transfer_->is_complete()) finish_transfer();
  return has_more;
}

void Primary::begin_transfer() {
  if (transfer_ != nullptr || server_.has_snapshot() || is_closing_) return;
  const Options& options = server_.options().replication;
  std::vector<ClientId> to;
  const Introduction* first = nullptr;
  bool take_mark = options.is_diskless;
  std::int64_t waited_us = 0;
  std::optional<std::int64_t> version;
  for (const auto& [id, follower] : followers_) {
    Client* client = server_.find_client(id);
    if (follower.state != Follower::State::waiting || client == nullptr || client->closes) continue;
    const Introduction& own = *client->introduction;
    if (first == nullptr) first = &own;
    if (own.has_filter != first->has_filter || own.wants_functions != first->wants_functions) continue;
    take_mark = take_mark && own.takes_mark;
    version = std::min(version.value_or(own.version), own.version);
    waited_us = std::max(waited_us, server_.now().monotonic_us - follower.since_us);
    to.push_back(id);
  }
  if (to.empty()) return;
  // A filtered snapshot never goes through the file, and takes no time.
  const bool is_filtered = first->has_filter;
  take_mark = take_mark || is_filtered;
  const bool has_all = options.sync_replicas_max > 0 && static_cast<std::int64_t>(to.size()) >= options.sync_replicas_max;
  if (take_mark && !is_filtered && !has_all && waited_us < options.sync_delay_seconds * second_us) return;
  const std::string mark = take_mark ? server_.new_id() : std::string();
  const std::int64_t end = stream_.end();
  for (const ClientId id : to) {
    Follower& follower = followers_[id];
    follower.state = Follower::State::receiving;
    follower.sent = end;  // what it has it will say
    if (!follower.is_old) server_.send(id, fmt::format("+FULLRESYNC {} {}\r\n", stream_.id(), end));
  }
  // The database is unknown to those who begin here.
  if (!server_.replication().is_replica()) server_.replication().forget_database();
  ++transfers_;
  transfer_ = std::make_unique<Transfer>(server_, server_.begin_snapshot_for_replicas(*first, *version), end, mark, std::move(to));
}

void Primary::finish_transfer() {
  const bool is_by_file = transfer_->is_by_file();
  const std::vector<ClientId> to = transfer_->to();
  transfer_.reset();
  if (is_by_file) file_actions_.push_back({.what = FileAction::What::remove, .transfer = transfers_});
  const std::int64_t now = server_.now().monotonic_us;
  for (const ClientId id : to) {
    Client* client = server_.find_client(id);
    const auto found = followers_.find(id);
    if (client == nullptr || found == followers_.end()) continue;
    found->second.heard_us = now;
    if (client->introduction->only_snapshot) {
      server_.end(*client);
      disconnected(id);
      continue;
    }
    // Who reads up to a mark may read the stream's first octets with it: the stream waits until it has said where it is.
    found->second.state = is_by_file ? Follower::State::online : Follower::State::loading;
    drained(*client);
  }
}

std::vector<FileAction> Primary::take_file_actions() { return std::exchange(file_actions_, {}); }
void Primary::file_written(std::uint64_t transfer) {
  if (transfer_ != nullptr && transfer == transfers_) transfer_->file_written();
}
void Primary::file_read(std::uint64_t transfer, std::string octets) {
  if (transfer_ != nullptr && transfer == transfers_) transfer_->file_read(std::move(octets));
}
void Primary::file_failed(std::uint64_t transfer, std::string why) {
  if (transfer_ != nullptr && transfer == transfers_) transfer_->file_failed(std::move(why));
}

/// What lies in the backlog for nobody but one replica counts as its output; the backlog itself is there for all. 0: no limit.
std::size_t Primary::limit(std::size_t octets) const {
  return octets == 0 ? 0 : std::max(octets, server_.options().replication.backlog_octets);
}

std::size_t Primary::behind(const Follower& follower) const { return static_cast<std::size_t>(stream_.end() - follower.sent); }

/// Once a second: whether it is still there, and takes what it is sent.
void Primary::check(Client& client, Follower& follower) {
  const ServerOptions& options = server_.options();
  const std::int64_t now = server_.now().monotonic_us, timeout_us = options.replication.timeout_seconds * second_us;
  using State = Follower::State;
  // So that it does not take the silence for an end.
  const bool is_silent = transfer_ != nullptr && transfer_->is_silent();
  if (follower.state == State::waiting || (follower.state == State::receiving && is_silent)) server_.send(client.id, "\n");
  if (follower.state == State::waiting) return;
  if (follower.state == State::receiving || follower.is_old) {
    // It acknowledges nothing, but it takes.
    const bool has_untaken = client.unsent + client.out.size() > 0;
    if (!has_untaken || client.active_us > follower.heard_us) follower.heard_us = has_untaken ? client.active_us : now;
  }
  if (now - follower.heard_us > timeout_us) return let_go(client.id);
  const std::size_t soft = limit(options.replica_output.soft);
  if (soft == 0 || behind(follower) <= soft) {
    follower.over_soft_since_us.reset();
  } else if (!follower.over_soft_since_us) {
    follower.over_soft_since_us = now;
  } else if (now - *follower.over_soft_since_us > options.replica_output.soft_seconds * second_us) {
    let_go(client.id);
  }
}

void Primary::tick() {
  const Options& options = server_.options().replication;
  const std::int64_t now = server_.now().monotonic_us;
  begin_transfer();
  for (auto& [id, follower] : followers_) {
    Client* client = server_.find_client(id);
    if (client != nullptr && follower.state == Follower::State::online) pump(*client, follower);
  }
  if (now - second_us_ < second_us) return;
  second_us_ = now;
  std::vector<ClientId> all;
  for (const auto& [id, follower] : followers_) all.push_back(id);
  for (const ClientId id : all) {
    const auto found = followers_.find(id);
    Client* client = found == followers_.end() ? nullptr : server_.find_client(id);
    if (client != nullptr && !client->closes) check(*client, found->second);
  }
  // A replica passes on what it gets, and says nothing of its own.
  if (server_.replication().is_replica()) return;
  if (!followers_.empty() && now - pinged_us_ >= options.ping_seconds * second_us && !server_.replication().failover().is_under_way()) {
    pinged_us_ = now;
    server_.replication().say({"PING"});
  }
  if (followers_.empty() && alone_since_us_ && options.backlog_seconds_max > 0 &&
      now - *alone_since_us_ > options.backlog_seconds_max * second_us) {
    alone_since_us_.reset();
    server_.replication().end_history();
  }
}

std::size_t Primary::count_with(std::int64_t offset, bool on_disk) const {
  return static_cast<std::size_t>(std::count_if(followers_.begin(), followers_.end(), [&](const auto& each) {
    const Follower& follower = each.second;
    return follower.state == Follower::State::online && (on_disk ? follower.synced : follower.acknowledged) >= offset;
  }));
}

std::size_t Primary::count_good(std::int64_t lag_seconds_max) const {
  const std::int64_t now = server_.now().monotonic_us;
  return static_cast<std::size_t>(std::count_if(followers_.begin(), followers_.end(), [&](const auto& each) {
    const Follower& follower = each.second;
    return follower.state == Follower::State::online && (now - follower.heard_us) / second_us <= lag_seconds_max;
  }));
}

}  // namespace chorus::cache::replication
