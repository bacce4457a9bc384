#include "zab/election_port.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "base/bytes.h"

namespace chorus::zab {

using namespace std::chrono_literals;
using world::Address;
using world::Connection;
using world::NetErrc;
using world::NetResult;

namespace {

/// What a slow reader's unsent octets are looked at for.
constexpr milliseconds slow_interval{100};
/// Who has asked a server to connect gives it that long before it asks again.
constexpr milliseconds call_back_limit{100};
/// A member's connection that ends is made anew, not more often than this: it may be back, or it turns out to be down.
constexpr milliseconds redial_interval{1000};
/// Where authentication is not required, whoever begins with it does so that soon. Who says nothing at all may wait for us to speak.
constexpr milliseconds auth_start_limit{1000};
/// Addresses under trial at the same time for one server.
constexpr std::size_t tries_max = 8;
/// What observers outside of the configuration call themselves. source: QuorumPeer.OBSERVER_ID
constexpr ServerId anonymous = std::numeric_limits<ServerId>::max();

void append_new(std::vector<Address>& addresses, const std::vector<Address>& more) {
  for (const Address& address : more) {
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) addresses.push_back(address);
  }
}

}  // namespace

/// One connection: first one of which we wait for the initial message, or which has to be authenticated, then that of a server, at last one
/// that is being closed.
class ElectionPort::Channel final : public world::ConnectionHandler, public std::enable_shared_from_this<Channel> {
 public:
  enum class Phase { greeting, authenticating, established, parting };

  Channel(ElectionPort& port, std::uint64_t number, std::unique_ptr<Connection> connection, Phase phase)
      : number(number), port_(port), connection_(std::move(connection)), phase_(phase) {}
  ~Channel() override { port_.world_.cancel(timer_); }

  void start() { connection_->start(*this); }
  void write(std::string octets) { connection_->write(std::move(octets)); }
  std::size_t unsent() const { return connection_->unsent(); }
  const Address& peer() const { return connection_->peer(); }
  bool is_over() const { return !connection_; }

  /// What has to be said by the other side is said within that time.
  void limit(milliseconds time) {
    port_.world_.cancel(timer_);
    timer_ = port_.world_.after(time, [this] { out_of_time(); });
  }
  /// Of a connection that we made.
  void authenticate(std::unique_ptr<QuorumAuth> auth) {
    phase_ = Phase::authenticating;
    auth_ = std::move(auth);
    write(auth_->opening());
    limit(port_.options_.greeting_limit);
  }
  void establish(ServerId id) {
    port_.world_.cancel(std::exchange(timer_, {}));
    phase_ = Phase::established;
    server = id;
  }
  void close() {
    port_.world_.cancel(std::exchange(timer_, {}));
    phase_ = Phase::parting;
    buffer_.clear();
    connection_->close();
  }
  /// Breaks off; nothing more is told.
  void end() {
    port_.world_.cancel(std::exchange(timer_, {}));
    phase_ = Phase::parting;
    connection_.reset();
  }

  void on_data(std::string_view octets) override {
    if (phase_ == Phase::parting) return;
    const auto self = shared_from_this();  // what comes of a frame may end this channel
    buffer_ += octets;
    if (phase_ == Phase::greeting && !greet()) return;
    if (phase_ == Phase::authenticating && !go_on_authenticating()) return;
    std::size_t used = 0;
    while (phase_ == Phase::established) {
      base::Reader in(std::string_view(buffer_).substr(used));
      const std::uint32_t length = in.u32();
      if (!in.ok()) break;
      if (length == 0 || length > notification_octets_max) return fail("a frame of " + std::to_string(length) + " octets");
      const std::string_view frame = in.octets(length);
      if (!in.ok()) break;
      used += in.offset();
      if (auto notification = decode_notification(frame)) {
        port_.handler_.on_notification(server, std::move(*notification));
      } else {
        port_.logger_.debug("passed over a malformed notification server={} octets={}", server, length);
      }
    }
    if (phase_ == Phase::established) buffer_.erase(0, used);
  }
  void on_closed(const world::NetError& why) override {
    if (phase_ != Phase::authenticating) return port_.closed(*this, why.message);
    const auto self = shared_from_this();
    // One that does not authenticate itself and only asked to be called.
    if (may_go_without() && greeting_->from < port_.options_.self) {
      connection_.reset();
      return greeted();
    }
    fail("it was not authenticated: " + why.message);
  }

  const std::uint64_t number;
  ServerId server = 0;  // once it is known

