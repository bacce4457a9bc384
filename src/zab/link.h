// One connection on the quorum port.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "world/world.h"
#include "zab/packet_stream.h"
#include "zab/quorum_auth.h"
#include "zab/types.h"

namespace chorus::zab {

struct LinkOptions {
  /// The other side speaks first and is given so long for it, when it was it that connected; or so long to authenticate us.
  milliseconds first_packet_limit{20'000};
  /// A snapshot of which nothing moves for so long, at most twice that, ends the link.
  milliseconds snapshot_stall_limit{20'000};
  /// A link whose other side takes in nothing is ended at this many octets unsent.
  std::size_t unsent_max = 256 << 20;
  StreamLimits limits;
  QuorumAuthOptions auth;
};

/// Packets and snapshots in both directions, sent in the order of the calls. What goes out is gathered until flush(). While a snapshot is
/// under way no more of it is made than Connection::high_water, however slowly the other side reads; packets for it wait here.
class Link final : public world::ConnectionHandler {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    /// The other side knows who we are, or does not ask: the link can be used. Only where we connected.
    virtual void on_ready(LinkId link) = 0;
    /// May close the link.
    virtual void on_packet(LinkId link, Packet packet) = 0;
    virtual void on_snapshot_taken(LinkId link) = 0;
    /// All of it was made, and less than about Connection::high_water of it is still on its way.
    virtual void on_snapshot_sent(LinkId link) = 0;
    /// The last call, also after close(); it may destroy the link.
    virtual void on_closed(LinkId link, const std::string& why) = 0;
  };

  Link(world::World& world, LinkId id, std::unique_ptr<world::Connection> connection, const LinkOptions& options, Owner& owner);
  ~Link() override;

  /// Begins to read; once.
  void start(bool accepted);
  void send(const Packet& packet);
  void send_snapshot(std::unique_ptr<SnapshotSource> source);
  void flush();
  /// What follows the packet that on_packet() told last; from within that call.
  void expect_snapshot(std::unique_ptr<SnapshotSink> sink);
  /// Sends what was given to send(), but for a snapshot and what waits behind it, and ends. Nothing more is told but on_closed().
  void close();
  /// Breaks off. Nothing more is told but on_closed(), with these words.
  void end(std::string why);
  void pause_reading() { connection_->pause_reading(); }
  void resume_reading() { connection_->resume_reading(); }

  LinkId id() const { return id_; }
  bool is_open() const { return open_; }
  bool is_accepted() const { return accepted_; }
  bool was_closed_here() const { return closed_here_; }  // by close()
  bool has_gathered() const { return !gathered_.empty(); }
  bool had_packet() const { return input_.had_packet(); }
  std::size_t unsent() const { return connection_->unsent() + waiting_octets_ + gathered_.size(); }
  const LinkQueue& queue() const { return queue_; }
  const world::Address& peer() const { return connection_->peer(); }

  void on_data(std::string_view octets) override;
  void on_drained() override {
    look_at_queue();
    pump();
  }
  void on_closed(const world::NetError& why) override;

 private:
  /// The octets that are no longer of the authentication; empty while that goes on.
  std::optional<std::string> authenticate(std::string_view octets);
  void write(std::string octets);
  void pump();
  void pump_after(world::Duration delay);
  void watch_snapshots();
  void count_queue();
  void look_at_queue();
  void stop();
  void fail(std::string why);

  world::World& world_;
  const LinkId id_;
  const std::unique_ptr<world::Connection> connection_;
  const LinkOptions options_;
  Owner& owner_;
  std::unique_ptr<QuorumAuth> auth_;  // while it goes on
  PacketStream input_;
  bool open_ = true;
  bool accepted_ = false;
  bool closed_here_ = false;
  std::string why_;  // of end()
  world::TimerId first_packet_timer_;

  std::string gathered_;  // until flush()
  std::int64_t gathered_packets_ = 0;
  // The snapshot under way and what comes after it; empty when there is none.
  std::deque<std::variant<std::string, std::unique_ptr<SnapshotSource>>> waiting_;
  std::size_t waiting_octets_ = 0;
  world::TimerId pump_timer_;

  LinkQueue queue_;
  std::int64_t packets_ = 0, packets_away_ = 0;  // handed on; of them gone, as far as we know
  // One packet at a time is followed until it is gone: the last of so many, which ends at so many octets.
  struct Followed {
    std::int64_t packets;
    std::uint64_t octets;
    world::Instant since;
  };
  std::optional<Followed> followed_;

  // Whether snapshots move: octets in all, and what they were at the last look.
  std::uint64_t written_ = 0, written_away_before_ = 0;
  std::uint64_t received_ = 0, received_before_ = 0;
  world::TimerId watch_timer_;
};

}  // namespace chorus::zab
