// The links between a leader and its learners.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "world/world.h"
#include "zab/link.h"
#include "zab/types.h"

namespace chorus::zab {

struct QuorumPortOptions {
  int connect_tries = 5;
  milliseconds connect_retry_delay{100};
  LinkOptions link;
  /// Links accepted whose first packet has not come: the oldest gives way to one more.
  std::size_t silent_links_max = 64;
  std::optional<world::TlsOptions> tls;          // to accept with
  bool plain_too = false;                        // portUnification: accept both
  std::optional<world::TlsOptions> connect_tls;  // sslQuorum: to connect with
};

/// Lives on one reactor.
class QuorumPort final : public Link::Owner {
 public:
  /// None is called from within a call to the port.
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void on_accepted(LinkId link, const world::Address& peer) = 0;
    virtual void on_connected(LinkId link) = 0;
    virtual void on_connect_failed(ServerId to, const std::string& why) = 0;
    virtual void on_packet(LinkId link, Packet packet) = 0;
    virtual void on_snapshot_taken(LinkId link) = 0;
    virtual void on_snapshot_sent(LinkId link) = 0;
    /// By the other side, the network, or for what the other side does. Not after close().
    virtual void on_link_closed(LinkId link, const std::string& why) = 0;
  };

  QuorumPort(world::World& world, const QuorumPortOptions& options, Handler& handler);
  ~QuorumPort() override;

  /// Accepts there from now on, and no longer where it did before. The words of the error are for a person; it then listens as before.
  base::Result<void, std::string> listen(const std::vector<world::Address>& addresses);
  /// With the ports that the system picked.
  std::vector<world::Address> addresses() const;

  /// To the first of the addresses that answers: each is tried several times, for `limit` in all. Ends what an earlier call began.
  /// source: Learner.connectToLeader
  void connect(ServerId to, const std::vector<world::Address>& addresses, milliseconds limit);

  // All do nothing for a link that is gone. See Link.
  void send(LinkId link, const Packet& packet);
  void send_snapshot(LinkId link, std::unique_ptr<SnapshotSource> source);
  void expect_snapshot(LinkId link, std::unique_ptr<SnapshotSink> sink);
  void close(LinkId link);
  /// Breaks off; on_link_closed() follows, with these words.
  void end(LinkId link, std::string why);
  /// Hands what was gathered to the system. Call it after send(), once for many.
  void flush();

  /// Reads from no link until told otherwise: TCP slows the other sides down.
  void pause_reading();
  void resume_reading();
  /// Accepts no more and closes all links; `done` when they have sent what they had, or after 5 s.
  void shut_down(world::Callback done);

  /// Links that are open.
  std::size_t size() const;
  /// Octets that wait for the other side of a link; 0 when it is gone.
  std::size_t unsent(LinkId link) const;
  /// Null when it is gone.
  const LinkQueue* queue_of(LinkId link) const;
  std::optional<world::Address> peer(LinkId link) const;

 private:
  struct Dial;

  Link& add(std::unique_ptr<world::Connection> connection);
  Link* find(LinkId link) const;
  void stop_connecting();
  void accept(std::unique_ptr<world::Connection> connection);
  void try_address(std::size_t index);
  void tried(std::size_t index, world::NetResult<std::unique_ptr<world::Connection>> result);
  void on_ready(LinkId link) override;
  void on_packet(LinkId link, Packet packet) override;
  void on_snapshot_taken(LinkId link) override;
  void on_snapshot_sent(LinkId link) override;
  void on_closed(LinkId link, const std::string& why) override;

  world::World& world_;
  const QuorumPortOptions options_;
  Handler& handler_;
  std::vector<std::unique_ptr<world::Listener>> listeners_;
  std::map<LinkId, std::unique_ptr<Link>> links_;
  std::vector<LinkId> unflushed_;
  std::uint64_t last_link_ = 0;
  bool paused_ = false;
  std::unique_ptr<Dial> dial_;
  std::uint64_t last_dial_ = 0;
  struct Connecting {
    LinkId link;
    ServerId to;
  };
  std::optional<Connecting> connecting_;  // it has answered, and we authenticate ourselves
  world::Callback shut_down_done_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // connects look here before they touch the port
};

}  // namespace chorus::zab
