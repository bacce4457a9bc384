// The connections over which servers elect: one between any two, which the one of the higher number has made. source: QuorumCnxManager
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "world/world.h"
#include "zab/config.h"
#include "zab/notification.h"
#include "zab/quorum_auth.h"
#include "zab/types.h"

namespace chorus::zab {

struct ElectionPortOptions {
  ServerId self = 0;
  bool multi_address = false;                    // tell others all of our addresses; needs release 3.6 everywhere
  milliseconds connect_timeout{5000};            // zookeeper.cnxTimeout
  milliseconds greeting_limit{10'000};           // quorumCnxnTimeoutMs: who connects says who it is within that time
  std::optional<world::TlsOptions> tls;          // to accept with
  bool plain_too = false;                        // portUnification: accept both
  std::optional<world::TlsOptions> connect_tls;  // sslQuorum: to connect with
  QuorumAuthOptions auth;                        // begins right behind the first message
  /// Connections whose first message has not come, and such as are being closed: the oldest gives way to one more.
  std::size_t transient_max = 64;
  /// Servers outside of the configuration that are connected: the oldest gives way to one more.
  std::size_t strangers_max = 64;
  /// Octets unsent to one server before its next notification waits, of which only the newest is kept.
  std::size_t unsent_max = 64 << 10;
};

/// Lives on one reactor. Memory is bounded by the number of members and the limits above, whoever connects and whatever it sends.
class ElectionPort {
 public:
  /// None is called from within a call to the port, and none may destroy it.
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void on_notification(ServerId from, Notification notification) = 0;
    /// Nobody listens at any address of this member, or it ended its connection: nothing will be heard from it for now.
    virtual void on_down(ServerId member) = 0;
  };

  ElectionPort(world::World& world, const ElectionPortOptions& options, Handler& handler, spdlog::logger& logger);
  ~ElectionPort();

  /// Accepts there from now on, and no longer where it did before. The words of the error are for a person; it then listens as before.
  base::Result<void, std::string> listen(const std::vector<world::Address>& addresses);
  /// With the ports that the system picked.
  std::vector<world::Address> addresses() const;
  /// Where others are, and where they find us. Connections stay.
  void set_members(const EnsembleConfig& committed, const EnsembleConfig& last_seen);

  /// The newest notification for each server is what counts: it replaces one that still waits, and is sent again when the connection is
  /// made anew, which for a member that was told something happens by itself. Connects if need be. Does nothing for a server that is no
  /// member and not connected.
  void send(ServerId to, const Notification& notification);

  /// Servers that are connected.
  std::vector<ServerId> connected() const;

 private:
  class Channel;
  struct Dial;
  struct Remote;

  bool is_member(ServerId id) const { return members_.contains(id); }
  void accept(std::unique_ptr<world::Connection> connection);
  void greeted(Channel& channel, const InitialMessage& message);
  void dial(ServerId to, const std::vector<world::Address>& addresses);
  void dialled(ServerId to, std::uint64_t dial, world::NetResult<std::unique_ptr<world::Connection>> result);
  void reached(std::shared_ptr<Channel> channel);
  void establish(ServerId id, std::shared_ptr<Channel> channel);
  void part(std::shared_ptr<Channel> channel);
  void refuse(Channel& channel);
  void flush(Remote& remote);
  void watch_slow();
  void closed(Channel& channel, const std::string& why);

  world::World& world_;
  const ElectionPortOptions options_;
  Handler& handler_;
  spdlog::logger& logger_;
  std::vector<std::unique_ptr<world::Listener>> listeners_;
  std::map<ServerId, std::vector<world::Address>> members_;
  std::vector<world::Address> own_addresses_;
  std::map<ServerId, Remote> remotes_;                           // members to which something was sent, and all that are connected
  std::map<std::uint64_t, std::shared_ptr<Channel>> transient_;  // by age
  std::uint64_t last_number_ = 0;                                // of channels and dials
  ServerId last_anonymous_ = 0;                                  // observers outside of the configuration are numbered from -1 downwards
  world::TimerId slow_timer_;                                    // while a notification waits for a slow reader
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);   // connects look here before they touch the port
};

}  // namespace chorus::zab
