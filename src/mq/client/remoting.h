// Requests to servers by their addresses: the shell of Channel, one connection each, made when it is needed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "mq/client/channel.h"
#include "world/world.h"

namespace chorus::mqclient {

struct RemotingOptions {
  std::optional<world::TlsOptions> tls;
  std::optional<Credentials> credentials;
  Duration connect_timeout = std::chrono::seconds(3);
  std::size_t waiting_max = 65'536;  // requests without an answer, of each server
};

/// Lives on one reactor. Completions come in the order of the answers; none after it is destroyed.
class Remoting {
 public:
  Remoting(world::World& world, RemotingOptions options);
  ~Remoting();
  Remoting(const Remoting&) = delete;
  Remoting& operator=(const Remoting&) = delete;

  /// limit: for connection and answer together. A one-way request (flag_oneway) is completed when it is on its way.
  void call(const world::Address& to, wire::Outgoing request, Duration limit, Completion<Incoming> done);
  /// What servers ask by themselves.
  void on_asked(std::function<void(const world::Address& from, const Incoming& request)> listener);
  /// An answer to that; `answer.opaque` is the question's.
  void reply(const world::Address& to, wire::Outgoing answer);
  /// A connection is there, or is there again: a server knows nothing of us on a new one.
  void on_connected(std::function<void(const world::Address&)> listener);
  /// Whoever waits is told Code::closed; later calls as well.
  void close();

 private:
  class Link;
  Link& link(const world::Address& to);

  world::World& world_;
  const RemotingOptions options_;
  std::map<world::Address, std::shared_ptr<Link>> links_;
  std::function<void(const world::Address&, const Incoming&)> asked_;
  std::function<void(const world::Address&)> connected_;
  bool closed_ = false;
};

}  // namespace chorus::mqclient
