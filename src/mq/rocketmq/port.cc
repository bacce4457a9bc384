#include "mq/rocketmq/port.h"

#include <utility>

namespace chorus::mq::rocketmq {

namespace {

/// Smaller requests are bounded by their number.
constexpr std::size_t large_octets = 4096;

}  // namespace

class Port::Channel final : public world::ConnectionHandler {
 public:
  Channel(Port& port, ConnectionId id, std::unique_ptr<world::Connection> connection)
      : port_(port), id_(id), connection_(std::move(connection)), frames_(limits().frame_octets_max), heard_(port.world_.now()) {}

  void start() { connection_->start(*this); }
  void send(std::string frame) {
    connection_->write(std::move(frame));
    const std::size_t unsent = connection_->unsent();
    if (unsent > limits().unsent_octets_max && !refused_) {
      ++port_.counters_.connections_ended;
      return refuse("it does not take its answers");
    }
    // Whoever does not read its answers is not read from either.
    if (unsent >= world::Connection::high_water) pause(Reason::unsent);
  }
  void answer(std::string frame, std::optional<std::int32_t> opaque) {
    if (asked_ > 0) --asked_;
    if (const auto found = opaque ? queued_.find(*opaque) : queued_.end(); found != queued_.end()) {
      queued_octets_ -= found->second;
      queued_.erase(found);
      if (queued_octets_ <= limits().queued_octets_max / 2) resume(Reason::queued);
    }
    send(std::move(frame));
  }
  void close() { connection_->close(); }
  void abort() { connection_->abort(); }
  const world::Address& peer() const { return connection_->peer(); }
  bool is_tls() const { return connection_->is_tls(); }
  world::Instant heard() const { return heard_; }

  void on_data(std::string_view octets) override {
    if (refused_) return;
    heard_ = port_.world_.now();
    const auto received = frames_.receive(octets, [this](const Frame& frame) {
      if (refused_) return;
      const auto command = Command::decode(frame);
      if (!command) {
        refuse("a header that cannot be read");
        return;
      }
      if (!command->is_response() && !command->is_oneway() && !take(*command, frame)) return;
      port_.handler_.on_command(id_, *command);
    });
    if (!received && !refused_) refuse(to_string(received.error()));
  }
  void on_drained() override { resume(Reason::unsent); }
  void on_closed(const world::NetError& why) override {
    port_.log_.debug("connection ended connection={} why={}", id_.value, why.message);
    port_.closed(id_);  // destroys this
  }

 private:
  enum class Reason : std::uint8_t { unsent = 1, queued = 2 };

  const Limits& limits() const { return port_.options_.limits; }
  /// Counts a request that is to be answered; false: there are too many, and it was.
  bool take(const Command& command, const Frame& frame) {
    if (asked_ >= limits().requests_max) {
      ++port_.counters_.requests_refused;
      send(encode(Outgoing::answer(command, ResponseCode::system_busy, "[OVERLOAD]system busy, start flow control for a while")));
      return false;
    }
    ++asked_;
    const std::size_t size = frame.header.size() + frame.body.size();
    // Of two with one number only the first counts: an answer to either ends it.
    if (size >= large_octets && queued_.emplace(command.opaque, size).second) {
      queued_octets_ += size;
      if (queued_octets_ > limits().queued_octets_max) pause(Reason::queued);
    }
    return true;
  }
  void pause(Reason reason) {
    const auto before = std::exchange(paused_, paused_ | static_cast<unsigned>(reason));
    if (before != 0) return;
    ++port_.counters_.pauses;
    connection_->pause_reading();
  }
  void resume(Reason reason) {
    const auto before = std::exchange(paused_, paused_ & ~static_cast<unsigned>(reason));
    if (before != 0 && paused_ == 0) connection_->resume_reading();
  }
  void refuse(std::string_view why) {
    refused_ = true;
    port_.log_.warn("connection closed: {} connection={} peer={}", why, id_.value, to_string(peer()));
    connection_->abort();
  }