 private:
  bool greet() {
    auto read = decode_initial_message(buffer_);
    if (!read) return fail(read.error()), false;
    if (!*read) return false;
    greeting_ = std::move((*read)->message);
    buffer_.erase(0, (*read)->used);
    auth_ = QuorumAuth::of(port_.options_.auth, true, port_.world_.random());
    if (!auth_) return greeted(), true;
    phase_ = Phase::authenticating;
    if (!auth_->is_required()) limit(auth_start_limit);
    return true;
  }
  /// False: it goes on, or has failed.
  bool go_on_authenticating() {
    const bool had_begun = auth_->has_begun();
    QuorumAuth::Progress progress = auth_->receive(std::exchange(buffer_, {}));
    if (!had_begun && auth_->has_begun()) limit(port_.options_.greeting_limit);
    const bool told = !progress.reply.empty();
    write(std::move(progress.reply));
    if (progress.state == AuthStep::State::going_on) return false;
    if (progress.state == AuthStep::State::failed) return fail("it was not authenticated: " + progress.why, told), false;
    buffer_ = std::move(progress.rest);
    if (greeting_) {
      greeted();
    } else {
      auth_.reset();
      port_.reached(shared_from_this());
    }
    return true;
  }
  bool may_go_without() const { return greeting_ && auth_ && !auth_->has_begun() && !auth_->is_required(); }
  void greeted() {
    auth_.reset();
    port_.greeted(*this, *greeting_);
  }
  void out_of_time() {
    timer_ = {};
    const auto self = shared_from_this();
    if (may_go_without()) return greeted();
    fail(phase_ == Phase::greeting ? "it did not say who it is" : "it did not authenticate itself in time");
  }
  /// told: what was written goes out before.
  void fail(const std::string& why, bool told = false) {
    port_.logger_.warn("dropped a connection to the election port peer={} why={}", to_string(peer()), why);
    if (told) return port_.refuse(*this);
    end();
    port_.closed(*this, why);
  }

  ElectionPort& port_;
  std::unique_ptr<Connection> connection_;
  Phase phase_;
  std::optional<InitialMessage> greeting_;  // of one that connected to us
  std::unique_ptr<QuorumAuth> auth_;        // while it goes on
  world::TimerId timer_;
  std::string buffer_;  // what is not yet a whole message: at most one of the largest, and what came with its end
};

struct ElectionPort::Dial {
  std::uint64_t number;
  std::vector<Address> addresses;
  std::size_t going = 0;
  bool all_refused = true;
  std::shared_ptr<Channel> channel = nullptr;  // it has answered, and we authenticate ourselves
};

struct ElectionPort::Remote {
  std::shared_ptr<Channel> channel;
  std::optional<Dial> dial;
  world::Instant asked_until{};  // until then it may be calling back
  world::Instant redial_after{};
  std::optional<std::string> waits;  // frames, with their lengths
  std::string last_sent;
};

ElectionPort::ElectionPort(world::World& world, const ElectionPortOptions& options, Handler& handler, spdlog::logger& logger)
    : world_(world), options_(options), handler_(handler), logger_(logger) {}

ElectionPort::~ElectionPort() {
  *alive_ = false;
  world_.cancel(slow_timer_);
}

base::Result<void, std::string> ElectionPort::listen(const std::vector<Address>& addresses) {
  // An address that stays is kept: the same port cannot be listened on twice.
  std::vector<std::unique_ptr<world::Listener>> fresh;
  std::set<const world::Listener*> kept;
  for (const Address& address : addresses) {
    const auto same = std::find_if(listeners_.begin(), listeners_.end(), [&](const auto& l) { return l->address() == address; });
    if (same != listeners_.end()) {
      kept.insert(same->get());
      continue;
    }
    auto listener = world_.listen(address, {.tls = options_.tls, .plain_too = options_.plain_too},
                                  [this](std::unique_ptr<Connection> connection) { accept(std::move(connection)); });
    if (!listener) return std::unexpected(std::move(listener.error().message));
    fresh.push_back(std::move(*listener));
  }
  std::erase_if(listeners_, [&](const auto& listener) { return !kept.contains(listener.get()); });
  std::move(fresh.begin(), fresh.end(), std::back_inserter(listeners_));
  return {};
}

std::vector<Address> ElectionPort::addresses() const {
  std::vector<Address> out;
  for (const auto& listener : listeners_) out.push_back(listener->address());
  return out;
}

