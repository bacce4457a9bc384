// The connections of a server that speaks remoting: frames in, frames out, on one reactor.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <spdlog/logger.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "mq/broker/hold.h"
#include "mq/rocketmq/command.h"
#include "mq/rocketmq/limits.h"
#include "world/world.h"

namespace chorus::mq::rocketmq {

struct PortOptions {
  std::vector<world::Address> addresses;
  std::optional<world::TlsOptions> tls;  // told from plain frames by the first octet
  bool plain_too = true;                 // tls.server.mode permissive; false: enforcing
  std::chrono::milliseconds idle_max{120'000};
  Limits limits;
};

struct PortCounters {
  std::uint64_t connections_refused = 0;  // too many, of all or of an address
  std::uint64_t requests_refused = 0;     // too many of a connection: "busy"
  std::uint64_t pauses = 0;  // a connection was not read from for a while: of what it sent too much waits, or it does not take answers
  std::uint64_t connections_ended = 0;  // it left too much unread
};

/// Memory of a connection is bounded by `limits`: one frame that comes, what it asked for and was not answered, and answers that it does
/// not take. From 1 MiB of those on (world::Connection::high_water) no more is read from it.
class Port {
 public:
  /// None is called from within a call to the port. on_command may close the connection, and none may destroy the port.
  class Handler {
   public:
    virtual ~Handler() = default;
    /// `command` is borrowed until the return.
    virtual void on_command(ConnectionId from, const Command& command) = 0;
    virtual void on_closed(ConnectionId connection) = 0;
  };

  Port(world::World& world, PortOptions options, Handler& handler, spdlog::logger& logger);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  /// The words of the error are for a person.
  base::Result<void, std::string> listen();
  /// At one more.
  base::Result<void, std::string> listen(const world::Address& address);
  /// With the ports that the system picked.
  std::vector<world::Address> addresses() const;

  /// The answer to a request, a whole frame. Nothing happens when the connection is gone. opaque: the request's; where it is not given, a
  /// large request goes on to count as queued.
  void send(ConnectionId to, std::string frame, std::optional<std::int32_t> opaque = {});
  /// A request of ours.
  void request(ConnectionId to, std::string frame);
  void close(ConnectionId connection);
  /// Accepts no more, and ends every connection once what was written is sent.
  void stop();

  const world::Address* peer(ConnectionId connection) const;
  bool is_tls(ConnectionId connection) const;
  std::size_t connections() const { return channels_.size(); }
  const PortCounters& counters() const { return counters_; }

 private:
  class Channel;
  void accept(std::unique_ptr<world::Connection> connection);
  void closed(ConnectionId id);
  void close_idle();

  world::World& world_;
  const PortOptions options_;
  Handler& handler_;
  spdlog::logger& log_;
  std::vector<std::unique_ptr<world::Listener>> listeners_;
  absl::flat_hash_map<ConnectionId, std::unique_ptr<Channel>> channels_;
  absl::flat_hash_map<std::string, std::size_t> by_address_;  // how many
  PortCounters counters_;
  std::optional<world::Instant> refusal_logged_;
  std::uint64_t last_id_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::mq::rocketmq
