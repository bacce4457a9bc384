#include "zab/quorum_port.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace chorus::zab {

using world::Address;
using world::Connection;
using world::NetResult;

struct QuorumPort::Dial {
  struct Try {
    Address address;
    int left;
    world::TimerId timer;
  };
  std::uint64_t id;
  ServerId to;
  world::Instant end;
  std::vector<Try> tries;
  std::size_t going;  // addresses that may still answer
  std::string why;
};

QuorumPort::QuorumPort(world::World& world, const QuorumPortOptions& options, Handler& handler)
    : world_(world), options_(options), handler_(handler) {}

QuorumPort::~QuorumPort() {
  *alive_ = false;
  stop_connecting();
}

base::Result<void, std::string> QuorumPort::listen(const std::vector<Address>& addresses) {
  // An address that stays must be given up first: the same port cannot be listened on twice.
  std::vector<std::unique_ptr<world::Listener>> kept;
  std::vector<Address> fresh;
  for (const Address& address : addresses) {
    const auto same = std::find_if(listeners_.begin(), listeners_.end(), [&](const auto& l) { return l && l->address() == address; });
    if (same != listeners_.end()) {
      kept.push_back(std::move(*same));
    } else if (std::find(fresh.begin(), fresh.end(), address) == fresh.end()) {
      fresh.push_back(address);
    }
  }
  std::vector<std::unique_ptr<world::Listener>> before = std::exchange(listeners_, std::move(kept));
  std::erase(before, nullptr);
  const world::ListenOptions how{.tls = options_.tls, .plain_too = options_.plain_too};
  for (const Address& address : fresh) {
    auto listener = world_.listen(address, how, [this](std::unique_ptr<Connection> connection) { accept(std::move(connection)); });
    if (!listener) {
      std::move(before.begin(), before.end(), std::back_inserter(listeners_));
      return std::unexpected(std::move(listener.error().message));
    }
    listeners_.push_back(std::move(*listener));
  }
  return {};
}

std::vector<Address> QuorumPort::addresses() const {
  std::vector<Address> result;
  for (const auto& listener : listeners_) result.push_back(listener->address());
  return result;
}

Link& QuorumPort::add(std::unique_ptr<Connection> connection) {
  const LinkId id(++last_link_);
  Link& link = *links_.emplace(id, std::make_unique<Link>(world_, id, std::move(connection), options_.link, *this)).first->second;
  if (paused_) link.pause_reading();
  return link;
}

Link* QuorumPort::find(LinkId link) const {
  const auto at = links_.find(link);
  return at == links_.end() || !at->second->is_open() ? nullptr : at->second.get();
}

void QuorumPort::accept(std::unique_ptr<Connection> connection) {
  if (shut_down_done_) return;
  std::size_t silent = 0;
  Link* oldest = nullptr;
  for (const auto& [id, link] : links_) {
    if (!link->is_open() || !link->is_accepted() || link->had_packet()) continue;
    ++silent;
    if (oldest == nullptr) oldest = link.get();
  }
  if (silent >= options_.silent_links_max) oldest->end("it said nothing, and others came");
  Link& link = add(std::move(connection));
  link.start(true);
  handler_.on_accepted(link.id(), link.peer());
}

void QuorumPort::stop_connecting() {
  if (dial_) {
    for (const Dial::Try& attempt : dial_->tries) world_.cancel(attempt.timer);
    dial_.reset();
  }
  if (connecting_) close(std::exchange(connecting_, std::nullopt)->link);
}

void QuorumPort::connect(ServerId to, const std::vector<Address>& addresses, milliseconds limit) {
  stop_connecting();
  dial_ = std::make_unique<Dial>(
      Dial{.id = ++last_dial_, .to = to, .end = world_.now() + limit, .tries = {}, .going = 0, .why = "it has no address"});
  for (const Address& address : addresses) dial_->tries.push_back({address, options_.connect_tries, {}});
  dial_->going = addresses.size();
  for (std::size_t i = 0; i < addresses.size(); ++i) try_address(i);
  if (!addresses.empty()) return;
  world_.post([this, alive = alive_, id = dial_->id] {
    if (!*alive || !dial_ || dial_->id != id) return;
    const auto dial = std::exchange(dial_, nullptr);
    handler_.on_connect_failed(dial->to, dial->why);
  });
}