void ElectionPort::set_members(const EnsembleConfig& committed, const EnsembleConfig& last_seen) {
  members_.clear();
  for (const auto* config : {&committed, &last_seen}) {
    for (const auto& [id, member] : config->members) append_new(members_[id], member.election_addresses);
  }
  own_addresses_.clear();
  if (const auto own = members_.extract(options_.self)) own_addresses_ = own.mapped();
  std::erase_if(remotes_, [this](const auto& remote) { return !is_member(remote.first) && !remote.second.channel && !remote.second.dial; });
}

void ElectionPort::send(ServerId to, const Notification& notification) {
  if (to == options_.self) return;
  const bool known = is_member(to);
  const auto found = remotes_.find(to);
  if (!known && (found == remotes_.end() || !found->second.channel)) return;
  Remote& remote = remotes_[to];
  std::string frame;
  base::Writer writer(frame);
  const std::string body = encode(notification);
  writer.u32(static_cast<std::uint32_t>(body.size()));
  writer.octets(body);
  remote.waits = std::move(frame);
  if (remote.channel) {
    flush(remote);
  } else if (world_.now() >= remote.asked_until) {
    dial(to, members_.at(to));
  }
}

std::vector<ServerId> ElectionPort::connected() const {
  std::vector<ServerId> out;
  for (const auto& [id, remote] : remotes_) {
    if (remote.channel) out.push_back(id);
  }
  return out;
}

void ElectionPort::accept(std::unique_ptr<Connection> connection) {
  const auto channel = std::make_shared<Channel>(*this, ++last_number_, std::move(connection), Channel::Phase::greeting);
  if (transient_.size() >= options_.transient_max) transient_.erase(transient_.begin());
  transient_[channel->number] = channel;
  channel->limit(options_.greeting_limit);
  channel->start();
}

/// Who it is is known. The server of the higher number keeps the connections that it makes; one of a lower number only asks to be called.
void ElectionPort::greeted(Channel& channel, const InitialMessage& message) {
  const auto held = transient_.extract(channel.number);
  std::shared_ptr<Channel> it = held.mapped();
  if (message.from > options_.self) {
    const ServerId id = message.from == anonymous ? --last_anonymous_ : message.from;
    it->establish(id);
    return establish(id, std::move(it));
  }
  if (message.from == options_.self) {
    logger_.warn("a server of our own number connected to the election port number={} peer={}", message.from, to_string(it->peer()));
    return part(std::move(it));
  }
  part(std::move(it));
  const ServerId id = message.from;
  const auto found = remotes_.find(id);
  if (found != remotes_.end() && found->second.channel) {  // it would not have asked if that one still worked
    found->second.channel->end();
    found->second.channel.reset();
  }
  if (!message.addresses.empty()) {
    dial(id, message.addresses);
  } else if (is_member(id)) {
    dial(id, members_.at(id));
  }
}

void ElectionPort::dial(ServerId to, const std::vector<Address>& addresses) {
  if (!is_member(to) && !remotes_.contains(to)) {
    const auto is_stranger = [this](const auto& remote) { return !is_member(remote.first); };
    const auto strangers = static_cast<std::size_t>(std::count_if(remotes_.begin(), remotes_.end(), is_stranger));
    if (strangers >= options_.strangers_max) return;
  }
  Remote& remote = remotes_[to];
  if (!remote.dial) remote.dial = Dial{.number = ++last_number_, .addresses = {}};
  Dial& dial = *remote.dial;
  for (const Address& address : addresses) {
    if (dial.addresses.size() >= tries_max || std::find(dial.addresses.begin(), dial.addresses.end(), address) != dial.addresses.end()) {
      continue;
    }
    dial.addresses.push_back(address);
    ++dial.going;
    world_.connect(address, {.timeout = options_.connect_timeout, .tls = options_.connect_tls},
                   [this, alive = alive_, to, number = dial.number](NetResult<std::unique_ptr<Connection>> result) {
                     if (*alive) dialled(to, number, std::move(result));
                   });
  }
  if (dial.going == 0) remote.dial.reset();
}