  Port& port_;
  const ConnectionId id_;
  std::unique_ptr<world::Connection> connection_;
  FrameDecoder frames_;
  world::Instant heard_;
  std::size_t asked_ = 0;                                  // and not answered
  absl::flat_hash_map<std::int32_t, std::size_t> queued_;  // large ones of these: octets by number
  std::size_t queued_octets_ = 0;
  unsigned paused_ = 0;  // Reasons
  bool refused_ = false;
};

Port::Port(world::World& world, PortOptions options, Handler& handler, spdlog::logger& logger)
    : world_(world), options_(std::move(options)), handler_(handler), log_(logger) {}
Port::~Port() = default;

base::Result<void, std::string> Port::listen() {
  for (const world::Address& address : options_.addresses) {
    if (auto listening = listen(address); !listening) return listening;
  }
  close_idle();
  return {};
}

base::Result<void, std::string> Port::listen(const world::Address& address) {
  auto listener = world_.listen(address, {.tls = options_.tls, .plain_too = options_.plain_too},
                                [this](std::unique_ptr<world::Connection> connection) { accept(std::move(connection)); });
  if (!listener) return std::unexpected(listener.error().message);
  listeners_.push_back(std::move(*listener));
  return {};
}

std::vector<world::Address> Port::addresses() const {
  std::vector<world::Address> addresses;
  for (const auto& listener : listeners_) addresses.push_back(listener->address());
  return addresses;
}

void Port::accept(std::unique_ptr<world::Connection> connection) {
  const std::string host = connection->peer().host;
  const auto before = by_address_.find(host);
  const bool too_many = channels_.size() >= options_.limits.connections_max;
  if (too_many || (before != by_address_.end() && before->second >= options_.limits.connections_per_address_max)) {
    ++counters_.connections_refused;
    if (!refusal_logged_ || world_.now() - *refusal_logged_ >= std::chrono::seconds(1)) {
      refusal_logged_ = world_.now();
      log_.warn("connections refused: {} are open{}, the most that may be peer={} refused={}", too_many ? channels_.size() : before->second,
                too_many ? "" : " from there", to_string(connection->peer()), counters_.connections_refused);
    }
    return;  // destroying it breaks it off
  }
  ++by_address_[host];
  const ConnectionId id(++last_id_);
  auto& channel = channels_[id] = std::make_unique<Channel>(*this, id, std::move(connection));
  channel->start();
}

void Port::closed(ConnectionId id) {
  if (const auto found = channels_.find(id); found != channels_.end()) {
    const auto count = by_address_.find(found->second->peer().host);
    if (count != by_address_.end() && --count->second == 0) by_address_.erase(count);
  }
  channels_.erase(id);
  handler_.on_closed(id);
}

void Port::close_idle() {
  world_.after(options_.idle_max / 4, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.lock()) return;
    for (const auto& [id, channel] : channels_) {
      if (world_.now() - channel->heard() > options_.idle_max) channel->close();
    }
    close_idle();
  });
}

void Port::send(ConnectionId to, std::string frame, std::optional<std::int32_t> opaque) {
  if (const auto found = channels_.find(to); found != channels_.end()) found->second->answer(std::move(frame), opaque);
}

void Port::request(ConnectionId to, std::string frame) {
  if (const auto found = channels_.find(to); found != channels_.end()) found->second->send(std::move(frame));
}

void Port::close(ConnectionId connection) {
  if (const auto found = channels_.find(connection); found != channels_.end()) found->second->close();
}

void Port::stop() {
  listeners_.clear();
  for (const auto& [id, channel] : channels_) channel->close();
}

const world::Address* Port::peer(ConnectionId connection) const {
  const auto found = channels_.find(connection);
  return found == channels_.end() ? nullptr : &found->second->peer();
}

bool Port::is_tls(ConnectionId connection) const {
  const auto found = channels_.find(connection);
  return found != channels_.end() && found->second->is_tls();
}

}  // namespace chorus::mq::rocketmq