void QuorumPort::try_address(std::size_t index) {
  Dial::Try& attempt = dial_->tries[index];
  --attempt.left;
  const auto left = std::max<world::Duration>(dial_->end - world_.now(), milliseconds(1));
  world_.connect(attempt.address, {.timeout = left, .tls = options_.connect_tls},
                 [this, alive = alive_, id = dial_->id, index](NetResult<std::unique_ptr<Connection>> result) {
                   // Too late, or another address was faster: the connection is dropped.
                   if (*alive && dial_ && dial_->id == id) tried(index, std::move(result));
                 });
}

void QuorumPort::tried(std::size_t index, NetResult<std::unique_ptr<Connection>> result) {
  if (result) {
    const ServerId to = dial_->to;
    stop_connecting();
    Link& link = add(std::move(*result));
    link.start(false);
    if (!options_.link.auth.learner) return handler_.on_connected(link.id());
    connecting_ = {link.id(), to};
    return;
  }
  dial_->why = result.error().message;
  Dial::Try& attempt = dial_->tries[index];
  if (attempt.left > 0 && world_.now() + options_.connect_retry_delay < dial_->end) {
    attempt.timer = world_.after(options_.connect_retry_delay, [this, index] { try_address(index); });
    return;
  }
  if (--dial_->going > 0) return;
  const auto dial = std::exchange(dial_, nullptr);
  handler_.on_connect_failed(dial->to, dial->why);
}

void QuorumPort::send(LinkId id, const Packet& packet) {
  Link* link = find(id);
  if (link == nullptr) return;
  if (!link->has_gathered()) unflushed_.push_back(id);
  link->send(packet);
}

void QuorumPort::flush() {
  for (const LinkId id : unflushed_) {
    if (Link* link = find(id)) link->flush();
  }
  unflushed_.clear();
}

void QuorumPort::send_snapshot(LinkId id, std::unique_ptr<SnapshotSource> source) {
  if (Link* link = find(id)) link->send_snapshot(std::move(source));
}

void QuorumPort::expect_snapshot(LinkId id, std::unique_ptr<SnapshotSink> sink) {
  if (Link* link = find(id)) link->expect_snapshot(std::move(sink));
}

void QuorumPort::close(LinkId id) {
  if (Link* link = find(id)) link->close();
}

void QuorumPort::end(LinkId id, std::string why) {
  if (Link* link = find(id)) link->end(std::move(why));
}

void QuorumPort::pause_reading() {
  paused_ = true;
  for (const auto& [id, link] : links_) link->pause_reading();
}

void QuorumPort::resume_reading() {
  paused_ = false;
  for (const auto& [id, link] : links_) link->resume_reading();
}

void QuorumPort::shut_down(world::Callback done) {
  listeners_.clear();
  stop_connecting();
  for (const auto& [id, link] : links_) link->close();
  if (links_.empty()) return world_.post(std::move(done));
  shut_down_done_ = std::move(done);
}

std::size_t QuorumPort::size() const {
  return static_cast<std::size_t>(std::count_if(links_.begin(), links_.end(), [](const auto& entry) { return entry.second->is_open(); }));
}

std::size_t QuorumPort::unsent(LinkId id) const {
  const Link* link = find(id);
  return link == nullptr ? 0 : link->unsent();
}

const LinkQueue* QuorumPort::queue_of(LinkId id) const {
  const Link* link = find(id);
  return link == nullptr ? nullptr : &link->queue();
}

std::optional<Address> QuorumPort::peer(LinkId id) const {
  const Link* link = find(id);
  return link == nullptr ? std::nullopt : std::optional(link->peer());
}

void QuorumPort::on_ready(LinkId link) {
  connecting_.reset();
  handler_.on_connected(link);
}

void QuorumPort::on_packet(LinkId link, Packet packet) { handler_.on_packet(link, std::move(packet)); }

void QuorumPort::on_snapshot_taken(LinkId link) { handler_.on_snapshot_taken(link); }

void QuorumPort::on_snapshot_sent(LinkId link) { handler_.on_snapshot_sent(link); }

void QuorumPort::on_closed(LinkId id, const std::string& why) {
  const auto at = links_.find(id);
  const bool told = at->second->was_closed_here();
  const std::string words = why;  // the link's own
  links_.erase(at);
  if (connecting_ && connecting_->link == id) {
    handler_.on_connect_failed(std::exchange(connecting_, std::nullopt)->to, words);
  } else if (!told) {
    handler_.on_link_closed(id, words);
  }
  if (links_.empty() && shut_down_done_) world_.post(std::exchange(shut_down_done_, nullptr));
}

}  // namespace chorus::zab
