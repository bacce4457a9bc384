#include "mq/rocketmq/port.h"

#include <utility>

namespace chorus::mq::rocketmq {

class Port::Channel final : public world::ConnectionHandler {
 public:
  Channel(Port& port, ConnectionId id, std::unique_ptr<world::Connection> connection)
      : port_(port), id_(id), connection_(std::move(connection)), frames_(port.options_.frame_octets_max), heard_(port.world_.now()) {}

  void start() { connection_->start(*this); }
  void send(std::string frame) {
    connection_->write(std::move(frame));
    // Whoever does not read its answers is not read from either.
    if (!paused_ && connection_->unsent() >= world::Connection::high_water) {
      paused_ = true;
      connection_->pause_reading();
    }
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
      port_.handler_.on_command(id_, *command);
    });
    if (!received && !refused_) refuse(to_string(received.error()));
  }
  void on_drained() override {
    if (!std::exchange(paused_, false)) return;
    connection_->resume_reading();
  }
  void on_closed(const world::NetError& why) override {
    port_.log_.debug("connection ended connection={} why={}", id_.value, why.message);
    port_.closed(id_);  // destroys this
  }

 private:
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
  bool paused_ = false;
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
  if (channels_.size() >= options_.connections_max) {
    log_.warn("connection refused: {} are open, the most that may be peer={}", channels_.size(), to_string(connection->peer()));
    return;  // destroying it breaks it off
  }
  const ConnectionId id(++last_id_);
  auto& channel = channels_[id] = std::make_unique<Channel>(*this, id, std::move(connection));
  channel->start();
}

void Port::closed(ConnectionId id) {
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

void Port::send(ConnectionId to, std::string frame) {
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