void ElectionPort::dialled(ServerId to, std::uint64_t dial, NetResult<std::unique_ptr<Connection>> result) {
  const auto found = remotes_.find(to);
  // Another address was faster: the connection is dropped.
  if (found == remotes_.end() || !found->second.dial || found->second.dial->number != dial || found->second.dial->channel) return;
  Remote& remote = found->second;
  if (!result) {
    logger_.debug("cannot reach the election port of a server server={} why={}", to, result.error().message);
    remote.dial->all_refused &= result.error().code == NetErrc::refused;
    if (--remote.dial->going > 0) return;
    const bool refused = remote.dial->all_refused && is_member(to);
    remote.dial.reset();
    if (!is_member(to) && !remote.channel) remotes_.erase(found);
    if (refused) handler_.on_down(to);
    return;
  }
  if (remote.channel) return remote.dial.reset();  // it was faster
  const auto channel = std::make_shared<Channel>(*this, ++last_number_, std::move(*result), Channel::Phase::established);
  channel->server = to;
  channel->start();
  // In one piece: Java servers read it by one call.
  const InitialMessage message{options_.self, own_addresses_.empty() ? addresses() : own_addresses_};
  channel->write(encode(message, options_.multi_address));
  auto auth = QuorumAuth::of(options_.auth, false, world_.random());
  if (!auth) return reached(channel);
  remote.dial->channel = channel;
  channel->authenticate(std::move(auth));
}

/// It knows who we are. source: QuorumCnxManager.startConnection
void ElectionPort::reached(std::shared_ptr<Channel> channel) {
  const ServerId to = channel->server;
  if (to < options_.self) {
    channel->establish(to);
    return establish(to, std::move(channel));
  }
  Remote& remote = remotes_[to];
  remote.dial.reset();
  remote.asked_until = world_.now() + call_back_limit;
  part(std::move(channel));
  if (!is_member(to)) remotes_.erase(to);
}

void ElectionPort::establish(ServerId id, std::shared_ptr<Channel> channel) {
  if (!is_member(id) && !remotes_.contains(id)) {
    std::vector<std::pair<std::uint64_t, ServerId>> strangers;
    for (const auto& [other, remote] : remotes_) {
      if (!is_member(other)) strangers.emplace_back(remote.channel ? remote.channel->number : remote.dial ? remote.dial->number : 0, other);
    }
    if (strangers.size() >= options_.strangers_max) remotes_.erase(std::min_element(strangers.begin(), strangers.end())->second);
  }
  logger_.debug("connected for elections server={} peer={}", id, to_string(channel->peer()));
  Remote& remote = remotes_[id];
  if (remote.channel) remote.channel->end();
  remote.channel = std::move(channel);
  remote.dial.reset();
  remote.asked_until = {};
  if (!remote.waits && !remote.last_sent.empty()) remote.waits = remote.last_sent;
  flush(remote);
}

void ElectionPort::part(std::shared_ptr<Channel> channel) {
  if (channel->is_over()) return;
  if (transient_.size() >= options_.transient_max) transient_.erase(transient_.begin());
  channel->close();
  transient_[channel->number] = std::move(channel);
}

/// A connection that was made to us ends, and the other side is told what was written to it.
void ElectionPort::refuse(Channel& channel) {
  const auto held = transient_.extract(channel.number);
  if (!held.empty()) part(held.mapped());
}

void ElectionPort::flush(Remote& remote) {
  if (!remote.waits) return;
  if (remote.channel->unsent() <= options_.unsent_max) {
    remote.last_sent = std::move(*remote.waits);
    remote.waits.reset();
    remote.channel->write(remote.last_sent);
  } else if (slow_timer_ == world::TimerId{}) {
    slow_timer_ = world_.after(slow_interval, [this] { watch_slow(); });
  }
}

void ElectionPort::watch_slow() {
  slow_timer_ = {};
  for (auto& [id, remote] : remotes_) {
    if (remote.channel) flush(remote);
  }
}

void ElectionPort::closed(Channel& channel, const std::string& why) {
  if (transient_.erase(channel.number) > 0) return;
  const auto found = remotes_.find(channel.server);
  if (found == remotes_.end()) return;
  if (found->second.dial && found->second.dial->channel.get() == &channel) {
    found->second.dial.reset();
    if (!is_member(channel.server) && !found->second.channel) remotes_.erase(found);
    return;
  }
  if (found->second.channel.get() != &channel) return;
  logger_.debug("disconnected from a server server={} why={}", channel.server, why);
  Remote& remote = found->second;
  remote.channel.reset();
  if (!is_member(found->first)) {
    if (!remote.dial) remotes_.erase(found);
    return;
  }
  const ServerId member = found->first;
  const world::Instant now = world_.now();
  if (!remote.last_sent.empty() && now >= remote.asked_until && now >= remote.redial_after) {
    remote.redial_after = now + redial_interval;
    dial(member, members_.at(member));
  }
  // Calling it again tells less: while a process goes, the system may still take calls for it.
  handler_.on_down(member);
}

}  // namespace chorus::zab
